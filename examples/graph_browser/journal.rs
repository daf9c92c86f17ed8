//! `--journal FILE` (feature `journal`): each frame and each operation on disk, and how the browser starts again where it was.
//!
//! | what | comes back |
//! |---|---|
//! | the graph, its clock, the numbers of its operations | from the operations that the journal has: `Start::replica` |
//! | what the visitor had open, the policy that was typed | from the recorded intents, of which the journal notes what they came to: `Start::restore` |
//! | webviews, memory, mods, peers that are offline | not: what was observed ended with the process, and is observed anew |

use std::{error::Error, path::Path, sync::Arc};

use control_panel::{
    IntentSource, Peer, QueuedIntent, Worker,
    journal::{Journal, JournalError, JournalEvent, Recorded, Start},
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{GraphBrowserApp, HERE},
    commands::Command,
    edit::Edit,
    graph::Graph,
    intent::{GraphIntent, LifecycleCause, NodeKey},
    policy::LifecyclePolicy,
    skip::Skips,
    summary::plain,
};

/// What the journal's writer says, in words that a journal can keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Written {
    /// It cannot be written, and why.
    Failed { why: String, recovers: bool },
    /// It is written again.
    Recovered,
}

impl From<JournalEvent> for GraphIntent {
    fn from(event: JournalEvent) -> Self {
        Self::Journal(match event {
            JournalEvent::Failed { error, recovers } => Written::Failed { why: error.to_string(), recovers },
            _ => Written::Recovered,
        })
    }
}

/// What is known of the journal: a part of the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct JournalTally {
    /// Intents that were restored at the start.
    pub(crate) restored: u64,
    /// How often it could not be written, and could again.
    failed: u64,
    recovered: u64,
    /// Why it cannot be written now.
    fault: Option<String>,
    /// Edits that it had no room for, and that were made again.
    again: usize,
}

impl JournalTally {
    /// For the status line: nothing while all is well.
    pub(crate) fn words(&self) -> String {
        self.fault.as_ref().map_or_else(String::new, |fault| format!(", journal: {}", plain(fault)))
    }

    /// For the summary: what, a figure, a note.
    pub(crate) fn rows(&self) -> [(&'static str, u64, String); 3] {
        [
            ("restored", self.restored, "intents of earlier runs".into()),
            ("could not be written", self.failed, self.fault.clone().unwrap_or_default()),
            ("written again", self.recovered, format!("{} edit(s) made again", self.again)),
        ]
    }
}

impl GraphBrowserApp {
    /// A graph whose operations have bytes, of these owners.
    pub(crate) fn journaled(here: Peer, owners: impl IntoIterator<Item = Peer>) -> ReplicaBuilder<Graph> {
        Self::builder(here, owners).codec(Postcard::<Edit>::new(), Limits::default())
    }

    /// What a session begins with, in the program and in a replay of it.
    pub(crate) fn begin_as(start: &Start<'_>, builder: ReplicaBuilder<Graph>) -> Result<Self, JournalError> {
        let mut app = Self::with(LifecyclePolicy::default(), start.replica(builder)?);
        let each = |own: &mut Own, queued: QueuedIntent<GraphIntent>| own.apply(queued.intent);
        let Own { folder, policy, opened, restored } =
            start.restore(IntentSource::Restore, Own::default(), each)?.state;
        if let Some(folder) = folder {
            app.update(GraphIntent::Started { folder, policy });
        }
        for (key, cause) in opened {
            app.update(GraphIntent::PromoteNodeToActive { key, cause });
        }
        app.journal.restored = restored;
        if start.founded().is_some_and(|founded| !founded.members.contains_key(&founded.peer)) {
            // The graph is another's, that walks the folder.
            app.update(GraphIntent::WalkFinished { skips: Skips::default(), cut_short: false });
        }
        Ok(app)
    }

