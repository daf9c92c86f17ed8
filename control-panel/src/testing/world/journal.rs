//! Everything that happens, as one number.

use std::{
    fmt::{self, Write},
    mem,
};

/// A running FNV-1a hash of what is written.
#[derive(Clone, Debug)]
pub(super) struct Journal(u64);

impl Journal {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, event: fmt::Arguments<'_>) {
        // Hashing does not fail.
        let _ = self.write_fmt(event);
        let _ = self.write_char('\n');
    }

    pub(super) fn take(&mut self) -> u64 {
        mem::replace(self, Self::new()).0
    }
}

impl Write for Journal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.0 = text.bytes().fold(self.0, hash);
        Ok(())
    }
}
