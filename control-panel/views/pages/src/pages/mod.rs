//! The pages, each a table of rows of the view.
//!
//! | file | page |
//! |---|---|
//! | `workers` | the living workers |
//! | `ends` | how runs ended, newest first |
//! | `queue` | the sources, and the queue's depth over time |
//! | `frames` | what frames take, and how much they apply, over time |
//! | `beside` | policy, mods, peers, journals |

mod beside;
mod ends;
mod frames;
mod queue;
mod workers;

use control_panel::console::{PanicText, View};

use crate::table::{Cell, Table};

/// A page of a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Page {
    /// The living workers.
    #[default]
    Workers,
    /// The last ends of runs.
    Ends,
    /// The queue and its sources.
    Queue,
    /// The frames.
    Frames,
    /// What is shown beside the panel: policy, mods, peers, journals.
    Beside,
}

impl Page {
    /// All, in their order.
    pub const ALL: [Self; 5] = [Self::Workers, Self::Ends, Self::Queue, Self::Frames, Self::Beside];

    /// Its place among all.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name, and how many rows it has.
    pub fn name(self, view: &View) -> (&'static str, Option<usize>) {
        match self {
            Self::Workers => ("Workers", Some(view.worker_count)),
            Self::Ends => ("Ends", Some(view.ends.len())),
            Self::Queue => ("Queue", None),
            Self::Frames => ("Frames", None),
            Self::Beside => {
                let rows = view.policy.len() + view.mods.len() + view.peers.len() + view.journals.len();
                ("Beside", Some(rows))
            }
        }
    }

    /// What it shows.
    pub fn table(self, view: &View) -> Table {
        match self {
            Self::Workers => workers::table(view),
            Self::Ends => ends::table(view),
            Self::Queue => queue::table(view),
            Self::Frames => frames::table(view),
            Self::Beside => beside::table(view),
        }
    }

    /// Whether its rows have more to say than fits.
    pub fn has_details(self) -> bool {
        matches!(self, Self::Workers | Self::Ends | Self::Beside)
    }

    /// What a row says in full: a title, and lines.
    pub fn detail(self, view: &View, id: u64) -> Option<(String, String)> {
        match self {
            Self::Workers => workers::detail(view, id),
            Self::Ends => ends::detail(view, id),
            Self::Queue | Self::Frames => None,
            Self::Beside => beside::detail(view, id),
        }
    }
}

/// A panic in one cell: the place first, so that a narrow table cuts off the message.
fn panicked(panic: &PanicText) -> Cell {
    Cell::place(&panic.place, &panic.message)
}

/// A panic in full.
fn full(panic: &PanicText) -> String {
    format!("panicked at {}\n\n{}", panic.place, panic.full)
}
