//! The two phases of a frame: apply (pure) and reconcile (effects).

use std::time::Duration;

use crate::{
    frame::{RedoFigures, SlowestApply},
    intent::{Intent, order::QueuedIntent},
};

/// The first phase: the state, and how one intent changes it.
///
/// `apply` is **pure**: it reads and writes `self` and nothing else. No I/O, no wall clock, no randomness, no
/// iteration over a `HashMap` into the result; then the same intents give the same state, and a state can be
/// cloned, compared and rolled back.
///
/// ```
/// use control_panel::{GraphIntent, IntentSource, QueuedIntent, Reducer};
///
/// #[derive(GraphIntent)]
/// enum Update { Add(u32) }
///
/// #[derive(Default)]
/// struct Total(u32);
///
/// impl Reducer for Total {
///     type Intent = Update;
///
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         let Update::Add(n) = queued.intent;
///         self.0 += n;
///     }
/// }
///
/// let mut total = Total::default();
/// total.apply(QueuedIntent::new(IntentSource::LocalUI, Update::Add(2)));
/// assert_eq!(total.0, 2);
/// ```
///
/// # State that is shared with other programs
/// Shared state is a [`Replica`](crate::Replica), a field of the reducer. Intents of this program change it by
/// [`commit`](crate::Replica::commit), which makes an operation that all replicas apply in one order; deltas of other replicas go
/// to [`merge`](crate::Replica::merge), and [`settle`](Reducer::settle) puts them in that order:
///
/// ```
/// use control_panel::{
///     Delta, GraphIntent, Peer, QueuedIntent, Reducer, Replica, Stamp, State,
/// };
///
/// #[derive(Clone, Default)]
/// struct Pages(Vec<String>);
///
/// impl State for Pages {
///     type Op = String;
///
///     fn apply(&mut self, page: &String, _: &Stamp) {
///         self.0.push(page.clone());
///     }
/// }
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Add(String),
///     #[intent(clock = delta, origin = delta)]
///     ApplyRemoteDelta {
///         delta: Delta<String>,
///     },
///     Scrolled(u32),
/// }
///
/// struct App {
///     pages: Replica<Pages>,
///     line: u32, // local: where this window is scrolled to
/// }
///
/// impl Reducer for App {
///     type Intent = Update;
///
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         match queued.intent {
///             Update::Add(page) => {
///                 self.pages.commit(page);
///             }
///             Update::ApplyRemoteDelta { delta } => {
///                 self.pages.merge(delta);
///             }
///             Update::Scrolled(line) => self.line = line,
///         }
///     }
///
///     fn settle(&mut self) {
///         let _ = self.pages.settle();
///     }
/// }
/// ```
///
/// An intent cannot change the shared state in any other way, as there is no `&mut` to it: such a change would be lost at the
/// next rollback.
///
/// ```compile_fail,E0596
/// # use control_panel::{Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Pages(Vec<String>);
/// # impl State for Pages {
/// #     type Op = String;
/// #     fn apply(&mut self, page: &String, _: &Stamp) { self.0.push(page.clone()); }
/// # }
/// fn observe(pages: &mut Replica<Pages>) {
///     pages.state().0.push("seen here".to_owned()); // cannot borrow as mutable
/// }
/// ```
#[doc(alias = "update")]
#[doc(alias = "elm")]
#[doc(alias = "redux")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state that a frame can be applied to",
    note = "implement `control_panel::Reducer` for `{Self}`, with the panel's intent as its `Intent`"
)]
pub trait Reducer {
    /// The intents that it applies.
    type Intent: Intent;

    /// Applies one intent. An intent that makes no sense in this state is best a no-op.
    ///
    /// # Panics
    /// A panic here passes through `run_frame` to its caller. The intent counts as handed out; the rest of
    /// the frame comes back with the next one, and `settle` is called by that one.
    fn apply(&mut self, queued: QueuedIntent<Self::Intent>);

    /// The end of the first phase: `run_frame` calls it once per frame, after the last `apply` and before `reconcile`, even if the
    /// frame had no intents or a [budget](crate::FrameBudget) cut it short. Does nothing by default.
    ///
    /// This is where a reducer with a [`Replica`](crate::Replica) calls the replica's own
    /// [`settle`](crate::Replica::settle): however many deltas a frame merged, it rolls back once. Like `apply`, it is pure.
    ///
    /// A loop that reads [`drain`](crate::ControlPanel::drain) by hand calls it after the last intent.
    ///
    /// # Panics
    /// A panic here passes through `run_frame` to its caller: all intents were applied, and the host is not reconciled. The next
    /// frame calls it again.
    fn settle(&mut self) {}

    /// A digest of the state, for a journal: it is written with each recorded frame, and a replay compares it and names the first
    /// frame that differs. Only recorded frames and replays call it, after [`settle`](Self::settle). Its cost is the program's
    /// choice: a digest that is kept up to date is one load. With `None`, the default, nothing is compared.
    fn digest(&self) -> Option<u64> {
        None
    }
}

