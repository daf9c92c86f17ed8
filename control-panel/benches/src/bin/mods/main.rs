//! What mods cost: `cargo run --release --features mods --bin mods`.

mod desk;
mod frames;

use std::{
    fs,
    time::{Duration, Instant},
};

use control_panel_benches::{
    machine,
    rounds::percentile,
    table::{Table, short},
};

use crate::desk::{Desk, module};

/// Mods loaded at once.
const AT_ONCE: usize = 64;
const RELOADS: usize = 2_000;
const RUNAWAYS: usize = 100;
/// What one call may take.
const DEADLINE: Duration = Duration::from_millis(50);

fn main() {
    println!("Machine before: {}.\n", machine::note());
    let mut table = Table::new(&["what", "p50", "p99", "longest"]);
    load(&mut table);
    reload(&mut table);
    calls(&mut table);
    runaways(&mut table);
    println!("{table}");
    println!("{}", flat());
    println!("{}", frames::compared());
    println!("Machine after: {}.", machine::note());
}

/// A row of times in µs.
fn times(table: &mut Table, what: &str, mut micros: Vec<f64>) {
    let at = |micros: &mut Vec<f64>, share| format!("{} µs", short(percentile(micros, share)));
    let row = [what.to_owned(), at(&mut micros, 0.5), at(&mut micros, 0.99), at(&mut micros, 1.0)];
    table.row(row);
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// From the spawning of the loader until 64 mods are active, a mod.
fn load(table: &mut Table) {
    let rounds = (0..10).map(|_| {
        let mut desk = Desk::new();
        (0..AT_ONCE).for_each(|number| desk.put(&format!("m{number}"), &module("", "")));
        let began = Instant::now();
        desk.open(DEADLINE);
        (0..AT_ONCE).for_each(|_| drop(desk.next("is active")));
        micros(began.elapsed()) / AT_ONCE as f64
    });
    times(table, "load, a mod of 64 at once, reading included", rounds.collect());
}

/// From the command, and from the renaming of a file, until the new one is active.
fn reload(table: &mut Table) {
    let mut desk = Desk::new();
    desk.put("m", &module("", ""));
    desk.open(DEADLINE);
    desk.next("is active");
    let by_command = (0..500).map(|_| {
        let began = Instant::now();
        desk.control.reload("m").expect("room");
        desk.next("is active");
        micros(began.elapsed())
    });
    times(table, "reload by command, until its intent is drained", by_command.collect());
    let by_file = (0..40).map(|round| {
        let text = format!("{};; {round}", module("", ""));
        let began = Instant::now();
        desk.put("m", &text);
        desk.next("is active");
        micros(began.elapsed())
    });
    times(table, "reload by renaming its file: 50 ms of it wait for more changes", by_file.collect());
}

/// What a call takes, as the loader counts it: limits set up, instructions, host calls.
fn calls(table: &mut Table) {
    let host_calls = "(local $n i32) (loop $more (call $log (i32.const 2) (i32.const 0) (i32.const 20))
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))";
    let instructions = "(local $n i32) (loop $more
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))";
    let emits = "(local $n i32) (loop $more (drop (call $emit (i32.const 0) (i32.const 19)))
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 64))))";
    for (what, tick, share) in [
        ("an empty call", "", 1.0),
        ("a call of the host (log), of 1,000", host_calls, 1_000.0),
        ("an intent emitted, of 64", emits, 64.0),
        ("a turn of a loop of 4 instructions, of 1,000,000", instructions, 1_000_000.0),
    ] {
        let mut desk = Desk::new();
        desk.put("m", &module("", tick));
        desk.open(Duration::from_secs(5));
        desk.next("is active");
        let mut seen = 0;
        let mut all = Vec::new();
        let began = Instant::now();
        while all.len() < 500 && began.elapsed() < Duration::from_secs(6) {
            desk.discard();
            let costs = desk.control.status().first().map(|status| status.costs).unwrap_or_default();
            if costs.calls > seen.max(1) {
                seen = costs.calls;
                all.push(micros(costs.last) / share);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        times(table, what, all);
    }
}

/// From the first instruction of an endless call until its failure is drained, less the 50 ms it may take.
fn runaways(table: &mut Table) {
    let mut desk = Desk::new();
    desk.put("m", &module("(drop (call $mark)) (loop $for_ever (br $for_ever))", ""));
    desk.open(DEADLINE);
    let late = (0..RUNAWAYS).map(|_| {
        desk.next("was not loaded");
        let late = desk.marked().elapsed().saturating_sub(DEADLINE);
        desk.control.activate("m").expect("room");
        micros(late)
    });
    times(table, "a runaway: beyond its 50 ms, until its failure is drained", late.collect());
}

/// The process's memory over so many reloads.
fn flat() -> String {
    let mut desk = Desk::new();
    desk.put("m", &module("", ""));
    desk.open(DEADLINE);
    desk.next("is active");
    let mut table = Table::new(&["reloads", "resident memory"]);
    for reload in 1..=RELOADS {
        desk.control.reload("m").expect("room");
        desk.next("is active");
        if [1, 10, 100, 500, 1_000, 1_500, RELOADS].contains(&reload) {
            table.row([reload.to_string(), format!("{} KiB", resident_kib())]);
        }
    }
    table.to_string()
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
