//! A frame: its intents, one by one, and then what peers brought, once.

use std::hash::{DefaultHasher, Hash, Hasher};

use control_panel::{
    QueuedIntent, Reducer,
    replica::{Grant, ReplicaNotice},
};

use super::GraphBrowserApp;
use crate::intent::GraphIntent;

impl Reducer for GraphBrowserApp {
    type Intent = GraphIntent;

    fn apply(&mut self, queued: QueuedIntent<GraphIntent>) {
        *self.by_source.entry(queued.source).or_default() += 1;
        self.update(queued.intent);
    }

    /// Once a frame, however many deltas came. What it redid is in the frame's report.
    fn settle(&mut self) {
        let settled = self.shared.settle();
        self.redo = settled.job.or(self.redo.take());
        let author = self.shared.author();
        if self.lives.last() != Some(&author) {
            self.lives.push(author);
        }
        let is_member =
            self.shared.members().any(|(peer, grant)| peer == author.peer && grant >= Grant::Write);
        // What another life of this program had promised voids what this one did before it heard of that: after a restored backup, say.
        let lost = settled.notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. }));
        if is_member && (lost || !self.is_member) {
            self.edit_again();
        }
        self.is_member = is_member;
        // What peers lack the network's worker reads by itself; asking for it is what lets old history go.
        drop(self.shared.outbox());
    }

    /// Figures of all that the state is made of, not all of it: a journal asks once a frame.
    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        let graph = self.graph();
        (
            graph.len(),
            graph.read,
            graph.skipped,
            graph.edges,
            graph.notes.len(),
            self.operations(),
            self.clock(),
        )
            .hash(&mut hasher);
        (self.lifecycles.version(), self.focus, self.runtime.len(), self.pressure).hash(&mut hasher);
        (self.policy.active_webview_limit, self.policy.warm_cache_limit).hash(&mut hasher);
        Some(hasher.finish())
    }
}
