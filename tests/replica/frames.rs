//! A shared graph in two panels: deltas travel as intents.

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State,
    intent::LogicalClock,
};

#[derive(Clone, Debug)]
enum Edit {
    AddPage { path: String },
    Link { from: usize, to: usize },
}

#[derive(Clone, Default, Debug, PartialEq)]
struct SharedGraph {
    pages: Vec<String>,
    links: Vec<(usize, usize)>,
}

impl State for SharedGraph {
    type Op = Edit;

    fn apply(&mut self, op: &Edit, _: &Stamp) {
        match op {
            Edit::AddPage { path } => self.pages.push(path.clone()),
            Edit::Link { from, to } if *from.max(to) < self.pages.len() => self.links.push((*from, *to)),
            Edit::Link { .. } => {}
        }
    }
}

#[derive(GraphIntent)]
enum Intent {
    Typed(Edit),
    #[intent(clock = lamport_clock, origin = delta)]
    ApplyRemoteDelta {
        lamport_clock: u64,
        delta: Delta<Edit>,
    },
}

impl From<Delta<Edit>> for Intent {
    fn from(delta: Delta<Edit>) -> Self {
        Self::ApplyRemoteDelta { lamport_clock: delta.time().unwrap_or(1), delta }
    }
}

struct App {
    shared: Replica<SharedGraph>,
    settles: usize,
}

impl App {
    fn new(me: u8) -> Self {
        let members = [Peer([1; 32]), Peer([2; 32])];
        Self { shared: Replica::new(Peer([me; 32]), members, SharedGraph::default()), settles: 0 }
    }
}

impl Reducer for App {
    type Intent = Intent;

    fn apply(&mut self, queued: QueuedIntent<Intent>) {
        match queued.intent {
            Intent::Typed(edit) => {
                self.shared.commit(edit);
            }
            Intent::ApplyRemoteDelta { delta, .. } => self.shared.merge(delta),
        }
    }

    fn settle(&mut self) {
        self.settles += 1;
        let _ = self.shared.settle();
    }
}

#[test]
fn two_panels_share_a_graph() {
    let (mut here, mut there) = (ControlPanel::<Intent>::new(), ControlPanel::<Intent>::new());
    let (mut a, mut b) = (App::new(1), App::new(2));
    let (to_a, to_b) = (here.sender(IntentSource::P2pSync), there.sender(IntentSource::P2pSync));
    let mut redone = 0;
    for turn in 0..5 {
        let page = Intent::Typed(Edit::AddPage { path: format!("a{turn}") });
        let link = Intent::Typed(Edit::Link { from: turn, to: 0 });
        redone += here.run_frame(&mut a, &mut (), [(IntentSource::LocalUI, page)]).redo.redone;
        redone += there.run_frame(&mut b, &mut (), [(IntentSource::LocalUI, link)]).redo.redone;
        if turn % 2 == 0
            && let Some(delta) = a.shared.outbox()
        {
            to_b.try_send(delta.into()).unwrap();
        }
        if let Some(delta) = b.shared.outbox() {
            to_a.try_send(delta.into()).unwrap();
        }
    }
    for _ in 0..4 {
        if let Some(delta) = a.shared.outbox() {
            to_b.try_send(delta.into()).unwrap();
        }
        if let Some(delta) = b.shared.outbox() {
            to_a.try_send(delta.into()).unwrap();
        }
        redone += here.run_frame(&mut a, &mut (), []).redo.redone;
        redone += there.run_frame(&mut b, &mut (), []).redo.redone;
    }
    assert_eq!(a.shared.state(), b.shared.state());
    assert_eq!(a.shared.state().pages.len(), 5);
    assert_eq!(a.shared.version(), b.shared.version());
    assert_eq!((a.settles, b.settles), (9, 9), "once a frame");
    assert!(redone > 0, "concurrent edits were put in order");
}
