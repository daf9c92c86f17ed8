//! The frame thread's wait for the queue while 8 threads flood it: the time of the swap alone.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    intents::Update,
    machine::Quiet,
    rounds::{Spread, percentile},
    table::{Table, short},
};

use crate::{
    Options,
    bars::Bars,
    flooded::{Flooded, Lanes, OneLock, Panel, THREADS},
};

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut table = Table::new(&[
        "swap under 8 flooding threads",
        "p50 ns",
        "p99 ns",
        "worst µs",
        "came back empty",
        "clock read p99 ns",
        "p99 to separate locks ×",
    ]);
    for blocking in [false, true] {
        eprintln!("  {}", if blocking { "send_blocking" } else { "try_send" });
        let mut samples: [Vec<Vec<f64>>; 3] = Default::default();
        let began = Instant::now();
        for _ in 0..options.pick(5, 2) {
            if began.elapsed() > 2 * quiet.share() {
                break;
            }
            let frames = options.pick(600, 200);
            samples[0].push(quiet.measure(|| sample::<Lanes>(blocking, frames)));
            samples[1].push(quiet.measure(|| sample::<Panel>(blocking, frames)));
            samples[2].push(quiet.measure(|| sample::<OneLock>(blocking, frames)));
        }
        for (name, rounds) in [("separate locks", 0), ("control-panel", 1), ("one plain lock", 2)] {
            let flood = if blocking { "send_blocking" } else { "try_send" };
            let median = |metric: usize| {
                Spread::of(samples[rounds].iter().map(|sample| sample[metric]).collect()).median
            };
            if rounds == 1 {
                bars.at_most(format!("swap p99 in ns, {flood}"), 5_000.0, median(1));
            }
            let ratios = samples[rounds].iter().zip(&samples[0]).map(|(own, locks)| own[1] / locks[1]);
            table.row([
                format!("{name}, {flood}"),
                short(median(0)),
                short(median(1)),
                short(median(2) / 1e3),
                format!("{:.1}%", 100.0 * median(3)),
                short(median(4)),
                short(Spread::of(ratios.collect()).median),
            ]);
        }
    }
    format!(
        "{table}\nA frame every millisecond; only the swap is timed. The clock read is two adjacent `Instant::now` \
         just before each swap, under the same flood: where its p99 is far from its usual cost, threads are being \
         preempted and no queue can do better.\n"
    )
}

/// p50, p99 and the worst swap, the share of empty ones, p99 of a clock read.
fn sample<Q: Flooded>(blocking: bool, frames: usize) -> Vec<f64> {
    let (queue, mut swapper) = Q::open();
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (queue, stop) = (Arc::clone(&queue), Arc::clone(&stop));
            thread::spawn(move || {
                let mut word = 0;
                while !stop.load(Relaxed) {
                    let update = Update::local(word);
                    if blocking {
                        if !queue.send_blocking(thread, update) {
                            return;
                        }
                        word += 1;
                    } else if queue.try_send(thread, update) {
                        word += 1;
                    } else {
                        hint::spin_loop();
                    }
                }
            })
        })
        .collect();
    let (mut swaps, mut clocks) = (Vec::new(), Vec::new());
    let mut empty = 0;
    for frame in 0..frames + 20 {
        thread::sleep(Duration::from_millis(1));
        let (first, began) = (Instant::now(), Instant::now());
        let batch = Q::swap(&mut swapper);
        let swap = began.elapsed();
        let count = Q::finish(&mut swapper, batch);
        if frame >= 20 {
            swaps.push(swap.as_nanos() as f64);
            clocks.push((began - first).as_nanos() as f64);
            empty += usize::from(count == 0);
        }
    }
    stop.store(true, Relaxed);
    Q::stop(swapper);
    drop(queue);
    for thread in threads {
        thread.join().expect("a flood does not panic");
    }
    let worst = swaps.iter().copied().fold(0.0, f64::max);
    let (p50, p99) = (percentile(&mut swaps, 0.5), percentile(&mut swaps, 0.99));
    vec![p50, p99, worst, empty as f64 / frames as f64, percentile(&mut clocks, 0.99)]
}
