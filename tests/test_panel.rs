//! A panel under exhaustive assertion: what a test may say, and that each thing it leaves out is named.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, FrameBudget, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer,
    Replica, Restart, Stamp, State, Worker,
    requests::Reply,
    supervision::Intensity,
    testing::{self, TestPanel},
    worker,
};
use tokio::time::sleep;

/// Neither `Clone` nor `PartialEq`: one variant carries a reply.
#[derive(Debug, GraphIntent)]
enum Update {
    Open(&'static str),
    Loaded {
        page: &'static str,
        lines: usize,
    },
    #[intent(latest)]
    Progress(u32),
    MayI(Reply<bool>),
    Asked,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Page {
    name: &'static str,
    lines: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Reader {
    pages: Vec<Page>,
    progress: u32,
    questions: u32,
}

impl Reducer for Reader {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Open(name) => self.pages.push(Page { name, lines: 0 }),
            Update::Loaded { page, lines } => {
                self.pages.iter_mut().filter(|known| known.name == page).for_each(|page| page.lines = lines);
            }
            Update::Progress(percent) => self.progress = percent,
            Update::MayI(reply) => {
                self.questions += 1;
                reply.send(self.questions == 1);
            }
            Update::Asked => {}
        }
    }
}

#[worker(source = IntentSource::Restore)]
async fn load(cx: Context<Update>, page: &'static str, lines: usize) {
    sleep(Duration::from_secs(2)).await;
    for percent in 1..=100 {
        cx.send(Update::Progress(percent)).await.ok();
    }
    cx.send(Update::Loaded { page, lines }).await.ok();
}

#[worker(source = IntentSource::ServoDelegate)]
async fn ask(cx: Context<Update>) {
    while let Ok(true) = cx.request(Update::MayI).await {}
    cx.send(Update::Asked).await.ok();
}

#[worker(source = IntentSource::PrefetchScheduler)]
async fn hourly(cx: Context<Update>) {
    for n in 0.. {
        sleep(Duration::from_secs(3600)).await;
        cx.send(Update::Progress(n)).await.ok();
    }
}

type Test<'a> = TestPanel<'a, Reader>;

fn under_test(test: impl AsyncFnOnce(Test<'_>)) {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        test(TestPanel::new(panel, Reader::default())).await;
    });
}

const UI: IntentSource = IntentSource::LocalUI;

fn opened(name: &'static str) -> impl FnOnce(&mut Reader) {
    move |reader| reader.pages.push(Page { name, lines: 0 })
}

#[test]
fn a_test_that_accounts_for_everything_passes() {
    under_test(async |mut test| {
        test.send(UI, Update::Open("home"), opened("home"));
        test.panel().spawn_load("home", 12);
        test.panel().spawn_hourly();
        test.advance(Duration::from_secs(2)).await;
        // Of a hundred that replace each other, one is left.
        test.receive(|update| matches!(update, Update::Progress(100)), |reader| reader.progress = 100).await;
        let loaded = |update: &Update| matches!(update, Update::Loaded { page: "home", lines: 12 });
        test.receive(loaded, |reader| reader.pages[0].lines = 12).await;
        test.advance(Duration::from_secs(3600)).await;
        test.receive(|update| matches!(update, Update::Progress(0)), |reader| reader.progress = 0).await;
        assert_eq!(test.state().pages.len(), 1);
        test.finish(["hourly"]).await;
    });
}

/// The reducer answers, and the worker goes on with the answer: yes, then no.
#[test]
fn a_request_is_answered_and_what_the_worker_makes_of_it_is_received() {
    under_test(async |mut test| {
        test.panel().spawn_ask();
        let asks = |update: &Update| matches!(update, Update::MayI(_));
        test.receive(asks, |reader| reader.questions = 1).await;
        test.receive(asks, |reader| reader.questions = 2).await;
        test.receive(|update| matches!(update, Update::Asked), |_| {}).await;
        test.finish([]).await;
    });
}

