//! A recording is read while its frames are written.

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Add(u32),
}

#[derive(Clone, Debug, Default)]
struct Total(u32);

impl Reducer for Total {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Add(number) = queued.intent;
        self.0 += number;
    }
}

impl Recorded for Total {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::default())
    }

    fn copy(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[test]
fn a_timeline_follows_a_journal_that_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut total: Total = journal.begin().unwrap();
    let mut frames = |from: u32, to: u32| {
        for number in from..=to {
            panel.run_frame(&mut total, &mut (), [(IntentSource::LocalUI, Update::Add(number))]);
        }
        journal.flush().unwrap();
    };
    let mut timeline = Timeline::<Total>::new(journal.recording().unwrap());
    assert_eq!(timeline.frames(), None);
    frames(1, 10);
    timeline.follow(journal.recording().unwrap());
    let at = |timeline: &mut Timeline<Total>, frame| timeline.at(frame).unwrap().0;
    let (_, tenth) = timeline.frames().unwrap();
    assert_eq!(at(&mut timeline, tenth), 55);
    // What is scrubbed to stays what it is while more is written.
    frames(11, 20);
    timeline.follow(journal.recording().unwrap());
    assert_eq!(at(&mut timeline, tenth), 55);
    let (_, last) = timeline.frames().unwrap();
    assert_eq!((at(&mut timeline, last), at(&mut timeline, tenth - 9)), (210, 1));
    assert!(last > tenth && timeline.deviation().is_none());
    // Another journal is another past.
    let other = Journal::open(folder.path().join("other.journal")).unwrap();
    timeline.follow(other.recording().unwrap());
    assert_eq!((timeline.frames(), timeline.at(last).map(|total| total.0)), (None, None));
    drop(panel);
    journal.close().unwrap();
    assert!(journal.recording().is_err(), "it is closed");
    assert_eq!(Recording::open(&path).unwrap().frames(), 20);
}
