//! What reading takes: bounded by the bytes that are there, whatever they declare.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use control_panel::testing::Rng;

use super::{
    by_hand::{first_run, varint},
    read,
};

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread allocates.
struct Counting;

fn count(change: isize) {
    // A thread that ends may free after its cells are gone.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

// Safety: it hands everything on to `System`; the counts are plain numbers.
#[allow(unsafe_code, reason = "there is no safe way to see allocations; only this test is built with it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most that this holds at a time.
fn most(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    work();
    usize::try_from(MOST.get() - before).unwrap()
}

#[test]
fn declared_lengths_allocate_nothing() {
    let run = first_run(0, &[b"\x01a"]);
    let (header, single) = (&run[..run.len() - 3], 1 << 5);
    let with = |flags: u8, rest: &[u8]| {
        let mut bytes = [header, rest].concat();
        bytes[2] = flags;
        bytes
    };
    let huge = varint(1_000_000);
    let lists = first_run(0, &[&varint(u64::from(u32::MAX))]);
    for bytes in [
        [&[1][..], &varint(131_072)].concat(),
        with(0b10, &varint(65_536)),
        with(0b10 | 4 | single, &varint(16_384)),
        with(0b10 | single, &huge),
        lists,
    ] {
        let bytes = [bytes, vec![0; 20]].concat();
        let taken = most(|| drop(read(&bytes)));
        assert!(taken < 4096, "{taken} bytes for {} bytes", bytes.len());
    }
}

/// A run takes two bytes at least and about 300 in memory, and lists double: 400 for each byte covers all.
#[test]
fn hostile_bytes_take_a_multiple_of_their_own() {
    let mut rng = Rng::new(7);
    let chain = {
        let mut bytes = first_run(0, &[b"\x05first"]);
        bytes[1] = 40;
        for _ in 1..40 {
            bytes.extend([0b10_0011, 12]);
            bytes.extend(b"\x05other");
        }
        bytes
    };
    assert_eq!(read(&chain).unwrap().len(), 40);
    let mut taken = 0;
    for round in 0..10_000 {
        let mut bytes = chain.clone();
        if round % 4 == 0 {
            bytes = (0..rng.index(400)).map(|_| rng.next_u64().to_le_bytes()[0] & 0x3f).collect();
            bytes.splice(0..0, [1, 60]);
        }
        for _ in 0..rng.index(5) {
            let at = rng.index(bytes.len());
            bytes[at] = rng.next_u64().to_le_bytes()[0];
        }
        let used = most(|| taken += usize::from(read(&bytes).is_ok()));
        assert!(used <= 1024 + 400 * bytes.len(), "{used} bytes for {}", bytes.len());
    }
    assert!(taken > 1_000, "only {taken} were read");
}

/// The costliest that is valid: runs of one operation of no bytes.
#[test]
fn the_smallest_runs_cost_what_is_documented() {
    let mut bytes = first_run(0, &[b""]);
    let runs = 20_000;
    bytes.splice(1..2, varint(runs));
    for _ in 1..runs {
        bytes.extend([0b10_0011, 0]);
    }
    let used = most(|| assert_eq!(read(&bytes).unwrap().unread(), 20_000));
    let each = used / 20_000;
    assert!(each <= 700, "{each} bytes a run");
    println!("{each} bytes a run at most while it is read");
}
