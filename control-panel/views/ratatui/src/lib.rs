#![doc = include_str!("../README.md")]

mod console;
#[cfg(feature = "crossterm")]
mod key;
mod palette;
mod plots;
mod table;
mod widget;

pub use control_panel_pages::{ConsoleState, INTERVAL, Key, Page, TICK};

#[cfg(feature = "crossterm")]
pub use self::key::key;
pub use self::{console::Console, palette::Palette, widget::ConsoleWidget};
