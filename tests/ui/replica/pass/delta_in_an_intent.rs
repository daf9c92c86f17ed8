//! With its clock in the variant as the seed's, or its own; of operations that are no more than `Clone`, `Send` and `Sync`.

use control_panel::{Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State};

#[derive(Clone)]
struct Write(String);

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = lamport_clock, origin = delta)]
    ApplyRemoteDelta { lamport_clock: u64, delta: Delta<Write> },
    #[intent(clock = delta, origin = delta)]
    ApplyDelta { delta: Delta<Write> },
    /// Without a clock it is local: it is merged as well, and not ordered within its frame.
    ApplyUnordered(Delta<Write>),
    MarkPeerOffline { peer: Peer },
}

#[derive(Clone, Default)]
struct Words(Vec<String>);

impl State for Words {
    type Op = Write;

    fn apply(&mut self, op: &Write, _: &Stamp) {
        self.0.push(op.0.clone());
    }
}

struct App(Replica<Words>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::ApplyRemoteDelta { delta, .. } | Update::ApplyDelta { delta } => self.0.merge(delta),
            Update::ApplyUnordered(delta) => self.0.merge(delta),
            Update::MarkPeerOffline { .. } => {}
        }
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

fn main() {
    let peers = [1, 2].map(|byte| Peer([byte; 32]));
    let [mut app, mut other] = peers.map(|peer| App(Replica::new(peer, peers, Words::default())));
    other.0.commit(Write("word".to_owned()));
    let delta = other.0.outbox().unwrap();
    let mut panel = control_panel::ControlPanel::<Update>::new();
    panel.run_frame(&mut app, &mut (), [(IntentSource::P2pSync, Update::ApplyUnordered(delta))]);
    assert_eq!(app.0.state().0, ["word"]);
}
