//! `SIGKILL` at random moments, under load, while the journal is compacted, and while it is closed; and programs that end by a panic, or abort.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State, Version,
    journal::{Journal, JournalError, JournalEvent},
    replica::codec::{Limits, Postcard},
    testing::Rng,
};
use serde::{Deserialize, Serialize};

use crate::HERE;

/// Set in the process that is killed: the path of its journal.
const PATH: &str = "JOURNAL_KILLED";

/// Set in a process that ends by itself: how.
const ENDS: &str = "JOURNAL_ENDS";

/// How often it is killed: `SIGKILL_ROUNDS`, or as few as take a few seconds. Every other round ends otherwise.
fn rounds() -> u64 {
    env::var("SIGKILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

#[derive(GraphIntent)]
enum Update {
    Typed(String),
    #[intent(from)]
    Journal(JournalEvent),
}

/// The first two words of each operation: it is much shorter than these, so the journal is compacted.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Seen(Vec<String>);

impl State for Seen {
    type Op = String;

    fn apply(&mut self, text: &String, _: &Stamp) {
        self.0.push(begin(text).to_owned());
    }
}

/// Which life's word it is, and which.
fn begin(text: &str) -> &str {
    text.trim_end_matches('.')
}

fn start(path: &Path) -> Result<(Journal, Replica<Seen>), JournalError> {
    let builder = Replica::builder(HERE, Seen::default()).history(50);
    let journal = Journal::open(path)?;
    let replica = journal.replica(builder.codec(Postcard::new(), Limits::default()))?;
    Ok((journal, replica))
}

struct App(Replica<Seen>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => drop(self.0.commit(word)),
            Update::Journal(event) => panic!("{event}"),
        }
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

/// Commits words, in order, and says of each when it may be sent, until it is killed.
fn run_until_killed(path: &str) {
    let (journal, replica) = start(Path::new(path)).unwrap();
    let mut app = App(replica);
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn(journal.writer(IntentSource::Restore));
    let mut rng = Rng::new(u64::from(std::process::id()));
    let life = app.0.author().incarnation;
    let ends = env::var(ENDS).ok();
    let mut frames_left = ends.is_some().then(|| rng.below(200));
    let (mut out, mut word) = (std::io::stdout().lock(), 0);
    writeln!(out, "\nlife {life}").unwrap();
    loop {
        let count = rng.below(20);
        let words = (word..word + count)
            .map(|word| (IntentSource::LocalUI, Update::Typed(format!("{life} {word:.<300}"))));
        panel.run_frame(&mut app, &mut (), words);
        word += count;
        let mut lines = String::new();
        if let Some(delta) = app.0.outbox() {
            for (stamp, word) in delta.operations() {
                writeln!(lines, "sent {} {}", stamp.seq, begin(word)).unwrap();
            }
        }
        out.write_all(lines.as_bytes()).unwrap();
        match &mut frames_left {
            Some(0) if ends.as_deref() == Some("abort") => std::process::abort(),
            Some(0) if ends.as_deref() == Some("close") => {
                let _ = panel.shutdown_blocking();
                writeln!(out, "closes").unwrap();
                out.flush().unwrap();
                journal.close().unwrap();
                std::process::exit(0);
            }
            Some(0) => panic!("as a reducer may"),
            Some(left) => *left -= 1,
            None => {}
        }
        if rng.chance(30) {
            thread::sleep(Duration::from_micros(rng.below(3000)));
        }
    }
}

#[test]
fn a_killed_program_has_all_that_it_sent_and_numbers_nothing_twice() {
    if let Ok(path) = env::var(PATH) {
        run_until_killed(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    // What any peer may have, by life and number.
    let mut sent: BTreeMap<(u32, u64), String> = BTreeMap::new();
    let mut rng = Rng::new(1);
    let (mut incarnations, mut compacted) = (Vec::new(), 0);
    for round in 0..rounds() * 2 {
        let mut command = Command::new(env::current_exe().unwrap());
        // Most are killed.
        let ends = [None, Some("close"), None, Some("panic"), None, Some("abort")];
        let ends = ends[usize::try_from(round % 6).unwrap()];
        command.envs(ends.map(|ends| (ENDS, ends)));
        let mut child = command
            .args([
                "killed::a_killed_program_has_all_that_it_sent_and_numbers_nothing_twice",
                "--exact",
                "--nocapture",
            ])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut life, mut before_kill) = (None, rng.below(400));
        for read in output {
            // What it was writing when it was killed is half a line.
            let Ok(said) = read else { break };
            if let Some(incarnation) = said.strip_prefix("life ") {
                let incarnation: u32 = incarnation.parse().unwrap();
                assert!(!incarnations.contains(&incarnation), "round {round}: a life twice");
                incarnations.push(incarnation);
                life = Some(incarnation);
            }
            if let (Some(life), Some(words)) = (life, said.strip_prefix("sent ")) {
                let Some((seq, word)) = words.split_once(' ') else { break };
                let before = sent.insert((life, seq.parse().unwrap()), word.to_owned());
                assert_eq!(before, None, "round {round}: {life} {seq} twice");
            }
            if said == "closes" && rng.chance(70) {
                thread::sleep(Duration::from_micros(rng.below(20_000)));
                child.kill().unwrap();
            }
            if life.is_some() {
                match before_kill.checked_sub(1) {
                    _ if ends.is_some() => {}
                    Some(left) => before_kill = left,
                    // More than once does no harm; what is in the pipe is read to its end.
                    None => child.kill().unwrap(),
                }
            }
        }
        child.wait().unwrap();

        let (journal, replica) = start(&path).unwrap();
        let missing = journal.since(&Version::new(), &Limits::default()).unwrap();
        compacted += u64::from(missing.snapshot.is_some());
        incarnations.push(replica.author().incarnation);
        let mut found: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for word in &replica.state().0 {
            let (life, number) = word.split_once(' ').unwrap();
            found.entry(life.parse().unwrap()).or_default().push(number.parse().unwrap());
        }
        for (life, numbers) in &found {
            assert!(
                numbers.iter().copied().eq(0..numbers.len() as u64),
                "round {round}: {life} is no prefix: {numbers:?}"
            );
        }
        for ((life, seq), word) in &sent {
            // The last line may be cut off.
            let number: u64 = word.split_once(' ').unwrap().1.parse().unwrap();
            let count = found.get(life).map_or(0, Vec::len) as u64;
            assert!(number < count, "round {round}: {life} {seq} was sent, and {count} are there");
        }
    }
    assert!(!sent.is_empty());
    assert!(compacted > rounds() / 2, "{compacted} starts went on from a snapshot");
}
