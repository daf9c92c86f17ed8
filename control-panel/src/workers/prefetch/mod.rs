//! The prefetch scheduler: predicts what will be wanted next, and requests it ahead of time, at a limited pace.
//!
//! It works with the program's own types. Your intent is created `From` a [`Prewarm`]. Your node is any key that is `Ord`. Your
//! policy implements [`PrefetchPolicy`], which turns the scheduler on and off and sets its pace and budget, at any time. The
//! frame loop publishes the candidates through a [`PrefetchFeed`], and a [`Heuristic`] ranks them.
//!
//! It yields to everything else:
//!
//! - It never waits for a slot, leaves at most its budget of intents undrained, and never uses more than half of the queue.
//! - When there is no room it backs off exponentially. Another focus or other settings end the backoff.
//! - Under a memory warning it runs four times slower, and while memory is critical it stops.
//! - For one focus, no node is chosen twice.
//!
//! Given the same seed, the same publications and the same frames at the same instants, it makes the same decisions.
//!
//! ```
//! use control_panel::workers::prefetch::{
//!     Candidate, Neighbourhood, PrefetchPolicy, PrefetchSettings, Prewarm,
//!     SpawnPrefetchScheduler,
//! };
//! use control_panel::{ControlPanel, GraphIntent, testing};
//! use std::time::Duration;
//!
//! #[derive(Debug, PartialEq, GraphIntent)]
//! enum Update {
//!     PromoteNodeToActive { key: u32 },
//! }
//!
//! impl From<Prewarm<u32>> for Update {
//!     fn from(prewarm: Prewarm<u32>) -> Self {
//!         Self::PromoteNodeToActive { key: prewarm.node }
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Limits {
//!     warm_cache_limit: usize,
//! }
//!
//! impl PrefetchPolicy for Limits {
//!     fn prefetch(&self) -> PrefetchSettings {
//!         PrefetchSettings {
//!             enabled: self.warm_cache_limit > 0,
//!             ..PrefetchSettings::default()
//!         }
//!     }
//! }
//!
//! testing::paused(async |panel: &mut ControlPanel<Update, Limits>| {
//!     let (_worker, feed) = panel.spawn_prefetch_scheduler();
//!     let linked = [5, 3].map(|node| Candidate {
//!         node,
//!         distance: 1,
//!         degree: node,
//!         last_used: None,
//!     });
//!     feed.publish(Neighbourhood::new(Some(1), linked));
//!     testing::advance(Duration::from_secs(1)).await;
//!     assert_eq!(panel.drain().count(), 0, "the policy says so");
//!
//!     panel.set_policy(Limits { warm_cache_limit: 8 });
//!     testing::advance(Duration::from_secs(1)).await;
//!     let keys: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
//!     assert_eq!(keys, [5, 3].map(|key| Update::PromoteNodeToActive { key }));
//! });
//! ```

mod feed;
mod heuristic;
mod neighbourhood;
mod plan;
mod scheduler;

use std::time::Duration;

pub use self::{
    feed::PrefetchFeed,
    heuristic::{Heuristic, NearestFirst},
    neighbourhood::{Candidate, Neighbourhood, Reach},
    scheduler::PrefetchScheduler,
};
use crate::{Intent, IntentSource, Spawn, WorkerHandle};

/// The scheduler's choice; your intent is created from it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct Prewarm<N> {
    /// The node.
    pub node: N,
}

/// A type that identifies nodes: every `Clone + Ord + Send + Sync + 'static` type, so this trait is never implemented by hand.
/// Of equally good candidates, the least node is chosen first.
pub trait PrefetchNode: Clone + Ord + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<N: Clone + Ord + Send + Sync + 'static> PrefetchNode for N {}

/// Whether to prefetch, how fast and how far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefetchSettings {
    /// Whether anything is chosen at all.
    pub enabled: bool,
    /// The minimum time between two choices. Four times as long while memory is at [`Warning`](crate::workers::MemoryLevel).
    pub pace: Duration,
    /// How many intents of the scheduler's source may be undrained before it backs off; 0 turns it off.
    pub budget: usize,
    /// The maximum number of nodes chosen for one focus; 0 turns it off.
    pub ahead: usize,
}

/// On: four a second, at most four undrained, four ahead of each focus.
impl Default for PrefetchSettings {
    fn default() -> Self {
        Self { enabled: true, pace: Duration::from_millis(250), budget: 4, ahead: 4 }
    }
}

/// A policy that sets the scheduler's settings. `()` has the default ones.
pub trait PrefetchPolicy {
    /// Returns the current settings. Called again whenever the policy changes, and applied immediately.
    fn prefetch(&self) -> PrefetchSettings;
}

impl PrefetchPolicy for () {
    fn prefetch(&self) -> PrefetchSettings {
        PrefetchSettings::default()
    }
}

/// Spawns the default scheduler on a panel with the built-in sources.
pub trait SpawnPrefetchScheduler: Spawn {
    /// Chooses by [`NearestFirst`] from the candidates published to the feed, and sends `Intent::from(Prewarm)`.
    ///
    /// Source: [`IntentSource::PrefetchScheduler`]. Never restarted: it fails only if the intent made from
    /// [`Prewarm`] has the clock 0 ([`SendError::ZeroClock`](crate::SendError::ZeroClock)). For another source, heuristic,
    /// backoff or seed spawn a [`PrefetchScheduler`].
    fn spawn_prefetch_scheduler<N>(&self) -> (WorkerHandle, PrefetchFeed<N>)
    where
        N: PrefetchNode,
        Self::Intent: Intent<Source = IntentSource> + From<Prewarm<N>>,
        Self::Policy: PrefetchPolicy;
}

impl<S: Spawn + ?Sized> SpawnPrefetchScheduler for S {
    fn spawn_prefetch_scheduler<N>(&self) -> (WorkerHandle, PrefetchFeed<N>)
    where
        N: PrefetchNode,
        Self::Intent: Intent<Source = IntentSource> + From<Prewarm<N>>,
        Self::Policy: PrefetchPolicy,
    {
        let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
        (self.admit(scheduler.into_worker()), feed)
    }
}
