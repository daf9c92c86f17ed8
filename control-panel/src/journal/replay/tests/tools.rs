//! What is done with a recording.

use super::{Machine, Recording, Tape, Update, panel};
use crate::{
    journal::{DeviationKind, Edit, Timeline, intents::Body, replay::Past},
    replica::{Author, Peer, RunHash, codec::RunBytes},
};

/// Frames of three intents each; every tenth is empty.
fn recorded(frames: u32, change: impl Fn(u32, u32) -> Option<Update>) -> (Recording, Vec<Machine>) {
    let mut tape = Tape::new();
    let (mut panel, mut machine, mut states) = (panel(&tape), Machine::default(), Vec::new());
    for frame in 0..frames {
        let own = (0..3).filter_map(|nth| change(frame, nth)).map(|update| (0, update));
        panel.run_frame(&mut machine, &mut (), own);
        states.push(machine.clone());
        tape.take();
    }
    drop(panel);
    (tape.recording(), states)
}

fn adds(frame: u32, nth: u32) -> Option<Update> {
    (frame % 10 != 9).then_some(Update::Add(frame * 3 + nth))
}

#[test]
fn a_difference_is_named_by_frame_intent_and_path() {
    let (one, _) = recorded(50, adds);
    assert_eq!(one.diff::<Machine>(&one.clone()), None);
    let (other, _) =
        recorded(
            50,
            |frame, nth| {
                if (frame, nth) == (20, 1) { Some(Update::Add(7)) } else { adds(frame, nth) }
            },
        );
    let found = one.diff::<Machine>(&other).unwrap();
    assert_eq!(one.frames[20].number, found.frame);
    assert_eq!((found.intent, &*found.left, &*found.right), (Some(1), "0 #1.55 Add(61)", "0 #1.55 Add(7)"));
    assert_eq!(found.state.unwrap().path, "state");
    let (longer, _) = recorded(51, adds);
    let found = one.diff::<Machine>(&longer).unwrap();
    assert_eq!((found.frame, found.intent, &*found.left), (51, None, "nothing"));
    assert!(found.right.starts_with("3 intent(s), Settled"), "{}", found.right);
}

/// Equal frames say nothing of what a replica had before them.
#[test]
fn a_difference_in_what_a_session_begins_with_is_named() {
    let run = |seq| RunBytes {
        author: Author { peer: Peer([1; 32]), incarnation: 0 },
        seq,
        hash: RunHash([9; 32]),
        bytes: [1, 2, 3].into(),
    };
    let (mut one, _) = recorded(5, adds);
    one.sessions[0] = Past { incarnation: Some(2), runs: vec![run(1), run(4)], ..Past::default() };
    let mut other = one.clone();
    other.sessions[0].incarnation = None;
    let found = one.diff::<Machine>(&other).unwrap();
    assert_eq!((found.frame, found.intent), (1, None));
    assert_eq!((&*found.left, &*found.right), ("session 1 begins as life 2", "session 1 begins as no life"));
    let mut other = one.clone();
    other.sessions[0].runs[1].seq = 5;
    let found = one.diff::<Machine>(&other).unwrap();
    assert!(
        found.left.starts_with("session 1 begins with the run of ") && found.left.contains(" from 4 "),
        "{found}"
    );
    assert!(found.right.contains(" from 5 "), "{found}");
    other.sessions[0].runs.pop();
    assert_eq!(one.diff::<Machine>(&other).unwrap().right, "session 1 begins with no further run");
}

#[test]
fn what_if_an_intent_had_not_come_or_come_later_or_been_another() {
    let (recording, states) = recorded(20, adds);
    let what_if = |edit| recording.what_if::<Machine>(edit).unwrap();
    let found = what_if(Edit::Drop { frame: 3, intent: 1 });
    assert_eq!(found.first, Some(3));
    assert!(found.at_end.unwrap().path == "state" && found.failed.is_none() && found.fails.is_none());
    let found = what_if(Edit::Move { frame: 3, intent: 1, to: 5, place: 9 });
    assert_eq!((found.first, found.at_end.is_some()), (Some(3), true));
    let same = what_if(Edit::Replace { frame: 3, intent: 1, with: Update::Add(7) });
    assert_eq!((same.first, same.difference.as_ref()), (None, None));
    let found = what_if(Edit::Replace { frame: 3, intent: 0, with: Update::Stumble });
    assert!(matches!(found.fails.unwrap().kind, DeviationKind::Panics { .. }));
    let error = recording.what_if::<Machine>(Edit::Drop { frame: 3, intent: 3 }).unwrap_err();
    assert_eq!(error.to_string(), "frame 3 has no intent 3");
    let error = recording.what_if::<Machine>(Edit::Drop { frame: 300, intent: 3 }).unwrap_err();
    assert_eq!(error.to_string(), "there is no frame 300: the last is 20");
    assert_eq!(recording.replay::<Machine>(u64::MAX).state.as_ref(), states.last());
}

