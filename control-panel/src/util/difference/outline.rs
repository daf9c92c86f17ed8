//! Pretty `Debug` output, read as a tree.

use std::fmt::{self, Write};

/// How much of a value's output is read.
const READ_BYTES: usize = 16 << 20;
/// How much of a value is shown.
const SHOWN_CHARS: usize = 160;

/// The value's pretty output, or the first part of it.
pub(crate) fn outline<T: fmt::Debug + ?Sized>(value: &T) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            if self.0.len() + text.len() > READ_BYTES {
                return Err(fmt::Error); // ends the formatting
            }
            self.0.push_str(text);
            Ok(())
        }
    }
    let mut text = Bounded(String::new());
    // An error says that it is cut.
    let _ = write!(text, "{value:#?}");
    text.0
}

/// The value's output on one line, cut after 160 characters.
pub(crate) fn brief<T: fmt::Debug + ?Sized>(value: &T) -> String {
    shorten(&format!("{value:?}").replace('\n', " "))
}

pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Leaf,
    Struct,
    Tuple,
    List,
    /// Or a set, whose items are their own keys.
    Map,
}

/// Where a child stands in its parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In a tuple of one.
    Only,
    Field(String),
    Number(usize),
    Index(usize),
    Key(String),
}

/// A value: some consecutive lines of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    lines: &'a [&'a str],
    /// Where the value begins in the first line, after the name or key.
    start: usize,
}

impl<'a> Node<'a> {
    pub(crate) fn root(lines: &'a [&'a str]) -> Self {
        Self { lines, start: 0 }
    }

    /// The first line of the value: all of a leaf, or the name and the opening bracket.
    pub(crate) fn head(self) -> &'a str {
        let line = self.lines.first().map_or("", |line| &line[self.start..]);
        line.strip_suffix(',').unwrap_or(line)
    }

    pub(crate) fn kind(self) -> Kind {
        match (self.lines.len(), self.head()) {
            (0 | 1, _) => Kind::Leaf,
            (_, "{") => Kind::Map,
            (_, head) if head.ends_with('{') => Kind::Struct,
            (_, head) if head.ends_with('(') => Kind::Tuple,
            (_, head) if head.ends_with('[') => Kind::List,
            _ => Kind::Leaf,
        }
    }

    /// Whether the two have one text.
    pub(crate) fn same(self, other: Self) -> bool {
        self.head() == other.head()
            && self.lines.len() == other.lines.len()
            && self.lines.iter().zip(other.lines).skip(1).all(|(left, right)| left == right)
    }

    pub(crate) fn children(self) -> Vec<(Place, Node<'a>)> {
        if self.kind() == Kind::Leaf {
            return Vec::new();
        }
        let inner = &self.lines[1..self.lines.len() - 1];
        let depth = inner.first().map_or(0, |line| indent(line));
        let (mut children, mut rest) = (Vec::new(), inner);
        while !rest.is_empty() {
            let (lines, key_lines) = entry(rest, depth);
            let place = match self.kind() {
                Kind::Struct => name(lines[0], depth),
                Kind::Map => key(&lines[..=key_lines], depth),
                Kind::Tuple => Some((Place::Number(children.len()), depth)),
                _ => Some((Place::Index(children.len()), depth)),
            };
            let (place, child) = match place {
                Some((place, start)) if self.kind() == Kind::Map => {
                    (place, Node { lines: &lines[key_lines..], start })
                }
                Some((place, start)) => (place, Node { lines, start }),
                // An item of a set.
                None => {
                    let item = Node { lines, start: depth };
                    (Place::Key(item.text()), item)
                }
            };
            children.push((place, child));
            rest = &rest[lines.len()..];
        }
        if let (Kind::Tuple, [(place, _)]) = (self.kind(), &mut children[..]) {
            *place = Place::Only;
        }
        children
    }

    /// The lines behind the first.
    #[cfg(feature = "journal")]
    pub(crate) fn rest(self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().skip(1).map(|line| line.strip_suffix(',').unwrap_or(line))
    }

    /// The value as it is, moved to the left.
    pub(crate) fn lines(self) -> String {
        let depth = self.lines.first().map_or(0, |line| indent(line));
        let mut lines = vec![self.head()];
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate().skip(1) {
            let line = line.get(depth..).unwrap_or(line);
            lines.push(if index == last { line.strip_suffix(',').unwrap_or(line) } else { line });
        }
        lines.join("\n")
    }

    /// The value on one line, shortened.
    pub(crate) fn text(self) -> String {
        let mut text = self.head().to_owned();
        for line in self.lines.iter().skip(1).map(|line| line.trim_start()) {
            let line = if text.is_empty() { "" } else { line };
            if line.starts_with(['}', ')', ']']) && text.ends_with(',') {
                text.pop();
            }
            if !text.ends_with(['(', '[']) && !line.starts_with([')', ']']) {
                text.push(' ');
            }
            text.push_str(line);
            if text.len() > 4 * SHOWN_CHARS {
                break;
            }
        }
        shorten(text.strip_suffix(',').unwrap_or(&text))
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn opens(line: &str) -> bool {
    line.ends_with(['{', '(', '['])
}

/// The lines of the first entry, and how many of them belong wholly to its key.
fn entry<'a>(rest: &'a [&'a str], depth: usize) -> (&'a [&'a str], usize) {
    let (mut last, mut key_lines) = (0, 0);
    while opens(rest[last]) {
        let closes = |line: &str| indent(line) == depth && line[depth..].starts_with(['}', ')', ']']);
        // Where the output was cut, nothing closes.
        let Some(more) = rest[last + 1..].iter().position(|line| closes(line)) else { break };
        last += 1 + more;
        if rest[last][depth + 1..].starts_with(": ") {
            key_lines = last;
        }
    }
    // What is indented further and was not opened, is written by hand: a line each.
    (&rest[..=last], key_lines)
}

/// The name of a field, and where its value begins.
fn name(line: &str, depth: usize) -> Option<(Place, usize)> {
    let line_from = line.get(depth..)?;
    let end = line_from.find(": ")?;
    Some((Place::Field(line_from[..end].to_owned()), depth + end + 2))
}

/// The key of a map's entry, and where its value begins in the last of the key's lines.
fn key(lines: &[&str], depth: usize) -> Option<(Place, usize)> {
    let last = lines.len() - 1;
    let start = if last > 0 { depth + 1 } else { colon(lines[0].get(depth..)?)? + depth };
    let mut words = lines.to_vec();
    words[last] = &words[last][..start];
    let key = Node { lines: &words, start: depth }.text();
    Some((Place::Key(key), start + 2))
}

/// Where the first `: ` outside of quotes is.
fn colon(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    line.char_indices().find_map(|(at, letter)| {
        let found = !quoted && line[at..].starts_with(": ");
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        found.then_some(at)
    })
}
