//! One connection with a trusted peer: how it begins, and how it ends.

mod arrival;
mod decoding;
mod exchange;
mod running;

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use iroh::endpoint::{Connection, ConnectionError, SendStream, VarInt};
use tokio::sync::{Notify, mpsc};

use self::running::Running;
use super::{
    PeerIntents,
    endpoint::{CLOSED, DUPLICATE, REFUSED},
    event::OfflineReason,
    hints::{self, ASKED_FOR, Found, Hints},
    hub::FromTask,
    presence::{self, Newest, Odd, PeerPresence},
    rendezvous::{Neighbour, Rendezvous},
    shared::Shared,
    store::LinkStore,
};
use crate::{
    Delta, Intent, IntentSender, Peer,
    anti_entropy::{End, Local, Options, Reason},
    context::{Raced, race},
    link::Link,
    replica::State,
};

/// How a session ended.
#[derive(Debug)]
pub(super) enum Ended {
    Lost(OfflineReason),
    /// Another connection with the peer stays.
    Duplicate,
    /// The panel takes no intents any more.
    Stopping,
}

pub(super) struct Session<S: State, I: Intent> {
    pub(super) id: u64,
    pub(super) peer: Peer,
    /// Whether this side dialled.
    pub(super) dialled: bool,
    pub(super) connection: Connection,
    pub(super) link: Link<S>,
    pub(super) sender: IntentSender<I>,
    pub(super) shared: Arc<Shared>,
    pub(super) intents: PeerIntents<I, S>,
    /// Rings once the hellos were exchanged.
    pub(super) ready: Notify,
    pub(super) hub: mpsc::Sender<FromTask>,
    pub(super) local: Local,
    pub(super) options: Options,
}

impl<S, I> Session<S, I>
where
    S: State,
    I: Intent + From<Delta<S::Op>>,
{
    /// Runs it to its end, and reports that.
    pub(super) async fn run(self) {
        let (id, peer, hub) = (self.id, self.peer, self.hub.clone());
        let ended = self.run_to_end().await;
        hub.send(FromTask::Ended { id, peer, ended }).await.ok();
    }

    async fn run_to_end(&self) -> Ended {
        let streams = async {
            if self.dialled { self.connection.open_bi().await } else { self.connection.accept_bi().await }
        };
        let (mut send, mut receive) = match tokio::time::timeout(self.options.hello, streams).await {
            Ok(Ok(streams)) => streams,
            Ok(Err(error)) => return self.lost(&error),
            Err(_) => return self.close(CLOSED, OfflineReason::Stalled),
        };
        let mut running = Running::new(self);
        let exchange = self.exchange(&mut running, &mut send, &mut receive);
        let stop = match race(exchange, self.show_and_see()).await {
            Raced::First(stop) => stop,
            Raced::Second(never) => match never {},
        };
        match stop {
            Stop::End(end) => {
                let reason = reason_of(&end);
                if let End::Misbehaved(breach) = &end {
                    self.misbehaved(breach.to_string()).await;
                }
                self.say_goodbye(&mut running, &mut send).await;
                match end {
                    End::Closed(Reason::Duplicate) => Ended::Duplicate,
                    _ => self.close(CLOSED, reason),
                }
            }
            Stop::Connection(error) => self.lost(&error),
            Stop::Breach(what) => {
                self.misbehaved(what.to_owned()).await;
                running.machine.session_mut().close(Reason::Misbehaved);
                self.say_goodbye(&mut running, &mut send).await;
                self.close(CLOSED, OfflineReason::Misbehaved)
            }
            Stop::Here(reason, why) => {
                running.machine.session_mut().close(why);
                self.say_goodbye(&mut running, &mut send).await;
                self.close(CLOSED, reason)
            }
            Stop::Revoked => self.close(REFUSED, OfflineReason::Revoked),
            Stop::Panel => {
                running.machine.session_mut().close(Reason::WorkerStopped);
                self.say_goodbye(&mut running, &mut send).await;
                self.connection.close(CLOSED, b"");
                Ended::Stopping
            }
        }
    }

    /// Presence and hints, beside the stream: whatever they wait for, the stream does not.
    async fn show_and_see(&self) -> Infallible {
        self.ready.notified().await;
        let neighbour = self.shared.rendezvous(Rendezvous::neighbour);
        let (asks_for, asked_for) = mpsc::channel(ASKED_FOR);
        let presence = race(presence::send(&self.connection, self.shared.shown.watch()), self.see());
        let hint = hints::send(&self.connection, &self.shared, neighbour.clone(), asked_for);
        match race(presence, race(hint, self.hear(neighbour, asks_for))).await {
            Raced::First(Raced::First(never) | Raced::Second(never))
            | Raced::Second(Raced::First(never) | Raced::Second(never)) => never,
        }
    }

    async fn hear(&self, neighbour: Neighbour, asks_for: mpsc::Sender<Peer>) -> Infallible {
        let mut hints = Hints::new(&self.shared, self.peer, neighbour, asks_for);
        while let Some(found) = hints.next(&self.connection).await {
            let (report, goes_on) = match found {
                Found::Peer(peer) => (FromTask::Hinted { peer }, true),
                Found::Breach(what) => {
                    (FromTask::Misbehaved { peer: self.peer, what: what.to_owned() }, false)
                }
            };
            if self.hub.send(report).await.is_err() || !goes_on {
                break;
            }
        }
        // The stream finds out why.
        pending().await
    }

    async fn see(&self) -> Infallible {
        // Where no one looks, what comes is dropped with the connection's buffer.
        let Some(intent) = self.intents.presence else { return pending().await };
        let (mut newest, mut was_odd) = (Newest::default(), false);
        while let Some(seen) = presence::next(&self.connection, &mut newest).await {
            if !self.is_trusted() {
                break;
            }
            match seen {
                Ok(bytes) => {
                    if self.sender.send(intent(PeerPresence { peer: self.peer, bytes })).await.is_err() {
                        break;
                    }
                }
                Err(Odd) if !was_odd => {
                    was_odd = true;
                    let what = "a presence of another length than there are".to_owned();
                    self.misbehaved(what).await;
                }
                Err(Odd) => {}
            }
            presence::pause().await;
        }
        // The stream finds out why.
        pending().await
    }

    async fn misbehaved(&self, what: String) {
        self.hub.send(FromTask::Misbehaved { peer: self.peer, what }).await.ok();
    }

    fn close(&self, code: VarInt, reason: OfflineReason) -> Ended {
        self.connection.close(code, b"");
        Ended::Lost(reason)
    }

    fn lost(&self, error: &ConnectionError) -> Ended {
        if !self.is_trusted() {
            return Ended::Lost(OfflineReason::Revoked);
        }
        match error {
            ConnectionError::ApplicationClosed(close) if close.error_code == DUPLICATE => Ended::Duplicate,
            // This side's hub closed it for another.
            ConnectionError::LocallyClosed => Ended::Duplicate,
            error => Ended::Lost(reason_of_connection(error)),
        }
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.shared.trust.peers().is_trusted(&self.peer)
    }

    /// Writes what is left, the last message at the end of it: for a moment, as the other may not read.
    async fn say_goodbye(&self, running: &mut Running<I>, send: &mut SendStream) {
        let mut store = LinkStore::new(self.link.clone());
        let now = running.began.elapsed();
        while let Ok(true) = running.machine.send(&mut running.out, &mut store, now) {}
        let last = async {
            send.write_all(&running.out[running.written..]).await.ok()?;
            send.finish().ok()?;
            send.stopped().await.ok()
        };
        tokio::time::timeout(Duration::from_millis(500), last).await.ok();
    }
}

