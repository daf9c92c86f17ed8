//! The command line of a program's journals. One file a command.

mod check;
mod diff;
mod export;
mod output;
mod places;
mod progress;
mod refold;
mod replay;
mod salvage;
mod shrink;
mod whatif;

use std::{ffi::OsString, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::output::{Output, Verdict};
use super::{JournalError, Recorded, Recording};

const ABOUT: &str = "Replays, compares and shrinks journals of this program";

const LONG_ABOUT: &str = "\
Replays, compares and shrinks journals of this program.

A journal has each frame of the program: which intents it applied, in order. As the reducer
is pure, they come to the same states here, without the program around it, and nothing that
is done here changes a journal: what is made is written to another file. A file that a
command reads is a journal that no process has open, or what `export` made of one.

A bug report is one file. Look at the state with `replay`, find the few intents that matter
with `shrink`, ask `whatif` one of them had not come, and keep the test that `shrink`
writes. In CI, `refold` says whether today's reducer comes to other states on yesterday's
journals.";

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong: the replay is the same, the journals are equal, the file is whole
  1  something was found: a deviation, a difference, a failure, another state
  2  the command line is wrong
  3  a file cannot be read or written, or `refold` has nothing to compare";

/// The `main` of a program's journal tool: reads the command line, and does what it says with the reducer `S`.
///
/// ```no_run
/// # use control_panel::{GraphIntent, QueuedIntent, Reducer};
/// # use control_panel::journal::{JournalError, Recorded, Start};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, GraphIntent, Serialize, Deserialize)]
/// # enum Update { Add(u32) }
/// # #[derive(Debug, Default)]
/// # struct App(u32);
/// # impl Reducer for App {
/// #     type Intent = Update;
/// #     fn apply(&mut self, queued: QueuedIntent<Update>) {
/// #         let Update::Add(n) = queued.intent;
/// #         self.0 += n;
/// #     }
/// # }
/// # impl Recorded for App {
/// #     fn begin(_: &Start<'_>) -> Result<Self, JournalError> { Ok(Self::default()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     control_panel::journal::cli::<App>()
/// }
/// ```
///
/// | command | does |
/// |---|---|
/// | `replay FILE` | replays it, to a frame, and prints the state or a part of it, or the intents |
/// | `diff A B` | the first intent in which two differ, and the path in the state |
/// | `whatif FILE` | drops, moves, delays or replaces one intent, and shows what changes |
/// | `shrink FILE` | the few intents with which it fails, as a recording and a `#[test]` |
/// | `refold FILE…` | whether today's reducer comes to other states, and where |
/// | `check FILE…` | whether files are whole, and all in them can be read |
/// | `salvage FILE` | the good frames of a damaged journal into another file |
/// | `export FILE` | the recording alone, canonical, and with `--redact` to be shown to others |
///
/// It prints to stdout, progress and errors to stderr; `--json` is one object on one line. It returns 0 if nothing is wrong, 1 if something was found, 2 for a wrong
/// command line, 3 if a file cannot be read or written, or has nothing that `refold` could compare. Files that it reads stay as they are.
pub fn cli<S: Recorded>() -> ExitCode {
    run::<S>(std::env::args_os())
}

fn run<S: Recorded>(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match command(&program(&arguments)).try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => {
            if error.use_stderr() && arguments.iter().any(|argument| argument == "--json") {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                return Output::new(true).end("", Err(Failed::Usage(why)));
            }
            // It knows where it belongs: help on stdout, errors on stderr.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut output = Output::new(matches.get_flag("json"));
    let Some((name, matches)) = matches.subcommand() else { return ExitCode::from(2) };
    let done = progress::shown(&output.bar().clone(), || match name {
        "replay" => replay::run::<S>(matches, &mut output),
        "diff" => diff::run::<S>(matches, &mut output),
        "whatif" => whatif::run::<S>(matches, &mut output),
        "shrink" => shrink::run::<S>(matches, &mut output),
        "refold" => refold::run::<S>(matches, &mut output),
        "check" => check::run::<S>(matches, &mut output),
        "salvage" => salvage::run(matches, &mut output),
        _ => export::run::<S>(matches, &mut output),
    });
    output.end(name, done)
}

/// What this program was started as.
fn program(arguments: &[OsString]) -> String {
    let path = arguments.first().map(std::path::Path::new);
    let name = path.and_then(std::path::Path::file_stem);
    name.map_or_else(|| "journal".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A command line for each command, to begin with.
const EXAMPLES: [(&str, &str); 8] = [
    ("replay", "replay app.journal --to-frame 120 --print 'pages[3]'"),
    ("diff", "diff here.journal there.journal"),
    ("whatif", "whatif app.journal --drop 120:0"),
    ("shrink", "shrink app.journal --test shrunk.rs --out few.recording"),
    ("refold", "refold tests/journals/*.recording"),
    ("check", "check app.journal"),
    ("salvage", "salvage damaged.journal --out saved.journal"),
    ("export", "export app.journal --redact --out report.recording"),
];

fn command(program: &str) -> Command {
    let json = Arg::new("json")
        .long("json")
        .global(true)
        .action(ArgAction::SetTrue)
        .help("Prints one JSON object on one line, and no progress");
    let journal = Command::new("journal")
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .after_help(EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(json)
        .subcommand(replay::command())
        .subcommand(diff::command())
        .subcommand(whatif::command())
        .subcommand(shrink::command())
        .subcommand(refold::command())
        .subcommand(check::command())
        .subcommand(salvage::command())
        .subcommand(export::command());
    let journal = journal.mut_subcommand("whatif", |command| command.override_usage(whatif::usage(program)));
    EXAMPLES.into_iter().fold(journal, |journal, (name, line)| {
        let help = format!("Example:\n  {program} {line}\n\n{EXIT_CODES}");
        journal.mut_subcommand(name, |command| command.after_help(help))
    })
}

/// Why a command did nothing.
#[derive(Debug)]
enum Failed {
    Usage(String),
    /// Each with the name of its file.
    Files(Vec<String>),
}

impl From<JournalError> for Failed {
    fn from(error: JournalError) -> Self {
        Self::Files(vec![error.to_string()])
    }
}

type Done = Result<Verdict, Failed>;

fn file(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .required(true)
        .value_name("FILE")
        .value_parser(clap::value_parser!(std::path::PathBuf))
        .help(help)
}

fn files() -> Arg {
    file("files", "Journals, or exports of them").num_args(1..)
}

/// The file that a command makes.
fn made(help: &'static str) -> Arg {
    file("out", help).long("out")
}

fn path<'m>(matches: &'m ArgMatches, name: &str) -> &'m std::path::PathBuf {
    matches.get_one(name).unwrap_or_else(|| unreachable!("clap refuses a command line without it"))
}

fn open(matches: &ArgMatches, name: &str) -> Result<Recording, Failed> {
    Ok(Recording::open(path(matches, name))?)
}

/// Writes a file that is not there yet.
fn write_new(path: &std::path::Path, bytes: &[u8]) -> Result<(), Failed> {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| not_made(path, error))
}

/// Before long work whose result goes there: whether it can.
fn is_free(path: &std::path::Path) -> Result<(), Failed> {
    match path.symlink_metadata() {
        Ok(_) => Err(not_made(path, "it is there already")),
        Err(_) => Ok(()),
    }
}

fn not_made(path: &std::path::Path, why: impl std::fmt::Display) -> Failed {
    Failed::Files(vec![format!("{} cannot be made: {why}", path.display())])
}
