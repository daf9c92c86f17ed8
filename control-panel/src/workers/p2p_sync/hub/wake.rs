//! What the worker waits for.

use std::future::pending;

use iroh::endpoint::Connection;
use tokio::time::sleep_until;

use super::{
    super::{PeerOffline, PeerOnline, event::OfflineReason, session::Ended},
    Hub,
};
use crate::{
    Delta, Intent, Peer,
    context::{Raced, race},
    replica::State,
};

/// What tasks report.
pub(in super::super) enum FromTask {
    /// A trusted peer dialled.
    Came(Connection),
    Dialled {
        peer: Peer,
        result: Result<Connection, OfflineReason>,
    },
    /// Hellos were exchanged.
    Ready {
        id: u64,
        peer: Peer,
    },
    Ended {
        id: u64,
        peer: Peer,
        ended: Ended,
    },
    Misbehaved {
        peer: Peer,
        what: String,
    },
    /// There is news of where a peer is.
    Hinted {
        peer: Peer,
    },
    /// This endpoint has other addresses.
    Moved,
    /// Trust changed.
    Paired {
        peer: Peer,
    },
}

/// What wakes the worker.
pub(super) enum Woken {
    Cancelled,
    Task(FromTask),
    Joined,
    Incoming(Box<iroh::endpoint::Incoming>),
    /// The endpoint is closed.
    Closed,
    Changed,
    Published,
    Time,
}

impl<S, I, P> Hub<S, I, P>
where
    S: State,
    I: Intent + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
    P: Send + Sync + 'static,
{
    pub(super) async fn woken(&mut self) -> Woken {
        let contacts = self.peers.values().filter_map(|known| known.contact.deadline()).min();
        let deadline =
            [contacts, self.parts.shared.tickets.deadline(), self.save_at].into_iter().flatten().min();
        let time = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        let tasks = &mut self.tasks;
        let joined = async {
            match tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(_) => {}
                None => pending().await,
            }
        };
        let shared = &self.parts.shared;
        let (published, news_at) = (self.published, self.news_at);
        let news = async {
            if news_at > tokio::time::Instant::now() {
                sleep_until(news_at).await;
            }
            self.parts.link.news(published, self.parts.link.durable()).await;
        };
        let inner = race(race(shared.changed.notified(), news), time);
        let outer =
            race(race(self.cx.cancelled(), self.from_tasks.recv()), race(joined, self.endpoint.accept()));
        match race(outer, inner).await {
            Raced::First(Raced::First(Raced::First(()) | Raced::Second(None))) => Woken::Cancelled,
            Raced::First(Raced::First(Raced::Second(Some(task)))) => Woken::Task(task),
            Raced::First(Raced::Second(Raced::First(()))) => Woken::Joined,
            Raced::First(Raced::Second(Raced::Second(incoming))) => {
                incoming.map_or(Woken::Closed, |incoming| Woken::Incoming(Box::new(incoming)))
            }
            Raced::Second(Raced::First(Raced::First(()))) => Woken::Changed,
            Raced::Second(Raced::First(Raced::Second(()))) => Woken::Published,
            Raced::Second(Raced::Second(())) => Woken::Time,
        }
    }
}
