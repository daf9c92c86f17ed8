//! The end of a frame's first phase: when `Reducer::settle` is called, and what the frame's report says of what it did.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Duration,
};

use control_panel::{
    ControlPanel, Delta, FrameBudget, GraphIntent, IntentSource, Peer, QueuedIntent, Reconcile, Reducer,
    Replica, Stamp, State, Undoable, frame::RedoFigures,
};
use tests::Mark;

/// What was called, in order.
#[derive(Debug, PartialEq)]
enum Call {
    Apply(u64),
    Settle,
}

#[derive(Default)]
struct Noted {
    calls: Vec<Call>,
    panic_at: Option<u64>,
    panic_in_settle: bool,
}

impl Reducer for Noted {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        self.calls.push(Call::Apply(queued.intent.id));
        if self.panic_at == Some(queued.intent.id) {
            resume_unwind(Box::new("on purpose"));
        }
    }

    fn settle(&mut self) {
        self.calls.push(Call::Settle);
        if self.panic_in_settle {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

/// Sees what was called before it.
#[derive(Default)]
struct Host(Vec<Vec<String>>);

impl Reconcile<Noted> for Host {
    fn reconcile(&mut self, state: &Noted) {
        self.0.push(state.calls.iter().map(|call| format!("{call:?}")).collect());
    }
}

fn marks(ids: impl IntoIterator<Item = u64>) -> impl Iterator<Item = (u8, Mark)> {
    ids.into_iter().map(|id| (0, Mark::new(id)))
}

#[test]
fn a_frame_settles_once_after_its_last_intent_and_before_the_host() {
    let mut panel = ControlPanel::<Mark>::new();
    let (mut state, mut host) = (Noted::default(), Host::default());
    let sender = panel.sender(1);
    sender.try_send(Mark::new(3)).ok().unwrap();
    panel.run_frame(&mut state, &mut host, marks([1, 2]));
    assert_eq!(state.calls, [Call::Apply(1), Call::Apply(2), Call::Apply(3), Call::Settle]);
    assert_eq!(host.0, [["Apply(1)", "Apply(2)", "Apply(3)", "Settle"]]);
}

#[test]
fn a_frame_without_intents_settles_too() {
    let mut panel = ControlPanel::<Mark>::new();
    let mut state = Noted::default();
    panel.run_frame(&mut state, &mut (), []);
    panel.run_frame(&mut state, &mut (), []);
    assert_eq!(state.calls, [Call::Settle, Call::Settle]);
}

#[test]
fn a_frame_that_a_budget_cuts_short_settles_too() {
    let mut panel = ControlPanel::<Mark>::builder().frame_budget(FrameBudget::default().intents(2)).build();
    let sender = panel.sender(0);
    (1..=3).for_each(|id| sender.try_send(Mark::new(id)).ok().unwrap());
    let mut state = Noted::default();
    panel.run_frame(&mut state, &mut (), []);
    panel.run_frame(&mut state, &mut (), []);
    assert_eq!(state.calls, [Call::Apply(1), Call::Apply(2), Call::Settle, Call::Apply(3), Call::Settle]);
}

#[test]
fn where_an_intent_panics_the_next_frame_settles() {
    let mut panel = ControlPanel::<Mark>::new();
    let mut state = Noted { panic_at: Some(1), ..Noted::default() };
    let mut host = Host::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut state, &mut host, marks([1, 2]))));
    assert!(panicked.is_err(), "the panic reaches the caller");
    assert_eq!(state.calls, [Call::Apply(1)]);
    panel.run_frame(&mut state, &mut host, []);
    assert_eq!(state.calls, [Call::Apply(1), Call::Apply(2), Call::Settle]);
    assert_eq!(host.0.len(), 1, "the frame that panicked is not reconciled");
}

#[test]
fn where_settling_panics_all_is_applied_and_the_next_frame_settles_again() {
    let mut panel = ControlPanel::<Mark>::new();
    let mut state = Noted { panic_in_settle: true, ..Noted::default() };
    let mut host = Host::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut state, &mut host, marks([1]))));
    assert!(panicked.is_err());
    assert!(host.0.is_empty());
    state.panic_in_settle = false;
    panel.run_frame(&mut state, &mut host, []);
    assert_eq!(state.calls, [Call::Apply(1), Call::Settle, Call::Settle]);
    assert_eq!(host.0.len(), 1);
}

