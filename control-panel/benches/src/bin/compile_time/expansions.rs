//! What an expansion takes, called as a function: without the compiler around it, which adds the same to every
//! macro.

use std::hint::black_box;

use control_panel_benches::{
    machine,
    table::{Table, short},
};

use crate::{instructions, samples};

/// In ns.
const LONG_ENOUGH: f64 = 300e6;

pub fn report() {
    let mut table = Table::new(&["expansion", "CPU µs", "instructions", "instructions each"]);
    for number in [1, 10, 100] {
        let workers: Vec<_> = (0..number).map(|nth| samples::worker(nth, 10)).collect();
        let time = microseconds(|| workers.iter().for_each(|worker| drop(black_box(worker.expand()))));
        let all = instructions::count("workers", number);
        row(&mut table, format!("{number} × a worker of 10 statements"), time, all, number);
    }
    for number in [3, 30, 300] {
        let input = samples::intent(number);
        let time = microseconds(|| drop(black_box(samples::derive(&input))));
        let all = instructions::count("intent", number);
        row(&mut table, format!("an enum of {number} variants"), time, all, number);
    }
    println!("{table}");

    let mut table =
        Table::new(&["statements in a worker", "tokens", "instructions", "to copy the tokens", "the rest"]);
    for statements in [1, 100, 1_000] {
        let tokens = samples::count(&samples::worker(0, statements).function);
        let counts = instructions::count("body", statements).zip(instructions::count("copy", statements));
        let counts = counts.map(|(all, copy)| [all, copy, all.saturating_sub(copy)]);
        let cells = counts.map_or_else(|| [const { String::new() }; 3], |counts| counts.map(thousands));
        table.row([statements.to_string(), tokens.to_string()].into_iter().chain(cells));
    }
    println!("{table}");
}

fn row(table: &mut Table, name: String, time: f64, instructions: Option<u64>, number: usize) {
    let each = instructions.map(|all| all / number as u64);
    let cells = [instructions, each].map(|count| count.map_or_else(|| "valgrind?".into(), thousands));
    table.row([name, short(time)].into_iter().chain(cells));
}

/// The time that this thread was on a core, on average. Linux brings the account up to date a few times in a
/// hundredth of a second, so it takes many runs.
fn microseconds(mut run: impl FnMut()) -> f64 {
    run();
    let (before, mut runs) = (machine::thread_time(), 0.0);
    loop {
        run();
        runs += 1.0;
        let spent = machine::thread_time() - before;
        if spent >= LONG_ENOUGH {
            return spent / runs / 1_000.0;
        }
    }
}

/// `1,234,567`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group));
    groups.collect::<Vec<_>>().join(",")
}
