//! The type of the commands: declared by the worker, borne by its handle, and checked where a command is sent.

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, Spawn, Spawner, Worker, WorkerHandle,
    WorkerStatus, requests::Reply, testing, worker,
};
use tests::{Mark, paused};
use tokio::task::yield_now;

use super::{Command, Panel, Seen, command, listener};

#[derive(GraphIntent)]
enum Update {
    Found(String),
}

enum Ask {
    Search(&'static str),
    Count(Reply<usize>),
}

/// Takes commands of two kinds.
#[worker(source = IntentSource::Restore, inbox = Ask, inbox_capacity = 2)]
async fn search(cx: Context<Update>) {
    let (mut inbox, mut count) = (cx.inbox::<Ask>(), 0);
    while let Some(ask) = inbox.recv().await {
        match ask {
            Ask::Search(word) => {
                count += 1;
                cx.send(Update::Found(word.to_uppercase())).await.ok();
            }
            Ask::Count(reply) => reply.send(count),
        }
    }
}

/// Takes none.
#[worker(source = IntentSource::Restore)]
async fn silent(cx: Context<Update>) {
    cx.cancelled().await;
}

/// On a thread, and restarted.
#[expect(clippy::needless_pass_by_value, reason = "a worker owns its context")]
#[worker(source = IntentSource::Restore, kind = thread, restart = on_failure, inbox = Vec<(u8, String)>)]
fn thread(cx: Context<Update>) {
    let mut inbox = cx.inbox::<Vec<(u8, String)>>();
    while let Some(words) = inbox.recv_blocking() {
        for (_, word) in words {
            cx.send_blocking(Update::Found(word)).ok();
        }
    }
}

/// A library's, for any panel.
#[worker(source = IntentSource::Restore, inbox = Option<I>)]
async fn echo<I: control_panel::Intent<Source = IntentSource>, P: Send + Sync + 'static>(cx: Context<I, P>) {
    let mut inbox = cx.inbox::<Option<I>>();
    while let Some(Some(intent)) = inbox.recv().await {
        cx.send(intent).await.ok();
    }
}

fn found(panel: &mut ControlPanel<Update>) -> Vec<String> {
    let text = |queued: control_panel::QueuedIntent<Update>| {
        let Update::Found(text) = queued.intent;
        text
    };
    panel.drain().map(text).collect()
}

#[test]
fn an_annotated_worker_gives_a_handle_of_its_commands() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let search: WorkerHandle<Ask> = panel.spawn_search();
        let (reply, mut answer) = panel.reply();
        search.send(Ask::Search("gate")).unwrap();
        search.send(Ask::Count(reply)).unwrap();
        let full = search.send(Ask::Search("late")).unwrap_err();
        assert!(matches!(full.into_command(), Ask::Search("late")));
        testing::settle().await;
        assert_eq!((found(panel), answer.try_take()), (vec!["GATE".to_owned()], Some(Ok(1))));
        let silent: WorkerHandle = panel.spawn_silent();
        let echo: WorkerHandle<Option<Update>> = panel.spawn_echo();
        echo.send(Some(Update::Found("echo".into()))).unwrap();
        testing::settle().await;
        assert_eq!(found(panel), ["echo"]);
        silent.stop();
    });
}

#[test]
fn a_worker_on_a_thread_takes_typed_commands_too() {
    tests::watched(|| {
        let mut panel = ControlPanel::<Update>::new();
        let thread = panel.spawn_thread();
        thread.send(vec![(1, "one".into()), (2, "two".into())]).unwrap();
        let mut all = Vec::new();
        while all.len() < 2 {
            panel.wait_ready_timeout(std::time::Duration::MAX);
            all.extend(found(&mut panel));
        }
        assert_eq!(all, ["one", "two"]);
    });
}

