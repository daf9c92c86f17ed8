//! `--share` and `--peer TICKET` (feature `p2p`): several programs have one graph.
//!
//! | what | where |
//! |---|---|
//! | the graph and the notes on its pages | operations in each program's journal: on disk before they are sent |
//! | the key that this program is | beside the journal, `FILE.key`: owner-only |
//! | which peers it trusts, and where they were last | `FILE.peers`, owner-only too |
//! | what is open, the policy | each program's own, in its recorded frames |
//! | webviews, memory, which peers are there | each program's own, and gone with it |
//!
//! The program that shares a graph walks the folder; one that joins adds notes, and shows the pages that its own copy of the folder has. Any owner invites:
//! the one that began, and each that joined by a ticket of `invite owner`. The frames are recorded, what peers sent included: a replay needs no peer and no key.

use std::{collections::BTreeMap, error::Error, path::Path, time::Duration};

use control_panel::{
    IntentSource, Peer, WorkerHandle, WorkerStatus,
    journal::Journal,
    replica::Grant,
    worker,
    workers::p2p_sync::{
        PairError, PeerIntents, PeerKey, PeerOffline, PeerOnline, PeerSignatures, PeerSnapshot, PeerSync,
        PeerSyncHandle, PeerSyncOptions, Ticket, TicketError,
    },
};

use crate::{
    Panel,
    app::GraphBrowserApp,
    begin::{JournalUnusable, PeersUnusable},
    cli::Cli,
    contacts::{self, Contact},
    graph::Graph,
    intent::GraphIntent,
    journal::Record,
    policy::LifecyclePolicy,
};

/// How long a ticket works.
const TICKET: Duration = Duration::from_secs(600);

impl From<PeerOffline> for GraphIntent {
    fn from(offline: PeerOffline) -> Self {
        Self::MarkPeerOffline { peer: offline.peer, reason: offline.reason.to_string().into() }
    }
}

impl From<PeerSnapshot<Graph>> for GraphIntent {
    fn from(given: PeerSnapshot<Graph>) -> Self {
        Self::PeerSnapshot(given)
    }
}

impl From<PeerOnline> for GraphIntent {
    fn from(online: PeerOnline) -> Self {
        Self::MarkPeerOnline { peer: online.peer, invited: online.invited }
    }
}

/// This program among its peers.
pub(crate) struct Share {
    peers: PeerSyncHandle,
    /// Until it is spawned.
    sync: Option<PeerSync<Graph>>,
    /// To be redeemed, if this program joins.
    ticket: Option<Ticket>,
    workers: Vec<WorkerHandle>,
    /// Tickets that come by themselves: one, of the program that shares.
    wanted: u64,
    /// How many tickets were given, for peers that write and for owners.
    given: [u64; 2],
    /// What was shown of each peer last.
    shown: BTreeMap<Peer, Contact>,
    /// Why the worker could not run, as it was shown last.
    fault: Option<String>,
}

