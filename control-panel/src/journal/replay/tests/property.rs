//! Record, then replay: the same states, frame by frame, whatever the run was.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use proptest::prelude::*;

use super::{Machine, Recording, Tape, Update, builder};
use crate::{FrameBudget, requests::reply, util::panics};

#[derive(Clone, Debug)]
enum Step {
    /// Sends through the queue, as this producer.
    Send(usize, Kind),
    /// A frame, with some of the loop's own.
    Frame(Vec<Kind>),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add(u32),
    Stumble,
    Unsettle,
    Ask(bool),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        12 => any::<u32>().prop_map(Kind::Add),
        1 => Just(Kind::Stumble),
        1 => Just(Kind::Unsettle),
        2 => any::<bool>().prop_map(Kind::Ask),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..3, kind()).prop_map(|(producer, kind)| Step::Send(producer, kind)),
        4 => prop::collection::vec(kind(), 0..4).prop_map(Step::Frame),
    ]
}

fn budget() -> impl Strategy<Value = FrameBudget> {
    prop_oneof![
        2 => Just(FrameBudget::default()),
        2 => (1_usize..5).prop_map(|most| FrameBudget::default().intents(most)),
        1 => Just(FrameBudget::default().time(Duration::ZERO)),
        1 => Just(FrameBudget::default().time(Duration::from_nanos(300))),
    ]
}

fn run(budget: FrameBudget, steps: &[Step]) -> (Machine, Vec<(u64, Machine)>, Recording) {
    let mut tape = Tape::new();
    let mut panel = builder(&tape).frame_budget(budget).build();
    let senders = [1, 2, 2].map(|source| panel.sender(source));
    let (mut machine, mut after, mut answers) = (Machine::default(), Vec::new(), Vec::new());
    for step in steps {
        let mut update = |kind: &Kind| match *kind {
            Kind::Add(n) => Update::Add(n),
            Kind::Stumble => Update::Stumble,
            Kind::Unsettle => Update::Unsettle,
            Kind::Ask(wanted) => {
                let (reply, answer) = reply();
                answers.extend(wanted.then_some(answer));
                Update::Ask(reply)
            }
        };
        match step {
            Step::Send(producer, kind) => drop(senders[*producer].try_send(update(kind))),
            Step::Frame(own) => {
                let own: Vec<_> = own.iter().map(|kind| (0, update(kind))).collect();
                let frame = AssertUnwindSafe(|| panel.run_frame(&mut machine, &mut (), own).frame);
                let ran = panics::catch_silently(|| catch_unwind(frame)).unwrap();
                after.extend(ran.ok().map(|frame| (frame, machine.clone())));
            }
        }
        tape.take();
    }
    drop(panel);
    (machine, after, tape.recording())
}

proptest! {
    #[test]
    fn a_replay_comes_to_the_same_states(budget in budget(), steps in prop::collection::vec(step(), 1..60)) {
        let (machine, after, recording) = run(budget, &steps);
        let mut states = Vec::new();
        let numbers: Vec<u64> = recording.frames.iter().map(|frame| frame.panel_frame).collect();
        let replay = recording.replay_with::<Machine>(u64::MAX, |frame, state| {
            states.push((numbers[usize::try_from(frame).unwrap() - 1], state.unwrap().clone()));
        });
        prop_assert!(replay.is_same(), "{:?}", replay.deviations);
        prop_assert_eq!(replay.state.unwrap_or_default(), machine);
        // Frame by frame: those that have a record of their own.
        for (frame, state) in after {
            if let Some((_, replayed)) = states.iter().find(|(number, _)| *number == frame) {
                prop_assert_eq!(replayed, &state);
            }
        }
        prop_assert_eq!(Recording::from_bytes(&recording.to_bytes()).unwrap(), recording);
    }

    /// One that is cut anywhere is read or refused, and never panics.
    #[test]
    fn bytes_of_a_recording_are_refused_where_they_are_broken(
        steps in prop::collection::vec(step(), 1..20),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let bytes = run(FrameBudget::default(), &steps).2.to_bytes();
        let at = at.index(bytes.len());
        prop_assert!(Recording::from_bytes(&bytes[..at]).is_err());
        let mut other = bytes.clone();
        other[at] ^= flip;
        if let Ok(other) = Recording::from_bytes(&other) {
            // Whatever it is now, a replay of it ends.
            let calm = other.frames.iter().all(|frame| frame.head.empty_before < 1 << 20);
            if calm {
                drop(other.replay::<Machine>(u64::MAX));
            }
        }
    }
}
