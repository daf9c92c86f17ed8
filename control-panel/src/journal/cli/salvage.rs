//! `salvage`: the good frames of a damaged journal.

use clap::{ArgMatches, Command};

use super::{Done, file, is_free, made, output::Output, output::Verdict, path};
use crate::journal::salvage::salvage;

pub(super) fn command() -> Command {
    Command::new("salvage")
        .about("Writes the good frames of a damaged journal into another file")
        .long_about(
            "Reads what is left of a journal that is truncated or damaged, and writes the frames up to\n\
             the first that is not whole, and all runs that are whole, into a new journal; it says what\n\
             is lost. Frames and runs prove themselves by their hashes. The damaged file stays as it is.\n\
             A program that goes on with the new one is a new life of its peer.",
        )
        .arg(file("file", "A journal"))
        .arg(made("The journal that is made; it must not be there yet"))
}

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Done {
    is_free(path(matches, "out"))?;
    let salvaged = salvage(path(matches, "file"), path(matches, "out"))?;
    output.say("frames", salvaged.frames);
    output.say("runs", salvaged.runs);
    for lost in &salvaged.lost {
        output.line(format_args!("lost: {lost}"));
    }
    output.field("lost", salvaged.lost.clone());
    Ok(Verdict::of(salvaged.lost.is_empty()))
}
