//! A graph browser that runs: typed to, asked, killed.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStderr, ChildStdin, Command, Output, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{example, folder, row};

/// What the browser says of its journal: as it begins, and when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) session: u64,
    pub(crate) life: u64,
    pub(crate) clock: u64,
    pub(crate) operations: u64,
    pub(crate) pages: u64,
    pub(crate) links: u64,
    pub(crate) written: u64,
    pub(crate) given: u64,
}

impl StatusLine {
    fn read(said: &str) -> Option<Self> {
        let numbers = said.strip_prefix("journal: session ")?.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
        let [session, life, clock, operations, pages, links, written, given] = numbers[..] else {
            panic!("{said}")
        };
        Some(Self { session, life, clock, operations, pages, links, written, given })
    }
}

/// One that runs until it is killed, or typed `quit`.
pub(crate) struct Browser {
    pub(crate) child: Child,
    typed: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStderr>>,
    /// Of the last `status`: the line before that of the journal.
    pub(crate) policy: String,
    /// The last line of progress.
    pub(crate) progress: String,
    /// All that it said before the last status of the journal, and since the one before.
    pub(crate) said: Vec<String>,
}

impl Browser {
    /// Started, and what it goes on from.
    pub(crate) fn start(command: &mut Command, journal: &Path, pages: &Path) -> (Self, StatusLine) {
        let mut child = command
            .args(["--for", "10m", "--visits", "100000", "--memory-threshold", "1", "--journal"])
            .arg(journal)
            .arg("--pages")
            .arg(pages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let typed = child.stdin.take();
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut browser =
            Self { child, typed, lines, policy: String::new(), progress: String::new(), said: Vec::new() };
        let status = browser.next_status();
        (browser, status)
    }

    pub(crate) fn next_status(&mut self) -> StatusLine {
        self.said.clear();
        for line in self.lines.by_ref().map(|line| line.expect("text")) {
            if let Some(status) = StatusLine::read(&line) {
                return status;
            }
            if line.starts_with("policy: ") {
                self.policy.clone_from(&line);
            }
            if line.contains(" visits, memory ") {
                self.progress.clone_from(&line);
            }
            self.said.push(line);
        }
        panic!("it ended: {:?}", self.said)
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.typed.as_mut().expect("open"), "{line}").expect("it listens");
    }

    pub(crate) fn status(&mut self) -> StatusLine {
        self.type_line("status");
        self.next_status()
    }

    /// Asks until it says so.
    pub(crate) fn until(&mut self, mut is_so: impl FnMut(&Self, StatusLine) -> bool) -> StatusLine {
        for _ in 0..6_000 {
            let status = self.status();
            if is_so(self, status) {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("not in time: {}", self.progress)
    }

    /// What it says now, once that is on disk.
    pub(crate) fn durable(&mut self) -> StatusLine {
        let said = self.status();
        self.until(|_, status| status.written >= said.given);
        said
    }

    /// `SIGKILL`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    pub(crate) fn quit(mut self) -> Output {
        self.type_line("quit");
        self.lines.by_ref().for_each(drop);
        let output = self.child.wait_with_output().expect("it ends");
        drop(self.typed);
        output
    }
}

pub(crate) fn browser() -> Command {
    Command::new(example("graph_browser"))
}

/// Pages that link to some others, enough of them to be killed in between; long ones come in parts.
pub(crate) fn site(pages: usize) -> TempDir {
    let names: Vec<_> = (0..pages).map(|n| format!("{n:04}.html")).collect();
    let page = |n: usize| {
        let links = if n.is_multiple_of(50) { 1_200 } else { 3 + n % 7 };
        let links = (1..=links).map(|step| format!("<a href={:04}.html>x</a>", (n * 7 + step) % pages));
        links.chain(["<a href=gone.html>gone</a>".to_owned()]).collect::<String>().into_bytes()
    };
    let pages: Vec<_> = (0..pages).map(page).collect();
    let files: Vec<_> =
        names.iter().zip(&pages).map(|(name, page)| (name.as_str(), page.as_slice())).collect();
    folder(&files)
}

pub(crate) const GRAPH_ROWS: [&str; 5] = ["found", "read", "internal", "edges", "broken"];

pub(crate) fn graph_of(output: &Output) -> Vec<String> {
    // The columns of a table are as wide as its rows.
    GRAPH_ROWS.iter().map(|what| row(output, &format!("{what} "))).collect()
}