/// Why a session is over.
pub(super) enum Stop {
    End(End),
    Connection(ConnectionError),
    Here(OfflineReason, Reason),
    /// The other did what no session does, beside those that its machine finds.
    Breach(&'static str),
    Revoked,
    Panel,
}

fn reason_of(end: &End) -> OfflineReason {
    match end {
        End::Version { ours, theirs } => {
            OfflineReason::Version { ours: ours.clone(), theirs: theirs.clone() }
        }
        End::Capability { unknown } => OfflineReason::Capability { unknown: *unknown },
        End::OtherGroup | End::Closed(Reason::OtherGroup) => OfflineReason::OtherGroup,
        End::Stalled(_) => OfflineReason::Stalled,
        End::Misbehaved(_) => OfflineReason::Misbehaved,
        End::Closed(Reason::Refused) => OfflineReason::Refused,
        End::Closed(_) => OfflineReason::Closed,
    }
}

/// Why a connection is gone that no session ended.
pub(super) fn reason_of_connection(error: &ConnectionError) -> OfflineReason {
    match error {
        // A reset says that the other no longer knows the connection: it timed out there, and here this side stood still or heard
        // nothing for as long.
        ConnectionError::TimedOut | ConnectionError::Reset => OfflineReason::TimedOut,
        ConnectionError::ApplicationClosed(close) if close.error_code == REFUSED => OfflineReason::Refused,
        ConnectionError::VersionMismatch | ConnectionError::TransportError(_) => OfflineReason::Misbehaved,
        _ => OfflineReason::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_the_other_forgot_timed_out() {
        assert_eq!(reason_of_connection(&ConnectionError::Reset), OfflineReason::TimedOut);
        assert_eq!(reason_of_connection(&ConnectionError::TimedOut), OfflineReason::TimedOut);
        assert_eq!(reason_of_connection(&ConnectionError::CidsExhausted), OfflineReason::Closed);
    }
}
