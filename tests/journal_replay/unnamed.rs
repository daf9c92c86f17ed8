//! What was committed behind the last frame that a crash left: no frame names it.

use control_panel::{
    ControlPanel, IntentSource, Reducer,
    journal::{Journal, Recording},
};

use crate::anew::{App, Update, replayed};

/// Frames of a session, the last of which are durable without the frame around what was committed then.
fn session(
    path: &std::path::Path,
    updates: impl Iterator<Item = Update>,
    unnamed: &[&str],
    closes: bool,
) -> App {
    let journal = Journal::open(path).unwrap();
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for update in updates {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, update)]);
    }
    drop(panel);
    for word in unnamed {
        app.tally.commit((*word).to_owned());
        app.settle();
    }
    journal.flush().unwrap();
    if closes {
        journal.close().unwrap();
    }
    app
}

fn typed(session: u64) -> impl Iterator<Item = Update> {
    (0..3).map(move |number| Update::Typed(format!("{session}.{number}")))
}

/// The session that crashed named no operation at all: what it wrote is not known in it, and is in the next.
#[test]
fn what_a_session_wrote_that_named_nothing_is_known_in_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    session(&path, typed(1), &["1.end"], true);
    session(&path, (0..3).map(Update::Turned), &["2.lost"], false);
    let last = session(&path, typed(3), &[], true);
    assert_eq!(last.tally.state().count, 3 + 1 + 1 + 3);
    let recording = Recording::open(&path).unwrap();
    assert_eq!((recording.sessions(), recording.frames()), (3, 9));
    // Each frame has a digest of what the replica had.
    let end = (last.tally.author(), last.tally.state().clone(), last.own);
    assert_eq!(replayed(&recording), end);
    assert_eq!(replayed(&Recording::from_bytes(&recording.to_bytes()).unwrap()), end);
}
