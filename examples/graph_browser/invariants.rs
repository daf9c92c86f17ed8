//! What must hold after every frame, whatever happened: checked from the outside, in debug builds.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use crate::{app::GraphBrowserApp, host::RuntimeState, intent::NodeKey, lifecycle::Lifecycle};

/// The longest that a blocked node may wait for its retry.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// An invariant that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A node is active and blocked, and no retry is planned.
    BlockedForEver(NodeKey),
    /// A node is cold, and something of its webview is left.
    ColdWithRuntime(NodeKey, RuntimeState),
    /// Lifecycles changed although no intent was applied: something else changed them.
    ChangedByNobody,
    /// A blocked node was tried again before its time.
    RetriedEarly(NodeKey),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockedForEver(key) => write!(f, "node {} is active and blocked, without a retry", key.0),
            Self::ColdWithRuntime(key, state) => write!(f, "node {} is cold and {}", key.0, state.name()),
            Self::ChangedByNobody => f.write_str("lifecycles changed in a frame without intents"),
            Self::RetriedEarly(key) => write!(f, "node {} was blocked and retried before its time", key.0),
        }
    }
}

/// What is remembered from frame to frame to tell.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    version: u64,
    /// The blocked nodes: which attempt failed, and from when on there may be another.
    blocked: BTreeMap<NodeKey, (u32, Instant)>,
}

impl Invariants {
    /// From this state on: what was restored changed before.
    pub(crate) fn of(app: &GraphBrowserApp) -> Self {
        Self { version: app.lifecycles.version(), blocked: BTreeMap::new() }
    }

    /// Checks the frame from `began` to `now`. `applied` is how many intents it applied; `observed` is what the host has
    /// of each node.
    pub(crate) fn check(
        &mut self,
        app: &GraphBrowserApp,
        observed: impl IntoIterator<Item = (NodeKey, RuntimeState)>,
        applied: usize,
        (began, now): (Instant, Instant),
    ) -> Result<(), Broken> {
        let version = std::mem::replace(&mut self.version, app.lifecycles.version());
        if applied == 0 && version != self.version {
            return Err(Broken::ChangedByNobody);
        }
        let before = std::mem::take(&mut self.blocked);
        for (key, state) in observed {
            if app.lifecycles.of(key) == Lifecycle::Cold && state != RuntimeState::Unmapped {
                return Err(Broken::ColdWithRuntime(key, state));
            }
            let was = before.get(&key).copied();
            match state {
                RuntimeState::Blocked { attempt, retry_after } => {
                    if retry_after.is_zero() || retry_after > LONGEST_RETRY {
                        return Err(Broken::BlockedForEver(key));
                    }
                    let until = match was {
                        Some((same, until)) if same == attempt => until,
                        Some((_, until)) if now < until => return Err(Broken::RetriedEarly(key)),
                        // It was blocked within this frame.
                        _ => began + retry_after,
                    };
                    self.blocked.insert(key, (attempt, until));
                }
                RuntimeState::PendingCreate | RuntimeState::Mapped => {
                    if was.is_some_and(|(_, until)| now < until) {
                        return Err(Broken::RetriedEarly(key));
                    }
                }
                RuntimeState::Unmapped => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use control_panel::{IntentSource, QueuedIntent, Reducer};

    use super::{RuntimeState::*, *};
    use crate::{
        intent::{GraphIntent, LifecycleCause},
        policy::LifecyclePolicy,
    };

    const NODE: NodeKey = NodeKey(0);
    const MS: Duration = Duration::from_millis(1);

    /// A world whose host does what the test says.
    struct World {
        app: GraphBrowserApp,
        invariants: Invariants,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
            let pages = vec![(NODE, "a.html".into())];
            app.apply(QueuedIntent::new(IntentSource::Restore, GraphIntent::PagesFound(pages)));
            Self { app, invariants: Invariants::default(), now: Instant::now() }
        }

        fn promote(&mut self) {
            let promote = GraphIntent::PromoteNodeToActive { key: NODE, cause: LifecycleCause::UserSelected };
            self.app.apply(QueuedIntent::new(IntentSource::LocalUI, promote));
        }

        fn demote(&mut self) {
            let demote = GraphIntent::DemoteNodeToCold { key: NODE, cause: LifecycleCause::UserClosed };
            self.app.apply(QueuedIntent::new(IntentSource::LocalUI, demote));
        }

        /// A frame of 1 ms, so long after the last.
        fn frame(&mut self, after: Duration, state: RuntimeState, applied: usize) -> Result<(), Broken> {
            let began = self.now + after;
            self.now = began + MS;
            self.invariants.check(&self.app, [(NODE, state)], applied, (began, self.now))
        }
    }

    fn blocked(attempt: u32, retry_after: Duration) -> RuntimeState {
        Blocked { attempt, retry_after }
    }

    #[test]
    fn a_faultless_life_breaks_nothing() {
        let mut world = World::new();
        assert_eq!(world.frame(MS, Unmapped, 1), Ok(()));
        world.promote();
        for (after, state) in [
            (0, PendingCreate),
            (16, blocked(1, 250 * MS)),
            (100, blocked(1, 250 * MS)),
            (200, PendingCreate),
            (16, blocked(2, 500 * MS)),
            (600, blocked(3, 1_000 * MS)),
            (1_000, Mapped),
        ] {
            assert_eq!(world.frame(after * MS, state, 1), Ok(()), "{state:?}");
        }
        world.demote();
        assert_eq!(world.frame(MS, Unmapped, 1), Ok(()));
        world.promote();
        assert_eq!(world.frame(MS, PendingCreate, 1), Ok(()));
        assert_eq!(world.frame(MS, PendingCreate, 0), Ok(()));
    }

    #[test]
    fn active_and_blocked_without_a_retry_is_found() {
        let mut world = World::new();
        world.promote();
        for retry_after in [Duration::ZERO, LONGEST_RETRY + MS, Duration::MAX] {
            assert_eq!(world.frame(MS, blocked(1, retry_after), 1), Err(Broken::BlockedForEver(NODE)));
        }
    }

    #[test]
    fn a_cold_node_with_anything_left_is_found() {
        for state in [PendingCreate, Mapped, blocked(1, MS)] {
            let mut world = World::new();
            world.promote();
            world.demote();
            assert_eq!(world.frame(MS, state, 2), Err(Broken::ColdWithRuntime(NODE, state)));
        }
    }

    #[test]
    fn a_change_that_no_intent_made_is_found() {
        let mut world = World::new();
        assert_eq!(world.frame(MS, Unmapped, 1), Ok(()));
        world.promote();
        assert_eq!(world.frame(MS, PendingCreate, 0), Err(Broken::ChangedByNobody));
    }

    #[test]
    fn a_hot_loop_of_retries_is_found() {
        for early in [PendingCreate, Mapped, blocked(2, 500 * MS)] {
            let mut world = World::new();
            world.promote();
            assert_eq!(world.frame(MS, blocked(1, 250 * MS), 1), Ok(()));
            assert_eq!(world.frame(200 * MS, early, 0), Err(Broken::RetriedEarly(NODE)), "{early:?}");
        }
        // Given up in between is another life.
        let mut world = World::new();
        world.promote();
        assert_eq!(world.frame(MS, blocked(1, 250 * MS), 1), Ok(()));
        world.demote();
        assert_eq!(world.frame(MS, Unmapped, 1), Ok(()));
        world.promote();
        assert_eq!(world.frame(MS, PendingCreate, 1), Ok(()));
    }
}
