//! Sending several intents, or none yet: what keeps its intents in a `select!`.

use std::collections::VecDeque;

use super::Context;
use crate::{intent::Intent, lifecycle::error::SendError, queue::Permits};

impl<I: Intent, P> Context<I, P> {
    /// Sends all of `intents`, first to last, waiting for slots where it must: see
    /// [`IntentSender::send_many`](crate::IntentSender::send_many). What was not sent stays in `intents`, so nothing is lost where it
    /// is cancelled, as in a `select!`.
    ///
    /// ```
    /// use std::{collections::VecDeque, time::Duration};
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Raced, race, testing, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Row(u32) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn rows(cx: Context<Update>) {
    ///     let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ///     let mut rows: VecDeque<_> = (0..1_000).map(Update::Row).collect();
    ///     while let Raced::Second(_) = race(cx.send_many(&mut rows), ticks.tick()).await {
    ///         // answer a ping; what is left is still in `rows`
    ///     }
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     panel.spawn_rows();
    ///     let mut arrived = 0;
    ///     while arrived < 1_000 {
    ///         testing::advance(Duration::from_secs(5)).await;
    ///         arrived += panel.drain().count();
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); the refused intent and those behind it stay in `intents`.
    ///
    /// # Cancel safety
    /// When it is cancelled, what was not sent is still in `intents`.
    pub async fn send_many(&self, intents: &mut VecDeque<I>) -> Result<(), SendError<()>> {
        self.sender.sends_of(&self.run_token).send_many(intents).await
    }

    /// Waits for a slot and reserves it, with up to `most - 1` more that are free at that moment: see
    /// [`IntentSender::reserve_many`](crate::IntentSender::reserve_many). The permits are the worker's and not this generation's.
    ///
    /// # Errors
    /// As [`send`](Self::send): there is no free slot and the worker was [asked to stop](SendError::Stopping), the panel is closed
    /// or stopping, or this worker's generation has [ended](SendError::Ended).
    ///
    /// # Cancel safety
    /// A cancelled call holds no slot and no place in the line.
    pub async fn reserve_many(&self, most: usize) -> Result<Permits<I>, SendError<()>> {
        self.sender.sends_of(&self.run_token).reserve_many(most).await
    }
}
