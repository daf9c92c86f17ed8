//! `diff`: the first difference between two journals.

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{Done, file, open, output::Output, output::Verdict};
use crate::journal::Recorded;

pub(super) fn command() -> Command {
    Command::new("diff")
        .about("Names the first intent in which two journals differ, and the path in the state")
        .long_about(
            "Compares two journals frame by frame, and names the first intent, ending or digest that\n\
             differs, and the path in the state that differs after that frame. Two runs of one seed under\n\
             paused time are equal.",
        )
        .arg(file("left", "A journal, or an export of one").value_name("A"))
        .arg(file("right", "Another").value_name("B"))
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (left, right) = (open(matches, "left")?, open(matches, "right")?);
    let found = left.diff::<S>(&right);
    let Some(found) = found else {
        output.line(format_args!("equal: {} frames, {} intents", left.frames(), left.intents()));
        output.field("equal", true);
        return Ok(Verdict::Well);
    };
    let place = found.intent.map_or_else(String::new, |intent| format!(", intent {intent}"));
    output.line(format_args!("frame {}{place}", found.frame));
    output.line(format_args!("  left:  {}", found.left));
    output.line(format_args!("  right: {}", found.right));
    if let Some(part) = &found.part {
        output.line(format_args!("  where: {part}"));
    }
    match &found.state {
        Some(difference) => output.line(format_args!("  state: {difference}")),
        None => output.line("  state: the same after that frame"),
    }
    output.field("equal", false);
    output.field("frame", found.frame);
    output.field("intent", json!(found.intent));
    output.field("left", found.left);
    output.field("right", found.right);
    output.field("where", json!(found.part.map(|part| part.path)));
    output.field("state", json!(found.state.as_ref().map(ToString::to_string)));
    output.field("path", json!(found.state.map(|difference| difference.path)));
    Ok(Verdict::Found)
}