/// The second phase: effects, on a host of its own, after all of a frame's intents were applied.
///
/// Reconciling is **level-triggered**: it compares what the state wants with what the host has and closes
/// the gap, whatever happened in between. So it may be skipped, repeated or run after a rollback.
/// (The controller pattern of Kubernetes; desired and observed state kept apart.)
///
/// A host without effects is `()`. A host that sets the policy or spawns workers keeps a [`Spawner`](crate::Spawner), because
/// the panel itself is borrowed while a frame runs.
///
/// ```
/// use control_panel::Reconcile;
///
/// struct State { wanted: u32 }
/// struct Screen { shown: u32 }
///
/// impl Reconcile<State> for Screen {
///     fn reconcile(&mut self, state: &State) {
///         if self.shown != state.wanted {
///             self.shown = state.wanted; // draw
///         }
///     }
/// }
///
/// let mut screen = Screen { shown: 0 };
/// screen.reconcile(&State { wanted: 3 });
/// assert_eq!(screen.shown, 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no host that can be reconciled with `{S}`",
    note = "implement `control_panel::Reconcile<{S}>` for `{Self}`, or pass `&mut ()` where there are no effects"
)]
pub trait Reconcile<S: ?Sized> {
    /// Brings the host to what the state wants.
    fn reconcile(&mut self, state: &S);
}

impl<S: ?Sized> Reconcile<S> for () {
    fn reconcile(&mut self, _: &S) {}
}

/// What one [`run_frame`](crate::ControlPanel::run_frame) did.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameReport {
    /// The number of this frame: 1 for the panel's first `drain` or `run_frame`.
    pub frame: u64,
    /// Intents applied, the local ones included.
    pub applied: usize,
    /// How many of them were local to the loop: those given to `run_frame`, and
    /// [forwarded events](crate::PanelBuilder::forward_events).
    pub local: usize,
    /// Intents accepted by the queue and not handed out yet, when reconcile began: what a budget cut off, and
    /// what arrived meanwhile.
    pub left: usize,
    /// How long draining, ordering, applying and settling took: wall clock, for display.
    pub apply_time: Duration,
    /// What [`settle`](Reducer::settle) put in order: operations of other replicas, and the rollbacks that they caused. The reducer
    /// need not forward it: each [`Replica::settle`](crate::Replica::settle) during the frame is counted.
    pub redo: RedoFigures,
    /// The replicas' operations that took longest to apply; `None` if none was applied. They may explain a frame that took too
    /// long.
    pub slowest: Option<SlowestApply>,
    /// A mistake in the loop around the panel, if there is one.
    pub warning: Option<Warning>,
}

/// A mistake that no error reports, because nothing failed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Workers were spawned, and for about a second of frames none of them was polled. Either nothing drives the panel's
    /// runtime: it is a current-thread one and no thread is inside its `block_on`, or the loop itself holds it and does not
    /// `.await`. Or all its threads are held, by workers that do not await or by calls that fill its blocking pool. Let the
    /// loop await between frames, give the panel `.runtime(handle)` of a multi-thread runtime, or let it have its own; a worker
    /// that blocks for long belongs on a thread ([`Worker::thread`](crate::Worker::thread)).
    ///
    /// A loop that sleeps meanwhile, and so draws no frames, is woken after some five seconds of real time to find the warning.
    ///
    /// The warning ends once one of the workers runs. Frames that follow each other within 10 ms count once, unless the loop
    /// itself holds the runtime.
    WorkersNeverPolled {
        /// How many workers have never run.
        workers: usize,
    },
    /// Workers live on a current-thread runtime that has run nothing for about a second of frames: no thread is inside its
    /// `block_on`, or that thread never gets to poll them. Their timers do not fire, and nothing that they wait for wakes them.
    /// Remedies and counting of frames as for [`WorkersNeverPolled`](Self::WorkersNeverPolled).
    RuntimeNotDriven {
        /// How many workers it has.
        workers: usize,
    },
    /// The program is compiled with `panic = "abort"`: a worker's panic ends the process before it can be reported or the
    /// worker restarted. Take that out of the profile in `Cargo.toml`.
    PanicsAbort,
    /// A worker or a group that escalates failed too often, or a worker with [`OnStuck::Escalate`](crate::supervision::OnStuck) was stuck:
    /// every worker was stopped. Shut down; the report and the events name the worker.
    Escalated,
    /// The panel's runtime is gone: its workers were asked to stop or were dropped with it, and no other is started. Keep the
    /// runtime alive as long as the panel, or let the panel have its own.
    RuntimeGone,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WorkersNeverPolled { workers } => write!(
                f,
                "{workers} worker(s) never ran: nothing drives the panel's runtime, or all its threads are held; await between \
                 frames, give the panel a multi-thread runtime's handle, or move what blocks to `kind = thread`"
            ),
            Self::RuntimeNotDriven { workers } => write!(
                f,
                "{workers} worker(s) stand still: nothing drives the panel's current-thread runtime; await between frames inside \
                 its `block_on`, drive it on another thread, or let the panel have its own"
            ),
            Self::PanicsAbort => f.write_str(
                "the program is compiled with `panic = \"abort\"`, so a worker's panic ends the process instead of being \
                 reported and the worker restarted: take `panic = \"abort\"` out of the profile in Cargo.toml",
            ),
            Self::Escalated => f.write_str(
                "a worker failed too often, or was stuck, for the panel to go on, and every worker was stopped: shut down; \
                 the report names it",
            ),
            Self::RuntimeGone => f.write_str(
                "the panel's runtime is gone, and its workers with it: keep it alive as long as the panel, or let the panel \
                 have its own",
            ),
        }
    }
}
