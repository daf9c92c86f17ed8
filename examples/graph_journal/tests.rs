//! The editor replays from a recording, and the recording can be shown to others.

use control_panel::{
    ControlPanel, IntentSource,
    journal::{Journal, Recording, Timeline},
    reply,
};

use crate::app::{Edit, Site};

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
    drop(panel);
    journal.close().unwrap();

    let recording = Recording::open(&path).unwrap();
    let replay = recording.replay::<Site>(6);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().pages[&2].title, "rosebud");
    let failure = recording.failure::<Site>().unwrap();
    assert_eq!(failure.to_string(), "frame 7: the invariant does not hold: page 1 links to 2, which is gone");
    let redacted = recording.redacted::<Site>().to_bytes();
    assert!(!redacted.windows(7).any(|bytes| bytes == b"rosebud"));
    let mut timeline = Timeline::<Site>::new(recording);
    assert_eq!(timeline.at(7).unwrap().pages.len(), 1);
    assert_eq!(timeline.at(2).unwrap().pages.len(), 2);
}
