//! A signal names its publisher, and the frame in which it was published.

use control_panel::{
    Context, ControlPanel, IntentSource, QueuedIntent, Reconcile, Reducer, SignalBus, Worker, bus::Received,
    testing,
};
use tests::{Mark, paused};

use super::{Note, Panel};

/// Publishes what it applied, as a host does: from inside the frame.
struct Host(SignalBus<Note, u8>);

#[derive(Default)]
struct Sum(u64);

impl Reducer for Sum {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        self.0 += queued.intent.id;
    }
}

impl Reconcile<Sum> for Host {
    fn reconcile(&mut self, state: &Sum) {
        self.0.publish(Note(state.0));
    }
}

#[test]
fn a_signal_carries_the_frame_in_which_it_was_published() {
    let mut panel = Panel::new();
    let bus = panel.bus(3);
    let mut view = panel.subscribe::<Note>();
    bus.publish(Note(0));
    let mut host = Host(panel.bus(7));
    let mut state = Sum::default();
    for frame in 1..=3 {
        let report = panel.run_frame(&mut state, &mut host, [(0, Mark::new(frame))]);
        assert_eq!(report.frame, frame);
    }
    bus.publish(Note(100)); // behind the third frame
    panel.drain().for_each(drop);
    bus.publish(Note(200));
    let signals: Vec<_> = view
        .drain()
        .map(|received| match received {
            Received::Signal(note) => (note.0, note.frame(), note.source()),
            Received::Lagged(missed) => panic!("{missed} were missed"),
        })
        .collect();
    assert_eq!(signals, [(0, 0, 3), (1, 1, 7), (3, 2, 7), (6, 3, 7), (100, 3, 3), (200, 4, 3)]);
}

/// The worker's own source and origin, and the last frame that had begun.
#[test]
fn a_workers_signal_is_its_own() {
    paused(async || {
        let mut panel = Panel::new();
        let mut view = panel.subscribe::<Note>();
        let announce = async |cx: Context<Mark>| {
            let bus = cx.bus();
            assert_eq!(bus.source(), cx.source());
            cx.try_send(Mark::new(0)).unwrap();
            bus.publish(Note(1));
        };
        for source in [5, 5, 6] {
            panel.drain().for_each(drop);
            panel.spawn(Worker::new("announces", source, announce));
            testing::settle().await;
        }
        let mut origins = Vec::new();
        for (frame, source) in [(1, 5), (2, 5), (3, 6)] {
            let Some(Received::Signal(note)) = view.try_recv() else { panic!("it was published") };
            assert_eq!((note.frame(), note.source()), (frame, source));
            origins.push(note.origin());
        }
        let last = panel.drain().last().expect("the third worker's intent");
        assert_eq!(last.causality_order().origin, origins[2], "as its intents have it");
        origins.dedup();
        assert_eq!(origins.len(), 3, "two workers of one source are distinct");
    });
}

/// Where there is no panel, a worker function is called by itself, and the test is both loop and view.
#[test]
fn a_worker_is_tested_without_a_panel() {
    tests::threads(1).block_on(async {
        let (cx, desk) = testing::context::<Mark, ()>(9, ());
        let (bus, mut seen) = (desk.bus(1), desk.subscribe::<Note>());
        let mut heard = cx.subscribe::<Note>();
        bus.publish(Note(4));
        let Some(Received::Signal(note)) = heard.recv().await else { panic!("it was published") };
        assert_eq!((note.0, note.source(), note.frame()), (4, 1, 0));
        cx.bus().publish(Note(5));
        assert_eq!(seen.drain().count(), 2);
        desk.cancel();
        assert!(heard.recv().await.is_none());
        assert!(heard.try_recv().is_some(), "what is left can be taken");
    });
}

/// The default source needs no type to be written.
#[test]
fn the_built_in_source_is_the_default() {
    #[derive(control_panel::GraphIntent)]
    enum Update {}
    struct View(control_panel::bus::Subscription<Note>);
    let panel = ControlPanel::<Update>::new();
    let mut view = View(panel.subscribe());
    let bus: SignalBus<Note> = panel.bus(IntentSource::LocalUI);
    bus.publish(Note(1));
    assert!(
        matches!(view.0.try_recv(), Some(Received::Signal(note)) if note.source() == IntentSource::LocalUI)
    );
}
