//! A producer's local intents come out as a subsequence of what it sent, wherever the frames' borders fall: a `latest` one
//! at its own place.

use std::{future::Future, panic, pin::Pin, task::Poll};

use control_panel::{
    ControlPanel, FrameBudget, GraphIntent, IntentSender, QueuedIntent, Reducer, SendError, queue::Permits,
};
use proptest::prelude::*;
use tests::{Wakes, quiet_panic};

/// Each has a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, GraphIntent)]
#[intent(source = u8)]
enum Update {
    Opened(u32),
    #[intent(latest)]
    Progress(u32),
    #[intent(latest = tab)]
    Scrolled {
        tab: u8,
        to: u32,
    },
}
use Update::{Opened, Progress, Scrolled};

type Panel = ControlPanel<Update>;

/// What is open, and how far it is: the state of the case that started this, for each source.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Document {
    opened: u32,
    progress: u32,
    scrolled: [u32; 2],
}

impl Document {
    fn apply(&mut self, update: Update) {
        match update {
            Opened(file) => *self = Self { opened: file, ..Self::default() },
            Progress(percent) => self.progress = percent,
            Scrolled { tab, to } => self.scrolled[usize::from(tab)] = to,
        }
    }
}

#[derive(Default)]
struct Applied {
    all: Vec<(u64, Update)>,
    documents: [Document; 3],
    panic_after: Option<usize>,
}