/// A list that all replicas have in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
struct List(Vec<u64>);

impl State for List {
    type Op = u64;

    fn apply(&mut self, item: &u64, _: &Stamp) {
        self.0.push(*item);
    }
}

impl Undoable for List {
    type Undo = ();

    fn apply_undoable(&mut self, item: &u64, stamp: &Stamp) {
        self.apply(item, stamp);
    }

    fn undo(&mut self, _: &u64, (): ()) {
        self.0.pop();
    }
}

#[derive(GraphIntent)]
enum Update {
    Add(u64),
    #[intent(clock = delta, origin = delta)]
    First {
        delta: Delta<u64>,
    },
    #[intent(clock = delta, origin = delta)]
    Second {
        delta: Delta<u64>,
    },
    /// Runs a frame of another panel, with a delta of its own, inside this one.
    Nested(Delta<u64>),
    Panics,
}

const HERE: Peer = Peer([1; 32]);
const THERE: Peer = Peer([2; 32]);

fn replica(peer: Peer) -> Replica<List> {
    // By undo records, which go back as far as they must: from a snapshot on, more is redone.
    Replica::builder(peer, List::default()).members([HERE, THERE]).undoing().build()
}

/// Two replicas in one reducer.
struct App {
    first: Replica<List>,
    second: Replica<List>,
    inner: Vec<RedoFigures>,
}

impl App {
    fn new() -> Self {
        Self { first: replica(HERE), second: replica(HERE), inner: Vec::new() }
    }
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Add(item) => {
                self.first.commit(item);
                self.second.commit(item);
            }
            Update::First { delta } => self.first.merge(delta),
            Update::Second { delta } => self.second.merge(delta),
            Update::Nested(delta) => {
                let mut inner = App::new();
                let local = [(IntentSource::P2pSync, Update::First { delta })];
                let report = ControlPanel::<Update>::new().run_frame(&mut inner, &mut (), local);
                self.inner.push(report.redo);
            }
            Update::Panics => resume_unwind(Box::new("on purpose")),
        }
    }

    fn settle(&mut self) {
        let _ = self.first.settle();
        let _ = self.second.settle();
    }
}

/// What a replica elsewhere wrote, without having seen anything: `count` operations.
fn from_there(count: u64) -> Delta<u64> {
    let mut there = replica(THERE);
    (0..count).for_each(|item| {
        there.commit(item);
    });
    there.outbox().unwrap()
}

fn figures(report: control_panel::FrameReport) -> (usize, usize, usize, usize) {
    let RedoFigures { merged, undone, redone, jobs, .. } = report.redo;
    (merged, undone, redone, jobs)
}

fn remote(update: Update) -> [(IntentSource, Update); 1] {
    [(IntentSource::P2pSync, update)]
}

#[test]
fn the_report_sums_the_replicas_of_a_reducer_up_and_nothing_is_forwarded() {
    let mut panel = ControlPanel::<Update>::new();
    let mut app = App::new();
    // At times 1, 2, 3 here, and at 1 and 1, 2 there, which come after those of the same time here.
    let report =
        panel.run_frame(&mut app, &mut (), (1..=3).map(|item| (IntentSource::LocalUI, Update::Add(item))));
    assert_eq!(figures(report), (0, 0, 0, 0), "local operations are in order");
    let both = [
        (IntentSource::P2pSync, Update::First { delta: from_there(1) }),
        (IntentSource::P2pSync, Update::Second { delta: from_there(2) }),
    ];
    let report = panel.run_frame(&mut app, &mut (), both);
    assert_eq!(figures(report), (3, 4, 4, 0), "1 and 2 merged; twice the two after time 1 redone");
    assert_eq!(app.first.state().0, [1, 0, 2, 3]);
    assert_eq!(app.second.state().0, [1, 0, 2, 1, 3]);
    let report = panel.run_frame(&mut app, &mut (), []);
    assert_eq!(figures(report), (0, 0, 0, 0), "a frame begins with nothing");
    let report = panel.run_frame(&mut app, &mut (), remote(Update::First { delta: from_there(1) }));
    assert_eq!(figures(report), (0, 0, 0, 0), "what is there already changes nothing");
}

