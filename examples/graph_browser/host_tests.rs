//! The host under a clock and a loader of the test's own.

use std::sync::Arc;

use control_panel::{ControlPanel, IntentSource, QueuedIntent, Reducer};

use super::*;
use crate::{
    intent::LifecycleCause::{UserClosed, UserSelected},
    invariants::Invariants,
    loader::Outcome,
    policy::LifecyclePolicy,
};

/// Loads when the test says so.
#[derive(Debug, Default)]
struct ByHand {
    started: Vec<(String, Outcome)>,
}

impl Loader for ByHand {
    fn load(&mut self, path: &str) -> Loading {
        let outcome = Outcome::default();
        self.started.push((path.to_owned(), Arc::clone(&outcome)));
        Loading { outcome, worker: None }
    }
}

struct World {
    panel: ControlPanel<GraphIntent, LifecyclePolicy>,
    app: GraphBrowserApp,
    host: WebviewHost<ByHand>,
    invariants: Invariants,
    now: Instant,
}

impl World {
    fn new(pages: u32, policy: LifecyclePolicy) -> Self {
        let panel = ControlPanel::<GraphIntent, LifecyclePolicy>::builder().capacity(8).build();
        let host = WebviewHost::new(ByHand::default(), panel.sender(IntentSource::ServoDelegate));
        let mut app = GraphBrowserApp::new(policy);
        let found = (0..pages).map(|key| (NodeKey(key), key.to_string().into())).collect();
        app.apply(QueuedIntent::new(IntentSource::Restore, GraphIntent::PagesFound(found)));
        Self { panel, app, host, invariants: Invariants::default(), now: Instant::now() }
    }

    fn visit(&mut self, key: u32) {
        let visit = GraphIntent::PromoteNodeToActive { key: NodeKey(key), cause: UserSelected };
        self.app.apply(QueuedIntent::new(IntentSource::LocalUI, visit));
    }

    fn close(&mut self, key: u32) {
        let close = GraphIntent::DemoteNodeToCold { key: NodeKey(key), cause: UserClosed };
        self.app.apply(QueuedIntent::new(IntentSource::LocalUI, close));
    }

    /// A frame: what was reported reaches the state, then the host reconciles.
    fn frame(&mut self) {
        self.panel.drain().for_each(|queued| self.app.apply(queued));
        self.host.reconcile_at(&self.app, self.now);
        assert!(self.host.is_consistent(&self.app));
        // The tests apply intents between frames, too.
        let frame = (self.now, self.now);
        assert_eq!(self.invariants.check(&self.app, self.host.observed(), 1, frame), Ok(()));
    }

    /// Ends the latest load.
    fn finish(&mut self, text: Option<&str>) {
        let (_, outcome) = self.host.loader.started.last().expect("a load was started");
        outcome.set(text.map(str::to_owned).ok_or(Unloadable)).expect("it is still going on");
    }

    fn loads(&self) -> usize {
        self.host.loader.started.len()
    }

    fn seen(&self, key: u32) -> RuntimeState {
        self.app.runtime(NodeKey(key))
    }
}

#[test]
fn an_active_node_is_mapped_and_that_is_reported() {
    let mut world = World::new(1, LifecyclePolicy::default());
    world.visit(0);
    world.frame();
    world.frame();
    assert_eq!((world.loads(), world.seen(0)), (1, RuntimeState::PendingCreate));
    assert!(!world.host.is_settled(&world.app));
    world.finish(Some("text"));
    world.frame();
    world.frame();
    assert_eq!((world.loads(), world.seen(0)), (1, RuntimeState::Mapped));
    assert!(world.host.is_settled(&world.app));
    assert_eq!(world.host.text_bytes(), 4);
}

#[test]
fn a_blocked_node_is_retried_at_its_time_and_never_in_a_hot_loop() {
    let mut world = World::new(1, LifecyclePolicy::default());
    world.visit(0);
    for attempt in 1..=10 {
        world.frame();
        assert_eq!(world.loads(), attempt as usize);
        world.finish(None);
        world.frame();
        let retry_at = world.now + retry_after(attempt);
        for _ in 0..1_000 {
            world.frame();
        }
        world.now = retry_at.checked_sub(Duration::from_nanos(1)).expect("later than the start");
        world.frame();
        let blocked = RuntimeState::Blocked { attempt, retry_after: retry_after(attempt) };
        assert_eq!((world.loads(), world.seen(0)), (attempt as usize, blocked));
        world.now = retry_at;
    }
}

#[test]
fn waits_double_up_to_the_limit_and_never_overflow() {
    let waits: Vec<_> = (1..=9).map(|attempt| retry_after(attempt).as_millis()).collect();
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert_eq!((retry_after(u32::MAX), retry_after(0)), (LAST_RETRY, FIRST_RETRY));
}

#[test]
fn a_warm_node_keeps_its_webview_and_a_cold_one_loses_it() {
    let policy =
        LifecyclePolicy { active_webview_limit: 1, warm_cache_limit: 1, ..LifecyclePolicy::default() };
    let mut world = World::new(3, policy);
    for key in 0..3 {
        world.visit(key);
        world.frame();
        world.finish(Some("x"));
        world.frame();
    }
    world.frame();
    let seen = [world.seen(0), world.seen(1), world.seen(2)];
    assert_eq!(seen, [RuntimeState::Unmapped, RuntimeState::Mapped, RuntimeState::Mapped]);
    assert_eq!((world.host.text_bytes(), world.host.tally.unmapped), (2, 1));
    world.visit(1);
    world.frame();
    assert_eq!(world.loads(), 3, "a warm node becomes active without a load");
}

#[test]
fn demotion_clears_what_is_loading_or_blocked() {
    let mut world = World::new(1, LifecyclePolicy::default());
    world.visit(0);
    world.frame();
    world.close(0);
    world.finish(Some("too late"));
    world.frame();
    world.frame();
    assert_eq!((world.seen(0), world.host.text_bytes()), (RuntimeState::Unmapped, 0));
    world.visit(0);
    world.frame();
    world.finish(None);
    world.frame();
    world.close(0);
    world.frame();
    world.frame();
    assert_eq!(world.seen(0), RuntimeState::Unmapped);
    assert!(world.host.views.is_empty(), "nothing is remembered of a node that is not wanted");
}

#[test]
fn what_a_full_queue_refuses_is_reported_later() {
    let mut world = World::new(1, LifecyclePolicy::default());
    let flood = world.panel.sender(IntentSource::ServoDelegate);
    while flood.try_send(GraphIntent::PagesFound(Vec::new())).is_ok() {}
    world.visit(0);
    world.host.reconcile_at(&world.app, world.now);
    assert!(world.host.tally.reported_later > 0);
    world.frame();
    world.frame();
    assert_eq!(world.seen(0), RuntimeState::PendingCreate);
}

#[test]
fn only_a_few_load_at_a_time() {
    let policy = LifecyclePolicy { active_webview_limit: 100, ..LifecyclePolicy::default() };
    let mut world = World::new(100, policy);
    (0..100).for_each(|key| world.visit(key));
    world.frame();
    world.frame();
    assert_eq!(world.loads(), LOADING_AT_ONCE);
}
