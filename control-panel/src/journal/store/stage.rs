//! Writes that are held back, and what is read through them.

use std::io;

use redb::StorageBackend;

#[derive(Debug)]
enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

/// What an open would write: few steps, as a file that is right needs little.
#[derive(Debug)]
pub(super) struct Stage {
    begun_with: u64,
    len: u64,
    /// Up to where the medium's own bytes count: a shorter length that was set on the way makes what follows zeros.
    kept: u64,
    steps: Vec<Step>,
}

impl Stage {
    pub(super) fn new(len: u64) -> Self {
        Self { begun_with: len, len, kept: len, steps: Vec::new() }
    }

    pub(super) fn begun_with(&self) -> u64 {
        self.begun_with
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        self.len = self.len.max(offset.saturating_add(data.len() as u64));
        self.steps.push(Step::Write(offset, data.to_vec()));
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.len = len;
        self.kept = self.kept.min(len);
        self.steps.push(Step::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        self.steps.push(Step::Sync);
    }

    pub(super) fn read(&self, medium: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len);
        let Some(end) = end else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let own = cut(end.min(self.kept).saturating_sub(offset));
        medium.read(offset, &mut out[..own])?;
        out[own..].fill(0);
        for step in &self.steps {
            match step {
                Step::Write(at, data) => overlay(offset, out, *at, data),
                Step::SetLen(len) => {
                    let kept = cut(len.saturating_sub(offset)).min(out.len());
                    out[kept..].fill(0);
                }
                Step::Sync => {}
            }
        }
        Ok(())
    }

    pub(super) fn play(self, medium: &dyn StorageBackend) -> io::Result<()> {
        for step in self.steps {
            match step {
                Step::Write(offset, data) => medium.write(offset, &data)?,
                Step::SetLen(len) => medium.set_len(len)?,
                Step::Sync => medium.sync_data()?,
            }
        }
        Ok(())
    }
}

/// Puts what of `data`, which begins at `at`, lies in `out`, which begins at `offset`, there.
fn overlay(offset: u64, out: &mut [u8], at: u64, data: &[u8]) {
    let begin = at.max(offset);
    let end = (at + data.len() as u64).min(offset + out.len() as u64);
    if begin < end {
        let (from, into, count) = (cut(begin - at), cut(begin - offset), cut(end - begin));
        out[into..into + count].copy_from_slice(&data[from..from + count]);
    }
}

/// A length within a buffer.
fn cut(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
