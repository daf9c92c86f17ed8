//! What happens to the workers, as intents of the reducer's.
//!
//! The events are kept anyway, the last 1,024 of them: that is their place, which no intent takes from them nor they from one.
//! A frame reads what is new there and makes intents of it on its own thread, so neither the supervisor nor a worker waits for
//! it, and no task is needed for it.

use std::sync::{Mutex, PoisonError};

use super::PanelBuilder;
use crate::{
    intent::{Intent, order::Origin},
    lifecycle::event::Notice,
    queue::{Local, Queue},
    supervisor::events::Events,
    util::panics,
};

/// Makes intents of events.
pub(super) type MakeIntent<I> = Box<dyn FnMut(Notice) -> Option<I> + Send>;

/// What a builder was given: from which source, and how.
pub(super) type Forwarded<I> = (<I as Intent>::Source, MakeIntent<I>);

pub(super) struct Forward<I: Intent> {
    source: I::Source,
    origin: Origin,
    next_seq: u64,
    events: Events,
    /// Never taken: it makes the panel `Sync` for functions that are not.
    make: Mutex<MakeIntent<I>>,
    /// Empty between two frames.
    notices: Vec<Notice>,
}

impl<I: Intent> Forward<I> {
    pub(super) fn new((source, make): Forwarded<I>, queue: &Queue<I>, events: Events) -> Self {
        let (origin, notices) = (queue.origin(), Vec::new());
        Self { source, origin, next_seq: 0, events, make: Mutex::new(make), notices }
    }

    /// A frame begins: appends what is new. Never waits; what is being written just now comes with another frame.
    pub(super) fn read(&mut self, queue: &Queue<I>, local: &mut Vec<Local<I>>) {
        if !self.events.try_read(&mut self.notices) {
            queue.wake_loop();
        }
        let make = self.make.get_mut().unwrap_or_else(PoisonError::into_inner);
        for notice in self.notices.drain(..) {
            // The program's code: of its panic the hook tells, and that event makes no intent.
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

impl<I: Intent, P, G> PanelBuilder<I, P, G> {
    /// The reducer learns what happens to the workers: `make` is called with each [event](crate::Event), in their order, by the
    /// frame that begins next, and what it returns is applied in that frame as an intent of `source`, with an origin of its
    /// own.
    ///
    /// So it works whatever the queue and the runtime do: the intents take no slots, are not counted by
    /// [`queued`](crate::ControlPanel::queued), and no budget cuts them off. Of those that no frame has read, the last 1,024
    /// are kept; [`Notice::Lagged`] says how many came and went before. A sleeping loop is woken for every event, also with
    /// [`wake_for_workers(false)`](Self::wake_for_workers). After a shutdown a last [`drain`](crate::ControlPanel::drain) has the
    /// ends.
    ///
    /// What a worker sent before an event is in the frame of that event or in an earlier one, unless a budget cuts that off:
    /// with a `source` that comes after the workers' own, the reducer sees an end after all that the worker said.
    ///
    /// `make` is called on the frame's thread, under no lock. It should be quick. Of a panic in it the panic hook tells, and
    /// that event makes no intent. A second call replaces the first.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, EventKind, GraphIntent, IntentSource, Notice, worker};
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
    /// assert!(matches!(failed, Update::Failed(what) if what == "fetch failed: no route to host"));
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
