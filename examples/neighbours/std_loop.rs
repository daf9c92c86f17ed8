//! A plain loop on std alone: no toolkit, no async code, a prompt and files.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --example std_loop -- README.md CHANGELOG.md
//!
//! What to look for: each file is counted by a worker on a thread of its own, which sends as it goes; the loop sleeps until there is
//! something to draw, and draws one line a frame, however many intents there were. `q` and Enter end it early: the shutdown stops
//! the workers that still read. A file that cannot be read is in the report, as the error that its worker returned.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

#[derive(GraphIntent)]
enum Update {
    /// The newest count of a file takes the place of one that is queued: there is one a frame.
    #[intent(latest = file)]
    Counted {
        file: usize,
        words: u64,
    },
    Quit,
}

/// Lines between two counts that are sent.
const LINES: usize = 1_000;

#[worker(source = IntentSource::Restore, kind = thread)]
fn count(cx: Context<Update>, file: usize, path: PathBuf) -> io::Result<()> {
    let mut words = 0;
    for (number, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        words += line?.split_whitespace().count() as u64;
        if (number + 1).is_multiple_of(LINES) {
            // What fits is accepted from a worker that is asked to stop, too: so it looks.
            if cx.is_cancelled() || cx.send_blocking(Update::Counted { file, words }).is_err() {
                return Ok(());
            }
        }
    }
    cx.send_blocking(Update::Counted { file, words }).ok();
    Ok(())
}

#[derive(Debug, Default)]
struct Counts {
    words: BTreeMap<usize, u64>,
    quit: bool,
}

impl Reducer for Counts {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Counted { file, words } => _ = self.words.insert(file, words),
            Update::Quit => self.quit = true,
        }
    }
}

impl Counts {
    fn line(&self) -> String {
        let files: Vec<_> = self.words.values().map(u64::to_string).collect();
        format!("{} words ({})", self.words.values().sum::<u64>(), files.join(" + "))
    }
}

/// Until each file is read, or the user has typed `q`.
fn run(panel: &mut ControlPanel<Update>, paths: Vec<PathBuf>, mut draw: impl FnMut(String)) -> Counts {
    let workers: Vec<_> =
        paths.into_iter().enumerate().map(|(file, path)| panel.spawn_count(file, path)).collect();
    let mut counts = Counts::default();
    loop {
        if panel.run_frame(&mut counts, &mut (), []).applied > 0 {
            draw(counts.line());
        }
        let all_read = workers.iter().all(|worker| worker.status().is_final()) && panel.queued() == 0;
        if all_read || counts.quit {
            return counts;
        }
        panel.wait_ready_timeout(Duration::from_secs(1));
    }
}

fn main() -> ExitCode {
    let mut panel = ControlPanel::<Update>::new();
    // A read of a terminal cannot be called off: a plain thread, which ends with the process.
    let user = panel.sender(IntentSource::LocalUI);
    thread::spawn(move || {
        if io::stdin().lines().map_while(Result::ok).any(|line| line.trim() == "q") {
            user.send_blocking(Update::Quit).ok();
        }
    });
    run(&mut panel, env::args_os().skip(1).map(PathBuf::from).collect(), |line| println!("{line}"));
    let report = panel.shutdown_blocking();
    println!("{report}");
    report.verdict().into()
}

#[test]
fn files_are_counted_and_a_missing_one_is_in_the_report() {
    let folder = env::temp_dir().join(format!("std_loop-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let paths = [folder.join("long"), folder.join("missing"), folder.join("short")];
    std::fs::write(&paths[0], "three words here\n".repeat(5 * LINES)).unwrap();
    std::fs::write(&paths[2], "one").unwrap();

    let mut panel = ControlPanel::<Update>::new();
    let mut drawn = Vec::new();
    let counts = run(&mut panel, paths.to_vec(), |line| drawn.push(line));
    std::fs::remove_dir_all(&folder).unwrap();

    assert_eq!(counts.words, BTreeMap::from([(0, 15 * LINES as u64), (2, 1)]));
    assert_eq!(drawn.last(), Some(&"15001 words (15000 + 1)".to_owned()));
    let report = panel.shutdown_blocking();
    assert!(!report.is_clean());
    assert_eq!(report.incident_count(), 1, "{report}");
}

#[test]
fn what_the_user_types_ends_it_before_the_files_do() {
    let mut panel = ControlPanel::<Update>::new();
    panel.sender(IntentSource::LocalUI).try_send(Update::Quit).unwrap();
    let large = env::temp_dir().join(format!("std_loop-large-{}", std::process::id()));
    std::fs::write(&large, "word\n".repeat(2_000_000)).unwrap();
    let counts = run(&mut panel, vec![large.clone()], |_| ());
    assert!(counts.quit && counts.words.values().all(|words| *words < 2_000_000));
    let report = panel.shutdown_blocking();
    std::fs::remove_file(large).unwrap();
    assert!(report.is_clean(), "it looks whether it is asked to stop: {report}");
}