/// What the test says, and panics with.
fn failure(test: impl AsyncFnOnce(Test<'_>)) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| under_test(test))).expect_err("the test fails");
    panic.downcast_ref::<String>().expect("a message").clone()
}

fn says(test: impl AsyncFnOnce(Test<'_>), parts: &[&str]) {
    let message = failure(test);
    println!("{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert!(!message.contains('\n'), "one line: {message}");
}

#[test]
fn a_change_that_the_test_leaves_out_is_named_with_its_path() {
    says(
        async |mut test| test.send(UI, Update::Open("home"), |_| {}),
        &[
            "tests/test_panel.rs:",
            "`Open(\"home\")` of LocalUI changed `pages`, and the test does not say so: expected [], is [Page {",
        ],
    );
}

#[test]
fn a_change_that_does_not_come_is_named() {
    says(
        async |mut test| test.send(UI, Update::Asked, |reader| reader.progress = 1),
        &["`Asked` of LocalUI should have changed `progress`, and nothing changed: expected 1, is 0"],
    );
}

#[test]
fn another_change_than_the_expected_is_named() {
    says(
        async |mut test| test.send(UI, Update::Open("home"), opened("gate")),
        &["`pages[0].name`, which is not what the test says: expected \"gate\", is \"home\""],
    );
}

#[test]
fn a_change_by_a_workers_intent_is_named_too() {
    says(
        async |mut test| {
            test.panel().spawn_ask();
            test.receive(|update| matches!(update, Update::MayI(_)), |_| {}).await;
        },
        &[
            "of ServoDelegate changed `questions`, and the test does not say so: expected 0, is 1",
            "`MayI(Reply",
        ],
    );
}

#[test]
fn an_intent_that_is_not_received_before_the_next_is_sent_is_named() {
    says(
        async |mut test| {
            test.panel().spawn_load("home", 12);
            test.advance(Duration::from_secs(2)).await;
            test.send(UI, Update::Open("home"), opened("home"));
        },
        &["before it sends `Open(\"home\")`, the test does not account for 2 intents that came: \
             `Progress(100)` of Restore, `Loaded { page: \"home\", lines: 12 }` of Restore"],
    );
}

#[test]
fn an_intent_that_is_not_received_at_the_end_is_named() {
    let parts = ["does not account for 2 intents that came: `Progress(100)` of Restore, `Loaded {"];
    says(
        async |mut test| {
            test.panel().spawn_load("home", 12);
            test.advance(Duration::from_secs(2)).await;
            test.finish([]).await;
        },
        &[parts[0], "the test ends", "tests/test_panel.rs:"],
    );
    let dropped = async |mut test: Test<'_>| {
        test.panel().spawn_load("home", 12);
        test.advance(Duration::from_secs(2)).await;
    };
    says(dropped, &[parts[0], "a `TestPanel` was dropped", "end it with `finish`"]);
}

#[test]
fn another_intent_than_the_expected_is_named_with_those_behind_it() {
    says(
        async |mut test| {
            test.panel().spawn_load("home", 12);
            test.advance(Duration::from_secs(2)).await;
            test.receive(|update| matches!(update, Update::Asked), |_| {}).await;
        },
        &[
            "the next intent is not the expected one: 2 intents that came: `Progress(100)` of Restore, `Loaded",
        ],
    );
}

#[test]
fn where_no_intent_comes_the_workers_are_named() {
    let asked = |update: &Update| matches!(update, Update::Asked);
    says(async |mut test| test.receive(asked, |_| {}).await, &["no intent came", "No worker lives."]);
    says(
        async |mut test| {
            test.panel().spawn_hourly();
            test.receive(asked, |_| {}).await;
        },
        &["no intent came", "`advance` the time", "Workers: `hourly` (running)"],
    );
    says(
        async |mut test| {
            let failing = Worker::new("failing", IntentSource::Restore, async |_: Context<Update>| {
                Err::<(), _>("disk")
            })
            .restart(Restart::OnFailure)
            .intensity(Intensity::new(3, Duration::from_secs(1)))
            .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(1)));
            test.panel().spawn(failing);
            test.receive(asked, |_| {}).await;
        },
        &["no intent came", "`failing` (waiting to restart in", "`failing` failed (", "disk"],
    );
}

#[test]
fn a_worker_that_goes_on_is_named_and_so_is_one_that_does_not() {
    let goes_on = "the test ends, and does not account for workers that go on: `hourly` (running)";
    says(
        async |mut test| {
            test.panel().spawn_hourly();
            test.finish([]).await;
        },
        &[goes_on],
    );
    says(
        async |mut test| {
            test.panel().spawn_hourly();
            test.finish(["daily"]).await;
        },
        &[goes_on, "; nor for workers that have ended though it says they run: `daily`"],
    );
    says(
        async |mut test| {
            test.panel().spawn_hourly();
            test.panel().spawn_hourly();
            test.finish(["hourly"]).await;
        },
        &[goes_on],
    );
    says(
        async |mut test: Test<'_>| {
            test.panel().spawn_hourly();
        },
        &["a `TestPanel` was dropped", "workers that go on: `hourly`"],
    );
}

/// A failing test fails by its own message, not by a second panic, which would abort the process.
#[test]
fn a_test_that_panics_is_not_interrupted_by_what_it_left_out() {
    let panic = catch_unwind(AssertUnwindSafe(|| {
        under_test(async |mut test| {
            test.panel().spawn_hourly();
            resume_unwind(Box::new("the test's own"));
        });
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the test's own"));
}

#[test]
fn a_budget_of_frames_hides_no_intent() {
    let builder = ControlPanel::<Update>::builder().frame_budget(FrameBudget::default().intents(1));
    let test = async |panel: &mut ControlPanel<Update>| {
        let sender = panel.sender(UI);
        for _ in 0..4 {
            sender.try_send(Update::Asked).unwrap();
        }
        let mut test = TestPanel::new(panel, Reader::default());
        test.receive(|update| matches!(update, Update::Asked), |_| {}).await;
        test.finish([]).await;
    };
    let panic = catch_unwind(AssertUnwindSafe(|| testing::paused_with(builder, test))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("does not account for 3 intents that came: `Asked` of LocalUI,"), "{message}");
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Words(Vec<&'static str>);

impl State for Words {
    type Op = &'static str;

    fn apply(&mut self, word: &&'static str, _: &Stamp) {
        self.0.push(word);
    }
}

/// Shared, so no `Clone`; and settled.
struct Shared {
    words: Replica<Words>,
    settled: usize,
}

impl Reducer for Shared {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        if let Update::Open(word) = queued.intent {
            self.words.commit(word);
        }
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
        self.settled += 1;
    }
}

#[test]
fn a_state_that_is_no_clone_is_viewed_and_each_intent_is_settled() {
    let paused = async |panel: &mut ControlPanel<Update>| {
        let words = Replica::builder(Peer([1; 32]), Words::default()).build();
        let mut test = TestPanel::viewing(panel, Shared { words, settled: 0 }, |shared| {
            (shared.words.state().clone(), shared.settled)
        });
        test.send(UI, Update::Open("gate"), |(words, settled)| {
            words.0.push("gate");
            *settled = 1;
        });
        test.send(UI, Update::Asked, |(_, settled)| *settled = 2);
        test.finish([]).await;
    };
    testing::paused(paused);
}
