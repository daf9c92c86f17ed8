//! A journal that is closed is as long as what is in it.

use std::{fs, path::Path};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica,
    journal::{Journal, Recording},
};
use serde::{Deserialize, Serialize};

use super::{HERE, Words, builder};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Typed(String),
}

struct App(Replica<Words>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Typed(word) = queued.intent;
        self.0.commit(word);
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

const FRAMES: u64 = 10_000;
const BYTES: usize = 44;

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Each operation is in the file twice: as one of the replica's, and in the intent that made it.
#[test]
fn recorded_frames_of_one_operation_take_at_most_three_times_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut frames = 0;
    for session in 1..=3 {
        let journal = Journal::open(&path).unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        let mut app = App(journal.replica(builder(HERE)).unwrap());
        for number in 0..FRAMES {
            let word = format!("{:.<BYTES$}", number * 7919);
            panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed(word))]);
            if number % 512 == 0 {
                journal.flush().unwrap();
            }
        }
        frames += FRAMES;
        drop(panel);
        journal.flush().unwrap();
        let open = length(&path);
        journal.close().unwrap();
        let (closed, payload) = (length(&path), frames * BYTES as u64);
        assert!(closed <= 3 * payload, "session {session}: {closed} bytes, {open} before, of {payload}");
        assert_eq!(app.0.state().0.len() as u64, frames);
    }
    assert_eq!(Recording::open(&path).unwrap().frames() as u64, frames);
}
