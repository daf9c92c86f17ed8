//! The worker: observes what is published, chooses, sends, and backs off when there is no room.

use std::{fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    Heuristic, NearestFirst, PrefetchFeed, PrefetchNode, PrefetchPolicy, PrefetchSettings, Prewarm,
    feed::Seen,
    plan::{Plan, Step},
};
use crate::{Backoff, Context, Intent, PolicyWatch, SendError, TrySendError, Worker, intent::Source};

/// Configures a prefetch scheduler: its source, its heuristic, its backoff and its seed.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, workers::prefetch::*};
/// # #[derive(GraphIntent)] #[intent(source = Feed)] enum Update { #[intent(from)] Fetch(Prewarm<u32>) }
/// # #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] enum Feed { Prefetch }
/// /// The longest not seen first.
/// fn oldest_first(around: &Neighbourhood<u32>, most: usize) -> Vec<u32> {
///     let mut nodes: Vec<_> =
///         around.candidates().iter().map(|c| (c.last_used, c.node)).collect();
///     nodes.sort();
///     nodes.into_iter().take(most).map(|(_, node)| node).collect()
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let (scheduler, feed) = PrefetchScheduler::new(Feed::Prefetch);
/// panel.spawn(scheduler.heuristic(oldest_first).seed(7).into_worker());
/// feed.publish(Neighbourhood::new(None, []));
/// ```
#[must_use = "a scheduler does nothing until it is spawned"]
pub struct PrefetchScheduler<S, N, H = NearestFirst> {
    source: S,
    seen: watch::Receiver<Seen<N>>,
    heuristic: H,
    backoff: Backoff,
    seed: Option<u64>,
}

impl<S: Source, N: PrefetchNode> PrefetchScheduler<S, N> {
    /// Creates a scheduler whose intents come from `source`, and the feed that gives it the candidates.
    pub fn new(source: S) -> (Self, PrefetchFeed<N>) {
        let (feed, seen) = PrefetchFeed::new();
        (Self { source, seen, heuristic: NearestFirst, backoff: Backoff::default(), seed: None }, feed)
    }
}

impl<S: Source, N: PrefetchNode, H: Heuristic<N>> PrefetchScheduler<S, N, H> {
    /// The heuristic that ranks the candidates. Default: [`NearestFirst`].
    pub fn heuristic<G: Heuristic<N>>(self, heuristic: G) -> PrefetchScheduler<S, N, G> {
        let Self { source, seen, backoff, seed, .. } = self;
        PrefetchScheduler { source, seen, heuristic, backoff, seed }
    }

    /// How long it waits when there is no room for its intent, or its budget is used up. Default: 100 ms, doubling up to 30 s,
    /// with jitter. A success resets it, and so do another focus and other settings.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Seeds the jitter, and nothing else. Default: the worker's origin.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Builds the worker, named `prefetch_scheduler`, for `panel.spawn(…)`.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = S> + From<Prewarm<N>>,
        P: PrefetchPolicy + Send + Sync + 'static,
    {
        let source = self.source;
        Worker::once("prefetch_scheduler", source, move |cx| run(cx, self))
    }
}

impl<S: fmt::Debug, N, H> fmt::Debug for PrefetchScheduler<S, N, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefetchScheduler")
            .field("source", &self.source)
            .field("backoff", &self.backoff)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Chooses nodes one by one until its feed, the panel or the worker itself is gone. Fails if the host's intent claims to come
/// from a peer but has no clock: it always would.
async fn run<I, P, S, N, H>(
    cx: Context<I, P>,
    scheduler: PrefetchScheduler<S, N, H>,
) -> Result<(), SendError<()>>
where
    I: Intent<Source = S> + From<Prewarm<N>>,
    P: PrefetchPolicy + Send + Sync + 'static,
    S: Source,
    N: PrefetchNode,
    H: Heuristic<N>,
{
    let PrefetchScheduler { mut seen, mut heuristic, backoff, seed, .. } = scheduler;
    let sender = cx.sender();
    // Whatever the policy asks for, half of the queue is left to others.
    let most = (sender.capacity() / 2).max(1);
    let mut plan = Plan::new(backoff, seed.unwrap_or(sender.origin().0));
    let mut policy = cx.policy();
    let mut around = seen.borrow_and_update().clone().neighbourhood;
    plan.look_at(around.focus());
    loop {
        let wanted = policy.borrow_and_update().prefetch();
        let settings = PrefetchSettings { budget: wanted.budget.min(most), ..wanted };
        let now_seen = seen.borrow_and_update().clone();
        if !Arc::ptr_eq(&around, &now_seen.neighbourhood) {
            around = now_seen.neighbourhood;
            plan.look_at(around.focus());
        }
        let now = Instant::now();
        let rank = |most| heuristic.rank(&around, most);
        let until = match plan.next(now, &settings, now_seen.level, rank, || sender.occupied()) {
            Step::Send(node) => {
                match sender.try_send(Prewarm { node: node.clone() }.into()) {
                    Ok(()) => plan.sent(node, now),
                    Err(TrySendError::Full(_)) => _ = plan.refused(now),
                    Err(TrySendError::Stopping(_) | TrySendError::Closed(_) | TrySendError::Ended(_)) => {
                        return Ok(());
                    }
                    Err(TrySendError::ZeroClock(_)) => return Err(SendError::ZeroClock(())),
                }
                continue;
            }
            Step::WaitUntil(instant) => Some(instant),
            Step::Idle => None,
        };
        let changed = changed(&mut policy, &mut seen);
        let goes_on = match until {
            Some(instant) => timeout_at(instant, changed).await.unwrap_or(true),
            None => changed.await,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Waits for a new policy or a new publication. Returns false if one of them will never come again.
async fn changed<P, N>(policy: &mut PolicyWatch<P>, seen: &mut watch::Receiver<Seen<N>>) -> bool {
    let (mut policy, mut seen) = (pin!(policy.changed()), pin!(seen.changed()));
    // In this order, so that the same order of events yields the same decisions.
    poll_fn(|cx| match (policy.as_mut().poll(cx), seen.as_mut().poll(cx)) {
        (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(false),
        (Poll::Ready(Ok(())), _) | (_, Poll::Ready(Ok(()))) => Poll::Ready(true),
        (Poll::Pending, Poll::Pending) => Poll::Pending,
    })
    .await
}
