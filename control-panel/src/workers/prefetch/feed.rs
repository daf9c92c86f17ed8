//! The frame loop's input to the scheduler.

use std::{fmt, mem, sync::Arc};

use tokio::sync::watch;

use super::Neighbourhood;
use crate::workers::MemoryLevel;

/// The frame loop's end of a [`PrefetchScheduler`](super::PrefetchScheduler): it publishes the candidates, and how scarce
/// memory is. Never waits; only the newest values count. Dropping it ends the scheduler.
///
/// ```
/// use control_panel::workers::{
///     MemoryLevel,
///     prefetch::{Candidate, Neighbourhood, PrefetchScheduler},
/// };
/// # use control_panel::{GraphIntent, IntentSource, testing, workers::prefetch::Prewarm};
/// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Fetch(u32) }
/// # impl From<Prewarm<u32>> for Update { fn from(p: Prewarm<u32>) -> Self { Self::Fetch(p.node) } }
/// # testing::paused(async |panel: &mut control_panel::ControlPanel<Update>| {
/// let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
/// panel.spawn(scheduler.into_worker());
/// // In the frame loop, whenever the page or what is known around it changed:
/// let next_page = Candidate { node: 7, distance: 1, degree: 3, last_used: None };
/// feed.publish(Neighbourhood::new(Some(1), [next_page]));
/// feed.set_level(MemoryLevel::Normal);
/// # testing::settle().await;
/// assert_eq!(
///     panel.drain().next().map(|queued| queued.intent),
///     Some(Update::Fetch(7))
/// );
/// # });
/// ```
pub struct PrefetchFeed<N> {
    sender: watch::Sender<Seen<N>>,
}

/// What the scheduler observes.
pub(super) struct Seen<N> {
    pub(super) level: MemoryLevel,
    pub(super) neighbourhood: Arc<Neighbourhood<N>>,
}

impl<N> Clone for Seen<N> {
    fn clone(&self) -> Self {
        Self { level: self.level, neighbourhood: Arc::clone(&self.neighbourhood) }
    }
}

impl<N: super::PrefetchNode> PrefetchFeed<N> {
    pub(super) fn new() -> (Self, watch::Receiver<Seen<N>>) {
        let nothing = Arc::new(Neighbourhood::new(None, []));
        let (sender, receiver) = watch::channel(Seen { level: MemoryLevel::Normal, neighbourhood: nothing });
        (Self { sender }, receiver)
    }

    /// Publishes the candidates, replacing those published before.
    pub fn publish(&self, neighbourhood: Neighbourhood<N>) {
        let mut newest = Arc::new(neighbourhood);
        // Dropped here rather than under the watch's lock.
        self.sender.send_modify(|seen| mem::swap(&mut seen.neighbourhood, &mut newest));
    }

    /// Sets how scarce memory is: a warning slows the scheduler down, and a critical level stops it.
    pub fn set_level(&self, level: MemoryLevel) {
        self.sender.send_if_modified(|seen| mem::replace(&mut seen.level, level) != level);
    }
}

impl<N> fmt::Debug for PrefetchFeed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefetchFeed").field("level", &self.sender.borrow().level).finish_non_exhaustive()
    }
}
