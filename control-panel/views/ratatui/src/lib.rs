#![doc = include_str!("../README.md")]

mod console;
#[cfg(feature = "crossterm")]
mod key;
mod palette;
mod plots;
mod table;
mod widget;

pub use control_panel_pages::{ConsoleState, Key, Page};

#[cfg(feature = "crossterm")]
pub use self::key::key;
pub use self::{
    console::{Console, INTERVAL, TICK},
    palette::Palette,
    widget::ConsoleWidget,
};
