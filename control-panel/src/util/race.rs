//! Waiting for the first of two things.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Waits until the first of two futures is ready, and drops the other: a biased `select!` without a macro. `first` is
/// always polled first. Nest races for three futures or more.
///
/// Costs the memory of both futures and their polls, and no allocation.
///
/// ```
/// use control_panel::{
///     Context, GraphIntent, IntentSource, worker,
///     context::{Raced, race},
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Added(u32),
///     Refreshed,
/// }
///
/// #[worker(source = IntentSource::Restore, inbox = u32)]
/// async fn feed(cx: Context<Update>) {
///     let mut inbox = cx.inbox::<u32>();
///     loop {
///         let update = match race(
///             inbox.recv(),
///             tokio::time::sleep(Duration::from_secs(60)),
///         )
///         .await
///         {
///             Raced::First(None) => return,
///             Raced::First(Some(number)) => Update::Added(number),
///             Raced::Second(()) => Update::Refreshed,
///         };
///         cx.send(update).await.ok();
///     }
/// }
/// ```
///
/// # Cancel safety
/// That of both futures: the one that loses is dropped where it is, as if it had been cancelled.
pub async fn race<A: Future, B: Future>(first: A, second: B) -> Raced<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Raced::First(output));
        }
        second.as_mut().poll(cx).map(Raced::Second)
    })
    .await
}

/// Which of two futures was ready: what [`race`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raced<A, B> {
    /// The first, whether or not the second was too.
    First(A),
    /// The second.
    Second(B),
}