impl Reducer for Applied {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.documents[usize::from(queued.source)].apply(queued.intent);
        self.all.push((u64::from(queued.source), queued.intent));
        match &mut self.panic_after {
            Some(0) => quiet_panic(),
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

fn replaces(newer: Update, older: Update) -> bool {
    match (newer, older) {
        (Progress(_), Progress(_)) => true,
        (Scrolled { tab, .. }, Scrolled { tab: other, .. }) => tab == other,
        _ => false,
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Source, variant: sent if there is room.
    Try(u8, u8),
    /// Sent and polled once.
    Send(u8, u8),
    /// A send under way is polled.
    Poll(usize),
    Reserve(u8),
    Permitted(u8, u8),
    /// A frame of so many at most, by reading that much of it.
    Read(usize),
    /// A frame whose reducer panics after so many, or does not, with an intent of the loop's own.
    Frame(Option<usize>, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (source, variant) = (0_u8..2, 0_u8..4);
    let step = prop_oneof![
        6 => (source.clone(), variant.clone()).prop_map(|(s, v)| Step::Try(s, v)),
        4 => (source.clone(), variant.clone()).prop_map(|(s, v)| Step::Send(s, v)),
        4 => any::<usize>().prop_map(Step::Poll),
        1 => source.clone().prop_map(Step::Reserve),
        2 => (source, variant).prop_map(|(s, v)| Step::Permitted(s, v)),
        2 => (0_usize..4).prop_map(Step::Read),
        2 => (prop::option::weighted(0.3, 0_usize..4), any::<bool>()).prop_map(|(p, o)| Step::Frame(p, o)),
    ];
    prop::collection::vec(step, 1..80)
}

type Waiting = Pin<Box<dyn Future<Output = Result<(), SendError<Update>>>>>;

struct Run {
    panel: Panel,
    senders: [IntentSender<Update>; 2],
    waiting: Vec<(u8, Update, Waiting)>,
    permits: [Option<Permits<Update>>; 2],
    next: u32,
    /// What was accepted, by source; those of the loop's own have source 2.
    accepted: [Vec<Update>; 3],
    applied: Applied,
}

impl Run {
    fn new(capacity: usize, budget: Option<usize>) -> Self {
        let budget = budget.map_or(FrameBudget::default(), |most| FrameBudget::default().intents(most));
        let panel = Panel::builder().capacity(capacity).frame_budget(budget).build();
        Self {
            senders: [panel.sender(0), panel.sender(1)],
            panel,
            waiting: Vec::new(),
            permits: [None, None],
            next: 0,
            accepted: Default::default(),
            applied: Applied::default(),
        }
    }

    fn update(&mut self, variant: u8) -> Update {
        self.next += 1;
        match variant {
            0 => Opened(self.next),
            1 => Progress(self.next),
            tab => Scrolled { tab: tab - 2, to: self.next },
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Try(source, variant) => {
                let update = self.update(variant);
                if self.senders[usize::from(source)].try_send(update).is_ok() {
                    self.accepted[usize::from(source)].push(update);
                }
            }
            Step::Send(source, variant) => {
                let update = self.update(variant);
                let sender = self.senders[usize::from(source)].clone();
                self.waiting.push((source, update, Box::pin(async move { sender.send(update).await })));
                self.poll(self.waiting.len() - 1);
            }
            Step::Poll(choice) if !self.waiting.is_empty() => self.poll(choice % self.waiting.len()),
            Step::Reserve(source) => {
                let sender = self.senders[usize::from(source)].clone();
                let reserved = Wakes::new().poll(std::pin::pin!(sender.reserve_many(2)));
                if let Poll::Ready(Ok(permits)) = reserved {
                    self.permits[usize::from(source)] = Some(permits);
                }
            }
            Step::Permitted(source, variant) => {
                let update = self.update(variant);
                let permits = self.permits[usize::from(source)].as_mut();
                if permits.is_some_and(|permits| permits.send(update).is_ok()) {
                    self.accepted[usize::from(source)].push(update);
                }
            }
            Step::Read(most) => {
                let applied = &mut self.applied;
                self.panel.drain().take(most).for_each(|queued| applied.apply(queued));
            }
            Step::Frame(panic_after, own) => {
                let own = own.then(|| self.update(1));
                self.accepted[2].extend(own);
                self.applied.panic_after = panic_after;
                let (panel, applied) = (&mut self.panel, &mut self.applied);
                let own = own.map(|update| (2, update));
                panic::catch_unwind(panic::AssertUnwindSafe(|| panel.run_frame(applied, &mut (), own))).ok();
                self.applied.panic_after = None;
            }
            Step::Poll(_) => {}
        }
    }

    fn poll(&mut self, at: usize) {
        let (source, update, future) = &mut self.waiting[at];
        if let Poll::Ready(sent) = Wakes::new().poll(future.as_mut()) {
            sent.unwrap();
            self.accepted[usize::from(*source)].push(*update);
            drop(self.waiting.remove(at));
        }
    }

    fn finish(mut self) {
        self.waiting.clear();
        self.permits = [None, None];
        while self.panel.queued() > 0 {
            self.panel.run_frame(&mut self.applied, &mut (), []);
        }
        for (source, accepted) in (0..).zip(&self.accepted) {
            let mut applied =
                self.applied.all.iter().filter(|(of, _)| *of == source).map(|(_, update)| *update);
            let mut next = applied.next();
            let mut document = Document::default();
            for (at, &update) in accepted.iter().enumerate() {
                document.apply(update);
                if next == Some(update) {
                    next = applied.next();
                } else {
                    let newer = accepted[at + 1..].iter().any(|&newer| replaces(newer, update));
                    assert!(newer && source < 2, "{update:?} is lost, or out of its order");
                }
            }
            assert_eq!(next, None, "out of the order in which it was sent");
            let state = self.applied.documents[usize::try_from(source).unwrap()];
            assert_eq!(state, document, "it depends on where the frames' borders were");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_producers_intents_are_applied_in_its_order_wherever_the_borders_fall(
        capacity in 2_usize..12,
        budget in prop_oneof![1 => Just(None), 2 => (1_usize..5).prop_map(Some)],
        steps in steps(),
    ) {
        let mut run = Run::new(capacity, budget);
        for step in &steps {
            run.step(step);
        }
        run.finish();
    }
}

fn send_all(sender: &IntentSender<Update>, updates: &[Update]) {
    for &update in updates {
        sender.try_send(update).unwrap();
    }
}

fn frame(panel: &mut Panel) -> Vec<Update> {
    panel.drain().map(|queued| queued.intent).collect()
}

#[test]
fn the_state_is_the_same_in_one_frame_and_in_many() {
    let states = [1, 2, 3, 4].map(|sends_a_frame| {
        let (mut panel, mut applied) = (Panel::new(), Applied::default());
        let loader = panel.sender(0);
        for sends in [Opened(1), Progress(100), Opened(2), Progress(100)].chunks(sends_a_frame) {
            send_all(&loader, sends);
            panel.run_frame(&mut applied, &mut (), []);
        }
        applied.documents[0]
    });
    assert_eq!(states, [Document { opened: 2, progress: 100, scrolled: [0, 0] }; 4]);
}

#[test]
fn one_that_waited_for_a_slot_comes_at_its_own_place() {
    let mut panel = Panel::builder().capacity(4).build();
    let sender = panel.sender(0);
    send_all(&sender, &[Opened(1), Opened(2), Opened(3)]);
    let wakes = Wakes::new();
    let mut waiting = [Progress(4), Opened(5), Progress(6)].map(|update| Box::pin(sender.send(update)));
    assert!(waiting.iter_mut().all(|send| wakes.poll(send.as_mut()).is_pending()));
    assert_eq!(frame(&mut panel), [Opened(1), Opened(2), Opened(3)]);
    assert!(waiting.iter_mut().all(|send| wakes.poll(send.as_mut()).is_ready()));
    assert_eq!(frame(&mut panel), [Opened(5), Progress(6)]);
}

#[test]
fn one_with_a_permit_comes_at_its_own_place() {
    let mut panel = Panel::new();
    let sender = panel.sender(0);
    let reserved = Wakes::new().poll(std::pin::pin!(sender.reserve_many(1)));
    let Poll::Ready(Ok(mut permit)) = reserved else { panic!("there is room") };
    send_all(&sender, &[Scrolled { tab: 1, to: 1 }, Progress(2), Opened(3)]);
    permit.send(Progress(4)).unwrap();
    assert_eq!(frame(&mut panel), [Scrolled { tab: 1, to: 1 }, Opened(3), Progress(4)]);
    assert_eq!(sender.occupied(), 0, "the slot that was not needed is free");
}

/// What a frame took is not replaced, and what comes after it stays behind it.
#[test]
fn one_in_the_rest_of_a_cut_frame_is_not_replaced() {
    let mut panel = Panel::new();
    let sender = panel.sender(0);
    send_all(&sender, &[Opened(1), Progress(2), Opened(3)]);
    assert_eq!(panel.drain().next().map(|queued| queued.intent), Some(Opened(1)));
    send_all(&sender, &[Progress(4), Opened(5), Progress(6)]);
    let mut all = Vec::new();
    while panel.queued() > 0 {
        all.extend(frame(&mut panel));
    }
    assert_eq!(all, [Progress(2), Opened(3), Opened(5), Progress(6)]);
}

#[test]
fn however_many_are_replaced_the_queue_holds_one() {
    let mut panel = Panel::builder().capacity(4).build();
    let sender = panel.sender(0);
    sender.try_send(Opened(0)).unwrap();
    for n in 1..=1_000_000 {
        sender.try_send(Progress(n)).unwrap();
    }
    assert_eq!((panel.queued(), panel.status().accepted, sender.occupied()), (2, 2, 2));
    assert_eq!(frame(&mut panel), [Opened(0), Progress(1_000_000)]);
}
