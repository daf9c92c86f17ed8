//! What stands above the panel and shows itself beside it.

use std::{fmt, time::Duration};

/// Something that shows itself in a console beside the panel: a mod loader, a journal, peers, a policy. A closure is one too.
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
    fn show(&self, board: &mut Board);
}

impl<F: Fn(&mut Board) + Send + Sync + 'static> Exhibit for F {
    fn show(&self, board: &mut Board) {
        self(board);
    }
}

/// How many rows of a kind a board takes; it counts the others.
const MOST: usize = 256;

/// What exhibits show. It takes 256 rows of each kind, and counts those beyond.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    pub(super) policy: Vec<Fact>,
    pub(super) mods: Vec<ModRow>,
    pub(super) peers: Vec<PeerRow>,
    pub(super) journals: Vec<JournalRow>,
    pub(super) left_out: usize,
}

impl Board {
    /// Adds a line of the policy.
    pub fn policy(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        let fact = Fact { name: name.into(), value: value.to_string() };
        push(&mut self.policy, &mut self.left_out, fact);
    }

    /// Adds a mod.
    pub fn module(&mut self, row: ModRow) {
        push(&mut self.mods, &mut self.left_out, row);
    }

    /// Adds a peer.
    pub fn peer(&mut self, row: PeerRow) {
        push(&mut self.peers, &mut self.left_out, row);
    }

    /// Adds a journal.
    pub fn journal(&mut self, row: JournalRow) {
        push(&mut self.journals, &mut self.left_out, row);
    }
}

fn push<T>(rows: &mut Vec<T>, left_out: &mut usize, row: T) {
    if rows.len() < MOST {
        rows.push(row);
    } else {
        *left_out += 1;
    }
}

/// A name and its value, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A mod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ModRow {
    /// Its id, or its file if it has none.
    pub name: String,
    /// The version that runs, if any.
    pub version: Option<String>,
    /// Its health, in a word.
    pub health: String,
    /// What is wrong with it, if something is.
    pub trouble: Option<String>,
    /// How often it was called.
    pub calls: u64,
    /// Intents of it that the host refused.
    pub refused: u64,
}

/// A peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerRow {
    /// Its key, shortened, or its name.
    pub name: String,
    /// Whether it is connected.
    pub online: bool,
    /// Its state, in words.
    pub state: String,
    /// How many operations it lacks of those that this program has, if that is known.
    pub lag: Option<u64>,
    /// How many operations its last arrival had undone and applied again, if that is known.
    pub redo_depth: Option<u64>,
    /// Bytes sent to it and received from it, if that is known.
    pub bytes: Option<(u64, u64)>,
}

/// A journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JournalRow {
    /// Its path.
    pub path: String,
    /// The size of its file in bytes, if that is known.
    pub bytes: Option<u64>,
    /// How many records were handed over and are not on disk yet.
    pub pending: u64,
    /// How long ago something was last made durable, if anything was.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds::option", default))]
    pub last_fsync: Option<Duration>,
    /// Why it failed, if it did.
    pub trouble: Option<String>,
}
