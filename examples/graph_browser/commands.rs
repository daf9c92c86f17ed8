//! What can be typed while it runs, a line each: the policy's numbers, a question, the end.

use std::{io, str::FromStr};

use control_panel::{IntentSource, worker};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

use serde::{Deserialize, Serialize};

use crate::{graph::Place, intent::GraphIntent, policy::LifecyclePolicy, progress::say};

/// Bytes of a line at most; a longer one is no command.
pub(crate) const LINE: usize = 200;
/// After so many lines that are no commands, there is no person at the other end.
const MISUNDERSTOOD: u32 = 20;

/// What `help` and `--help` teach.
pub(crate) const HELP: &str = "\
Commands, typed while it runs, a line each:
  active N         webviews that may be active at once, 1 to 256
  warm N           webviews kept warm besides, 0 to 4096; 0 turns prefetch off too
  memory FRACTION  the used fraction of memory from which on it is scarce, 0 to 1
  note PATH WORDS  a note on a page, for all that share the graph; without words it is taken away
  place PATH X Y   where a page is in the picture of the graph, for all that share it; without X Y it is let go
  status           how things are
  capabilities     what the browser can do now, mods included
  invite           a ticket for one more program (--share); `invite owner`: for one that may invite too
  help             this list
  quit             ends in order";

/// Something that was typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Command {
    Change(Change),
    Status,
    Capabilities,
    Quit,
    Note {
        path: String,
        /// None where it is taken away.
        words: String,
    },
    Invite {
        /// Whether the other may invite, too.
        owner: bool,
    },
    Place {
        path: String,
        /// None where it is let go.
        place: Option<Place>,
    },
}

/// A change of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    Active(usize),
    Warm(usize),
    Memory(f32),
}

impl Change {
    /// The policy with this change, not checked yet.
    pub(crate) fn of(self, mut policy: LifecyclePolicy) -> LifecyclePolicy {
        match self {
            Self::Active(limit) => policy.active_webview_limit = limit,
            Self::Warm(limit) => policy.warm_cache_limit = limit,
            Self::Memory(threshold) => policy.memory_pressure_threshold = threshold,
        }
        policy
    }
}

/// A line: a command, a wish for help, or nothing.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let change = match words[..] {
        [] => return Ok(None),
        ["status"] => return Ok(Some(Command::Status)),
        ["capabilities"] => return Ok(Some(Command::Capabilities)),
        ["quit" | "exit"] => return Ok(Some(Command::Quit)),
        ["invite"] => return Ok(Some(Command::Invite { owner: false })),
        ["invite", "owner"] => return Ok(Some(Command::Invite { owner: true })),
        ["note", path, ref words @ ..] => {
            return Ok(Some(Command::Note { path: path.to_owned(), words: words.join(" ") }));
        }
        ["place", path] => return Ok(Some(Command::Place { path: path.to_owned(), place: None })),
        ["place", path, x, y] => {
            let place = Some((parsed(x, "whole number")?, parsed(y, "whole number")?));
            return Ok(Some(Command::Place { path: path.to_owned(), place }));
        }
        ["place", ..] => return Err("`place` takes a page's path, and two whole numbers or none".into()),
        ["help" | "?"] => return Err(HELP.into()),
        ["active", number] => Change::Active(parsed(number, "whole number")?),
        ["warm", number] => Change::Warm(parsed(number, "whole number")?),
        ["memory", fraction] => Change::Memory(parsed(fraction, "number, such as 0.8")?),
        ["active" | "warm" | "memory", ..] => return Err(format!("`{}` takes one number", words[0])),
        _ => return Err("no such command: `help` lists them".into()),
    };
    // Whether a number makes sense does not depend on the others.
    change.of(LifecyclePolicy::default()).checked().map(|_| Some(Command::Change(change)))
}

fn parsed<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("that is no {what}"))
}

/// Reads commands from a terminal or a pipe, until it ends.
#[worker(source = IntentSource::LocalUI)]
pub(crate) async fn commands(cx: control_panel::Context<GraphIntent, LifecyclePolicy>) {
    // What cannot be read (a folder, say) has no commands in it: that is no reason to end.
    if let Err(error) = listen(cx, BufReader::with_capacity(1_024, tokio::io::stdin())).await {
        say(&format!("note: no commands are read: {error}"));
    }
}

