//! What a console shows of a panel: its workers, its queue, its frames, and the journals, peers and mods beside it. The dashboard,
//! the terminal and the window all draw the same [`View`].
//!
//! An [`Observer`] reads figures without making the frame thread wait. A [`Console`] turns them into rows. It is pure: the same
//! [`Snapshot`]s at the same moments give the same view. A program that draws a console has both:
//!
//! ```
//! use control_panel::{
//!     Context, ControlPanel, GraphIntent, IntentSource,
//!     console::{Console, WorkerState},
//!     worker,
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {
//!     Found(u32),
//! }
//!
//! #[worker(source = IntentSource::Restore)]
//! async fn search(cx: Context<Update>) {
//!     cx.cancelled().await
//! }
//!
//! let panel = ControlPanel::<Update>::new();
//! let observer = panel.observer();
//! panel.spawn_search();
//! let mut console = Console::default();
//! let view = console.refresh(&observer);
//! assert_eq!(
//!     (view.workers[0].name.as_str(), view.workers[0].source.as_str()),
//!     ("search", "Restore")
//! );
//! drop(panel);
//! let view = console.refresh(&observer);
//! assert!(
//!     view.workers.iter().all(|worker| worker.state == WorkerState::Gone),
//!     "never a stale `running`"
//! );
//! ```

// | file | what |
// |---|---|
// | `observer`, `snapshot` | reads a panel, from any thread, without its types |
// | `model` | [`Console`]: snapshots go in, views come out: pure |
// | `kept`, `shown` | what it keeps of them: when each peer was heard of, ends, rates; and what it shows of that |
// | `view`, `worker_row`, `queue_view`, `frames_view`, `end_row` | what it shows |
// | `history` | the last minutes, for plots |
// | `text` | the user's texts, cut to size; what their code panics with |

mod end_row;
mod frames_view;
mod history;
mod kept;
mod model;
mod observer;
mod queue_view;
mod shown;
mod snapshot;
mod text;
mod view;
mod worker_row;

pub use crate::exhibit::{Board, Exhibit, Fact, JournalRow, ModRow, PeerRow};

pub use self::{
    end_row::{EndKind, EndRow},
    frames_view::{FrameState, FramesView, Quantiles},
    history::{History, Point},
    model::{Console, Limits},
    observer::Observer,
    queue_view::{QueueView, SourceRow},
    snapshot::{Cursor, Snapshot},
    text::PanicText,
    view::{PanelState, View},
    worker_row::{WorkerKind, WorkerRow, WorkerState},
};

/// After this long without a word, nothing is shown as running.
pub const SILENCE: std::time::Duration = std::time::Duration::from_secs(5);
