//! What a command prints, and the code that it returns.

use std::{
    cell::RefCell,
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
    /// Why nothing more is printed.
    broken: RefCell<Option<io::Error>>,
    /// Hidden where stderr is no terminal.
    bar: ProgressBar,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let bar = if json { ProgressBar::hidden() } else { progress::bar() };
        Self { json: json.then(Map::new), broken: RefCell::default(), bar }
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
            self.print(line);
        }
    }

    fn print(&self, line: impl Display) {
        if self.broken.borrow().is_none() {
            let written = self.bar.suspend(|| writeln!(io::stdout().lock(), "{line}"));
            *self.broken.borrow_mut() = written.err();
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
        let (code, errors) = match done {
            Ok(Verdict::Well) => (0, Vec::new()),
            Ok(Verdict::Found) => (1, Vec::new()),
            Err(Failed::Usage(why)) => (2, vec![why]),
            Err(Failed::Files(why)) => (3, why),
        };
        if self.json.is_none() {
            errors.iter().for_each(complain);
        }
        if !errors.is_empty() {
            self.field("error", errors.join("; "));
        }
        self.field("command", command);
        self.field("code", code);
        if let Some(json) = self.json.take() {
            self.print(Value::Object(json));
        }
        // A reader that has seen enough closes the pipe; a full disk is an error.
        match self.broken.into_inner().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            Some(error) => {
                complain(&format!("what was found could not be printed: {error}"));
                ExitCode::from(3)
            }
            None => ExitCode::from(code),
        }
    }
}

fn complain(why: &String) {
    let _ = writeln!(io::stderr().lock(), "error: {why}");
}
