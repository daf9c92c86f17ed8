//! Whole runs, recorded, and what their journals are good for.

use clap::Parser;
use control_panel::{
    Reducer,
    journal::{Recording, Timeline},
};

use super::*;
use crate::{cli::Cli, run};

/// Two runs over the shipped site, and what the journal has of them.
fn recorded() -> Recording {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("browser.journal");
    for visits in ["12", "9"] {
        let line = ["graph_browser", "--quiet", "--memory-threshold", "1", "--visits", visits, "--journal"];
        let cli = Cli::parse_from(line.map(Into::into).into_iter().chain([path.clone().into_os_string()]));
        assert!(run(&cli).expect("it runs"));
    }
    Recording::open(&path).expect("a journal")
}

/// What is left out of a record is what the state does not depend on: every frame has the digest it had, in the second run too, which
/// began with what was restored.
#[test]
fn a_run_replays_and_a_timeline_goes_there_and_back() {
    let recording = recorded();
    assert_eq!(recording.sessions(), 2);
    let mut digests = Vec::new();
    let replay = recording.replay_with::<GraphBrowserApp>(u64::MAX, |frame, app| {
        digests.push((frame, app.and_then(Reducer::digest)));
    });
    assert!(replay.is_same(), "{:?}", replay.deviations);
    let end = replay.state.expect("a state");
    assert_eq!((end.graph().len(), end.graph().read, end.graph().edges), (31, 29, 102));
    assert!(end.journal.restored > 12, "the visits of the first run, and its policy");
    assert!(digests.iter().all(|(_, digest)| digest.is_some()));

    // As a slider would: to the end, back to the start, and anywhere.
    let mut timeline = Timeline::<GraphBrowserApp>::new(recording);
    let (first, last) = timeline.frames().expect("frames");
    assert_eq!(digests.first().map(|(frame, _)| *frame), Some(first));
    let jumps = (0..digests.len())
        .step_by(3)
        .chain((0..digests.len()).rev().step_by(7))
        .chain([0, digests.len() - 1]);
    for jump in jumps.collect::<Vec<_>>() {
        let (frame, digest) = digests[jump];
        assert_eq!(timeline.at(frame).and_then(Reducer::digest), digest, "frame {frame} of {last}");
    }
    assert!(timeline.deviation().is_none());
    let pages_at = |timeline: &mut Timeline<GraphBrowserApp>, frame| {
        timeline.at(frame).map_or(0, |app| app.graph().len())
    };
    assert!(pages_at(&mut timeline, first) <= pages_at(&mut timeline, last));
}