    pub(crate) fn note_journal(&mut self, written: Written) {
        match written {
            Written::Failed { why, recovers } => {
                self.journal.failed += 1;
                self.journal.fault = Some(if recovers { format!("{why}; trying again") } else { why });
            }
            Written::Recovered => {
                self.journal.recovered += 1;
                self.journal.fault = None;
                self.journal.again += self.edit_again();
            }
        }
    }
}

impl Recorded for GraphBrowserApp {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        // As a replay does, of whichever program: the key that it had signs nothing there.
        let (here, owners) = start
            .founded()
            .map_or((HERE, vec![HERE]), |founded| (founded.peer, founded.members.into_keys().collect()));
        Self::begin_as(start, Self::journaled(here, owners))
    }

    fn fingerprint() -> u64 {
        3
    }
}

/// What comes back of what is this program's own. An edit of the graph is not in it: the replica has it. Nor is what was
/// observed of a process that is gone, nor what was to happen then: a journal with a `quit` in it would start no browser.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Own {
    folder: Option<Arc<str>>,
    policy: LifecyclePolicy,
    /// The pages that were opened and not closed, each once, the one that the visitor looks at behind all others.
    opened: Vec<(NodeKey, LifecycleCause)>,
    /// How many intents made it.
    restored: u64,
}

impl Own {
    fn apply(&mut self, intent: GraphIntent) {
        match intent {
            GraphIntent::Started { folder, policy } => (self.folder, self.policy) = (Some(folder), policy),
            GraphIntent::Command(Command::Change(change)) => {
                if let Ok((policy, _)) = change.of(self.policy).checked() {
                    self.policy = policy;
                }
            }
            GraphIntent::PromoteNodeToActive { key, cause: cause @ LifecycleCause::SelectedPrewarm } => {
                if self.opened.iter().all(|(opened, _)| *opened != key) {
                    self.opened.insert(self.opened.len().saturating_sub(1), (key, cause));
                }
            }
            GraphIntent::PromoteNodeToActive { key, cause } => {
                self.opened.retain(|(opened, _)| *opened != key);
                self.opened.push((key, cause));
            }
            GraphIntent::DemoteNodeToCold { key, .. } => self.opened.retain(|(opened, _)| *opened != key),
            _ => return,
        }
        self.restored += 1;
        // More are neither active nor warm, whatever the policy.
        let beyond = self.opened.len().saturating_sub(LifecyclePolicy::MOST_KEPT);
        self.opened.drain(..beyond);
    }
}

/// The journal of this run.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) journal: Journal,
}

impl Record {
    /// Opens the journal, or makes it, and begins where it ends.
    ///
    /// # Errors
    /// What is wrong with the file, or that it is of another folder.
    pub(crate) fn open(path: &Path, folder: &Path) -> Result<(Self, GraphBrowserApp), Box<dyn Error>> {
        let journal = Journal::open(path)?;
        // One that was shared is refused: what is written into it is to be signed.
        let alone = GraphBrowserApp::journaled(HERE, [HERE]);
        let app = journal.begin_with(|start| GraphBrowserApp::begin_as(start, alone))?;
        let folder = folder.to_string_lossy();
        match app.folder() {
            Some(known) if **known != *folder => {
                let (path, known) = (path.display(), plain(known));
                Err(format!("{path}: of the folder {known}: give --pages {known}, or another journal").into())
            }
            _ => Ok((Self { journal }, app)),
        }
    }

    pub(crate) fn writer(&self) -> Worker<GraphIntent, LifecyclePolicy> {
        self.journal.writer(IntentSource::Restore)
    }

    /// How far it is, for the start and for the command `status`.
    pub(crate) fn words(&self, app: &GraphBrowserApp) -> String {
        let (session, given, durable) =
            (self.journal.session(), self.journal.handed_over(), self.journal.durable());
        let graph = app.graph();
        format!(
            "journal: session {session}, life {}, clock {}, {} operations, {} pages, {} links, {durable} of {given} written",
            app.author().incarnation,
            app.clock(),
            app.operations(),
            graph.len(),
            graph.edges,
        )
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
