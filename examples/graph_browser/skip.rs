//! Why a file is not a page of the graph: counted, with a few examples, never silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

/// Examples kept of each reason. They are shown, so that a count can be looked into.
const EXAMPLES: usize = 3;

/// Why a file or folder was passed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Skip {
    /// Its name does not end in `.html`, `.htm` or `.xhtml`.
    OtherKind,
    /// It is called HTML, but holds a NUL byte or not a single tag.
    NotHtml,
    /// Its text is not UTF-8.
    NotUtf8,
    /// It is larger than `--max-page-size`.
    TooLarge,
    /// The operating system would not let us read it.
    Unreadable,
    /// The HTML parser panicked on it.
    Unparsable,
    /// Links are not followed, so that a loop of them cannot trap the walk.
    SymbolicLink,
    /// A pipe, socket or device: reading one might never end.
    SpecialFile,
    /// Its name is not UTF-8, so no link can name it.
    NameNotUtf8,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKind => "not HTML by its name",
            Self::NotHtml => "not HTML inside",
            Self::NotUtf8 => "not UTF-8",
            Self::TooLarge => "too large",
            Self::Unreadable => "unreadable",
            Self::Unparsable => "the parser panicked",
            Self::SymbolicLink => "symbolic link",
            Self::SpecialFile => "pipe, socket or device",
            Self::NameNotUtf8 => "name not UTF-8",
        })
    }
}

/// How many files were skipped, and why.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skips(BTreeMap<Skip, Skipped>);

/// The files skipped for one reason.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub(crate) count: u64,
    /// The first few in the order of their names, whatever order they were met in.
    pub(crate) examples: BTreeSet<String>,
}

impl Skips {
    pub(crate) fn add(&mut self, why: Skip, path: &str) {
        let skipped = self.0.entry(why).or_default();
        skipped.count += 1;
        keep_first(&mut skipped.examples, path.to_owned(), EXAMPLES);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (why, more) in other.0 {
            let skipped = self.0.entry(why).or_default();
            skipped.count += more.count;
            for example in more.examples {
                keep_first(&mut skipped.examples, example, EXAMPLES);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Skip, &Skipped)> {
        self.0.iter().map(|(why, skipped)| (*why, skipped))
    }
}

/// Keeps the `most` smallest: a sample that does not depend on which came first.
pub(crate) fn keep_first(kept: &mut BTreeSet<String>, new: String, most: usize) {
    if kept.len() < most || kept.last().is_some_and(|last| new < *last) {
        kept.insert(new);
        if kept.len() > most {
            kept.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_do_not_depend_on_the_order_in_which_files_were_met() {
        let (mut forwards, mut backwards) = (Skips::default(), Skips::default());
        let names = ["a", "b", "c", "d", "e"];
        for name in names {
            forwards.add(Skip::NotUtf8, name);
        }
        for name in names.into_iter().rev() {
            backwards.add(Skip::NotUtf8, name);
        }
        assert_eq!(forwards, backwards);
        let (why, skipped) = forwards.iter().next().expect("one reason");
        assert_eq!((why, skipped.count), (Skip::NotUtf8, 5));
        assert_eq!(skipped.examples.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn merging_adds_up() {
        let mut all = Skips::default();
        all.add(Skip::TooLarge, "z");
        let mut more = Skips::default();
        more.add(Skip::TooLarge, "a");
        more.add(Skip::OtherKind, "style.css");
        all.merge(more);
        let counts: Vec<_> = all.iter().map(|(why, skipped)| (why, skipped.count)).collect();
        assert_eq!(counts, [(Skip::OtherKind, 1), (Skip::TooLarge, 2)]);
    }
}
