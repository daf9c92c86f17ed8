//! The state, and how each intent changes it. Pure: the effects are the hosts'.

mod reducer;
mod tally;
mod update;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[cfg(feature = "p2p")]
use control_panel::replica::Grant;
use control_panel::{
    IntentSource, Peer, Replica,
    replica::{Author, Redo, ReplicaBuilder},
    workers::memory_monitor::MemoryLevel,
};

pub(crate) use self::tally::{CommandTally, PrefetchTally};
use crate::{
    contacts::Contacts,
    graph::Graph,
    host::RuntimeState,
    intent::{LifecycleCause, NodeKey},
    lifecycle::{Lifecycle, Lifecycles, Limits},
    policy::LifecyclePolicy,
    skip::Skips,
};

/// This program where it has no peers. With others it is a public key.
pub(crate) const HERE: Peer = Peer([0; 32]);

/// The graph browser's whole state: the link graph, which peers share, and all the rest, which is this program's own. An
/// observation (of a webview, of the memory, of a peer) cannot reach the graph: there is no `&mut` to it, only operations.
#[derive(Debug)]
pub(crate) struct GraphBrowserApp {
    shared: Replica<Graph>,
    /// What a frame would have to redo beyond its budget: the loop gives it to a worker.
    redo: Option<Redo<Graph>>,
    /// As which authors it has edited: more than one where it found that another program does.
    lives: Vec<Author>,
    /// Whether it may edit the graph: one that joins waits until it is invited.
    is_member: bool,
    /// What this program's own walk met beside pages; whether it is over, and whether it stopped at a limit.
    passed_by: Skips,
    walked: Option<bool>,
    /// Which peers can be reached.
    pub(crate) contacts: Contacts,
    /// What is desired of each node.
    pub(crate) lifecycles: Lifecycles,
    /// What the host last reported of each node; all others are unmapped.
    runtime: BTreeMap<NodeKey, RuntimeState>,
    policy: LifecyclePolicy,
    pressure: MemoryLevel,
    /// How often the pressure changed.
    pub(crate) pressure_changes: u64,
    /// The page that the visitor looks at.
    focus: Option<NodeKey>,
    pub(crate) prefetch: PrefetchTally,
    /// Prefetched and not visited since; none of them cold.
    guesses: BTreeSet<NodeKey>,
    pub(crate) commands: CommandTally,
    /// The folder that is browsed, once it is known.
    folder: Option<Arc<str>>,
    /// Whether there is a journal, what it says, and what it gave at the start.
    #[cfg(feature = "journal")]
    pub(crate) journal: crate::journal::JournalTally,
    /// What mods are, and what they said of the pages.
    #[cfg(feature = "mods")]
    pub(crate) mods: crate::mods::Mods,
    /// Intents applied, by which source sent them.
    pub(crate) by_source: BTreeMap<IntentSource, u64>,
}

impl GraphBrowserApp {
    pub(crate) fn new(policy: LifecyclePolicy) -> Self {
        Self::with(policy, Self::builder(HERE, [HERE]).build())
    }

    /// The graph of `here`, one of `members`, before it is built.
    pub(crate) fn builder(here: Peer, members: impl IntoIterator<Item = Peer>) -> ReplicaBuilder<Graph> {
        // Taken back by undo records: a clone of a large graph takes milliseconds.
        Replica::builder(here, Graph::default()).members(members).undoing()
    }

    pub(crate) fn with(policy: LifecyclePolicy, shared: Replica<Graph>) -> Self {
        Self {
            lives: vec![shared.author()],
            shared,
            redo: None,
            is_member: true,
            passed_by: Skips::default(),
            walked: None,
            contacts: Contacts::default(),
            lifecycles: Lifecycles::default(),
            runtime: BTreeMap::new(),
            policy,
            pressure: MemoryLevel::Normal,
            pressure_changes: 0,
            focus: None,
            prefetch: PrefetchTally::default(),
            guesses: BTreeSet::new(),
            commands: CommandTally::default(),
            folder: None,
            #[cfg(feature = "journal")]
            journal: crate::journal::JournalTally::default(),
            #[cfg(feature = "mods")]
            mods: crate::mods::Mods::default(),
            by_source: BTreeMap::new(),
        }
    }

    /// The link graph, as of the last frame.
    pub(crate) fn graph(&self) -> &Graph {
        self.shared.state()
    }

    /// Work for a worker, whose result comes back as an intent.
    pub(crate) fn take_redo(&mut self) -> Option<Redo<Graph>> {
        self.redo.take()
    }