/// Whatever spawns keeps the type, also where a worker is adjusted on its way.
#[test]
fn every_host_gives_the_typed_handle() {
    fn by_trait<S: Spawn<Intent = Update, Policy = ()>>(host: &S) -> [WorkerHandle<Ask>; 2] {
        let by_hand = Worker::new("by hand", IntentSource::Restore, |_| std::future::pending::<()>());
        [host.spawn_search(), host.spawn(by_hand.inbox::<Ask>())]
    }
    fn by_object(host: &dyn Spawn<Intent = Update, Policy = ()>) -> [WorkerHandle<Ask>; 2] {
        let by_hand = Worker::new("by hand", IntentSource::Restore, |_| std::future::pending::<()>());
        [host.spawn_search(), Spawn::spawn(&host, by_hand.inbox::<Ask>())]
    }
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let spawner: Spawner<Update> = panel.spawner();
        let (group, tasks) = (panel.group(), panel.keyed_tasks::<u8>());
        let mut handles = Vec::new();
        handles.extend(by_trait(panel));
        handles.extend(by_trait(&spawner));
        handles.extend(by_trait(&group));
        handles.extend(by_trait(&tasks));
        handles.extend(by_trait(&tasks.keyed(1)));
        handles.extend(by_object(&group));
        handles.extend(by_trait(&panel.configure(|worker| worker.name("other").inbox_capacity(7))));
        group.start().unwrap();
        for handle in &handles {
            assert!(handle.typed::<Ask>().is_some() && handle.typed::<String>().is_none());
            // The last of a key replaced the one before.
            assert!(handle.send(Ask::Search("it")).is_ok() || handle.status().is_final());
        }
        let room = (0..100).take_while(|_| handles.last().unwrap().send(Ask::Search("it")).is_ok()).count();
        assert_eq!(room, 6, "it was adjusted");
        // What comes back from an adjustment is another worker, and its handle's type is true all the same.
        let swapped = panel.configure(|worker| {
            drop(worker);
            Worker::new("swapped", IntentSource::Restore, |cx: Context<Update>| async move {
                cx.inbox::<Ask>().recv().await;
            })
        });
        let swapped = swapped.spawn_search();
        swapped.send(Ask::Search("it")).unwrap();
        assert!(matches!(swapped.ended().await, WorkerStatus::Ended(Exit::Finished)), "{swapped:?}");
    });
}

#[test]
fn a_handle_that_was_looked_up_gets_its_type_back_and_no_other() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let (search, silent) = (panel.spawn_search(), panel.spawn_silent());
        let handles: Vec<WorkerHandle> = vec![search.untyped(), silent.untyped(), silent.clone()];
        let found: Option<WorkerHandle<Ask>> = panel.worker("search").unwrap().typed();
        assert_eq!(found.unwrap().origin(), search.origin());
        assert!(handles[0].typed::<Ask>().is_some() && handles[0].typed::<Option<Ask>>().is_none());
        assert!(handles[1].typed::<Ask>().is_none() && handles[1].typed::<()>().is_none());
        assert!(search.typed::<Ask>().is_some(), "of one that has its type already");
        let by_origin = panel.worker_by_origin(search.origin()).unwrap().typed::<Ask>().unwrap();
        by_origin.send(Ask::Search("by origin")).unwrap();
    });
}

/// A worker that opens what it does not declare ends in its first run, and says what to write.
#[test]
fn an_inbox_of_another_type_than_declared_is_a_panic_in_plain_words() {
    paused(async || {
        let panel = Panel::new();
        let other = listener(&Seen::default()).name("listener");
        let opens = |cx: Context<Mark>| async move {
            cx.inbox::<String>().recv().await;
        };
        let declared = panel.spawn(Worker::new("declared", 0, opens).inbox::<Command>()).untyped();
        let undeclared = panel.spawn(Worker::new("undeclared", 0, opens));
        for (handle, wanted) in [
            (
                declared,
                "`declared` declares an inbox of `inbox::Command` and opens one of `alloc::string::String`",
            ),
            (undeclared, "`undeclared` opens an inbox of `alloc::string::String` and declares none"),
        ] {
            let WorkerStatus::Ended(Exit::Panicked(panic)) = handle.ended().await else {
                panic!("{handle:?}")
            };
            assert!(panic.message().contains(wanted), "{panic}");
            let file = panic.place().unwrap().file.replace('\\', "/");
            assert!(file.ends_with("inbox/types.rs"), "the caller's place: {panic}");
        }
        let handle = panel.spawn(other);
        yield_now().await;
        handle.send(command(1)).unwrap();
    });
}