#[test]
fn a_timeline_goes_there_and_back() {
    let (recording, states) = recorded(700, adds);
    let numbers: Vec<_> = recording.frames.iter().map(|frame| (frame.number, frame.panel_frame)).collect();
    let mut timeline = Timeline::<Machine>::new(recording);
    assert_eq!(timeline.frames(), Some((1, 700)));
    let mut rng = crate::testing::Rng::new(3);
    for _ in 0..300 {
        let (number, panel_frame) = numbers[rng.index(numbers.len())];
        let expected = &states[usize::try_from(panel_frame).unwrap() - 1];
        assert_eq!(timeline.at(number), Some(expected), "{number}");
    }
    assert_eq!(timeline.at(0), None);
    assert_eq!(timeline.deviation(), None);
    assert_eq!(timeline.at(u64::MAX), states.last());
}

#[test]
fn a_redacted_recording_has_the_variants_alone() {
    let (recording, _) = recorded(30, adds);
    let redacted = recording.redacted::<Machine>();
    assert_eq!((redacted.intents(), redacted.opaque()), (recording.intents(), recording.intents()));
    let body = &redacted.frames[0].intents[0].entry.body;
    assert_eq!(*body, Body::Opaque { variant: "Add".into(), skipped: false });
    assert!(redacted.replay::<Machine>(u64::MAX).is_same(), "it has no digests");
    assert_eq!(Recording::from_bytes(&redacted.to_bytes()).unwrap(), redacted);
}

#[test]
fn another_reducer_is_found_where_it_comes_to_another_state() {
    let (mut recording, _) = recorded(30, adds);
    let refolded = recording.refold::<Machine>();
    assert!(refolded.changed.is_none() && refolded.compared == refolded.frames && refolded.frames >= 27);
    // Which the digests of another reducer are.
    let digest = &mut recording.frames[11].digest;
    *digest = digest.map(|digest| digest + 1);
    let changed = recording.refold::<Machine>().changed.unwrap();
    assert_eq!(changed.frame, recording.frames[11].number);
    assert!(matches!(changed.kind, DeviationKind::Digest { .. }));
}

#[test]
fn without_digests_states_are_compared_where_they_were_noted() {
    let (mut recording, _) = recorded(2_500, adds);
    recording.frames.iter_mut().for_each(|frame| frame.digest = None);
    assert_eq!(recording.refold::<Machine>().compared, 0);
    let noted = recording.clone().noting_states::<Machine>();
    assert_eq!(noted, Recording::from_bytes(&noted.to_bytes()).unwrap());
    let refolded = noted.refold::<Machine>();
    assert!((800..=1_000).contains(&refolded.compared), "{}", refolded.compared);
    assert!(refolded.changed.is_none() && refolded.same_at == Some(noted.last_frame()));
    assert!(noted.diff::<Machine>(&recording).is_none(), "no intent is another");

    // One more intent is another state from there on: the first that is looked at.
    let intents = &mut recording.frames[1_300].intents;
    intents.push(intents[0].clone());
    let mut other = noted.clone();
    other.frames[1_300].intents = recording.frames[1_300].intents.clone();
    let refolded = other.refold::<Machine>();
    let (changed, same_at) = (refolded.changed.unwrap(), refolded.same_at.unwrap());
    assert!((1_301..1_304).contains(&changed.frame) && (1_298..1_301).contains(&same_at), "{changed}");
    assert_eq!(changed.kind, DeviationKind::State { path: "state".to_owned() });
}

#[test]
fn a_recording_that_panics_shrinks_to_what_makes_it_panic() {
    // A panic ends its frame: the rest comes with the next.
    let mut tape = Tape::new();
    let (mut panel, mut machine) = (panel(&tape), Machine::default());
    for frame in 0..200 {
        let own =
            (0..3).map(|nth| if (frame, nth) == (150, 1) { Update::Unsettle } else { Update::Add(nth) });
        let own: Vec<_> = own.map(|update| (0, update)).collect();
        let run = std::panic::AssertUnwindSafe(|| panel.run_frame(&mut machine, &mut (), own));
        drop(crate::util::panics::catch_silently(run));
        tape.take();
    }
    drop(panel);
    let mut recording = tape.recording();
    assert!(recording.replay::<Machine>(u64::MAX).is_same());
    recording.sessions.push(Past::default());
    let shrunk = recording.shrink::<Machine>(200, |_| ()).unwrap();
    assert_eq!(shrunk.intents, ["0 #1.451 Unsettle"]);
    assert!(shrunk.minimal && shrunk.replays < 50, "{}", shrunk.replays);
    assert_eq!(shrunk.recording.sessions.len(), 1, "what is behind the failure is gone");
    assert!(shrunk.failure.same_reason(&recording.failure::<Machine>().unwrap()));
    let source = shrunk.test_source("unsettled", "crate::Machine");
    assert!(source.contains("/// panics at ") && source.contains("failure::<crate::Machine>()"), "{source}");
}
