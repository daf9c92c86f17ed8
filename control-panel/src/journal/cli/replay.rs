//! `replay`: the state at a frame.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::Value;

use super::{
    Done, Failed, file, open,
    output::{Output, Verdict},
};
use crate::{
    journal::{Deviation, Recorded},
    util::difference::part,
};

pub(super) fn command() -> Command {
    Command::new("replay")
        .about("Replays a journal, to a frame, and prints the state or a part of it")
        .long_about(
            "Replays a journal and says whether it is what was recorded: each frame whose record has a\n\
             digest is compared, and a panic must come where it came. --print shows a part of the state\n\
             by its path, as `diff` names it: `pages[3].title`, `index[\"home\"]`; `.` is all of it.",
        )
        .arg(file("file", "A journal, or an export of one"))
        .arg(
            Arg::new("to-frame")
                .long("to-frame")
                .value_name("N")
                .value_parser(value_parser!(u64))
                .help("Replays up to this frame, by the journal's numbers"),
        )
        .arg(
            Arg::new("print")
                .long("print")
                .value_name("PATH")
                .help("Prints this part of the state; `.` for all of it"),
        )
        .arg(
            Arg::new("intents")
                .long("intents")
                .action(ArgAction::SetTrue)
                .help("Prints each intent that is replayed, with its place for `whatif`"),
        )
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let recording = open(matches, "file")?;
    let to_frame = matches.get_one("to-frame").copied().unwrap_or(u64::MAX);
    if matches.get_flag("intents") {
        let mut listed = Vec::new();
        recording.each_intent::<S>(to_frame, |frame, intent, text| {
            output.line(format_args!("{frame}:{intent} {text}"));
            if output.is_json() {
                listed.push(serde_json::json!({ "frame": frame, "intent": intent, "text": text }));
            }
        });
        output.field("intents", Value::Array(listed));
    }
    let replay = recording.replay::<S>(to_frame);
    output.say("frames", replay.frames);
    if recording.gone() > 0 {
        output.line(format_args!("from frame {} on: those before it were let go of", recording.gone() + 1));
    }
    output.field("gone", recording.gone());
    if replay.opaque > 0 {
        output.line(format_args!(
            "{} intent(s) are recorded by name only, and were not applied",
            replay.opaque
        ));
    }
    output.field("opaque", replay.opaque);
    if let Some(panic) = &replay.recorded_panic {
        output.line(format_args!("panicked then too: {panic}"));
        output.field("recorded_panic", panic.to_string());
    }
    print_deviations(output, &replay.deviations, replay.deviating);
    if let Some(path) = matches.get_one::<String>("print") {
        let state = replay.state.as_ref();
        let state =
            state.ok_or_else(|| Failed::Usage("there is no state: no frame was replayed".to_owned()))?;
        let path = path.trim_start_matches('.');
        let part = part(state, path).ok_or_else(|| {
            Failed::Usage(format!("the state has no `{path}`: `--print .` shows all of it"))
        })?;
        output.line(&part);
        output.field("state", part);
    }
    Ok(Verdict::of(replay.deviating == 0))
}

pub(super) fn print_deviations(output: &mut Output, deviations: &[Deviation], all: usize) {
    for deviation in deviations {
        let what = if deviation.is_failure() { "fails" } else { "not what was recorded" };
        output.line(format_args!("{what}: {deviation}"));
    }
    if all > deviations.len() {
        output.line(format_args!("and {} more", all - deviations.len()));
    }
    if all == 0 {
        output.line("as it was recorded");
    }
    let texts = deviations.iter().map(|deviation| Value::from(deviation.to_string()));
    output.field("deviations", Value::Array(texts.collect()));
    output.field("deviating", all);
}
