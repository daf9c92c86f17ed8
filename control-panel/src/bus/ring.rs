//! A lock-free broadcast ring: the last values of many writers in one order, for readers that each keep their own position. A
//! writer takes the next number by an atomic addition, and exchanges the entry at that number's place.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::{ArcSwap, Guard};

/// A value and its number in the order. The first is 1; 0 means none.
pub(super) struct Entry<T> {
    number: u64,
    pub(super) value: Option<T>,
}

impl<T> Default for Entry<T> {
    fn default() -> Self {
        Self { number: 0, value: None }
    }
}

/// What a reader finds at a number.
pub(super) enum Look<T> {
    /// The value.
    Here(Arc<Entry<T>>),
    /// Not written yet.
    Later,
    /// Not kept any more. The oldest value kept has this number, or had it just now.
    Gone(u64),
}

pub(super) struct Ring<T> {
    places: Box<[ArcSwap<Entry<T>>]>,
    /// The last number that a writer took. It may not be written yet.
    claimed: AtomicU64,
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let places = (0..capacity.max(1)).map(|_| ArcSwap::default());
        Self { places: places.collect(), claimed: AtomicU64::new(0) }
    }

    pub(super) fn capacity(&self) -> usize {
        self.places.len()
    }

    /// The number of the last, which may not be written yet.
    pub(super) fn claimed(&self) -> u64 {
        self.claimed.load(Ordering::Acquire)
    }

    /// Writes a value, into the memory of `entry` if nothing else holds it. Returns the entry that it replaced, or its own
    /// entry if a whole round of other values was written since it took its number: its value is not kept then.
    pub(super) fn put(&self, entry: Arc<Entry<T>>, value: T) -> Arc<Entry<T>> {
        self.write(self.claim(), entry, value)
    }

    /// Takes the next number, which the caller must write.
    pub(super) fn claim(&self) -> u64 {
        self.claimed.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn write(&self, number: u64, mut entry: Arc<Entry<T>>, value: T) -> Arc<Entry<T>> {
        let written = Entry { number, value: Some(value) };
        match Arc::get_mut(&mut entry) {
            Some(entry) => *entry = written,
            None => entry = Arc::new(written),
        }
        let place = self.place(number);
        let (mut put, mut replaced) = (number, place.swap(entry));
        // A writer that was overtaken puts the newer entry back. The late writer does this work; readers that look in between
        // find nothing yet, and are woken afterwards.
        while replaced.number > put {
            put = replaced.number;
            replaced = place.swap(replaced);
        }
        replaced
    }

    pub(super) fn look(&self, number: u64) -> Look<T> {
        let entry = self.place(number).load();
        if entry.number == number {
            return Look::Here(Guard::into_inner(entry));
        }
        if entry.number < number {
            return Look::Later;
        }
        let oldest = self.claimed() + 1 - self.capacity() as u64;
        debug_assert!(oldest > number, "a place holds a later round's entry only if that was claimed");
        Look::Gone(oldest)
    }

    /// Returns whether the value is there, or was.
    pub(super) fn is_written(&self, number: u64) -> bool {
        self.place(number).load().number >= number
    }

    fn place(&self, number: u64) -> &ArcSwap<Entry<T>> {
        debug_assert!(number > 0);
        let place = (number - 1) % self.places.len() as u64;
        &self.places[usize::try_from(place).expect("less than the capacity, which is a usize")]
    }
}
