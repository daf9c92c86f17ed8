use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{ControlPanel, FrameBudget, Intent, QueuedIntent, Reconcile, Reducer};

struct Op {
    id: u64,
    clock: Option<u64>,
}

impl Intent for Op {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        self.clock
    }
}

#[derive(Default)]
struct Applied(Vec<u64>);

impl Reducer for Applied {
    type Intent = Op;

    fn apply(&mut self, queued: QueuedIntent<Op>) {
        self.0.push(queued.intent.id);
    }
}

/// The loop's own intents, in the order in which they must be applied.
fn own(ids: [u64; 2], clocked: bool) -> [(u8, Op); 2] {
    ids.map(|id| (0, Op { id, clock: clocked.then_some(id) }))
}

/// A panel whose `on_ready` panics while the returned flag is set.
fn panel() -> (ControlPanel<Op>, Arc<AtomicBool>) {
    let panics = Arc::<AtomicBool>::default();
    let armed = Arc::clone(&panics);
    let on_ready = move || {
        if armed.load(Ordering::SeqCst) {
            resume_unwind(Box::new("on purpose"));
        }
    };
    (ControlPanel::builder().on_ready(on_ready).build(), panics)
}

/// The queue is busy, so the frame requests another one.
#[test]
fn an_on_ready_that_panics_inside_a_frame_loses_nothing_of_the_loops_own() {
    for clocked in [false, true] {
        let (mut panel, panics) = panel();
        let (queue, mut state) = (Arc::clone(&panel.shared.queue), Applied::default());
        let busy = queue.busy();
        panics.store(true, Ordering::SeqCst);
        let mut unwinds = |panel: &mut ControlPanel<Op>, own: Option<[(u8, Op); 2]>| {
            let frame = AssertUnwindSafe(|| match own {
                Some(own) => _ = panel.run_frame(&mut state, &mut (), own),
                None => panel.drain().for_each(|queued| state.apply(queued)),
            });
            assert!(catch_unwind(frame).is_err());
        };
        unwinds(&mut panel, Some(own([1, 2], clocked)));
        unwinds(&mut panel, None);
        unwinds(&mut panel, Some(own([3, 4], clocked)));
        unwinds(&mut panel, None);
        panics.store(false, Ordering::SeqCst);
        drop(busy);
        let report = panel.run_frame(&mut state, &mut (), own([5, 6], clocked));
        assert_eq!((report.applied, report.local), (6, 6));
        assert_eq!(state.0, [1, 2, 3, 4, 5, 6]);
    }
}

/// Two frames that consist of local intents only would be put back in the order in which they end.
#[test]
fn the_loops_own_wait_for_those_in_a_frame_that_is_not_over() {
    for clocked in [false, true] {
        let (mut panel, panics) = panel();
        let (queue, mut state) = (Arc::clone(&panel.shared.queue), Applied::default());
        let busy = queue.busy();
        panics.store(true, Ordering::SeqCst);
        let frame = AssertUnwindSafe(|| panel.run_frame(&mut state, &mut (), own([1, 2], clocked)));
        assert!(catch_unwind(frame).is_err());
        panics.store(false, Ordering::SeqCst);
        let held = panel.drain();
        assert_eq!(held.remaining(), 2);
        assert_eq!(panel.run_frame(&mut state, &mut (), own([3, 4], clocked)).applied, 0);
        drop(held);
        drop(busy);
        while panel.run_frame(&mut state, &mut (), []).applied > 0 {}
        assert_eq!(state.0, [1, 2, 3, 4]);
    }
}

#[test]
fn locals_that_panic_on_their_way_are_not_taken() {
    let (mut panel, _) = panel();
    let mut state = Applied::default();
    let local = own([1, 2], false)
        .into_iter()
        .chain([3].into_iter().map(|_| resume_unwind(Box::new("the caller's"))));
    assert!(catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut state, &mut (), local))).is_err());
    assert_eq!(panel.run_frame(&mut state, &mut (), own([4, 5], false)).applied, 2);
    assert_eq!(state.0, [4, 5]);
}

#[derive(Default)]
struct Host(u32);