    /// How many operations made the graph.
    pub(crate) fn operations(&self) -> u64 {
        self.shared.version().iter().map(|(_, count)| count).sum()
    }

    /// The folder that is browsed, once it is known.
    pub(crate) fn folder(&self) -> Option<&Arc<str>> {
        self.folder.as_ref()
    }

    /// The Lamport time of the latest operation.
    pub(crate) fn clock(&self) -> u64 {
        self.shared.clock()
    }

    /// What this program is among the graph's authors: its peer, and which of its lives.
    #[cfg(feature = "journal")]
    pub(crate) fn author(&self) -> control_panel::replica::Author {
        self.shared.author()
    }

    /// Whether it is an owner of the graph.
    #[cfg(feature = "p2p")]
    pub(crate) fn may_invite(&self) -> bool {
        let here = self.shared.author().peer;
        self.shared.members().any(|member| member == (here, Grant::Owner))
    }

    /// By which the network's worker reads the graph.
    #[cfg(feature = "p2p")]
    pub(crate) fn link(&mut self) -> control_panel::link::Link<Graph> {
        self.shared.link()
    }

    /// Whether the walk is over, and whether it stopped at a limit.
    pub(crate) fn walked(&self) -> Option<bool> {
        self.walked
    }

    /// All files that are no pages, by why: those that the walk passed by, and those that could not be read.
    pub(crate) fn skips(&self) -> Skips {
        let mut skips = self.passed_by.clone();
        skips.merge(self.graph().skips.clone());
        skips
    }

    pub(crate) fn pressure(&self) -> MemoryLevel {
        self.pressure
    }

    /// The policy as it is to be: the frame loop distributes it.
    pub(crate) fn policy(&self) -> LifecyclePolicy {
        self.policy
    }

    /// The page that the visitor looks at.
    pub(crate) fn focus(&self) -> Option<NodeKey> {
        self.focus
    }

    /// What may be active and warm now.
    pub(crate) fn limits(&self) -> Limits {
        self.policy.limits(self.pressure)
    }

    /// What the host last reported of a node.
    pub(crate) fn runtime(&self, key: NodeKey) -> RuntimeState {
        self.runtime.get(&key).copied().unwrap_or_default()
    }

    /// Nodes by what is desired and what was observed.
    pub(crate) fn census(&self) -> BTreeMap<(Lifecycle, &'static str), usize> {
        let mut census = BTreeMap::new();
        let mut counted = 0;
        let seen = self.runtime.keys().copied();
        let wanted = self.lifecycles.active().chain(self.lifecycles.warm());
        for key in seen.chain(wanted.filter(|key| !self.runtime.contains_key(key))) {
            *census.entry((self.lifecycles.of(key), self.runtime(key).name())).or_default() += 1;
            counted += 1;
        }
        let rest = self.graph().len().saturating_sub(counted);
        *census.entry((Lifecycle::Cold, RuntimeState::Unmapped.name())).or_default() += rest;
        census
    }

    /// Whether a page may be opened: it exists, and no mod blocks it.
    fn may_open(&self, key: NodeKey) -> bool {
        #[cfg(feature = "mods")]
        if self.mods.is_blocked(key) {
            return false;
        }
        self.graph().node(key).is_some()
    }

    /// The mods that run, and their versions.
    #[cfg(feature = "mods")]
    pub(crate) fn running_mods(&self) -> impl Iterator<Item = (String, String)> {
        self.mods.running()
    }

    /// Without the feature there are none.
    #[cfg(not(feature = "mods"))]
    #[expect(clippy::unused_self, reason = "there is nothing to look at")]
    pub(crate) fn running_mods(&self) -> impl Iterator<Item = (String, String)> + use<> {
        std::iter::empty()
    }

    /// How often the mods that run changed.
    #[cfg_attr(not(feature = "mods"), expect(clippy::unused_self, reason = "there are none"))]
    pub(crate) fn mod_changes(&self) -> u64 {
        #[cfg(feature = "mods")]
        return self.mods.changes();
        #[cfg(not(feature = "mods"))]
        0
    }

    fn enforce(&mut self) {
        let cause = match self.pressure {
            MemoryLevel::Critical => LifecycleCause::MemoryPressureCritical,
            MemoryLevel::Normal | MemoryLevel::Warning => LifecycleCause::MemoryPressureWarning,
        };
        let granted = self.policy.limits(MemoryLevel::Normal);
        self.lifecycles.enforce(granted, self.limits(), cause);
    }
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod shared_tests;

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
