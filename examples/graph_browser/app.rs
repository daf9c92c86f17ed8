//! The state, and how each intent changes it. Pure: the effects are the host's.

use std::collections::BTreeMap;

use control_panel::{IntentSource, QueuedIntent, Reducer, workers::memory_monitor::MemoryLevel};

use crate::{
    graph::Graph,
    host::RuntimeState,
    intent::{GraphIntent, LifecycleCause, NodeKey},
    lifecycle::{Lifecycle, Lifecycles, Limits},
    policy::LifecyclePolicy,
};

/// The graph browser's whole state.
#[derive(Debug, Clone)]
pub(crate) struct GraphBrowserApp {
    pub(crate) graph: Graph,
    /// What is desired of each node.
    pub(crate) lifecycles: Lifecycles,
    /// What the host last told of each node; all others are unmapped.
    runtime: BTreeMap<NodeKey, RuntimeState>,
    policy: LifecyclePolicy,
    pressure: MemoryLevel,
    /// How often the pressure changed.
    pub(crate) pressure_changes: u64,
    /// Intents applied, by who sent them.
    pub(crate) by_source: BTreeMap<IntentSource, u64>,
}

impl GraphBrowserApp {
    pub(crate) fn new(policy: LifecyclePolicy) -> Self {
        Self {
            graph: Graph::default(),
            lifecycles: Lifecycles::default(),
            runtime: BTreeMap::new(),
            policy,
            pressure: MemoryLevel::Normal,
            pressure_changes: 0,
            by_source: BTreeMap::new(),
        }
    }

    pub(crate) fn pressure(&self) -> MemoryLevel {
        self.pressure
    }

    /// What may be active and warm now.
    pub(crate) fn limits(&self) -> Limits {
        self.policy.limits(self.pressure)
    }

    /// What the host last told of a node.
    pub(crate) fn runtime(&self, key: NodeKey) -> RuntimeState {
        self.runtime.get(&key).copied().unwrap_or_default()
    }

    /// Nodes by what is desired and what was observed.
    pub(crate) fn census(&self) -> BTreeMap<(Lifecycle, &'static str), usize> {
        let mut census = BTreeMap::new();
        let mut counted = 0;
        let seen = self.runtime.keys().copied();
        let wanted = self.lifecycles.active().chain(self.lifecycles.warm());
        for key in seen.chain(wanted.filter(|key| !self.runtime.contains_key(key))) {
            *census.entry((self.lifecycles.of(key), self.runtime(key).name())).or_default() += 1;
            counted += 1;
        }
        let rest = self.graph.len().saturating_sub(counted);
        *census.entry((Lifecycle::Cold, RuntimeState::Unmapped.name())).or_default() += rest;
        census
    }

    fn enforce(&mut self) {
        let cause = match self.pressure {
            MemoryLevel::Critical => LifecycleCause::MemoryPressureCritical,
            MemoryLevel::Normal | MemoryLevel::Warning => LifecycleCause::MemoryPressureWarning,
        };
        let granted = self.policy.limits(MemoryLevel::Normal);
        self.lifecycles.enforce(granted, self.limits(), cause);
    }
}

impl Reducer for GraphBrowserApp {
    type Intent = GraphIntent;

    fn apply(&mut self, queued: QueuedIntent<GraphIntent>) {
        *self.by_source.entry(queued.source).or_default() += 1;
        match queued.intent {
            GraphIntent::PagesFound(pages) => self.graph.add(pages),
            GraphIntent::WalkFinished { skips, cut_short } => {
                self.graph.skips.merge(skips);
                self.graph.walked = Some(cut_short);
            }
            GraphIntent::PageRead { key, links, counts, broken, complete } => {
                self.graph.count(key, counts, broken);
                self.graph.link(key, links, complete);
            }
            GraphIntent::PageSkipped { key, why } => self.graph.skip(key, why),
            GraphIntent::PromoteNodeToActive { key, cause } => {
                if self.graph.node(key).is_some() {
                    self.lifecycles.promote(key, cause);
                    self.enforce();
                }
            }
            GraphIntent::DemoteNodeToCold { key, cause } => self.lifecycles.demote_to_cold(key, cause),
            GraphIntent::MemoryPressure(pressure) => {
                self.pressure = pressure.level;
                self.pressure_changes += 1;
                self.enforce();
            }
            GraphIntent::WebviewObserved { key, state: RuntimeState::Unmapped } => {
                self.runtime.remove(&key);
            }
            GraphIntent::WebviewObserved { key, state } => {
                self.runtime.insert(key, state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(pages: u32) -> GraphBrowserApp {
        let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
        let pages = (0..pages).map(|key| (NodeKey(key), format!("{key}.html").into())).collect();
        apply(&mut app, GraphIntent::PagesFound(pages));
        app
    }

    fn apply(app: &mut GraphBrowserApp, intent: GraphIntent) {
        app.apply(QueuedIntent::new(IntentSource::Restore, intent));
    }

    fn visit(key: u32) -> GraphIntent {
        GraphIntent::PromoteNodeToActive { key: NodeKey(key), cause: LifecycleCause::UserSelected }
    }

    #[test]
    fn the_limits_hold_after_every_intent() {
        let mut app = app(40);
        for key in (0..40).chain([3, 3, 39, 7]) {
            apply(&mut app, visit(key));
            assert!(app.lifecycles.within(app.limits()), "after a visit to {key}");
        }
        assert_eq!((app.lifecycles.active().len(), app.lifecycles.warm().len()), (4, 8));
    }

    #[test]
    fn a_page_that_does_not_exist_cannot_be_visited() {
        let mut app = app(1);
        apply(&mut app, visit(1));
        assert_eq!(app.lifecycles.active().len(), 0);
    }

    #[test]
    fn observations_never_touch_the_lifecycle() {
        let mut app = app(2);
        apply(&mut app, visit(0));
        for key in [NodeKey(0), NodeKey(1)] {
            apply(&mut app, GraphIntent::WebviewObserved { key, state: RuntimeState::Mapped });
        }
        assert_eq!(app.lifecycles.of(NodeKey(0)), Lifecycle::Active);
        assert_eq!(app.lifecycles.of(NodeKey(1)), Lifecycle::Cold);
        let census: Vec<_> = app.census().into_iter().collect();
        let expected = [
            ((Lifecycle::Active, "mapped"), 1),
            ((Lifecycle::Cold, "mapped"), 1),
            ((Lifecycle::Cold, "unmapped"), 0),
        ];
        assert_eq!(census, expected);
    }

    #[test]
    fn the_census_counts_every_node_once() {
        let mut app = app(30);
        (0..20).for_each(|key| apply(&mut app, visit(key)));
        apply(
            &mut app,
            GraphIntent::WebviewObserved { key: NodeKey(19), state: RuntimeState::PendingCreate },
        );
        apply(&mut app, GraphIntent::WebviewObserved { key: NodeKey(2), state: RuntimeState::Mapped });
        apply(&mut app, GraphIntent::WebviewObserved { key: NodeKey(2), state: RuntimeState::Unmapped });
        assert_eq!(app.census().values().sum::<usize>(), 30);
        assert_eq!(app.census().get(&(Lifecycle::Active, "unmapped")), Some(&3));
    }
}
