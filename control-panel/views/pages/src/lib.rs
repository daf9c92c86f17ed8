#![doc = include_str!("../README.md")]

mod head;
mod key;
mod pages;
mod state;
mod table;
mod watch;
pub mod words;

pub use self::{
    head::head,
    key::Key,
    pages::Page,
    state::{ConsoleState, Detail},
    table::{Cell, Column, Row, Sort, Table, Tone},
    watch::{INTERVAL, TICK, Watch},
};
