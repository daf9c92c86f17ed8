//! `salvage` of files that are cut off or changed anywhere: what it gives is a prefix, and it says what is lost.

mod beside;
mod taken_back;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    Author, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp,
    journal::{
        EffectState, Fault, Journal, JournalError, Recorded, Recording, Start,
        files::open_to_read,
        salvage::{Salvaged, salvage},
        store::testing::{HERE, Words},
    },
    replica::codec::{Limits, Postcard},
    testing::Rng,
};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
#[intent(crate = crate)]
enum Update {
    Typed(String),
}

#[derive(Debug)]
struct App {
    words: Replica<Words>,
    typed: usize,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Typed(word) = queued.intent;
        self.typed += word.len();
        self.words.commit(word);
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
        Ok(Self { words: start.replica(builder)?, typed: 0 })
    }
}

impl App {
    fn look(&self) -> String {
        format!("{} {:?}", self.typed, self.words.state())
    }
}

fn begin(journal: &Journal) -> App {
    App::begin(&Start::live(journal)).unwrap()
}

const EFFECT: Stamp = Stamp { lamport: 1, author: Author { peer: HERE, incarnation: 0 }, seq: 0 };

const SESSIONS: u32 = 3;
const FRAMES: u32 = 40;

/// The journal of three sessions, and the state after each frame.
fn recorded(path: &Path) -> Vec<String> {
    let mut states = Vec::new();
    for session in 0..SESSIONS {
        let journal = Journal::open(path).unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        let mut app = begin(&journal);
        for frame in 0..FRAMES {
            // Some are longer than a page.
            let word = format!("{session}.{frame} ").repeat(if frame % 9 == 4 { 900 } else { 20 });
            panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed(word))]);
            journal.flush().unwrap();
            states.push(app.look());
        }
        drop(panel);
        journal.begin_effect(EFFECT).unwrap();
        journal.close().unwrap();
    }
    states
}

/// A good file, and the state after each of its frames.
type Good = (Vec<u8>, Vec<String>);

struct Case {
    folder: TempDir,
    good: &'static [u8],
    states: &'static [String],
}

impl Case {
    fn new() -> Self {
        static GOOD: OnceLock<Good> = OnceLock::new();
        let folder = tempfile::tempdir().unwrap();
        let (good, states) = GOOD.get_or_init(|| {
            let path = folder.path().join("good");
            let states = recorded(&path);
            (fs::read(path).unwrap(), states)
        });
        Self { folder, good, states }
    }

    fn salvage(&self, name: &str, bytes: &[u8]) -> (PathBuf, Result<Salvaged, JournalError>) {
        let (from, to) = (self.folder.path().join(name), self.folder.path().join(format!("{name}.saved")));
        fs::write(&from, bytes).unwrap();
        let salvaged = salvage(&from, &to);
        assert!(fs::read(&from).unwrap() == bytes, "{name}: the source was changed");
        fs::remove_file(&from).unwrap();
        (to, salvaged)
    }

    /// How many frames were given, after what they replay to is compared.
    fn check(&self, name: &str, bytes: &[u8]) -> u64 {
        let (to, salvaged) = self.salvage(name, bytes);
        let salvaged = match salvaged {
            Ok(salvaged) => salvaged,
            Err(error) => {
                assert!(
                    matches!(error.fault(), Fault::Damaged { .. } | Fault::Truncated),
                    "{name}: {error:?}"
                );
                assert!(!to.exists());
                return 0;
            }
        };
        let recording = Recording::open(&to).unwrap();
        let replay = recording.replay_with::<App>(salvaged.frames, |frame, app| {
            let expected = &self.states[usize::try_from(frame).unwrap() - 1];
            assert!(app.unwrap().look() == *expected, "{name}: frame {frame} has another state");
        });
        assert!(replay.is_same(), "{name}: {:?}", replay.deviations);
        assert_eq!(replay.frames as u64, salvaged.frames, "{name}");
        if salvaged.frames < self.states.len() as u64 {
            assert!(!salvaged.lost.is_empty(), "{name}: nothing was said to be lost");
        }
        // A program goes on with it.
        let journal = Journal::open(&to).unwrap();
        let app = begin(&journal);
        assert!(app.words.state().0.len() as u64 >= salvaged.frames, "{name}");
        drop((app, journal));
        fs::remove_file(&to).unwrap();
        println!("{name}: {} frames, {} runs", salvaged.frames, salvaged.runs);
        salvaged.frames
    }
}

