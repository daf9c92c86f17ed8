//! The state, and how each intent changes it. Pure: the effects are the hosts'.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use control_panel::{
    IntentSource, Peer, QueuedIntent, Reducer, Replica,
    replica::{Author, Grant, Redo, ReplicaBuilder, ReplicaNotice},
    workers::memory_monitor::MemoryLevel,
};

use crate::{
    commands::Command,
    contacts::{Contact, Contacts},
    edit::Edit,
    graph::Graph,
    host::RuntimeState,
    intent::{GraphIntent, LifecycleCause, NodeKey},
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
    /// What the host last told of each node; all others are unmapped.
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
    /// Intents applied, by who sent them.
    pub(crate) by_source: BTreeMap<IntentSource, u64>,
}

/// What became of what the prefetch scheduler chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PrefetchTally {
    pub(crate) promoted: u64,
    /// Chosen when there was no place any more, or no need.
    pub(crate) declined: u64,
    /// Visited while active or warm.
    pub(crate) visited: u64,
}

/// What was typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CommandTally {
    /// How often the policy was changed.
    pub(crate) policies: u64,
    /// How often somebody asked how things are.
    pub(crate) questions: u64,
    /// How often somebody asked what there is.
    pub(crate) listings: u64,
    /// How many tickets were asked for: for peers that write, and for owners.
    pub(crate) invites: [u64; 2],
    /// Whether somebody asked for the end.
    pub(crate) quit: bool,
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

    /// Who this program is among the graph's authors: its peer, and which of its lives.
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

    /// What the host last told of a node.
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

impl GraphBrowserApp {
    /// The one way to the graph.
    pub(crate) fn edit(&mut self, edit: Edit) {
        self.shared.commit(edit);
    }

    /// Makes those edits anew that the graph did not take: the journal had no room for them, or this peer was not invited yet. How many.
    pub(crate) fn edit_again(&mut self) -> usize {
        let mut count = 0;
        for (stamp, edit) in self.shared.take_void() {
            // A life that this program was not may be another program with its key, which does so itself.
            if self.lives.contains(&stamp.author) {
                self.edit(edit);
                count += 1;
            }
        }
        count
    }

    fn select(&mut self, key: NodeKey, cause: LifecycleCause) {
        if self.guesses.remove(&key) && self.lifecycles.of(key) != Lifecycle::Cold {
            self.prefetch.visited += 1;
        }
        self.focus = Some(key);
        self.lifecycles.promote(key, cause);
        self.enforce();
    }

    /// Makes a node active that nobody asked for. What the visitor looks at stays where it is.
    fn prewarm(&mut self, key: NodeKey, cause: LifecycleCause) {
        if self.limits().active < 2 || self.lifecycles.of(key) != Lifecycle::Cold {
            self.prefetch.declined += 1;
            return;
        }
        self.prefetch.promoted += 1;
        self.lifecycles.promote_behind(self.focus, key, cause);
        self.enforce();
        self.guesses.insert(key);
        let lifecycles = &self.lifecycles;
        self.guesses.retain(|guess| lifecycles.of(*guess) != Lifecycle::Cold);
    }

    pub(crate) fn update(&mut self, intent: GraphIntent) {
        match intent {
            GraphIntent::Started { folder, policy } => {
                self.folder = Some(folder);
                self.policy = policy;
                self.enforce();
            }
            GraphIntent::PagesFound(pages) => self.edit(Edit::AddPages(pages)),
            GraphIntent::PageRead { key, part, links, counts, broken, complete } => {
                self.edit(Edit::Read { key, part, links, counts, broken, complete });
            }
            GraphIntent::PageSkipped { key, why } => self.edit(Edit::Skip { key, why }),
            GraphIntent::ApplyRemoteDelta { delta, .. } => self.shared.merge(delta),
            // One that does not fit changes nothing: the worker asks anew.
            #[cfg(feature = "p2p")]
            GraphIntent::PeerSnapshot(given) => _ = self.shared.rejoin(*given.snapshot),
            // One that is not awaited any more changes nothing.
            GraphIntent::Redone(redone) => _ = self.shared.finish(redone),
            GraphIntent::MarkPeerOffline { peer, reason } => {
                self.contacts.note(peer, Contact::Offline(reason));
            }
            GraphIntent::MarkPeerOnline { peer, invited } => {
                self.contacts.note(peer, Contact::Online);
                if let Some(grant) = invited {
                    // It redeemed a ticket of this program's, which is an owner.
                    self.shared.invite(peer, grant).ok();
                }
            }
            GraphIntent::WalkFinished { skips, cut_short } => {
                self.passed_by.merge(skips);
                self.walked = Some(cut_short);
            }
            GraphIntent::PromoteNodeToActive { key, .. } if !self.may_open(key) => {}
            GraphIntent::PromoteNodeToActive { key, cause: cause @ LifecycleCause::SelectedPrewarm } => {
                self.prewarm(key, cause);
            }
            GraphIntent::PromoteNodeToActive { key, cause } => self.select(key, cause),
            GraphIntent::DemoteNodeToCold { key, cause } => self.lifecycles.demote_to_cold(key, cause),
            GraphIntent::MemoryPressure(level) => {
                self.pressure = level;
                self.pressure_changes += 1;
                self.enforce();
            }
            GraphIntent::Command(command) => self.obey(command),
            #[cfg(feature = "journal")]
            GraphIntent::Journal(written) => self.note_journal(written),
            #[cfg(feature = "mods")]
            GraphIntent::Mods(intent) => {
                if let Some(key) = self.mods.apply(intent, self.shared.state()) {
                    self.lifecycles.demote_to_cold(key, LifecycleCause::BlockedByMod);
                }
            }
            GraphIntent::WebviewObserved { key, state: RuntimeState::Unmapped } => {
                self.runtime.remove(&key);
            }
            GraphIntent::WebviewObserved { key, state } => {
                self.runtime.insert(key, state);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Change(change) => {
                // What makes no sense was refused where it was typed.
                if let Ok((policy, _)) = change.of(self.policy).checked() {
                    self.policy = policy;
                    self.commands.policies += 1;
                    self.enforce();
                }
            }
            Command::Status => self.commands.questions += 1,
            Command::Capabilities => self.commands.listings += 1,
            Command::Note { path, words } => {
                self.edit(Edit::Note { path: path.into(), words: words.into() });
            }
            Command::Invite { owner } => self.commands.invites[usize::from(owner)] += 1,
            Command::Quit => self.commands.quit = true,
        }
    }
}

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

#[cfg(test)]
#[path = "shared_tests.rs"]
mod shared_tests;

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
