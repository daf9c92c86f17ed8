//! A recording that begins anew: a crash at each of its writes, and what a damaged file still gives.

use std::{fs, path::Path};

use redb::{ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use super::checks::{flip_all, rewrite, strand_and_place};
use crate::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::{
        Journal, JournalError, Recorded, Recording, Start,
        files::open_to_read,
        salvage::salvage,
        store::{
            Disk, Reader,
            testing::{HERE, Memory, Words},
        },
    },
    replica::codec::{Limits, Postcard},
};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
#[intent(crate = crate)]
pub(super) enum Update {
    Typed(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Own {
    typed: u64,
}

impl Own {
    fn apply(&mut self, Update::Typed(word): &Update) {
        self.typed += word.len() as u64;
    }
}

#[derive(Debug)]
pub(super) struct App {
    words: Replica<Words>,
    own: Own,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.own.apply(&queued.intent);
        let Update::Typed(word) = queued.intent;
        self.words.commit(word);
    }

    fn settle(&mut self) {
        let _ = (self.words.settle(), self.words.outbox());
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(HERE, Words::default()).history(20);
        let words = start.replica(builder.codec(Postcard::new(), Limits::default()))?;
        let each = |own: &mut Own, queued: QueuedIntent<Update>| own.apply(&queued.intent);
        let own = start.restore(IntentSource::Restore, Own::default(), each)?.state;
        Ok(Self { words, own })
    }
}

pub(super) type End = (Vec<String>, Own);

pub(super) fn end(app: &App) -> End {
    (app.words.state().0.clone(), app.own)
}

/// A session that keeps so much of those before it.
fn session(journal: &Journal, keep: u64) -> End {
    journal.keep_recorded(keep);
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(journal).build();
    for frame in 0..40 {
        let word = format!("{}.{frame} ", journal.session()).repeat(60);
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed(word))]);
        journal.flush().unwrap();
    }
    drop(panel);
    journal.flush().unwrap();
    end(&app)
}

/// All that was recorded is there, or none of it; and all that was done.
#[test]
fn a_crash_while_a_recording_begins_anew_leaves_what_was_or_what_is_to_be() {
    let memory = Memory::default();
    let mut last = None;
    for _ in 0..3 {
        last = Some(session(&Journal::on(&memory).unwrap(), u64::MAX));
    }
    let last = last.unwrap();
    let journal = Journal::on(&memory).unwrap();
    let mut bytes = memory.lock().bytes.clone();
    let snapshots = |bytes: &[u8]| -> Vec<u64> {
        let reader = Reader::open(&Disk::staged(Memory::of(bytes.to_vec())).unwrap()).unwrap();
        reader.snapshots().unwrap().into_keys().collect()
    };
    let before = snapshots(&bytes);
    assert!(before.len() > 1, "{before:?}");
    memory.lock().steps.clear();
    journal.keep_recorded(0);
    assert_eq!(end(&journal.begin::<App>().unwrap()), last);
    let steps = std::mem::take(&mut memory.lock().steps);
    let (mut kept, mut gone) = (0, 0);
    for step in steps {
        step.apply(&mut bytes);
        let crashed = Memory::of(bytes.clone());
        let reader = Reader::open(&Disk::staged(crashed.clone()).unwrap()).unwrap();
        reader.check_all().unwrap();
        let recording = Recording::read(&reader).unwrap();
        drop(reader);
        match (recording.gone(), recording.frames()) {
            (0, 120) => kept += 1,
            (120, 0) => gone += 1,
            other => panic!("{other:?}"),
        }
        assert!(gone == 0 || recording.frames() == 0, "what is gone does not come back");
        let journal = Journal::on(&crashed).unwrap();
        let app: App = journal.begin().unwrap();
        assert_eq!(end(&app), last);
    }
    assert!(kept > 3 && gone > 3, "{kept}, {gone}");
    // Operations went with the frames, and of the snapshots of each session all but the last.
    let last = &before[before.len() - 1..];
    assert_eq!(snapshots(&bytes), last);
    let reader = Reader::open(&Disk::staged(Memory::of(bytes)).unwrap()).unwrap();
    let runs = reader.runs().unwrap().count();
    assert!(runs < 100, "{runs} of 120");
    drop(reader);
    let mut cuts = Vec::new();
    rewrite(&memory.lock().bytes, |transaction| {
        let table: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("cuts");
        cuts.extend(transaction.open_table(table).unwrap().iter().unwrap().map(|row| row.unwrap().0.value()));
    });
    assert_eq!(cuts, last, "and what the others stood for");
}

