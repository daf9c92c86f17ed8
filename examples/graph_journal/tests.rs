//! The editor replays from a recording, and the recording can be shown to others.

use control_panel::{
    ControlPanel, IntentSource,
    journal::{Journal, Recording, Timeline},
    requests::reply,
};

use crate::{
    app::{Edit, Site},
    remarks::{self, Remark, THERE},
};

#[test]
fn a_recorded_editor_replays_and_its_titles_stay_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let journal = Journal::open(&path).unwrap();
    let mut panel = ControlPanel::<Edit>::builder().record(&journal).build();
    let mut site: Site = journal.begin().unwrap();
    let (question, mut answer) = reply();
    let edits = [
        Edit::Add(1),
        Edit::Add(2),
        Edit::Link(1, 2),
        Edit::Rename { page: 2, title: "rosebud".into() },
        Edit::Count(question),
        Edit::MouseMoved(1.0, 2.0),
        Edit::Remove(2),
    ];
    for edit in edits {
        panel.run_frame(&mut site, &mut (), [(IntentSource::LocalUI, edit)]);
    }
    assert_eq!(answer.try_take(), Some(Ok(2)));
    let mut there = remarks::builder(THERE).build();
    there.commit(Remark { page: 1, text: "from there".into() });
    let _ = there.settle();
    let from_peer = Edit::FromPeer { delta: there.outbox().unwrap() };
    let remark = Edit::Remark(Remark { page: 1, text: "rosebud".into() });
    panel.run_frame(&mut site, &mut (), [from_peer, remark].map(|edit| (IntentSource::LocalUI, edit)));
    let made = site.remarks.state().clone();
    assert_eq!(made.0[&1].len(), 2);
    drop(panel);
    journal.close().unwrap();

    let recording = Recording::open(&path).unwrap();
    let replay = recording.replay::<Site>(6);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().pages[&2].title, "rosebud");
    let failure = recording.failure::<Site>().unwrap();
    assert_eq!(failure.to_string(), "frame 7: the invariant does not hold: page 1 links to 2, which is gone");
    let replay = recording.replay::<Site>(8);
    assert!(replay.deviations.iter().all(|found| found.frame == 7), "{:?}", replay.deviations);
    assert_eq!(*replay.state.unwrap().remarks.state(), made);
    let redacted = recording.redacted::<Site>().to_bytes();
    for private in [&b"rosebud"[..], b"from there"] {
        assert!(!redacted.windows(private.len()).any(|bytes| bytes == private));
    }
    let mut timeline = Timeline::<Site>::new(recording);
    assert_eq!(timeline.at(7).unwrap().pages.len(), 1);
    assert_eq!(timeline.at(2).unwrap().pages.len(), 2);
}