async fn listen(
    cx: control_panel::Context<GraphIntent, LifecyclePolicy>,
    mut typed: impl AsyncBufRead + Unpin,
) -> Result<(), io::Error> {
    let mut misunderstood = 0;
    while let Some(line) = next_line(&mut typed).await? {
        match parse(&line) {
            Ok(None) => {}
            Ok(Some(command)) => {
                if cx.send(GraphIntent::Command(command)).await.is_err() {
                    break;
                }
            }
            Err(answer) => {
                say(&answer);
                misunderstood += 1;
                if misunderstood == MISUNDERSTOOD {
                    say("that is enough: no more commands are read");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The next line, of which no more is kept than a command can have. `None` at the end.
async fn next_line(typed: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<String>, io::Error> {
    let mut line = Vec::new();
    loop {
        let buffer = typed.fill_buf().await?;
        if buffer.is_empty() {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        // One more than a command can have makes it none.
        line.extend_from_slice(&part[..part.len().min((LINE + 1).saturating_sub(line.len()))]);
        let read = end.map_or(buffer.len(), |end| end + 1);
        typed.consume(read);
        if end.is_some() {
            let line = if line.len() > LINE { b"too long".to_vec() } else { line };
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
}

/// Whether there is somebody to listen to. A program in the background that reads from its terminal is stopped, so then
/// there is not.
pub(crate) fn may_listen() -> bool {
    #[cfg(unix)]
    {
        use rustix::{process::getpgrp, stdio::stdin, termios::tcgetpgrp};
        // No terminal at all is a pipe or a file, which any process may read.
        tcgetpgrp(stdin()).map_or(true, |foreground| foreground == getpgrp())
    }
    #[cfg(not(unix))]
    true
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn what_is_typed_is_understood_or_answered_in_words() {
        assert_eq!(parse("  active   2 "), Ok(Some(Command::Change(Change::Active(2)))));
        assert_eq!(parse("warm 0"), Ok(Some(Command::Change(Change::Warm(0)))));
        assert_eq!(parse("memory 0.25"), Ok(Some(Command::Change(Change::Memory(0.25)))));
        assert_eq!((parse("status"), parse("quit")), (Ok(Some(Command::Status)), Ok(Some(Command::Quit))));
        assert_eq!((parse(""), parse(" \t")), (Ok(None), Ok(None)));
        let note = |words: &str| Ok(Some(Command::Note { path: "a.html".into(), words: words.into() }));
        assert_eq!((parse("note a.html  read  me"), parse("note a.html")), (note("read me"), note("")));
        let place = |place| Ok(Some(Command::Place { path: "a.html".into(), place }));
        assert_eq!(
            (parse("place a.html -3 40"), parse("place a.html")),
            (place(Some((-3, 40))), place(None))
        );
        assert!(parse("help").is_err_and(|help| help.contains("active N")));
        for (line, answer) in [
            ("active 0", "at least 1"),
            ("active -1", "no whole number"),
            ("active", "takes one number"),
            ("warm 1 2", "takes one number"),
            ("memory NaN", "0 to 1"),
            ("memory 1.5", "0 to 1"),
            ("memory much", "no number"),
            ("dance", "no such command"),
            ("note", "no such command"),
            ("place", "whole numbers or none"),
            ("place a.html 1", "whole numbers or none"),
            ("place a.html 1 wide", "no whole number"),
        ] {
            assert!(parse(line).is_err_and(|reason| reason.contains(answer)), "{line}");
        }
    }

    #[test]
    fn every_command_that_help_names_is_one() {
        for line in HELP.lines().skip(1) {
            let command = line.split("  ").find(|part| !part.is_empty()).expect("a command");
            let typed = command.replace(" X Y", " 1 2").replace(" N", " 3").replace(" FRACTION", " 0.3");
            let understood = parse(&typed);
            assert!(typed == "help" || matches!(understood, Ok(Some(_))), "{typed}: {understood:?}");
        }
    }

    #[test]
    fn lines_are_bounded_and_an_end_without_one_counts() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let lines = |text: &[u8]| {
            runtime.block_on(async {
                let mut typed = BufReader::with_capacity(16, text);
                let mut lines = Vec::new();
                while let Some(line) = next_line(&mut typed).await.expect("a slice") {
                    lines.push(line);
                }
                lines
            })
        };
        assert_eq!(lines(b"status\n\nactive 3\r\nquit"), ["status", "", "active 3\r", "quit"]);
        let long = [vec![b'a'; 1_000_000], b"\nquit\n".to_vec()].concat();
        assert_eq!(lines(&long), ["too long", "quit"]);
        assert_eq!(lines(&[b'x'; 5_000])[0].len(), LINE + 1);
        assert_eq!(lines(b"\xff\n"), ["\u{fffd}"]);
    }
}
