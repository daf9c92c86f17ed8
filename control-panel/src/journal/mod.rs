//! Journals: what was promised is on disk, in one file; and what happened can be replayed.
//!
//! A program opens a [`Journal`], begins where the last session ended ([`Journal::begin`]), and records its frames
//! ([`PanelBuilder::record`](crate::PanelBuilder::record)). The writer is a worker, off the frame's thread:
//!
//! ```
//! use control_panel::journal::{
//!     Journal, JournalError, JournalEvent, Recorded, Recording, Start,
//! };
//! use control_panel::replica::codec::{Limits, Postcard};
//! use control_panel::{
//!     ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent,
//!     Reducer, Replica, Stamp, State,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! /// What peers share: on disk as operations.
//! #[derive(Clone, Debug, Default, Serialize, Deserialize)]
//! struct Document(Vec<String>);
//!
//! impl State for Document {
//!     type Op = String;
//!
//!     fn apply(&mut self, line: &String, _: &Stamp) {
//!         self.0.push(line.clone());
//!     }
//! }
//!
//! #[derive(Debug, GraphIntent, Serialize, Deserialize)]
//! enum Update {
//!     Typed(String),
//!     Scrolled(usize),
//!     Quit,
//!     #[intent(clock = delta, origin = delta)]
//!     ApplyRemoteDelta {
//!         delta: Delta<String>,
//!     },
//!     #[intent(from, skip)]
//!     #[serde(skip)]
//!     Journal(JournalEvent),
//! }
//!
//! #[derive(Debug)]
//! struct App {
//!     document: Replica<Document>,
//!     /// This program's own.
//!     scrolled: usize,
//!     quit: bool,
//!     journal: String,
//! }
//!
//! impl Reducer for App {
//!     type Intent = Update;
//!
//!     fn apply(&mut self, queued: QueuedIntent<Update>) {
//!         match queued.intent {
//!             Update::Typed(line) => _ = self.document.commit(line),
//!             Update::Scrolled(to) => self.scrolled = to,
//!             Update::Quit => self.quit = true,
//!             Update::ApplyRemoteDelta { delta } => self.document.merge(delta),
//!             Update::Journal(event) => {
//!                 // A full disk, say: shown to the user.
//!                 self.journal = event.to_string();
//!                 if let JournalEvent::Recovered = event {
//!                     // What was typed meanwhile had no place on the disk.
//!                     for (_, line) in self.document.take_void() {
//!                         self.document.commit(line);
//!                     }
//!                 }
//!             }
//!         }
//!     }
//!
//!     fn settle(&mut self) {
//!         let _ = self.document.settle();
//!     }
//! }
//!
//! impl Recorded for App {
//!     fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
//!         let builder = Replica::builder(Peer([1; 32]), Document::default());
//!         let document =
//!             start.replica(builder.codec(Postcard::new(), Limits::default()))?;
//!         // The replica has what was typed, and what was to happen then is not to
//!         // happen now.
//!         let each = |scrolled: &mut usize, queued: QueuedIntent<Update>| {
//!             if let Update::Scrolled(to) = queued.intent {
//!                 *scrolled = to;
//!             }
//!         };
//!         let scrolled = start.restore(IntentSource::Restore, 0, each)?.state;
//!         Ok(Self { document, scrolled, quit: false, journal: String::new() })
//!     }
//! }
//!
//! fn run(path: &std::path::Path, typed: &[&str]) -> Result<App, JournalError> {
//!     let journal = Journal::open(path)?;
//!     let mut app: App = journal.begin()?;
//!     let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
//!     panel.spawn(journal.writer(IntentSource::Restore));
//!     for line in typed {
//!         let local = [
//!             Update::Typed((*line).to_owned()),
//!             Update::Scrolled(app.document.state().0.len()),
//!         ];
//!         panel.run_frame(
//!             &mut app,
//!             &mut (),
//!             local.map(|update| (IntentSource::LocalUI, update)),
//!         );
//!     }
//!     panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Quit)]);
//!     assert!(app.quit);
//!     panel.shutdown_blocking();
//!     drop(panel);
//!     journal.close()?;
//!     Ok(app)
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.journal");
//! run(&path, &["one", "two"])?;
//! let app = run(&path, &["three"])?;
//! assert_eq!(app.document.state().0, ["one", "two", "three"]);
//!
//! // What users send with a report: what happened, to be replayed on any machine.
//! let replay = Recording::open(&path)?.replay::<App>(u64::MAX);
//! assert!(replay.is_same());
//! assert_eq!(replay.state.unwrap().document.state().0, ["one", "two", "three"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | there is |
//! |---|---|
//! | keep operations alone, without recording | [`Journal::replica`], [`Journal::flush`] |
//! | bring back what is this program's own | [`Start::restore`] |
//! | record what peers share, and replay it where their keys are not | [`Journal::begin_with`], [`Start::founded`] |
//! | serve peers from what is durable | [`Journal::since`], [`Journal::following`], [`Journal::written`] |
//! | do what cannot be undone once | [`Journal::begin_effect`], [`Journal::effect_done`] |
//! | keep more, or less, of what earlier sessions recorded | [`Journal::keep_recorded`] |
//! | run for months, and replay all the same | [`Journal::begin_again`] |
//! | look into a recording | [`Recording`], [`Timeline`], and all of it on the command line: [`cli`](cli()) |
//!
//! The layout of the file and what it promises is in `journal/README.md`. The example `graph_browser` has all of it
//! (`examples/graph_browser/journal.rs`), `graph_journal` the command line.

// First what the page of `Journal` begins with: rustdoc shows a type's methods by the modules that have them.
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod journal;

mod recording;

mod again;
mod cli;
mod effects;
mod error;
mod exhibit;
mod files;
mod handover;
mod identity;
mod inbox;
mod intents;
mod keeping;
mod lengths;
mod lock;
mod notes;
mod progress;
mod record;
mod replay;
mod salvage;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod tools;
mod whereabouts;
mod writer;

pub use self::{
    cli::cli,
    effects::EffectState,
    error::{Fault, JournalError},
    journal::Journal,
    replay::{Deviation, DeviationKind, Founded, Recorded, Recording, Restored, Start},
    serve::Missing,
    tools::{Divergence, Edit, EditError, Refolded, Replay, Shrunk, Timeline, WhatIf},
    writer::JournalEvent,
};
pub use crate::util::difference::{Difference, difference};
