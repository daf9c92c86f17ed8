//! `whatif`: one change, and its effect.

use clap::{Arg, ArgGroup, ArgMatches, Command, value_parser};
use serde_json::json;

use super::{
    Done, Failed, file, open,
    output::{Output, Verdict},
    places::{Place, index},
};
use crate::{
    frame::reducer::Reducer,
    journal::{Edit, Recorded},
};

pub(super) fn command() -> Command {
    Command::new("whatif")
        .about("Drops, moves, delays or replaces one intent, and shows what changes")
        .long_about(
            "Replays a journal as it is and with one change, and shows after which frame the states\n\
             differ, where, how they differ in the end, and whether it fails. An intent is named by its\n\
             frame and its place in it, from 0, as `replay --intents` prints them. The journal stays as\n\
             it is.",
        )
        .arg(file("file", "A journal, or an export of one"))
        .arg(
            Arg::new("drop")
                .long("drop")
                .value_name("FRAME:INTENT")
                .value_parser(value_parser!(Place<2>))
                .help("The intent does not come"),
        )
        .arg(
            Arg::new("move")
                .long("move")
                .value_name("FRAME:INTENT:FRAME:PLACE")
                .value_parser(value_parser!(Place<4>))
                .help("It comes in another frame, before the intent at that place"),
        )
        .arg(
            Arg::new("delay")
                .long("delay")
                .value_name("FRAME:INTENT:FRAMES")
                .value_parser(value_parser!(Place<3>))
                .help("It comes so many frames later, as the last of that frame"),
        )
        .arg(
            Arg::new("edit")
                .long("edit")
                .value_name("FRAME:INTENT")
                .value_parser(value_parser!(Place<2>))
                .requires("with")
                .help("Another intent comes in its place"),
        )
        .arg(
            Arg::new("with")
                .long("with")
                .value_name("JSON")
                .requires("edit")
                .help("That intent, as serde_json reads it: '{\"Add\":7}'"),
        )
        .group(ArgGroup::new("change").args(["drop", "move", "delay", "edit"]).required(true))
}

/// A line for each change: the one that is made of the options is wider than a terminal.
pub(super) fn usage(program: &str) -> String {
    let changes = [
        "--drop <FRAME:INTENT>",
        "--move <FRAME:INTENT:FRAME:PLACE>",
        "--delay <FRAME:INTENT:FRAMES>",
        "--edit <FRAME:INTENT> --with <JSON>",
    ];
    changes.map(|change| format!("{program} whatif [--json] <FILE> {change}")).join("\n       ")
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let recording = open(matches, "file")?;
    let edit = edit::<S>(matches)?;
    let found = recording.what_if::<S>(edit).map_err(|error| Failed::Usage(error.to_string()))?;
    match (found.first, &found.difference) {
        (Some(frame), Some(difference)) => output.line(format_args!("after frame {frame}: {difference}")),
        _ => output.line("no state differs"),
    }
    match &found.at_end {
        Some(difference) => output.line(format_args!("in the end: {difference}")),
        None => output.line("in the end: the same"),
    }
    if found.waiting > 0 {
        output.line(format_args!(
            "{} run(s) of peers wait for operations that are not there now, and have no effect",
            found.waiting
        ));
    }
    match (&found.failed, &found.fails) {
        (Some(failed), None) => output.line(format_args!("fails no more: {failed}")),
        (Some(failed), Some(fails)) if failed == fails => {
            output.line(format_args!("fails as before: {fails}"));
        }
        (_, Some(fails)) => output.line(format_args!("fails: {fails}")),
        (None, None) => {}
    }
    let same = found.first.is_none() && found.failed == found.fails;
    let text = |value: Option<String>| json!(value);
    output.field("frame", json!(found.first));
    output.field("difference", text(found.difference.as_ref().map(ToString::to_string)));
    output.field("at_end", text(found.at_end.as_ref().map(ToString::to_string)));
    output.field("waiting", found.waiting);
    output.field("failed", text(found.failed.as_ref().map(ToString::to_string)));
    output.field("fails", text(found.fails.as_ref().map(ToString::to_string)));
    Ok(Verdict::of(same))
}

fn edit<S: Recorded>(matches: &ArgMatches) -> Result<Edit<<S as Reducer>::Intent>, Failed> {
    if let Some(Place([frame, intent])) = matches.get_one("drop") {
        return Ok(Edit::Drop { frame: *frame, intent: index(*intent) });
    }
    if let Some(Place([frame, intent, to, place])) = matches.get_one("move") {
        return Ok(Edit::Move { frame: *frame, intent: index(*intent), to: *to, place: index(*place) });
    }
    if let Some(Place([frame, intent, frames])) = matches.get_one("delay") {
        let to = frame.saturating_add(*frames);
        return Ok(Edit::Move { frame: *frame, intent: index(*intent), to, place: usize::MAX });
    }
    let (place, with) = (matches.get_one("edit"), matches.get_one::<String>("with"));
    let (Some(Place([frame, intent])), Some(with)) = (place, with) else {
        unreachable!("clap asks for one of the changes");
    };
    let with =
        serde_json::from_str(with).map_err(|error| Failed::Usage(format!("--with is no intent: {error}")))?;
    Ok(Edit::Replace { frame: *frame, intent: index(*intent), with })
}
