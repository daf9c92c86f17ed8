//! What stands above the panel and shows itself beside it: in a console, which draws it.
//!
//! | file | what |
//! |---|---|
//! | here | what shows itself |
//! | `board` | where it does |
//! | `rows` | what it shows |

mod board;
mod rows;

pub use self::{
    board::Board,
    rows::{Fact, JournalRow, ModRow, PeerRow},
};

/// Something that shows itself in a console beside the panel: a mod loader, a journal, peers, a policy. A closure is one too.
///
/// A worker brings [its own](crate::Worker::exhibit): the mod loader, a journal's writer and the sync of peers show themselves in each
/// console of their panel. What else there is a program [attaches](super::console::Observer::attach).
///
/// Each look calls it, on the thread of the view and never under a lock. What it panics with is shown in its place.
///
/// ```
/// use control_panel::{
///     ControlPanel, GraphIntent,
///     console::{Board, Console},
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// let panel = ControlPanel::<Update, u32>::builder().policy(3).build();
/// let observer = panel.observer();
/// let spawner = panel.spawner();
/// observer.attach(move |board: &mut Board| {
///     board.policy("most pages open", spawner.policy())
/// });
/// let view = Console::default().refresh(&observer);
/// assert_eq!(
///     (view.policy[0].name.as_str(), view.policy[0].value.as_str()),
///     ("most pages open", "3")
/// );
/// ```
pub trait Exhibit: Send + Sync + 'static {
    /// Adds its rows to the board.
    ///
    /// ```
    /// use control_panel::console::{Board, Exhibit};
    ///
    /// struct Files(usize);
    ///
    /// impl Exhibit for Files {
    ///     fn show(&self, board: &mut Board) {
    ///         board.policy("files open", &self.0);
    ///     }
    /// }
    /// # let _ = Files(3);
    /// ```
    fn show(&self, board: &mut Board);
}

impl<F: Fn(&mut Board) + Send + Sync + 'static> Exhibit for F {
    fn show(&self, board: &mut Board) {
        self(board);
    }
}