impl Reconcile<Applied> for Host {
    fn reconcile(&mut self, _: &Applied) {
        self.0 += 1;
    }
}

/// A budget leaves intents behind.
#[test]
fn an_on_ready_that_panics_at_a_frames_end_leaves_it_applied_and_not_reconciled() {
    let (mut panel, panics) = panel();
    panel.frame_budget = FrameBudget::default().intents(1);
    let sender = panel.sender(1);
    (1..3).for_each(|id| assert!(sender.try_send(Op { id, clock: None }).is_ok()));
    let (mut state, mut host) = (Applied::default(), Host::default());
    panics.store(true, Ordering::SeqCst);
    let frame = AssertUnwindSafe(|| panel.run_frame(&mut state, &mut host, own([3, 4], false)));
    assert!(catch_unwind(frame).is_err());
    panics.store(false, Ordering::SeqCst);
    assert_eq!((&*state.0, host.0), (&[3, 4, 1][..], 0));
    panel.run_frame(&mut state, &mut host, []);
    assert_eq!((&*state.0, host.0), (&[3, 4, 1, 2][..], 1));
}

/// Panics on one intent, once.
struct Stumbles(Vec<u64>, Option<u64>);

impl Reducer for Stumbles {
    type Intent = Op;

    fn apply(&mut self, queued: QueuedIntent<Op>) {
        if self.1 == Some(queued.intent.id) {
            self.1 = None;
            resume_unwind(Box::new("on purpose"));
        }
        self.0.push(queued.intent.id);
    }
}

impl Stumbles {
    /// Runs a frame of these two intents, and panics on the first.
    fn on_the_first(panel: &mut ControlPanel<Op>, ids: [u64; 2]) -> Self {
        let mut state = Self(Vec::new(), Some(ids[0]));
        let frame = AssertUnwindSafe(|| panel.run_frame(&mut state, &mut (), own(ids, false)));
        assert!(catch_unwind(frame).is_err());
        state
    }
}

/// As a loop that sleeps until there is something to drain.
fn has_work(panel: &ControlPanel<Op>) -> bool {
    panel.wait_ready_timeout(Duration::ZERO)
}

#[test]
fn those_that_are_kept_for_others_before_them_are_asked_for() {
    let (mut panel, _) = panel();
    let queue = Arc::clone(&panel.shared.queue);
    let mut state = Stumbles::on_the_first(&mut panel, [1, 2]);
    let held = panel.drain();
    assert_eq!(held.remaining(), 1);
    let busy = queue.busy();
    let report = panel.run_frame(&mut state, &mut (), own([3, 4], false));
    drop(busy);
    assert_eq!((report.applied, report.local), (0, 0), "2 comes first");
    assert_eq!(held.map(|queued| queued.intent.id).collect::<Vec<_>>(), [2]);
    assert!(has_work(&panel));
    let report = panel.run_frame(&mut state, &mut (), []);
    assert_eq!((report.applied, report.local, has_work(&panel)), (2, 2, false));
    assert_eq!(state.0, [3, 4]);
}

/// Intents that return count like all others.
#[test]
fn what_was_local_is_counted_when_it_is_applied() {
    let (mut panel, _) = panel();
    let mut state = Stumbles::on_the_first(&mut panel, [1, 2]);
    let report = panel.run_frame(&mut state, &mut (), own([3, 4], true));
    assert_eq!((report.applied, report.local), (3, 3));
    assert_eq!(state.0, [2, 3, 4]);
}

#[test]
fn those_that_an_on_ready_kept_are_asked_for() {
    let (mut panel, panics) = panel();
    let queue = Arc::clone(&panel.shared.queue);
    let mut state = Applied::default();
    let busy = queue.busy();
    panics.store(true, Ordering::SeqCst);
    let frame = AssertUnwindSafe(|| panel.run_frame(&mut state, &mut (), own([3, 4], false)));
    assert!(catch_unwind(frame).is_err());
    panics.store(false, Ordering::SeqCst);
    drop(busy);
    assert!(has_work(&panel));
    assert_eq!(panel.run_frame(&mut state, &mut (), []).local, 2);
}
