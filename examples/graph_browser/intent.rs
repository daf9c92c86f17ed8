//! What can happen in the browser: the intents, and the small types they carry.

use std::{fmt, path::Path, sync::Arc};

use control_panel::{
    Delta, GraphIntent, IntentSource, Peer,
    intent::LogicalClock,
    replica::{Grant, Redone},
    workers::{
        memory_monitor::{MemoryLevel, MemoryPressure},
        prefetch::Prewarm,
    },
};

use serde::{Deserialize, Serialize};

use crate::{
    commands::Command,
    edit::Edit,
    graph::Graph,
    host::RuntimeState,
    page::LinkCounts,
    policy::LifecyclePolicy,
    skip::{Skip, Skips},
};

/// A node of the link graph. Keys count up in the order of the walk, so one folder always gives the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct NodeKey(pub(crate) u32);

impl NodeKey {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Everything the reducer understands. The sources are the built-in ones: the crawl restores the graph
/// (`Restore`), the visitor clicks and the person at the terminal types (`LocalUI`), the webview host tells what it sees
/// (`ServoDelegate`), and the built-in workers have sources of their own.
#[derive(Debug, GraphIntent)]
#[cfg_attr(feature = "journal", derive(Serialize, Deserialize))]
pub(crate) enum GraphIntent {
    /// The program begins, with this folder and this policy: what it was given, and else what it had.
    Started { folder: Arc<str>, policy: LifecyclePolicy },
    /// The walk found pages: they are nodes from now on, though nothing is known of their links yet.
    PagesFound(Vec<(NodeKey, Arc<str>)>),
    /// The walk is over; what it passed by, and whether it stopped at a limit.
    WalkFinished { skips: Skips, cut_short: bool },
    /// A page was read, or a part of one, numbered from 0: each intent carries a bounded number of links, so that no single
    /// `apply` can make a frame long.
    PageRead {
        key: NodeKey,
        part: u32,
        links: Vec<NodeKey>,
        counts: LinkCounts,
        broken: Vec<String>,
        complete: bool,
    },
    /// A page could not be read.
    PageSkipped { key: NodeKey, why: Skip },
    /// Another peer's edits of the graph, ordered within a frame by the Lamport time of the first.
    #[intent(clock = lamport_clock, origin = delta)]
    ApplyRemoteDelta { lamport_clock: u64, delta: Delta<Edit> },
    /// What many late edits made of the graph, beyond what a frame has time for.
    Redone(Redone<Graph>),
    /// A peer cannot be reached any more, and why, in the words of what found it. An observation: the graph keeps its edits.
    MarkPeerOffline { peer: Peer, reason: Arc<str> },
    /// A peer is there. One that redeemed a ticket of this program's is to be invited.
    #[cfg_attr(not(feature = "p2p"), allow(dead_code, reason = "its worker comes with the feature"))]
    MarkPeerOnline { peer: Peer, invited: Option<Grant> },
    /// Somebody wants to see a page, or will soon.
    PromoteNodeToActive { key: NodeKey, cause: LifecycleCause },
    /// Somebody gives a page up.
    DemoteNodeToCold { key: NodeKey, cause: LifecycleCause },
    /// The level of memory pressure changed.
    MemoryPressure(MemoryLevel),
    /// Somebody typed a command.
    Command(Command),
    /// What the journal's writer says: the disk is full, say, or not any more.
    #[cfg(feature = "journal")]
    Journal(crate::journal::Written),
    /// What a mod is the cause of.
    #[cfg(feature = "mods")]
    Mods(crate::mods::ModIntentKind),
    /// The host's webview for a node changed. An observation: it never touches the node's lifecycle.
    WebviewObserved { key: NodeKey, state: RuntimeState },
    /// The graph, from a peer, where the others have let go the edits that this one lacks.
    #[cfg(feature = "p2p")]
    PeerSnapshot(control_panel::workers::p2p_sync::PeerSnapshot<Graph>),
}

impl GraphIntent {
    /// The first intent of a run, in a frame of its own: what is typed meanwhile comes behind it.
    pub(crate) fn started(folder: &Path, policy: LifecyclePolicy) -> (IntentSource, Self) {
        (IntentSource::Restore, Self::Started { folder: folder.to_string_lossy().into(), policy })
    }
}

impl From<Delta<Edit>> for GraphIntent {
    fn from(delta: Delta<Edit>) -> Self {
        // An empty delta has no time, and the replica ignores it.
        Self::ApplyRemoteDelta { lamport_clock: delta.time().unwrap_or(1), delta }
    }
}

impl From<(Peer, Arc<str>)> for GraphIntent {
    fn from((peer, reason): (Peer, Arc<str>)) -> Self {
        Self::MarkPeerOffline { peer, reason }
    }
}

impl From<MemoryPressure> for GraphIntent {
    fn from(pressure: MemoryPressure) -> Self {
        Self::MemoryPressure(pressure.level)
    }
}

impl From<Prewarm<NodeKey>> for GraphIntent {
    fn from(prewarm: Prewarm<NodeKey>) -> Self {
        Self::PromoteNodeToActive { key: prewarm.node, cause: LifecycleCause::SelectedPrewarm }
    }
}

/// Why a node's lifecycle changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum LifecycleCause {
    /// The visitor followed a link to it.
    UserSelected,
    /// The visitor closed it.
    UserClosed,
    /// The prefetch scheduler expects the visitor to follow a link to it.
    SelectedPrewarm,
    /// A mod blocks it.
    #[cfg(feature = "mods")]
    BlockedByMod,
    /// More nodes were active than the policy's `active_webview_limit`, and this one was used longest ago.
    ActiveLimit,
    /// More nodes were warm than the policy's `warm_cache_limit`, and this one was used longest ago.
    WarmLimit,
    /// Memory is scarce: half of the policy's limits apply.
    MemoryPressureWarning,
    /// Memory is nearly gone: only what the visitor looks at stays.
    MemoryPressureCritical,
}

impl fmt::Display for LifecycleCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserSelected => "followed a link",
            Self::UserClosed => "closed by the visitor",
            Self::SelectedPrewarm => "prefetched",
            #[cfg(feature = "mods")]
            Self::BlockedByMod => "blocked by a mod",
            Self::ActiveLimit => "active webview limit",
            Self::WarmLimit => "warm cache limit",
            Self::MemoryPressureWarning => "memory pressure: warning",
            Self::MemoryPressureCritical => "memory pressure: critical",
        })
    }
}
