//! A few numbers that belong together, written by one thread at a time and read by others that it never waits for: a sequence
//! lock, as Linux has it.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering, fence},
};

#[derive(Debug)]
pub(crate) struct SeqLock<const N: usize> {
    /// Odd while the numbers are written.
    version: AtomicU64,
    numbers: [AtomicU64; N],
}

impl<const N: usize> SeqLock<N> {
    pub(crate) fn new() -> Self {
        Self { version: AtomicU64::new(0), numbers: array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Two threads must not write at a time.
    #[inline]
    pub(crate) fn write(&self, numbers: [u64; N]) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        // A thread that reads one of the following also sees that they are being written, or a later version.
        fence(Ordering::Release);
        for (place, number) in self.numbers.iter().zip(numbers) {
            place.store(number, Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// Writes one of the numbers, which fits the others whenever it is read.
    #[inline]
    pub(crate) fn set(&self, at: usize, number: u64) {
        self.numbers[at].store(number, Ordering::Relaxed);
    }

    /// The numbers and which version of them it is; `None` if they were written meanwhile.
    pub(crate) fn read(&self) -> Option<([u64; N], u64)> {
        let version = self.version.load(Ordering::Acquire);
        let numbers = self.load();
        fence(Ordering::Acquire);
        let intact = version % 2 == 0 && self.version.load(Ordering::Relaxed) == version;
        intact.then_some((numbers, version))
    }

    /// The numbers, each by itself: for the thread that writes them.
    #[inline]
    pub(crate) fn load(&self) -> [u64; N] {
        array::from_fn(|at| self.numbers[at].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::SeqLock;

    #[test]
    fn what_is_read_was_written_together() {
        let lock = SeqLock::<3>::new();
        assert_eq!(lock.read(), Some(([0; 3], 0)));
        thread::scope(|scope| {
            scope.spawn(|| (1..100_000).for_each(|n| lock.write([n; 3])));
            let mut last = 0;
            while last < 99_999 {
                let Some(([one, two, three], version)) = lock.read() else { continue };
                assert!(one == two && two == three && one >= last, "{one}, {two}, {three} after {last}");
                assert_eq!(version, 2 * one);
                last = one;
            }
        });
    }
}