#[test]
fn a_frame_inside_another_has_figures_of_its_own() {
    let mut panel = ControlPanel::<Update>::new();
    let mut app = App::new();
    let intents = [
        (IntentSource::LocalUI, Update::Nested(from_there(7))),
        (IntentSource::P2pSync, Update::First { delta: from_there(1) }),
    ];
    let report = panel.run_frame(&mut app, &mut (), intents);
    assert_eq!(app.inner.iter().map(|figures| figures.merged).collect::<Vec<_>>(), [7]);
    assert_eq!(figures(report), (1, 0, 0, 0));
}

#[test]
fn what_a_panic_broke_off_and_what_is_settled_outside_a_frame_is_not_reported_by_the_next() {
    let mut panel = ControlPanel::<Update>::new();
    let mut app = App::new();
    app.second.merge(from_there(5));
    let _ = app.second.settle();
    let intents =
        [(IntentSource::LocalUI, Update::Nested(from_there(7))), (IntentSource::LocalUI, Update::Panics)];
    assert!(catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut app, &mut (), intents))).is_err());
    app.second.merge(from_there(6));
    let _ = app.second.settle();
    let report = panel.run_frame(&mut app, &mut (), remote(Update::First { delta: from_there(1) }));
    assert_eq!(figures(report), (1, 0, 0, 0));
}

/// Settles a replica on another thread while the frame runs.
struct Elsewhere(Replica<List>);

impl Reducer for Elsewhere {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {}

    fn settle(&mut self) {
        thread::scope(|scope| {
            let settled = scope.spawn(|| self.0.settle().merged);
            assert_eq!(settled.join().unwrap(), 3, "it had something to do");
        });
    }
}

#[test]
fn what_another_thread_settles_is_not_this_frames() {
    let mut elsewhere = Elsewhere(replica(HERE));
    elsewhere.0.merge(from_there(3));
    let report = ControlPanel::<Update>::new().run_frame(&mut elsewhere, &mut (), []);
    assert_eq!(report.redo, RedoFigures::default());
}

/// Sleeps for as many milliseconds as an operation says.
#[derive(Clone, Debug, Default)]
struct Sleeps;

impl State for Sleeps {
    type Op = u64;

    fn apply(&mut self, millis: &u64, _: &Stamp) {
        thread::sleep(Duration::from_millis(*millis));
    }
}

struct Sleeper(Replica<Sleeps>);

impl Reducer for Sleeper {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Add(millis) => _ = self.0.commit(millis),
            Update::First { delta } => self.0.merge(delta),
            _ => {}
        }
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

#[test]
fn the_report_names_the_operation_that_took_longest() {
    let mut there = Replica::new(THERE, [HERE, THERE], Sleeps);
    let slow = there.commit(30);
    let delta = there.outbox().unwrap();
    let mut panel = ControlPanel::<Update>::new();
    let mut app = Sleeper(Replica::new(HERE, [HERE, THERE], Sleeps));
    let report = panel.run_frame(&mut app, &mut (), []);
    assert_eq!(report.slowest, None);
    let report = panel.run_frame(&mut app, &mut (), remote(Update::First { delta }));
    let slowest = report.slowest.unwrap();
    assert_eq!((slowest.first, slowest.last, slowest.operations, slowest.off_frame), (slow, slow, 1, false));
    // A busy machine makes it longer, never shorter.
    assert!(slowest.took >= Duration::from_millis(30) && report.apply_time >= slowest.took, "{report:?}");
    let report = panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Add(10))]);
    let slowest = report.slowest.unwrap();
    assert_eq!((slowest.first.author, slowest.operations), (app.0.author(), 1), "its own too");
    assert_eq!(panel.run_frame(&mut app, &mut (), []).slowest, None, "a frame begins with nothing");
}
