//! A [`ControlPanel`] owns the queue, the policy and the workers, and a runtime for them where the program has none.
//!
//! [`ControlPanel::builder`] returns a [`PanelBuilder`], which sets its options. [`ControlPanel::spawner`] returns a [`Spawner`],
//! through which other threads and workers spawn workers. [`ControlPanel::status`] returns a [`PanelStatus`]: what the workers
//! and the queue do at this moment.
//!
//! ```
//! use control_panel::{
//!     ControlPanel, GraphIntent, IntentSource,
//!     panel::{BuildError, PanelStatus},
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {
//!     Refresh,
//! }
//!
//! assert!(matches!(
//!     ControlPanel::<Update>::builder().capacity(0).try_build(),
//!     Err(BuildError::ZeroCapacity)
//! ));
//! let panel =
//!     ControlPanel::<Update>::builder().name("pages").capacity(64).build();
//! panel.sender(IntentSource::LocalUI).try_send(Update::Refresh).unwrap();
//! let status: PanelStatus = panel.status();
//! assert_eq!(status.queued, 1);
//! ```

// | file | what |
// |---|---|
// | `control_panel` | what a panel is built by, what it spawns, distributes and shows |
// | `builder`, `build_error` | building a panel |
// | `frames`, `locals` | draining, applying, waiting for work; the loop's own intents |
// | `spawn`, `spawner`, `group`, `tasks` | what workers are spawned on: the panel, its remote control, a group, a pool |
// | `ask`, `lookup`, `buses` | questions of the loop, finding workers, buses |
// | `observed`, `exhibits` | what an observer reads of a panel, without its types; what workers show of themselves |
// | `status`, `warnings`, `pulse` | what the panel shows and warns about; whether anything drives the runtime |
// | `forward` | worker events as intents |
// | `idle` | suspends workers while the panel is not touched |
// | `stopping` | requesting a shutdown, and draining during one |
// | `shared` | state shared by a panel and its spawners |

/// Methods that a panel and its spawners have in common, written once.
macro_rules! both {
    ($(#[$section:meta])* impl { $($methods:tt)* }) => {
        $(#[$section])*
        impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> { $($methods)* }

        $(#[$section])*
        impl<I: Intent, P: Send + Sync + 'static> super::Spawner<I, P> { $($methods)* }
    };
}

// First what the page of `ControlPanel` begins with: rustdoc shows a type's methods by the modules that have them.
mod control_panel;

mod frames;

mod ask;
mod build_error;
mod builder;
mod buses;
mod exhibits;
mod forward;
pub(crate) mod group;
mod idle;
mod locals;
mod lookup;
pub(crate) mod observed;
mod pulse;
pub(crate) mod shared;
mod spawn;
mod spawner;
mod status;
mod stopping;
pub(crate) mod tasks;
mod warnings;

use std::{fmt, sync::Arc};

use tokio::runtime::Runtime;

use self::{forward::Forward, locals::Locals, pulse::Pulse, shared::Shared, warnings::Starved};
use crate::{
    frame::{FrameBudget, Recorder},
    intent::Intent,
    queue::Local,
    telemetry,
    util::{Mutex, panics},
};

pub(crate) use self::spawn::sealed;
pub use self::{
    build_error::BuildError,
    builder::PanelBuilder,
    spawn::Spawn,
    spawner::Spawner,
    status::{LastIncidents, PanelStatus, Workers},
};
pub use crate::supervisor::observed::WorkerInfo;

/// Owns background workers and hands their intents, one ordered [`Frame`](crate::Frame) at a time, to a synchronous loop.
///
/// `I` is your intent, `P` your policy: what [`set_policy`](Self::set_policy) distributes to the workers.
///
/// Every method but [`drain`](Self::drain) and [`run_frame`](Self::run_frame) takes `&self`, so workers can be
/// spawned from inside a frame.
///
/// Dropping a panel never blocks: it cancels every worker, drops the async ones at their next await, and discards whatever was
/// not drained. Call [`shutdown`](Self::shutdown) first to wait for the workers and learn how they ended.
///
/// Do not fork a process that has a panel: the child has one thread, but the locks of all the others. A daemon that moves into
/// the background re-executes itself instead (`examples/cookbook/detach.rs` in the repository). The supported platforms are
/// listed in the [guide](crate::guide::platforms); `wasm32` is not one of them.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
///     worker,
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Add(u32),
/// }
///
/// #[derive(Default)]
/// struct Total(u32);
///
/// impl Reducer for Total {
///     type Intent = Update;
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         let Update::Add(n) = queued.intent;
///         self.0 += n;
///     }
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn counter(cx: Context<Update>, upto: u32) {
///     for n in 1..=upto {
///         cx.send(Update::Add(n)).await.ok();
///     }
/// }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let counter = panel.spawn_counter(4);
/// let mut total = Total::default();
/// while !counter.status().is_final() || panel.queued() > 0 {
///     panel.run_frame(&mut total, &mut (), []);
///     // Asleep until there is more to do.
///     panel.wait_ready_timeout(std::time::Duration::from_millis(100));
/// }
/// assert_eq!(total.0, 10);
/// assert!(panel.shutdown_blocking().is_clean());
/// ```
#[doc(alias = "event loop")]
#[doc(alias = "actor system")]
#[doc(alias = "supervisor")]
#[doc(alias = "runtime")]
#[doc(alias = "message loop")]
pub struct ControlPanel<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
    /// The panel's own runtime, if it has one.
    runtime: Option<Runtime>,
    locals: Locals<I::Source>,
    /// The loop's own intents that no frame could take yet; almost always empty. The mutex is never locked: it only makes the
    /// panel `Sync` for intents that are not.
    local_buffer: Mutex<Vec<Local<I>>>,
    /// Turns worker events into intents for the reducer.
    forward: Option<Forward<I>>,
    frame_budget: FrameBudget,
    /// Records each frame of `run_frame`.
    recorder: Option<Box<dyn Recorder<I>>>,
    /// Detects loops that keep their workers from running.
    starved: Starved,
    pulse: Pulse,
    /// The state of the queue at the last frame.
    watch: telemetry::Watch,
    /// Behind `shared`, which is dropped first.
    _last: Last<Shared<I, P>>,
}

/// What a panel shares with its spawners, dropped with the panel if they are gone. The policy and `on_ready` are in it, whose
/// destructors are the program's own and may panic: the drop of a panel never does.
struct Last<T>(Option<Arc<T>>);

impl<T> Drop for Last<T> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

/// Drops what is the program's own. A panic is reported by the hook, and ends here.
fn discard<T>(what: T) {
    panics::catch(|| drop(what)).ok();
}

impl<I: Intent, P: Send + Sync + Default + 'static> Default for ControlPanel<I, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Intent, P> Drop for ControlPanel<I, P> {
    fn drop(&mut self) {
        self.shared.supervisor.drop_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.shared.policy.close();
        self.shared.buses.close();
        self.shared.queue.discard();
        // Each by itself: one whose drop panics takes no other with it.
        self.local_buffer.get_mut().drain(..).for_each(discard);
        discard(self.forward.take());
        discard(self.recorder.take());
        if let Some(gauge) = self.shared.gauge.get() {
            gauge.close();
        }
    }
}

impl<I: Intent, P> fmt::Debug for ControlPanel<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPanel").field("shared", &self.shared).finish_non_exhaustive()
    }
}
