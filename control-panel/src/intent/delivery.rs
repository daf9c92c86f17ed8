//! What happens to an intent when the queue is full, or already holds one like it.

/// What happens to an intent when the queue is full, or already holds one like it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for a slot, or is returned to the sender.
    #[default]
    Reliable,
    /// It is dropped when the queue is full, and counted as dropped. Sending it never waits.
    Lossy,
    /// It replaces a queued one of the same producer and key: that one is dropped, and this one takes over its slot,
    /// but not its place: it is applied after all that the producer sent before it. So wherever the frames' borders
    /// fall, a producer's local intents are applied in the order in which it sent them, with some of the replaced ones
    /// missing. An intent that a frame took and left behind is not replaced. If there is none to replace, this one is
    /// reliable; so is a clocked intent, and so is one given to [`run_frame`](crate::ControlPanel::run_frame).
    ///
    /// For levels, of which only the newest matters, and for progress: however often a worker reports it, a frame has
    /// one, and the queue does not fill up (`examples/cookbook/latest_progress.rs` in the repository).
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource};
    ///
    /// #[derive(Debug, PartialEq, GraphIntent)]
    /// enum Update {
    ///     #[intent(latest)]
    ///     Moved(u32),
    ///     Clicked,
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let pointer = panel.sender(IntentSource::LocalUI);
    /// for update in
    ///     [Update::Moved(1), Update::Clicked, Update::Moved(2), Update::Moved(3)]
    /// {
    ///     pointer.try_send(update)?;
    /// }
    /// let frame: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
    /// assert_eq!(frame, [Update::Clicked, Update::Moved(3)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Latest(LatestKey),
}

/// Which intents replace each other: those of one variant with equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LatestKey {
    /// The index of the variant in the enum.
    pub variant: usize,
    /// What the intent is about; 0 if all intents of the variant are about the same thing.
    pub key: u64,
}
