//! The command line.

#[cfg(feature = "p2p")]
use std::net::SocketAddr;
use std::{path::PathBuf, time::Duration};

use clap::Parser;
#[cfg(feature = "p2p")]
use control_panel::workers::p2p_sync::Ticket;

use crate::{commands, policy::LifecyclePolicy, register::heuristics};

/// Browses a folder of HTML pages: workers crawl it, a 60 Hz frame loop grows its link graph, a simulated
/// visitor follows links, and webviews come and go as the lifecycle policy says.
///
/// It ends by itself when everything is read and the visitor has made its visits; Ctrl-C or SIGTERM end it
/// earlier, in order, and a second one immediately.
///
/// Exit codes: 0 all went well; 1 it could not go on, or a worker did not end cleanly; 2 the command line makes
/// no sense; 3 the journal cannot be used: in use, damaged, of another program or folder, on a full disk; 4 the graph cannot be shared: the key or the list of peers cannot be used, or the ticket was not redeemed; 130 and 143 a second Ctrl-C or SIGTERM forced the exit.
#[cfg_attr(
    any(feature = "terminal", feature = "window"),
    allow(clippy::struct_excessive_bools, reason = "each is an option of its own")
)]
#[derive(Debug, Clone, Parser)]
#[command(name = "graph_browser", version, allow_negative_numbers = true, after_long_help = commands::HELP)]
pub(crate) struct Cli {
    /// The folder of pages to browse, such as the Rust documentation in
    /// "$(rustc --print sysroot)/share/doc/rust/html". Default: the small site shipped with this example.
    #[arg(long, value_name = "DIR")]
    pub(crate) pages: Option<PathBuf>,

    /// Ends after so many frames, 60 a second, whatever is left to do.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,

    /// Ends after so long, whatever is left to do: a number with ms, s or m, such as 500ms, 10s, 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) run_for: Option<Duration>,

    /// Pages the visitor opens; 0 for none. It opens about 20 a second.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) visits: u64,

    /// Decides where the visitor goes: the same seed on the same folder sees the same pages.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Webviews that may be active at once, 1 to 256. Default: 4, or what the journal says.
    #[arg(long, value_name = "N")]
    pub(crate) active_webviews: Option<usize>,

    /// Webviews that are kept warm besides, 0 to 4096. Without any there is no prefetch either. Default: 8, or what
    /// the journal says.
    #[arg(long, value_name = "N")]
    pub(crate) warm_cache: Option<usize>,

    /// The used fraction of memory, 0 to 1, from which on the least recently used pages are given up. It is a
    /// warning there (half of the limits apply) and critical half-way to 1 (only the current page stays).
    /// Try 0.01 to see it happen. Default: 0.8, or what the journal says.
    #[arg(long, value_name = "FRACTION")]
    pub(crate) memory_threshold: Option<f32>,

    /// Pages read at most. The walk stops there and says so; it also stops after eight times as many files.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = positive)]
    pub(crate) max_pages: usize,

    /// Bytes of a page at most; larger ones are skipped, and counted. Default: 16 MiB.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub(crate) max_page_size: u64,

    /// Which pages are prefetched first: `nearest`, or `linked` for those that most pages link to.
    #[arg(long, value_name = "HEURISTIC", default_value = heuristics::NEAREST, value_parser = heuristics::known)]
    pub(crate) prefetch: String,

    /// Keeps what happens in this file, which is made if it is not there: after a crash, a `kill -9` or a power cut the
    /// browser starts again where it was, with all that was read. Beside it lies FILE.lock. Without this option nothing is
    /// written.
    #[cfg(feature = "journal")]
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// Shares the graph of this journal: prints a ticket for another program, which begins with it as --peer; the command `invite` prints one
    /// more. Goes on until it is ended. Beside the journal lie FILE.key, which is this program among its peers, and FILE.peers. It listens on
    /// this machine alone, and uses no server; the programs that have the graph find each other through one another.
    #[cfg(feature = "p2p")]
    #[arg(long, requires = "journal", conflicts_with = "peer")]
    pub(crate) share: bool,

