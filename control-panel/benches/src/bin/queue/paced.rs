//! A 120 Hz frame loop that sleeps in between, and producers that flood it.

use std::{
    cell::RefCell,
    hint::black_box,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    contestant::Contestant,
    contestants::*,
    intents::Sum,
    machine::{Quiet, thread_time},
    rounds::{Compared, Probe, compare, percentile},
    table::{Table, short},
};

use crate::{
    Options,
    bars::Bars,
    producers::{Producers, minimum_share},
};

const TICK: Duration = Duration::from_nanos(1_000_000_000 / 120);

/// The times of all frames of all rounds, for the percentiles that one round is too short for.
type Pool = Rc<RefCell<Vec<f64>>>;

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut text = String::new();
    for producers in [4, 64] {
        eprintln!("  {producers} producers");
        text.push_str(&format!("{}\n", table(producers, options, quiet, bars)));
    }
    text + "\"Frame\" is drain, sort and consume; \"with wakes\" includes what the frame thread does for the producers \
            that waited. For all but control-panel the wakes are inside the drain. CPU is \
            the frame thread's own, its going to sleep and waking up included.\n"
}

fn table(producers: usize, options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> Table {
    let frames = options.pick(150, 40);
    let pools: Vec<Pool> = (0..2).map(|_| Pool::default()).collect();
    let mut baseline = probe::<Baseline>(producers, frames, Some(&pools[0]));
    let mut panel = [probe::<Panel<Held>>(producers, frames, Some(&pools[1]))];
    let mut rows = compare(&mut baseline, &mut panel, options.pick(6, 1), quiet);
    let panel = &rows[1];
    bars.at_most(format!("120 Hz, P={producers}: frame p99"), 0.1, panel.ratios[1].median);
    bars.at_most(format!("120 Hz, P={producers}: p99 with wakes"), 0.6, panel.ratios[3].median);
    bars.at_least(format!("120 Hz, P={producers}: minimum share"), 0.5, panel.own[6].median);
    let frames = options.pick(90, 40);
    let mut others = [
        probe::<TokioMany>(producers, frames, None),
        probe::<Flume>(producers, frames, None),
        probe::<Kanal>(producers, frames, None),
        probe::<Crossbeam>(producers, frames, None),
        probe::<Crossfire>(producers, frames, None),
        probe::<AsyncChannel>(producers, frames, None),
        probe::<Rtrb>(producers, frames, None),
        probe::<Kameo>(producers, frames, None),
        probe::<Ractor>(producers, frames, None),
        probe::<Actix>(producers, frames, None),
        probe::<EguiInbox>(producers, frames, None),
    ];
    if !options.quick {
        rows.extend(compare(&mut baseline, &mut others, 1, quiet).into_iter().skip(1));
    }
    let tail = |at: usize| {
        let pool = pools.get(at)?;
        Some(percentile(&mut pool.borrow_mut(), 0.999) / 1e3)
    };
    let head = format!("120 Hz, P={producers}");
    let mut table = Table::new(&[
        &head,
        "frame p50 ×",
        "p99 ×",
        "with wakes p50 ×",
        "p99 ×",
        "CPU a tick ×",
        "frame p50 µs",
        "p99 µs",
        "p99.9 µs",
        "with wakes p99 µs",
        "intents a frame",
        "minimum share",
    ]);
    for (at, row) in rows.iter().enumerate() {
        table.row(cells(row, tail(at)));
    }
    table
}

fn cells(row: &Compared, tail: Option<f64>) -> Vec<String> {
    let mut cells = vec![row.name.to_owned()];
    cells.extend(row.ratios[..5].iter().map(|ratio| short(ratio.median)));
    cells.extend([0, 1].map(|metric| short(row.own[metric].median / 1e3)));
    cells.push(tail.map_or_else(String::new, short));
    cells.push(short(row.own[3].median / 1e3));
    cells.extend([5, 6].map(|metric| short(row.own[metric].median)));
    cells
}

fn probe<C: Contestant + 'static>(producers: usize, frames: usize, pool: Option<&Pool>) -> Probe {
    let pool = pool.cloned();
    Probe::new(C::NAME, move || {
        let (times, metrics) = sample::<C>(producers, frames);
        if let Some(pool) = &pool {
            pool.borrow_mut().extend(times);
        }
        metrics
    })
}

/// The frames' times; and frame p50 and p99, both with the wakes, CPU and intents a frame, the minimum share.
fn sample<C: Contestant>(producers: usize, frames: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut queue, producers) = Producers::start::<C>(producers);
    let (mut plain, mut whole) = (Vec::new(), Vec::new());
    let mut sum = Sum::default();
    let mut next = Instant::now();
    let warm = 10;
    let mut sent = producers.sent();
    let mut time = 0.0;
    for frame in 0..warm + frames {
        if frame == warm {
            (sent, sum, time) = (producers.sent(), Sum::default(), thread_time());
        }
        next += TICK;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        sum = queue.frame(sum);
        let consumed = began.elapsed();
        queue.release();
        let released = began.elapsed();
        if frame >= warm {
            plain.push(consumed.as_nanos() as f64);
            whole.push(released.as_nanos() as f64);
        }
    }
    let time = thread_time() - time;
    let share = minimum_share(&sent, &producers.sent());
    drop(producers);
    let count = frames as f64;
    let metrics = vec![
        percentile(&mut plain, 0.5),
        percentile(&mut plain, 0.99),
        percentile(&mut whole, 0.5),
        percentile(&mut whole, 0.99),
        time / count,
        black_box(sum).count as f64 / count,
        share,
    ];
    (plain, metrics)
}
