//! The built-in prefetch scheduler: what it chooses, how fast, how it yields, and that it decides the same each time.

mod scheduler;
mod traces;

use std::time::Duration;

use control_panel::{
    ControlPanel, GraphIntent,
    workers::prefetch::{Candidate, Neighbourhood, PrefetchPolicy, PrefetchSettings, Prewarm},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LifecycleCause {
    SelectedPrewarm,
}

#[derive(Debug, PartialEq, GraphIntent)]
enum GraphIntent {
    PromoteNodeToActive { key: u32, cause: LifecycleCause },
    Noise,
}

impl From<Prewarm<u32>> for GraphIntent {
    fn from(prewarm: Prewarm<u32>) -> Self {
        Self::PromoteNodeToActive { key: prewarm.node, cause: LifecycleCause::SelectedPrewarm }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct LifecyclePolicy(PrefetchSettings);

impl PrefetchPolicy for LifecyclePolicy {
    fn prefetch(&self) -> PrefetchSettings {
        self.0
    }
}

type Panel = ControlPanel<GraphIntent, LifecyclePolicy>;

const MS: Duration = Duration::from_millis(1);

fn settings(pace: Duration, budget: usize, ahead: usize) -> LifecyclePolicy {
    LifecyclePolicy(PrefetchSettings { enabled: true, pace, budget, ahead })
}

/// These nodes, the first the best.
fn around(focus: u32, nodes: impl IntoIterator<Item = u32>) -> Neighbourhood<u32> {
    let candidate = |(distance, node)| Candidate { node, distance, degree: 0, last_used: None };
    Neighbourhood::new(Some(focus), (1..).zip(nodes).map(candidate))
}

/// What was chosen and is in the queue.
fn chosen(panel: &mut Panel) -> Vec<u32> {
    let key = |intent| match intent {
        GraphIntent::PromoteNodeToActive { key, cause: LifecycleCause::SelectedPrewarm } => Some(key),
        GraphIntent::Noise => None,
    };
    panel.drain().filter_map(|queued| key(queued.intent)).collect()
}
