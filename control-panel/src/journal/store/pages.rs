//! Reads rows from the pages of a file without its trees, for damaged files.
//!
//! A leaf page of redb's is a byte 1, an unused one, the number of its rows (u16), the ends of the keys and then of the values (u32,
//! counted from the page's begin; left out where all have one length), the keys, the values. A freed page keeps its content until it
//! is used again, so a row may be found twice, or be older than the file. Nothing is trusted: a row counts only if its own hash or
//! checksum verifies.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use crate::journal::{
    error::Fault,
    progress::{self, Progress},
};

const PAGE: u64 = 4096;
const LEAF: u8 = 1;

/// The lengths of keys and of values where all have one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub(super) key: Option<usize>,
    pub(super) value: Option<usize>,
}

/// The file, page by page.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    len: u64,
}

/// What may be a leaf page: from where it begins to where its rows can end.
#[derive(Debug)]
pub(super) struct Leaf {
    offset: u64,
    head: Vec<u8>,
    rows: usize,
}

/// Where a row is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) len: usize,
}

impl Pages {
    pub(super) fn new(file: File) -> Result<Self, Fault> {
        let len = file.metadata().map_err(Fault::of_io)?.len();
        Ok(Self { file, len })
    }

    /// All pages that may be leaves, by their offsets.
    pub(super) fn offsets(&self) -> impl Iterator<Item = u64> + use<> {
        let pages = self.len.div_ceil(PAGE);
        progress::say(Progress::Phase("reading pages", usize::try_from(pages).unwrap_or(usize::MAX)));
        (0..pages).map(|page| page * PAGE)
    }

    pub(super) fn leaf(&mut self, offset: u64) -> Result<Option<Leaf>, Fault> {
        progress::say(Progress::Step);
        let mut head = self.read(Span { offset, len: self.left(offset, PAGE) })?;
        let rows = match head[..] {
            [LEAF, _, low, high, ..] => usize::from(u16::from_le_bytes([low, high])),
            _ => return Ok(None),
        };
        let table = 4 + 8 * rows;
        if rows > 0 && table > head.len() {
            head = self.read(Span { offset, len: self.left(offset, table as u64) })?;
        }
        Ok((rows > 0).then_some(Leaf { offset, head, rows }))
    }

    pub(super) fn read(&mut self, span: Span) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; span.len];
        self.file.seek(SeekFrom::Start(span.offset)).map_err(Fault::of_io)?;
        self.file.read_exact(&mut bytes).map_err(Fault::of_io)?;
        Ok(bytes)
    }

    /// How many of the bytes wanted from there on are in the file.
    fn left(&self, offset: u64, wanted: u64) -> usize {
        usize::try_from(self.len.saturating_sub(offset).min(wanted)).unwrap_or(usize::MAX)
    }

    pub(super) fn holds(&self, span: Span) -> bool {
        span.offset.checked_add(span.len as u64).is_some_and(|end| end <= self.len)
    }
}

impl Leaf {
    /// Where key and value of each row are, if this is a leaf of such rows. Those that the file ends before are left out.
    pub(super) fn rows(&self, widths: Widths, pages: &Pages) -> Vec<(Span, Span)> {
        let mut table = 4;
        let mut ends = |width: Option<usize>| {
            let begin = table;
            if width.is_none() {
                table += 4 * self.rows;
            }
            begin
        };
        let (key_ends, value_ends) = (ends(widths.key), ends(widths.value));
        let (mut found, mut key_begin) = (Vec::new(), table);
        let key_end = |row: usize| match widths.key {
            Some(width) => Some(table + width * (row + 1)),
            None => self.end(key_ends, row),
        };
        let Some(mut value_begin) = key_end(self.rows - 1) else { return found };
        let all_keys = value_begin;
        for row in 0..self.rows {
            let value_end = match widths.value {
                Some(width) => Some(all_keys + width * (row + 1)),
                None => self.end(value_ends, row),
            };
            let (Some(key), Some(value)) = (key_end(row), value_end) else { break };
            // The rest of a page that is none, or is damaged.
            if key < key_begin || key > all_keys || value < value_begin {
                break;
            }
            let span =
                |begin: usize, end: usize| Span { offset: self.offset + begin as u64, len: end - begin };
            let spans = (span(key_begin, key), span(value_begin, value));
            (key_begin, value_begin) = (key, value);
            if pages.holds(spans.0) && pages.holds(spans.1) {
                found.push(spans);
            }
        }
        found
    }

    fn end(&self, table: usize, row: usize) -> Option<usize> {
        let bytes = self.head.get(table + 4 * row..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    }
}
