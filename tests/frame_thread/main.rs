//! Promise 4: the frame thread never waits for producers, allocates nothing in steady state, and sleeps until
//! `on_ready` wakes it: once per transition, whenever something is left behind, never under a lock.

mod beside;
mod ready;
mod steady;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use control_panel::ControlPanel;
use tests::Mark;

type Panel = ControlPanel<Mark>;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread allocates.
struct Counting;

// Safety: it hands everything on to `System`; the count is a plain cell that needs no allocation of its own.
#[allow(unsafe_code, reason = "there is no safe way to see allocations; only this test is built with it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}
