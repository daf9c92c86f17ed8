//! Forwards worker events to the reducer as intents.
//!
//! The supervisor keeps the last 1,024 events anyway. That log serves as their buffer, so events and queued intents take no
//! room from each other. Each frame reads the new events and turns them into intents on its own thread, so neither the
//! supervisor nor a worker waits for it, and no task is needed.

use super::PanelBuilder;
use crate::{
    intent::{Intent, Origin},
    lifecycle::Notice,
    queue::{Local, Queue},
    supervisor::events::Events,
    util::{Mutex, panics},
};

/// Turns an event into an intent.
pub(super) type MakeIntent<I> = Box<dyn FnMut(Notice) -> Option<I> + Send>;

/// The source and the function that the builder was given.
pub(super) type Forwarded<I> = (<I as Intent>::Source, MakeIntent<I>);

pub(super) struct Forward<I: Intent> {
    source: I::Source,
    origin: Origin,
    next_seq: u64,
    events: Events,
    /// Never locked: the mutex makes the panel `Sync` for functions that are not.
    make: Mutex<MakeIntent<I>>,
    /// Empty between frames.
    notices: Vec<Notice>,
}

impl<I: Intent> Forward<I> {
    pub(super) fn new((source, make): Forwarded<I>, queue: &Queue<I>, events: Events) -> Self {
        let (origin, notices) = (queue.origin(), Vec::new());
        Self { source, origin, next_seq: 0, events, make: Mutex::new(make), notices }
    }

    /// Appends the new events when a frame begins. Never waits; an event being written at this moment comes with a later frame.
    pub(super) fn read(&mut self, queue: &Queue<I>, local: &mut Vec<Local<I>>) {
        if !self.events.try_read(&mut self.notices) {
            queue.wake_loop();
        }
        let make = self.make.get_mut();
        for notice in self.notices.drain(..) {
            // The program's code. If it panics, the panic hook reports it, and the event yields no intent.
            let outcome = panics::catch(|| {
                let intent = make(notice)?;
                let clock = intent.clock().unwrap_or(0);
                Some((clock, intent))
            });
            let Some((clock, intent)) = outcome.ok().flatten() else { continue };
            let (source, origin, seq) = (self.source, self.origin, self.next_seq);
            self.next_seq += 1;
            local.push(Local { source, origin, clock, seq, intent });
        }
    }
}

impl<I: Intent, P> PanelBuilder<I, P> {
    /// Forwards worker events to the reducer: the next frame calls `make` with each [event](crate::events::Event), in order, and
    /// applies what it returns in that frame as an intent of `source`, with an origin of its own.
    ///
    /// This works whatever the queue and the runtime do: the intents take no slots, are not counted by
    /// [`queued`](crate::ControlPanel::queued), and no budget cuts them off. Of the events that no frame has read, the last
    /// 1,024 are kept; [`Notice::Lagged`] says how many were lost before. Every event wakes a sleeping loop, even with
    /// [`wake_for_workers(false)`](Self::wake_for_workers). After a shutdown, a final [`drain`](crate::ControlPanel::drain)
    /// contains the ends of the workers.
    ///
    /// Whatever a worker sent before an event is in the event's frame or an earlier one, unless a budget cuts it off: if
    /// `source` orders after the workers' own sources, the reducer sees a worker's end after everything that the worker sent.
    ///
    /// `make` is called on the frame's thread, under no lock, and should be quick. If it panics, the panic hook reports it, and
    /// the event yields no intent. A second call replaces the first.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, worker,
    ///     events::{EventKind, Notice},
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Page(String),
    ///     Failed(String),
    ///     Missed(u64),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn fetch(_cx: Context<Update>) -> Result<(), &'static str> {
    ///     Err("no route to host")
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::builder()
    ///     .forward_events(IntentSource::Restore, |notice| match notice {
    ///         Notice::Event(event) => match &event.kind {
    ///             EventKind::Ended(exit, _) if exit.is_failure() => {
    ///                 Some(Update::Failed(format!("{} {exit}", event.name)))
    ///             }
    ///             _ => None,
    ///         },
    ///         Notice::Lagged(missed) => Some(Update::Missed(missed)),
    ///     })
    ///     .build();
    /// panel.spawn_fetch();
    /// let failed = loop {
    ///     panel.wait_ready_timeout(std::time::Duration::MAX);
    ///     if let Some(queued) = panel.drain().next() {
    ///         break queued.intent;
    ///     }
    /// };
    /// assert!(
    ///     matches!(failed, Update::Failed(what)
    ///         if what == "fetch failed: no route to host")
    /// );
    /// ```
    pub fn forward_events(
        mut self,
        source: I::Source,
        make: impl FnMut(Notice) -> Option<I> + Send + 'static,
    ) -> Self {
        self.forwarded = Some((source, Box::new(make)));
        self
    }
}
