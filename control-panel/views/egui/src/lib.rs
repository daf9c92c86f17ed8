#![doc = include_str!("../README.md")]

mod console;
mod plot;
mod table;
mod tones;
mod wake;
mod widget;

pub use control_panel_pages::{ConsoleState, INTERVAL, Page, TICK};

pub use self::{console::Console, widget::ConsoleWidget};