    /// Has the graph of the program that printed this ticket, and its notes: it walks no folder of its own, and shows the pages that it has in
    /// --pages. Start it with the same line again, or with a new ticket of any owner if that program has moved.
    #[cfg(feature = "p2p")]
    #[arg(long, value_name = "TICKET", requires = "journal")]
    pub(crate) peer: Option<Ticket>,

    /// Where it listens for peers. Default: this machine alone, at a port that is free; 0.0.0.0:PORT opens it to the networks.
    #[cfg(feature = "p2p")]
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    pub(crate) listen: SocketAddr,

    /// A peer of which nothing is heard for so long is offline: 100ms to 15s.
    #[cfg(feature = "p2p")]
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = idle)]
    pub(crate) offline_after: Duration,

    /// Serves a page that shows this program, and prints where: workers, queue, frames. Default: port 7878 of this machine; port 0 is any
    /// that is free.
    #[cfg(feature = "dashboard")]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:7878")]
    pub(crate) dashboard: Option<std::net::SocketAddr>,

    /// The folder of mods. Default: the three shipped with this example.
    #[cfg(feature = "mods")]
    #[arg(long, value_name = "DIR")]
    pub(crate) mods: Option<PathBuf>,

    /// Opens a window: the graph, the page that is looked at, the console of the panel, and with --journal a slider over what is recorded,
    /// in this run too. It goes on until the window is closed.
    #[cfg(feature = "window")]
    #[arg(long, conflicts_with = "frames")]
    pub(crate) window: bool,

    /// Workers that fail and panic besides, for a console that has something to show.
    #[cfg(any(feature = "terminal", feature = "window"))]
    #[arg(long)]
    pub(crate) demo: bool,

    /// On a terminal: a bar and lines in place of the console.
    #[cfg(feature = "terminal")]
    #[arg(long)]
    pub(crate) plain: bool,

    /// Shows no progress, only the summary.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Cli {
    /// Whether other programs have the graph too.
    #[cfg_attr(not(feature = "p2p"), expect(clippy::unused_self, reason = "there are no peers"))]
    pub(crate) fn is_shared(&self) -> bool {
        #[cfg(feature = "p2p")]
        return self.share || self.peer.is_some();
        #[cfg(not(feature = "p2p"))]
        false
    }

    /// Whether a person looks at it, and ends it.
    pub(crate) fn is_looked_at(&self) -> bool {
        #[cfg(feature = "window")]
        if self.window {
            return true;
        }
        self.has_screen()
    }

    /// Whether the terminal is drawn on as a whole: then nothing is typed into lines.
    #[cfg_attr(not(feature = "terminal"), expect(clippy::unused_self, reason = "there is no such view"))]
    pub(crate) fn has_screen(&self) -> bool {
        #[cfg(feature = "terminal")]
        return crate::terminal::Screen::is_wanted(self);
        #[cfg(not(feature = "terminal"))]
        false
    }

    /// Whether the graph is another's, that walks the folder.
    #[cfg_attr(not(feature = "p2p"), expect(clippy::unused_self, reason = "there are no peers"))]
    pub(crate) fn joins(&self) -> bool {
        #[cfg(feature = "p2p")]
        return self.peer.is_some();
        #[cfg(not(feature = "p2p"))]
        false
    }

    /// The policy asked for, where nothing is asked for as it is; not checked yet.
    pub(crate) fn policy(&self, now: LifecyclePolicy) -> LifecyclePolicy {
        LifecyclePolicy {
            active_webview_limit: self.active_webviews.unwrap_or(now.active_webview_limit),
            warm_cache_limit: self.warm_cache.unwrap_or(now.warm_cache_limit),
            memory_pressure_threshold: self.memory_threshold.unwrap_or(now.memory_pressure_threshold),
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 pages would be nothing to browse: give at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{digits}` is no whole number"))?;
    let duration = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => return Err("give a unit: 500ms, 10s or 2m".into()),
    };
    duration.ok_or_else(|| "that is longer than any machine will run".into())
}

#[cfg(feature = "p2p")]
fn idle(text: &str) -> Result<Duration, String> {
    let range = Duration::from_millis(100)..=Duration::from_secs(15);
    duration(text)
        .and_then(|time| if range.contains(&time) { Ok(time) } else { Err("give 100ms to 15s".into()) })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "-1s", "1.5s", "10h", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
