//! A counting allocator. It counts only while asked to, so that timed runs do not pay for it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

#[global_allocator]
static COUNTING: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's promises are this call's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: the caller's promises are this call's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promises are this call's.
        unsafe { System.realloc(at, layout, size) }
    }
}

fn count(calls: u64, bytes: i64) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(calls, Relaxed);
        LIVE.fetch_add(bytes, Relaxed);
    }
}

/// Counts on every thread until dropped.
pub struct Count(());

impl Count {
    pub fn begin() -> Self {
        CALLS.store(0, Relaxed);
        LIVE.store(0, Relaxed);
        ON.store(true, Relaxed);
        Self(())
    }

    /// Allocations and reallocations since the beginning.
    pub fn calls(&self) -> u64 {
        CALLS.load(Relaxed)
    }

    /// Bytes allocated since the beginning and not freed yet.
    pub fn live(&self) -> i64 {
        LIVE.load(Relaxed)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        ON.store(false, Relaxed);
    }
}
