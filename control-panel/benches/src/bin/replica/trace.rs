//! Who typed what, and having seen what: two published traces, where they are at hand, and one made up.
//!
//! The published ones (github.com/josephg/editing-traces, CC BY 4.0) are not shipped: their `concurrent_traces/*.json.gz` are read from
//! the folder `traces` beside this package's Cargo.toml.

use std::{path::Path, process::Command};

use control_panel_benches::random::Random;
use serde_json::Value;

use crate::typed::{Raw, Typed};

/// (position, characters deleted, text inserted), each after the one before.
pub type Patch = (u32, u32, String);

pub struct Trace {
    pub name: String,
    pub authors: usize,
    pub transactions: Vec<Transaction>,
    /// After so many transactions all authors send what they typed since: no one has seen more of another.
    pub frame: usize,
    /// The text in the end.
    pub end: String,
}

pub struct Transaction {
    pub author: usize,
    /// What its author had seen last.
    pub parents: Vec<usize>,
    pub patches: Vec<Patch>,
}

impl Trace {
    /// A published one; nothing, where it is not at hand.
    pub fn published(name: &str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces").join(format!("{name}.json.gz"));
        if !path.exists() {
            return None;
        }
        let json = Command::new("gzip").arg("-dc").arg(path).output().ok()?.stdout;
        let trace: Value = serde_json::from_slice(&json).ok()?;
        let number = |value: &Value| value.as_u64().map(|number| number as usize);
        let patch = |patch: &Value| -> Option<Patch> {
            Some((number(&patch[0])? as u32, number(&patch[1])? as u32, patch[2].as_str()?.to_owned()))
        };
        let transaction = |transaction: &Value| {
            Some(Transaction {
                author: number(&transaction["agent"])?,
                parents: transaction["parents"].as_array()?.iter().filter_map(number).collect(),
                patches: transaction["patches"].as_array()?.iter().filter_map(patch).collect(),
            })
        };
        Some(Self {
            name: name.to_owned(),
            authors: number(&trace["numAgents"])?,
            transactions: trace["txns"].as_array()?.iter().filter_map(transaction).collect(),
            frame: 1,
            end: trace["endContent"].as_str()?.to_owned(),
        })
    }

    /// Two authors who type runs of letters, take some back, and now and then begin elsewhere. Each hears the other's keystrokes
    /// eight later, if each travels by itself; else those of the frames before.
    pub fn synthetic(transactions: usize, frame: usize) -> Self {
        Self::made_up(2, transactions, frame)
    }

    /// One author alone, who types as those do.
    pub fn alone(transactions: usize) -> Self {
        Self::made_up(1, transactions, 1)
    }

    fn made_up(people: u8, transactions: usize, frame: usize) -> Self {
        const LAG: usize = 8;
        const PAUSE: u64 = 40;
        let mut random = Random::new();
        let mut authors: Vec<Author> = (0..people).map(Author::new).collect();
        let mut all: Vec<Transaction> = Vec::new();
        let mut updates: Vec<Vec<u8>> = Vec::new();
        for now in 0..transactions {
            let at = random.below(u64::from(people)) as usize;
            let author = &mut authors[at];
            let mut parents: Vec<usize> = author.last.into_iter().collect();
            let sent = if frame == 1 { now.saturating_sub(LAG) } else { now - now % frame };
            for other in author.heard..sent {
                if all[other].author != at {
                    author.hear(&all[other].patches[0], &updates[other]);
                    parents.retain(|parent| all[*parent].author == at);
                    parents.push(other);
                }
            }
            author.heard = author.heard.max(sent);
            let length = author.doc.length();
            if random.below(PAUSE) == 0 {
                author.cursor = random.below(u64::from(length) + 1) as u32;
            }
            author.cursor = author.cursor.min(length);
            let patch = match random.below(100) {
                0..12 if author.cursor > 0 => (author.cursor - 1, 1, String::new()),
                12..26 => (author.cursor, 0, " ".to_owned()),
                _ => (author.cursor, 0, char::from(b'a' + random.below(26) as u8).to_string()),
            };
            author.cursor = patch.0 + patch.2.len() as u32;
            author.last = Some(now);
            updates.push(author.doc.press(std::slice::from_ref(&patch)));
            all.push(Transaction { author: at, parents, patches: vec![patch] });
        }
        let end = Raw::open(people, people + 1);
        updates.iter().for_each(|update| end.receive(update));
        Self { name: "made up".into(), authors: people.into(), transactions: all, frame, end: end.text() }
    }
}

struct Author {
    doc: Raw,
    cursor: u32,
    last: Option<usize>,
    heard: usize,
}

impl Author {
    fn new(me: u8) -> Self {
        Self { doc: Raw::open(me, 3), cursor: 0, last: None, heard: 0 }
    }

    fn hear(&mut self, (position, deleted, inserted): &Patch, update: &[u8]) {
        self.doc.receive(update);
        if *position < self.cursor {
            self.cursor = (self.cursor + inserted.len() as u32).saturating_sub(*deleted);
        }
    }
}
