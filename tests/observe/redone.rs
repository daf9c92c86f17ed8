//! What a frame did again for a replica.

use std::{collections::BTreeMap, sync::PoisonError};

use control_panel::{
    ControlPanel, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State, Undoable,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use super::{TURN, Update, lines::Lines};

#[derive(Clone, Default)]
struct Counter(u64);

impl State for Counter {
    type Op = u64;

    fn apply(&mut self, count: &u64, _: &Stamp) {
        self.0 += count;
    }
}

impl Undoable for Counter {
    type Undo = ();

    fn apply_undoable(&mut self, count: &u64, stamp: &Stamp) {
        self.apply(count, stamp);
    }

    fn undo(&mut self, count: &u64, (): ()) {
        self.0 -= count;
    }
}

struct Shared(Replica<Counter>);

impl Reducer for Shared {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {
        self.0.commit(1);
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

/// One operation of another replica, in a frame of three, that sorts before two of this one's.
#[test]
fn what_a_frame_redid_is_logged_and_counted_and_nothing_where_there_was_nothing_to_redo() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let frames = || {
        let peers = [Peer([1; 32]), Peer([2; 32])];
        let replica = |peer| Replica::builder(peer, Counter(0)).members(peers).undoing().build();
        let [mut here, mut there] = peers.map(|peer| Shared(replica(peer)));
        there.0.commit(10);
        let mut panel = ControlPanel::<Update>::builder().name("shared").build();
        let local = || [(IntentSource::LocalUI, Update::Line), (IntentSource::LocalUI, Update::Hint)];
        panel.run_frame(&mut here, &mut (), local());
        here.0.merge(there.0.outbox().unwrap());
        panel.run_frame(&mut here, &mut (), []);
        panel.run_frame(&mut here, &mut (), []);
        assert_eq!(here.0.state().0, 12);
    };
    let text = Lines::logged(|| metrics::with_local_recorder(&recorder, frames));
    let said: Vec<_> = text.lines().filter(|line| line.contains("put in order")).collect();
    let [line] = said[..] else { panic!("one frame of three: {text}") };
    for part in ["DEBUG control_panel: ", "panel=\"shared\"", "merged=1", "undone=1", "redone=1", "jobs=0"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let counters: BTreeMap<_, _> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name().contains("_operations_") || key.key().name().contains("_redo_"))
        .map(|(key, unit, described, value)| {
            assert!(unit.is_some() && described.is_some(), "{key:?} is not described");
            let DebugValue::Counter(count) = value else { panic!("a counter: {key:?}") };
            (key.key().name().trim_start_matches("control_panel_").to_owned(), count)
        })
        .collect();
    let expected = [
        ("operations_merged_total", 1),
        ("operations_redone_total", 1),
        ("operations_undone_total", 1),
        ("redo_jobs_total", 0),
    ];
    assert_eq!(counters, expected.map(|(name, count)| (name.to_owned(), count)).into());
}
