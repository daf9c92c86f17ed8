//! Memory for many small things, asked of the system at once.

use std::hint::black_box;

/// Below what the allocator gives back to the system as it is freed: glibc trims a heap from 64 KiB freed on.
const AT_ONCE: usize = 56 << 10;

/// Bytes from which a message is long: what is read of a shorter one asks a few times at most.
const LONG: usize = 8 << 10;

/// Grows this thread's heap before things are allocated one by one. But for a program's first thread, glibc grows it by just what is asked for: a call of the system for each page, which
/// holds up all threads that touch new memory. What is allocated and freed here stays at the heap's end. Elsewhere it costs an allocation for each 56 KiB.
#[derive(Debug)]
pub(super) struct Ahead {
    is_long: bool,
    left: usize,
}

impl Ahead {
    /// For what is read of a message of so many bytes.
    pub(super) fn of(message: usize) -> Self {
        Self { is_long: message >= LONG, left: 0 }
    }

    /// About so many bytes are allocated next.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) {
        if !self.is_long {
            return;
        }
        if self.left < bytes {
            drop(black_box(Vec::<u8>::with_capacity(AT_ONCE)));
            self.left = AT_ONCE;
        }
        self.left = self.left.saturating_sub(bytes);
    }
}
