//! The mods' logs: the last lines of each, bounded.

use std::{collections::VecDeque, sync::Arc};

use super::text::cut;

/// Lines kept per mod.
const LINES: usize = 16;
/// Characters kept per line.
const LONGEST: usize = 256;

/// The severity of a log line: the number that a mod passes, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModLogLevel {
    /// 0
    Error,
    /// 1
    Warn,
    /// 2
    Info,
    /// 3 and every other number
    Debug,
}

impl ModLogLevel {
    fn of(number: i32) -> Self {
        match number {
            0 => Self::Error,
            1 => Self::Warn,
            2 => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// A line that a mod logged, or that the loader logged about it. Control characters are escaped.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModLogLine {
    /// Its severity.
    pub level: ModLogLevel,
    /// Its text.
    pub text: Arc<str>,
}

/// The last lines of one mod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ModLog {
    lines: VecDeque<ModLogLine>,
    count: u64,
}

impl ModLog {
    /// Adds a line from the mod.
    pub(super) fn line(&mut self, level: i32, text: &str) {
        self.push(ModLogLevel::of(level), text);
    }

    /// Adds a line from the host about the mod.
    pub(super) fn host(&mut self, text: &str) {
        self.push(ModLogLevel::Warn, text);
    }

    fn push(&mut self, level: ModLogLevel, text: &str) {
        self.count += 1;
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(ModLogLine { level, text: cut(text, LONGEST).into() });
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &ModLogLine> {
        self.lines.iter()
    }

    /// The number of lines logged, including those no longer kept.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ModLogLevel::{Debug, Error, Info, Warn},
        *,
    };

    #[test]
    fn the_last_lines_are_kept_and_all_are_counted() {
        let mut log = ModLog::default();
        for number in 0..1_000 {
            log.line(number % 5 - 1, &format!("line {number} {}", "x".repeat(10_000)));
        }
        assert_eq!((log.lines().count(), log.count()), (LINES, 1_000));
        let last = log.lines().last().expect("lines");
        assert!(last.text.starts_with("line 999 x") && last.text.chars().count() == LONGEST + 1);
        let levels: Vec<_> = log.lines().skip(LINES - 5).map(|line| line.level).collect();
        assert_eq!(levels, [Debug, Error, Warn, Info, Debug]);
    }
}
