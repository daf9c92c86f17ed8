//! What a command prints, and the code that it returns.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use indicatif::ProgressBar;
use serde_json::{Map, Value};

use super::{Done, Failed, progress};

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Well,
    Found,
}

impl Verdict {
    pub(super) fn of(well: bool) -> Self {
        if well { Self::Well } else { Self::Found }
    }
}

/// Lines for a person, or one object for a program.
pub(super) struct Output {
    json: Option<Map<String, Value>>,
    /// Hidden where stderr is no terminal.
    bar: ProgressBar,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let bar = if json { ProgressBar::hidden() } else { progress::bar() };
        Self { json: json.then(Map::new), bar }
    }

    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    pub(super) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// A line for a person.
    pub(super) fn line(&self, line: impl Display) {
        if self.json.is_none() {
            // A reader that has seen enough closes the pipe.
            let write = || writeln!(io::stdout().lock(), "{line}");
            let _ = self.bar.suspend(write);
        }
    }

    #[cfg(test)]
    pub(super) fn json(&self) -> &Map<String, Value> {
        self.json.as_ref().expect("it is JSON")
    }

    /// A field for a program.
    pub(super) fn field(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(json) = &mut self.json {
            json.insert(name.to_owned(), value.into());
        }
    }

    /// Both.
    pub(super) fn say(&mut self, name: &str, value: impl Into<Value> + Display) {
        self.line(format_args!("{name}: {value}"));
        self.field(name, value);
    }

    pub(super) fn end(mut self, command: &str, done: Done) -> ExitCode {
        self.bar.finish_and_clear();
        let (code, error) = match done {
            Ok(Verdict::Well) => (0, None),
            Ok(Verdict::Found) => (1, None),
            Err(Failed::Usage(why)) => (2, Some(why)),
            Err(Failed::File(why)) => (3, Some(why)),
        };
        if let Some(why) = error {
            if self.json.is_none() {
                let _ = writeln!(io::stderr().lock(), "error: {why}");
            }
            self.field("error", why);
        }
        self.field("command", command);
        self.field("code", code);
        if let Some(json) = self.json {
            let _ = writeln!(io::stdout().lock(), "{}", Value::Object(json));
        }
        ExitCode::from(code)
    }
}
