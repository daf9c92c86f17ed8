//! Instructions, counted by callgrind: this program runs itself under it.

use std::{env, hint::black_box, process::Command};

use crate::samples;

/// What callgrind collected inside [`measured`]; nothing without valgrind.
pub fn count(case: &str, size: usize) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured"])
        .args(["--callgrind-out-file=/dev/null", "--"])
        .arg(env::current_exe().ok()?)
        .args(["measure", case, &size.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    collected.trim().parse().ok()
}

/// Under valgrind: one case, once before it counts, so that nothing is counted that happens only once.
pub fn measure(case: &str, size: usize) {
    let twice = |run: &mut dyn FnMut()| {
        run();
        measured(run);
    };
    match case {
        "workers" => {
            let workers: Vec<_> = (0..size).map(|nth| samples::worker(nth, 10)).collect();
            twice(&mut || workers.iter().for_each(|worker| drop(black_box(worker.expand()))));
        }
        "intent" => {
            let input = samples::intent(size);
            twice(&mut || drop(black_box(samples::derive(&input))));
        }
        "body" => {
            let worker = samples::worker(0, size);
            twice(&mut || drop(black_box(worker.expand())));
        }
        _ => {
            let worker = samples::worker(0, size);
            twice(&mut || drop(black_box(worker.copy())));
        }
    }
}

/// Callgrind counts the function of this name.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}