#[test]
fn a_damaged_recording_that_began_anew_gives_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut last = None;
    for _ in 0..6 {
        let journal = Journal::open(&path).unwrap();
        last = Some(session(&journal, 60_000));
        journal.close().unwrap();
    }
    let last = last.unwrap();
    let good = Recording::open(&path).unwrap();
    assert!(good.gone() >= 40 && good.frames() >= 40, "{} {}", good.gone(), good.frames());
    let replayed = |recording: &Recording| {
        let replay = recording.replay::<App>(u64::MAX);
        assert!(replay.is_same(), "{:?}", replay.deviations);
        end(&replay.state.unwrap())
    };
    assert_eq!(replayed(&good), last);

    let bytes = fs::read(&path).unwrap();
    let (_, place) = strand_and_place(&bytes);
    let (damaged, saved) = (folder.path().join("damaged"), folder.path().join("saved"));
    fs::write(&damaged, flip_all(&bytes, &place, 9)).unwrap();
    let salvaged = salvage(&damaged, &saved).unwrap();
    assert!(salvaged.lost.iter().all(|lost| !lost.contains("before frame")), "{:?}", salvaged.lost);
    // What the last frame left behind it may be in a session of its own.
    let has_all = |recording: &Recording| {
        recording.gone() == good.gone() && (good.frames()..=good.frames() + 1).contains(&recording.frames())
    };
    let recording = Recording::open(&saved).unwrap();
    assert!(has_all(&recording), "{} {}", recording.gone(), recording.frames());
    assert_eq!(replayed(&recording), last);
    // Each names its own runs, and the first none of those that were there before.
    let named = |path: &Path| -> Vec<usize> {
        open_to_read(path).unwrap().frames(..).unwrap().map(|row| row.unwrap().runs.len()).collect()
    };
    assert_eq!(named(&saved)[..good.frames()], named(&path)[..]);
    let journal = Journal::open(&saved).unwrap();
    journal.keep_recorded(u64::MAX);
    assert_eq!(end(&journal.begin::<App>().unwrap()), last);

    // Without the row that says where it begins, the frames say it.
    let mut row = Vec::new();
    rewrite(&bytes, |transaction| {
        let table: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("beginnings");
        let table = transaction.open_table(table).unwrap();
        row.extend(table.last().unwrap().unwrap().1.value());
    });
    let (damaged, saved) = (folder.path().join("damaged too"), folder.path().join("saved too"));
    fs::write(&damaged, flip_all(&bytes, &row, 3)).unwrap();
    let salvaged = salvage(&damaged, &saved).unwrap();
    let said = format!("what the replica had before frame {}", good.gone() + 1);
    assert!(salvaged.lost.contains(&said), "{:?}", salvaged.lost);
    let recording = Recording::open(&saved).unwrap();
    assert!(has_all(&recording), "{} {}", recording.gone(), recording.frames());
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Tally(u64);

impl State for Tally {
    type Op = String;

    fn apply(&mut self, _: &String, _: &Stamp) {
        self.0 += 1;
    }
}

/// Sessions that add a little each are compacted in the end.
#[test]
fn short_sessions_are_compacted_too() {
    let memory = Memory::default();
    let open = || {
        let journal = Journal::on(&memory).unwrap();
        let builder = Replica::builder(HERE, Tally::default()).history(20);
        let replica = journal.replica(builder.codec(Postcard::new(), Limits::default())).unwrap();
        (journal, replica)
    };
    let mut most = 0;
    for _ in 0..60 {
        let (journal, mut tally) = open();
        for frame in 0..10 {
            tally.commit(format!("{frame} ").repeat(400));
            let _ = (tally.settle(), tally.outbox());
            journal.flush().unwrap();
        }
        memory.lock().steps.clear();
        let runs = Reader::open(&Disk::staged(Memory::of(memory.lock().bytes.clone())).unwrap());
        most = most.max(runs.unwrap().runs().unwrap().count());
    }
    // 600 in all.
    assert!(most < 250, "{most}");
}
