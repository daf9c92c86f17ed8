//! The contestants, each as its user would write it.

mod actix;
mod async_channel;
mod bare;
mod baseline;
mod bevy;
mod crossbeam;
mod crossfire;
mod egui_inbox;
mod flume;
mod kameo;
mod kanal;
mod panel;
mod ractor;
mod rtrb;
mod tokio_many;

pub use self::{
    actix::Actix,
    async_channel::AsyncChannel,
    bare::Bare,
    baseline::{Baseline, Stamped},
    bevy::Bevy,
    crossbeam::Crossbeam,
    crossfire::Crossfire,
    egui_inbox::EguiInbox,
    flume::Flume,
    kameo::Kameo,
    kanal::Kanal,
    panel::{Drained, Held, Panel, RunFrame, Whole},
    ractor::Ractor,
    rtrb::Rtrb,
    tokio_many::TokioMany,
};

/// The crates that they are of: queues, then actors.
pub const CRATES: &[&str] = &[
    "control-panel",
    "tokio",
    "flume",
    "kanal",
    "crossbeam-channel",
    "crossfire",
    "async-channel",
    "rtrb",
    "bevy_ecs",
    "egui_inbox",
    "ractor",
    "kameo",
    "actix",
];

/// Without the actors.
pub const QUEUES: &[&str] = CRATES.split_at(10).0;

/// Where producers of a queue without a bound begin to hold back, so that a benchmark's memory is bounded: above the
/// greatest frame.
pub const FLOODED: usize = 70_000;

/// What a bounded queue has in the benchmarks of streams: for those without a bound, beside it.
pub const EQUAL_ROOM: usize = 256;
