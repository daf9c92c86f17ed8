//! `export`: the recording alone.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Done, file, is_free, made, open, output::Output, output::Verdict, path, write_new};
use crate::journal::Recorded;

pub(super) fn command() -> Command {
    Command::new("export")
        .about("Writes the recording alone, in canonical bytes; with --redact to be shown to others")
        .long_about(
            "Writes the frames of a journal into a file of their own, which all commands read. Equal\n\
             recordings have equal bytes: two runs of one seed under paused time export the same file. It\n\
             holds no key. With --redact each intent is what the program's `Recorded::redact` makes of\n\
             it, by default its variant alone, and no operation of a replica is in it. With --states it\n\
             holds what a later version's `refold` compares: make it with the version that recorded it.",
        )
        .arg(file("file", "A journal, or an export of one"))
        .arg(made("The file that is made; it must not be there yet"))
        .arg(
            Arg::new("states").long("states").action(ArgAction::SetTrue).conflicts_with("redact").help(
                "With a note of what states this program comes to, which `refold` of a later one compares",
            ),
        )
        .arg(
            Arg::new("redact")
                .long("redact")
                .action(ArgAction::SetTrue)
                .help("Without what the program says is private"),
        )
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    is_free(path(matches, "out"))?;
    let mut recording = open(matches, "file")?;
    if matches.get_flag("redact") {
        recording = recording.redacted::<S>();
    }
    if matches.get_flag("states") {
        recording = recording.noting_states::<S>();
    }
    let bytes = recording.to_bytes();
    write_new(path(matches, "out"), &bytes)?;
    output.say("frames", recording.frames());
    output.say("intents", recording.intents());
    output.line(format_args!("by name only: {}", recording.opaque()));
    output.field("opaque", recording.opaque());
    output.say("bytes", bytes.len());
    Ok(Verdict::Well)
}
