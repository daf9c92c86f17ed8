//! The worker that writes, under a panel.

use std::{env, fs, process::Command, thread, time::Duration};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica,
    journal::{Fault, Journal, JournalEvent},
};

use crate::{HERE, Words, builder, start};

#[derive(GraphIntent)]
enum Update {
    Typed(String),
    #[intent(from)]
    Journal(JournalEvent),
}

struct App {
    words: Replica<Words>,
    events: Vec<JournalEvent>,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => drop(self.words.commit(word)),
            Update::Journal(event) => self.events.push(event),
        }
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
    }
}

fn frame(panel: &mut ControlPanel<Update>, app: &mut App, words: &[String]) {
    let typed = words.iter().map(|word| (IntentSource::LocalUI, Update::Typed(word.clone())));
    panel.run_frame(app, &mut (), typed);
}

#[test]
fn what_frames_commit_is_written_while_they_go_on_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (journal, words) = start(&path).unwrap();
    let mut app = App { words, events: Vec::new() };
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn(journal.writer(IntentSource::Restore));
    let all: Vec<_> = (0..300).map(|word| word.to_string()).collect();
    let mut sent = 0;
    for words in all.chunks(3) {
        frame(&mut panel, &mut app, words);
        sent += app.words.outbox().map_or(0, |delta| delta.operations().count());
        assert!(sent <= app.words.state().0.len());
    }
    assert!(panel.shutdown_blocking().is_clean());
    // A writer that was stopped before its thread began has written nothing.
    journal.close().unwrap();
    sent += app.words.outbox().map_or(0, |delta| delta.operations().count());
    assert_eq!(sent, 300, "all is durable when the journal is closed");
    assert!(app.events.is_empty());
    assert_eq!(start(&path).unwrap().1.state().0, all);
}

/// Set in the process that has a small file system of its own at that path.
const SMALL: &str = "JOURNAL_SMALL_DISK";

#[test]
fn a_full_file_system_is_an_intent_refuses_commits_and_recovers() {
    if let Ok(folder) = env::var(SMALL) {
        on_a_small_file_system(&folder);
        println!("\nrecovered");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=512k tmpfs \"$JOURNAL_SMALL_DISK\" || exit 77; exec \"$@\"";
    let test = "writer::a_full_file_system_is_an_intent_refuses_commits_and_recovers";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(SMALL, folder.path())
        .output();
    // Where this process may not mount, the disk in memory of the unit tests has to do.
    let Ok(output) = output else { return };
    if matches!(output.status.code(), Some(1 | 77))
        && !String::from_utf8_lossy(&output.stdout).contains("running 1 test")
    {
        return;
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("\nrecovered"),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn on_a_small_file_system(folder: &str) {
    let (path, ballast) = (format!("{folder}/app.journal"), format!("{folder}/ballast"));
    let journal = Journal::open(&path).unwrap();
    let words = journal.replica(builder(HERE)).unwrap();
    let mut app = App { words, events: Vec::new() };
    let mut panel = ControlPanel::<Update>::new();
    fs::write(&ballast, vec![7; 200 << 10]).unwrap();
    panel.spawn(journal.writer(IntentSource::Restore));

    let (mut kept, mut sent) = (Vec::new(), 0);
    let refused = loop {
        // No more waits than there will be room for, however slow the writer is.
        sent += app.words.outbox().map_or(0, |delta| delta.operations().count());
        if kept.len() - sent >= 8 && app.events.is_empty() {
            frame(&mut panel, &mut app, &[]);
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        let word = format!("{} {}", kept.len(), "x".repeat(4000));
        frame(&mut panel, &mut app, std::slice::from_ref(&word));
        let back: Vec<_> = app.words.take_void().into_iter().map(|(_, word)| word).collect();
        if !back.is_empty() {
            assert_eq!(back, [word]);
            break back;
        }
        kept.push(word);
        thread::sleep(Duration::from_millis(2));
    };
    while app.events.is_empty() {
        frame(&mut panel, &mut app, &[]);
        thread::sleep(Duration::from_millis(2));
    }
    let JournalEvent::Failed { error, recovers: true } = &app.events[0] else { panic!("{:?}", app.events) };
    assert!(matches!(error.fault(), Fault::Full), "{error:?}");

    fs::remove_file(ballast).unwrap();
    while app.events.len() < 2 {
        frame(&mut panel, &mut app, &[]);
        thread::sleep(Duration::from_millis(2));
    }
    assert!(matches!(app.events[1], JournalEvent::Recovered), "{:?}", app.events);
    frame(&mut panel, &mut app, &refused);
    kept.extend(refused);
    assert!(panel.shutdown_blocking().is_clean());
    journal.close().unwrap();
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.replica(builder(HERE)).unwrap().state().0, kept);
}