#[test]
fn of_a_whole_file_it_gives_all() {
    let case = Case::new();
    let (to, salvaged) = case.salvage("whole", case.good);
    let Salvaged { frames, runs, lost } = salvaged.unwrap();
    assert_eq!((frames, runs), (case.states.len() as u64, u64::from(SESSIONS * FRAMES)));
    assert!(lost.is_empty(), "{lost:?}");
    let good = case.folder.path().join("as it was");
    fs::write(&good, case.good).unwrap();
    assert_eq!(Recording::open(&to).unwrap(), Recording::open(&good).unwrap());
    // It was never closed, and is nowhere yet: what begins with it is a new life.
    let [was, is] = [&good, &to].map(|path| open_to_read(path).unwrap().meta().unwrap());
    assert!(was.clean && !is.clean && is.token != was.token && is.whereabouts == [0; 32], "{is:?}");
    let journal = Journal::open(to).unwrap();
    assert_eq!(begin(&journal).words.state().0.len(), case.states.len());
    assert_eq!(journal.begin_effect(EFFECT).unwrap(), EffectState::Interrupted);
}

/// All is there but what leads to it.
#[test]
fn of_a_file_without_its_header_it_gives_all() {
    let case = Case::new();
    let mut bytes = case.good.to_vec();
    bytes[16..4096].fill(7);
    assert_eq!(case.check("no header", &bytes), case.states.len() as u64);
    let (to, salvaged) = case.salvage("no header", &bytes);
    assert_eq!(salvaged.unwrap().runs, u64::from(SESSIONS * FRAMES));
    let good = case.folder.path().join("as it was");
    fs::write(&good, case.good).unwrap();
    assert_eq!(Recording::open(&to).unwrap(), Recording::open(good).unwrap());
    let journal = Journal::open(to).unwrap();
    assert_eq!(journal.begin_effect(EFFECT).unwrap(), EffectState::Interrupted);
}

#[test]
fn what_is_lost_is_named() {
    let case = Case::new();
    let mut bytes = case.good.to_vec();
    // Of the 61st frame of 120, wherever it is.
    let word = b"1.20 1.20 ";
    let places: Vec<_> = (0..bytes.len() - word.len()).filter(|at| bytes[*at..].starts_with(word)).collect();
    for at in places {
        bytes[at] ^= 1;
    }
    let (_, salvaged) = case.salvage("of one word", &bytes);
    let Salvaged { frames, lost, .. } = salvaged.unwrap();
    assert!((1..61).contains(&frames), "{frames}");
    let next = frames + 1;
    let named = format!("frames {next} to 120: frame {next} is not whole");
    assert!(lost.contains(&named), "{lost:?}");
    assert!(
        lost.iter().any(|lost| lost.starts_with(&format!("what came behind frame {frames}, "))),
        "{lost:?}"
    );
}

#[test]
fn of_a_file_that_is_cut_off_it_gives_a_prefix() {
    let case = Case::new();
    let mut most = 0;
    for sixteenth in 0..16 {
        let length = case.good.len() * sixteenth / 16 + 1;
        most = most.max(case.check(&format!("cut at {length}"), &case.good[..length]));
    }
    for missing in [1, 4095, 4096, 4097, 65_536] {
        let length = case.good.len() - missing;
        case.check(&format!("cut at {length}"), &case.good[..length]);
    }
    assert!(most > 20, "only {most} of {} frames were ever given", case.states.len());
}

#[test]
fn of_a_file_that_is_changed_anywhere_it_gives_a_prefix() {
    let case = Case::new();
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(24);
    let mut given = 0;
    for seed in 0..seeds {
        let mut rng = Rng::new(seed);
        let mut bytes = case.good.to_vec();
        for _ in 0..=rng.below(6) {
            let at = rng.index(bytes.len());
            if rng.chance(50) {
                bytes[at] ^= 1 << rng.below(8);
            } else {
                // A page that was not written, or another's.
                let end = bytes.len().min(at / 4096 * 4096 + 4096);
                bytes[at / 4096 * 4096..end].fill(0xAA);
            }
        }
        given += case.check(&format!("seed {seed}"), &bytes);
    }
    assert!(given > seeds, "{given}");
}

#[test]
fn of_a_file_without_anything_good_it_gives_an_error_by_name() {
    let case = Case::new();
    let mut bytes = case.good.to_vec();
    bytes[4096..].fill(7);
    let (to, salvaged) = case.salvage("noise", &bytes);
    assert!(matches!(salvaged.unwrap_err().fault(), Fault::Damaged { .. }));
    assert!(!to.exists());
    let (to, salvaged) = case.salvage("text", b"Dear diary");
    assert!(matches!(salvaged.unwrap_err().fault(), Fault::NotAJournal));
    assert!(!to.exists());
}
