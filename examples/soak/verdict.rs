//! What has been proved, line by line.

use std::fmt;

/// The checks so far.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    holds: bool,
    what: &'static str,
    figures: String,
    /// What is wrong, in full.
    details: Vec<String>,
}

impl Verdict {
    pub(crate) fn check(&mut self, holds: bool, what: &'static str, figures: impl Into<String>) {
        self.check_each(holds, what, figures, Vec::new());
    }

    pub(crate) fn check_each(
        &mut self,
        holds: bool,
        what: &'static str,
        figures: impl Into<String>,
        details: Vec<String>,
    ) {
        self.lines.push(Line { holds, what, figures: figures.into(), details });
    }

    pub(crate) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0);
        for Line { holds, what, figures, details } in &self.lines {
            writeln!(f, "{}  {what:<width$}  {figures}", if *holds { "ok    " } else { "FAILED" })?;
            for detail in details {
                writeln!(f, "          {detail}")?;
            }
        }
        f.write_str(if self.holds() { "all of it holds" } else { "it does NOT hold" })
    }
}