impl Share {
    /// Opens the journal, the key and the trust store, or makes them.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn open(cli: &Cli, path: &Path) -> Result<(Self, Record, GraphBrowserApp), Box<dyn Error>> {
        let beside = |extension: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(extension);
            name
        };
        // First, so that nothing lies beside a file that is no journal.
        let record = Record { journal: Journal::open(path).map_err(|error| JournalUnusable(error.into()))? };
        let key = PeerKey::open(beside(".key")).map_err(|error| PeersUnusable(error.into()))?;
        // Whichever owner made the ticket, it names the founders of the graph.
        let owners = match &cli.peer {
            Some(ticket) if ticket.founders().is_empty() => vec![ticket.peer()],
            Some(ticket) => ticket.founders().iter().map(|(peer, _)| *peer).collect(),
            None => vec![key.peer()],
        };
        if cli.peer.as_ref().is_some_and(|ticket| ticket.peer() == key.peer()) {
            return Err(PeersUnusable(PairError::Ticket(TicketError::Own).into()).into());
        }
        let builder =
            GraphBrowserApp::journaled(key.peer(), owners).signer(key.clone()).verifier(PeerSignatures);
        let begun = record.journal.begin_with(|start| GraphBrowserApp::begin_as(start, builder));
        let mut app = begun.map_err(|error| {
            let again = "start it as it was started first, or give another journal";
            JournalUnusable(format!("{error}; {again}").into())
        })?;
        let options = PeerSyncOptions::new(key, beside(".peers")).bind(cli.listen).idle(cli.offline_after);
        let sync = PeerSync::new(app.link(), options).map_err(|error| PeersUnusable(error.into()))?;
        let share = Self {
            peers: sync.handle(),
            sync: Some(sync),
            ticket: cli.peer.clone(),
            workers: Vec::new(),
            wanted: u64::from(cli.share),
            given: [0; 2],
            shown: BTreeMap::new(),
            fault: None,
        };
        Ok((share, record, app))
    }

    /// Starts to listen, and redeems the ticket unless that was done before.
    pub(crate) fn spawn(&mut self, panel: &Panel) -> Vec<WorkerHandle> {
        let Some(sync) = self.sync.take() else { return Vec::new() };
        self.workers.push(panel.spawn(sync.into_worker_with(PeerIntents::new().snapshots())));
        if let Some(ticket) = self.ticket.take() {
            // One that was redeemed is in the address book. Then it says where the other is now.
            let known = self.peers.status().peers;
            if known.iter().any(|known| known.peer == ticket.peer() && !known.addresses.is_empty()) {
                self.peers.set_addresses(ticket.peer(), ticket.addresses());
            } else {
                self.workers.push(panel.spawn_redeem(self.peers.clone(), ticket));
            }
        }
        self.workers.clone()
    }

    /// Why it cannot go on: the ticket was not redeemed.
    pub(crate) fn failure(&self) -> Option<PeersUnusable> {
        let redeem = self.workers.get(1)?;
        match redeem.status() {
            WorkerStatus::Ended(exit) if exit.is_failure() => {
                Some(PeersUnusable(format!("the ticket was not redeemed: {exit}").into()))
            }
            _ => None,
        }
    }

    /// After a frame: tickets that were asked for, a line each.
    pub(crate) fn answers(&mut self, app: &GraphBrowserApp) -> Vec<String> {
        let [writers, owners] = app.commands.invites;
        let kinds = [(writers + self.wanted, Grant::Write, "one peer"), (owners, Grant::Owner, "one owner")];
        let mut answers = Vec::new();
        for (given, (wanted, grant, peer)) in self.given.iter_mut().zip(kinds) {
            if *given >= wanted {
                continue;
            }
            if !app.may_invite() {
                *given = wanted;
                answers.push("only an owner of the graph invites".into());
                continue;
            }
            match self.peers.ticket(grant, TICKET) {
                Ok(ticket) => {
                    *given += 1;
                    answers.push(format!("ticket: {} (for {peer}, within 10 minutes)", ticket.text()));
                }
                // It has no address yet.
                Err(TicketError::NotRunning) => {}
                Err(error) => {
                    *given = wanted;
                    answers.push(error.to_string());
                }
            }
        }
        answers
    }

    /// After a frame: what changed of peers, a line each.
    pub(crate) fn news(&mut self, app: &GraphBrowserApp) -> Vec<String> {
        let mut news = Vec::new();
        for (peer, contact) in app.contacts.iter() {
            if self.shown.get(&peer) != Some(contact) {
                news.push(contacts::line(peer, contact));
                self.shown.insert(peer, contact.clone());
            }
        }
        let fault = match self.workers.first().map(WorkerHandle::status) {
            Some(WorkerStatus::Backoff { exit, .. }) => Some(exit.to_string()),
            _ => None,
        };
        if fault.is_some() && self.fault != fault {
            news.extend(fault.iter().map(|fault| format!("peers: {fault}; trying again")));
            self.fault = fault;
        }
        news
    }
}

/// Redeems a ticket; what it comes to is its end.
#[worker(source = IntentSource::P2pSync)]
async fn redeem(
    _cx: control_panel::Context<GraphIntent, LifecyclePolicy>,
    peers: PeerSyncHandle,
    ticket: Ticket,
) -> Result<(), PairError> {
    peers.redeem(ticket).await.map(drop)
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
