//! How each intent changes the state.

use super::GraphBrowserApp;
use crate::{
    commands::Command,
    contacts::Contact,
    edit::Edit,
    host::RuntimeState,
    intent::{GraphIntent, LifecycleCause, NodeKey},
    lifecycle::Lifecycle,
};

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

    /// Makes a node active that was not asked for. What the visitor looks at stays where it is.
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
            Command::Place { path, place } => self.edit(Edit::Place { path: path.into(), place }),
            Command::Invite { owner } => self.commands.invites[usize::from(owner)] += 1,
            Command::Quit => self.commands.quit = true,
        }
    }
}
