//! What is typed behind `:`.

use std::{collections::BTreeMap, fmt};

use control_panel::console::View;

/// The longest line.
pub(crate) const LINE: usize = 200;

/// What there is, in a line.
pub(crate) const HELP: &str = "stop restart suspend resume [#N|NAME], of the selected worker without it; pause unpause step; policy [NAME=VALUE …]";

/// What the dashboard is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Something that it does, and answers in a line.
    Do(String),
    /// The policy's fields; those that are given are set.
    Policy(BTreeMap<String, String>),
}

/// Why there is nothing to ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAsk {
    Empty,
    /// The list of commands was asked for.
    Help,
    /// What to give.
    Wrong(String),
}

impl fmt::Display for NoAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Help => f.write_str(HELP),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// Reads a line. `selected` is the worker that the cursor is on.
///
/// # Errors
/// It is empty, or makes no sense.
pub(crate) fn parse(line: &str, view: &View, selected: Option<u64>) -> Result<Ask, NoAsk> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "" => Err(NoAsk::Empty),
        "help" | "?" => Err(NoAsk::Help),
        "stop" | "restart" | "suspend" | "resume" => {
            let instance = worker(rest, view, selected).map_err(NoAsk::Wrong)?;
            Ok(Ask::Do(format!("/control/workers/{instance}/{word}")))
        }
        "pause" | "unpause" | "step" if rest.is_empty() => {
            let action = if word == "unpause" { "resume" } else { word };
            Ok(Ask::Do(format!("/control/frames/{action}")))
        }
        "policy" => fields(rest).map(Ask::Policy).map_err(NoAsk::Wrong),
        _ => Err(NoAsk::Wrong(format!("no such command: {line}. There is: {HELP}"))),
    }
}

/// The instance of a worker that is named by it, by its name, or by the cursor.
fn worker(named: &str, view: &View, selected: Option<u64>) -> Result<u64, String> {
    if named.is_empty() {
        return selected
            .ok_or_else(|| "no worker is selected: go to the page Workers, or name one".to_owned());
    }
    if let Some(number) = named.strip_prefix('#') {
        return number.parse().map_err(|_| format!("{named} is no worker's number"));
    }
    // As the table shows one of several of one name.
    if let Some((name, number)) = named.rsplit_once('#')
        && let Ok(number) = number.parse()
        && view.workers.iter().any(|worker| worker.name == name && worker.instance == number)
    {
        return Ok(number);
    }
    let mut found = view.workers.iter().filter(|worker| worker.name == named);
    match (found.next(), found.count()) {
        (Some(worker), 0) => Ok(worker.instance),
        (Some(_), more) => Err(format!("{} workers are called {named}: give #N", more + 1)),
        (None, _) => Err(format!("no worker is called {named}")),
    }
}

/// `name=value`, several of them; a value has no spaces.
fn fields(text: &str) -> Result<BTreeMap<String, String>, String> {
    let field = |word: &str| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word}: give NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    text.split_whitespace().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let status: serde_json::Value =
            serde_json::from_str(include_str!("../../fixtures/status.json")).expect("JSON");
        serde_json::from_value(status["view"].clone()).expect("a view")
    }

    #[test]
    fn a_worker_is_named_by_the_cursor_its_number_or_its_name() {
        let mut view = view();
        let (name, instance) = (view.workers[0].name.clone(), view.workers[0].instance);
        let ask = |line: &str, view: &View, selected| match parse(line, view, selected) {
            Ok(Ask::Do(path)) => path,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(ask("stop", &view, Some(7)), "/control/workers/7/stop");
        assert_eq!(ask(" restart  #9 ", &view, Some(7)), "/control/workers/9/restart");
        assert_eq!(
            ask(&format!("suspend {name}"), &view, None),
            format!("/control/workers/{instance}/suspend")
        );
        let mut twin = view.workers[0].clone();
        twin.instance = 99;
        view.workers.push(twin);
        assert!(
            parse(&format!("stop {name}"), &view, Some(7))
                .is_err_and(|why| why.to_string().contains("2 workers"))
        );
        assert_eq!(ask(&format!("resume {name}#99"), &view, None), "/control/workers/99/resume");
    }

    #[test]
    fn frames_and_the_policy() {
        let view = view();
        for (line, path) in [("pause", "pause"), ("unpause", "resume"), ("step", "step")] {
            assert_eq!(parse(line, &view, None), Ok(Ask::Do(format!("/control/frames/{path}"))));
        }
        assert_eq!(parse("policy", &view, None), Ok(Ask::Policy(BTreeMap::new())));
        let set = [("active".to_owned(), "2".to_owned()), ("note".to_owned(), "a=b".to_owned())];
        assert_eq!(parse("policy active=2 note=a=b", &view, None), Ok(Ask::Policy(set.into())));
    }

    #[test]
    fn what_makes_no_sense_is_answered_with_what_does() {
        let view = view();
        assert_eq!(parse("  ", &view, None), Err(NoAsk::Empty));
        assert_eq!(parse("help", &view, None), Err(NoAsk::Help));
        for (line, answer) in [
            ("explode", "no such command: explode. There is: stop"),
            ("step 2", "no such command"),
            ("stop", "no worker is selected"),
            ("stop missing", "no worker is called missing"),
            ("stop #x", "#x is no worker's number"),
            ("policy active", "active: give NAME=VALUE"),
        ] {
            let said = parse(line, &view, None).expect_err(line).to_string();
            assert!(said.starts_with(answer), "{line}: {said}");
        }
    }
}
