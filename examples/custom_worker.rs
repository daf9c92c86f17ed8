//! A downstream crate's own: sources, workers with arguments, a typed error, restarts, a policy, and a worker
//! made by hand.
//!
//!     cargo run -p examples --example custom_worker
//!
//! What to look for:
//!
//! - `tail` fails with its own error as long as its file does not exist, and is started again after a pause
//!   that doubles; every failure is in the report at the end.
//! - `ticker` obeys a policy that the loop changes while it runs.
//! - `writer` is made by hand, because each of its runs gets something new: its shift's number.
//! - Sources are this program's own; their order decides which comes first within a frame.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, GraphIntent, QueuedIntent, Reducer, Restart, Worker,
    supervision::Intensity, worker,
};
use tokio::{fs, io::AsyncWriteExt, time::sleep};

/// What sends. Within a frame the clock's ticks are applied before what the log said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feed {
    Clock,
    Log,
}

#[derive(Debug, GraphIntent)]
#[intent(source = Feed)]
enum Update {
    Tick,
    Line(String),
}

/// What the loop may change while the workers run.
#[derive(Debug)]
struct Tempo {
    between_ticks: Duration,
}

#[derive(Debug, Default)]
struct Journal {
    ticks: u32,
    lines: Vec<String>,
}

impl Reducer for Journal {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Tick => self.ticks += 1,
            Update::Line(line) => self.lines.push(line),
        }
    }
}

/// Why a log could not be followed.
#[derive(Debug)]
enum TailError {
    Missing(PathBuf),
    Io(io::Error),
}

impl fmt::Display for TailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(log) => write!(f, "there is no log {} yet", file_name(log)),
            Self::Io(error) => write!(f, "the log cannot be read: {error}"),
        }
    }
}

impl std::error::Error for TailError {}

/// Sends the log's lines until `lines` of them were sent.
#[worker(
    source = Feed::Log,
    restart = on_failure,
    intensity = 100,
    period = "10s",
    backoff = "10ms",
    max_backoff = "100ms"
)]
async fn tail(cx: Context<Update, Tempo>, log: PathBuf, lines: usize) -> Result<(), TailError> {
    let mut sent = 0;
    while sent < lines {
        let text = fs::read_to_string(&log).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TailError::Missing(log.clone()),
            _ => TailError::Io(error),
        })?;
        // The last line may be half written: only those with an end count.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in complete.lines().skip(sent).take(lines - sent) {
            if cx.send(Update::Line(line.to_owned())).await.is_err() {
                return Ok(()); // the panel shuts down
            }
            sent += 1;
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Ticks as often as the policy says, and immediately when it changes.
#[worker(source = Feed::Clock)]
async fn ticker(cx: Context<Update, Tempo>) {
    let mut tempo = cx.policy();
    loop {
        let between = tempo.borrow_and_update().between_ticks;
        match tokio::time::timeout(between, tempo.changed()).await {
            Ok(Err(_)) => return, // the panel is gone
            Err(_) if cx.send(Update::Tick).await.is_err() => return,
            Ok(Ok(())) | Err(_) => {}
        }
    }
}

/// A worker made by hand: it writes one line a run, and runs three times.
fn writer(log: &Path) -> Worker<Update, Tempo> {
    let log = log.to_owned();
    let mut shift = 0;
    let factory = move |_: Context<Update, Tempo>| {
        shift += 1;
        append(log.clone(), shift)
    };
    Worker::new("writer", Feed::Log, factory)
        .restart(Restart::Always)
        .intensity(Intensity::new(2, Duration::from_secs(60)))
        .backoff(Backoff::new(Duration::from_millis(50), Duration::from_millis(50)))
}

async fn append(log: PathBuf, shift: u32) -> io::Result<()> {
    sleep(Duration::from_millis(50)).await;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(log).await?;
    file.write_all(format!("shift {shift} reports\n").as_bytes()).await?;
    file.flush().await
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("shifts.log");
    let slow = Tempo { between_ticks: Duration::from_millis(100) };
    let mut panel = ControlPanel::<Update, Tempo>::builder_with(slow).name("journal").capacity(64).build();
    let tail = panel.spawn_tail(log.clone(), 3);
    panel.spawn_ticker();
    panel.spawn(writer(&log));

    let mut journal = Journal::default();
    let mut hurried = false;
    while journal.lines.len() < 3 {
        panel.run_frame(&mut journal, &mut (), []);
        if !hurried && !journal.lines.is_empty() {
            hurried = true;
            panel.set_policy(Tempo { between_ticks: Duration::from_millis(10) });
        }
        if tail.status().is_final() && journal.lines.is_empty() {
            break; // given up: the report says why
        }
        thread::sleep(Duration::from_millis(16));
    }
    let report = panel.shutdown_blocking();
    println!("{} ticks, and: {}", journal.ticks, journal.lines.join(", "));
    println!("tail is in its run number {}, {}", tail.generation(), tail.status());
    println!("{report}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn panel() -> (Runtime, ControlPanel<Update, Tempo>) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let tempo = Tempo { between_ticks: Duration::from_millis(1) };
        let panel =
            ControlPanel::<Update, Tempo>::builder_with(tempo).runtime(runtime.handle().clone()).build();
        (runtime, panel)
    }

    /// An annotated function is still a function: it can be called with a context of the panel's.
    #[test]
    fn tail_tells_that_there_is_no_log() {
        let (runtime, panel) = panel();
        let nowhere = tempfile::tempdir().expect("a folder").path().join("gone.log");
        let failed = runtime.block_on(tail(panel.context(Feed::Log), nowhere.clone(), 1));
        assert!(matches!(failed, Err(TailError::Missing(log)) if log == nowhere));
    }

    #[test]
    fn tail_sends_complete_lines_once_and_leaves_half_a_line() {
        let (runtime, mut panel) = panel();
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("x.log");
        std::fs::write(&log, "one\ntwo\nthr").expect("written");
        runtime.block_on(tail(panel.context(Feed::Log), log, 2)).expect("two lines");
        let mut journal = Journal::default();
        panel.drain().for_each(|queued| journal.apply(queued));
        assert_eq!(journal.lines, ["one", "two"]);
    }
}
