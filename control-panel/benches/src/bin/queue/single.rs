//! One thread: what a send costs, and what a frame costs (drain, sort, consume).

use std::{hint::black_box, time::Instant};

use control_panel::IntentSource;
use control_panel_benches::{
    contestant::{Contestant, Offer},
    contestants::*,
    intents::{self, Check, SOURCES, Script, Sum},
    machine::{Quiet, clock_cost},
    plot::Plot,
    rounds::{Compared, Probe, compare, percentile},
    table::{Table, short},
};
use tokio::runtime::{Builder, Runtime};

use crate::{Options, bars::Bars};

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    verify();
    let local = measure(&[("local", 256)], intents::local, options, quiet);
    let mix = measure(&[("mix", 256), ("mix", 65_536)], intents::mix, options, quiet);
    let mut table = Table::new(&[
        "one thread",
        "send ns",
        "send ×",
        "frame, local 256 ×",
        "frame, mix 256 ×",
        "frame, mix 64k ×",
        "local 256 ns",
        "mix 256 ns",
        "mix 64k µs",
    ]);
    for (at, row) in local[0].iter().enumerate() {
        let (mix_256, mix_64k) = (&mix[0][at], &mix[1][at]);
        table.row([
            row.name.to_owned(),
            short(row.own[0].median),
            short(row.ratios[0].median),
            short(row.ratios[1].median),
            short(mix_256.ratios[1].median),
            short(mix_64k.ratios[1].median),
            short(row.own[1].median),
            short(mix_256.own[1].median),
            short(mix_64k.own[1].median / 1000.0),
        ]);
    }
    let panel = 1;
    bars.at_most("send", 0.5, local[0][panel].ratios[0].median);
    bars.at_most("frame, local 256", 0.02, local[0][panel].ratios[1].median);
    bars.at_most("frame, mix 256", 0.03, mix[0][panel].ratios[1].median);
    bars.at_most("frame, mix 64k", 0.10, mix[1][panel].ratios[1].median);
    plot(options, quiet);
    table.to_string()
}

/// By size, by contestant.
fn measure(
    sizes: &[(&str, usize)],
    script: fn(usize) -> Script,
    options: &Options,
    quiet: &mut Quiet,
) -> Vec<Vec<Compared>> {
    let one = |&(mix, size): &(&str, usize)| {
        eprintln!("  {mix} {size}");
        let work = options.pick(300_000, 100_000);
        let mut baseline = probe::<Baseline>(size, script, work);
        let mut panel = [
            probe::<Panel<Whole>>(size, script, work),
            probe::<Panel<Drained>>(size, script, work),
            probe::<Panel<RunFrame>>(size, script, work),
        ];
        let mut rows = compare(&mut baseline, &mut panel, options.pick(9, 2), quiet);
        let mut others = [
            probe::<TokioMany>(size, script, work),
            probe::<Flume>(size, script, work),
            probe::<Kanal>(size, script, work),
            probe::<Crossbeam>(size, script, work),
            probe::<Crossfire>(size, script, work),
            probe::<AsyncChannel>(size, script, work),
            probe::<Rtrb>(size, script, work),
            probe::<Bevy>(size, script, work),
            probe::<EguiInbox>(size, script, work),
            probe::<Stamped>(size, script, work),
            probe::<Bare>(size, script, work),
        ];
        rows.extend(compare(&mut baseline, &mut others, options.pick(9, 1), quiet).into_iter().skip(1));
        rows
    };
    sizes.iter().map(one).collect()
}

/// Frames of `size` intents until `work` intents were sent: the medians of the time of a send and of a frame.
pub fn probe<C>(size: usize, script: fn(usize) -> Script, work: usize) -> Probe
where
    C: Contestant<Lane: Offer> + 'static,
{
    let script = script(size);
    Probe::new(C::NAME, move || {
        let runtime = idle_runtime();
        let (mut queue, mut lanes) = open::<C>(&runtime, size);
        let clock = clock_cost().0;
        let (mut sends, mut frames) = (Vec::new(), Vec::new());
        let warm = 3;
        for frame in 0..warm + (work / size).max(5) {
            let began = Instant::now();
            for (lane, update) in &script {
                lanes[*lane].offer(*update);
            }
            let sent = Instant::now();
            let sum = queue.frame(Sum::default());
            queue.release();
            let ended = Instant::now();
            assert_eq!(black_box(sum).count, size as u64, "{} lost intents", C::NAME);
            if frame >= warm {
                sends.push(((sent - began).as_nanos() as f64 - clock) / size as f64);
                frames.push((ended - sent).as_nanos() as f64 - clock);
            }
        }
        vec![percentile(&mut sends, 0.5), percentile(&mut frames, 0.5)]
    })
}

/// A queue for frames of `size`: a few slots more, because control-panel keeps one for each other source and
/// one for a source not seen yet. (A ring a producer must hold what its producer may send.)
pub fn open<C: Contestant>(runtime: &Runtime, size: usize) -> (C, Vec<C::Lane>) {
    open_for(runtime, size, &SOURCES)
}

/// The same, for a producer of each of these sources.
pub fn open_for<C: Contestant>(
    runtime: &Runtime,
    size: usize,
    sources: &[IntentSource],
) -> (C, Vec<C::Lane>) {
    let is_split = C::NAME.starts_with("rtrb");
    let capacity = if is_split { size * sources.len() } else { size + SOURCES.len() + 1 };
    C::open(capacity, sources, runtime.handle())
}

/// For those that want an executor's handle. One thread, asleep.
pub fn idle_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts")
}

/// Every contestant hands out what it was sent, in order.
fn verify() {
    fn one<C: Contestant<Lane: Offer>>() {
        let runtime = idle_runtime();
        for script in [intents::local(256), intents::mix(256), intents::mix(4096)] {
            let (mut queue, mut lanes) = open::<C>(&runtime, script.len());
            for _ in 0..3 {
                for (lane, update) in &script {
                    lanes[*lane].offer(*update);
                }
                let check = queue.frame(Check::default());
                queue.release();
                assert_eq!(check.count, script.len() as u64, "{} lost intents", C::NAME);
            }
        }
    }
    one::<Baseline>();
    one::<Stamped>();
    one::<Bare>();
    one::<Panel<Whole>>();
    one::<Panel<Drained>>();
    one::<Panel<RunFrame>>();
    one::<Panel<Held>>();
    one::<TokioMany>();
    one::<Flume>();
    one::<Kanal>();
    one::<Crossbeam>();
    one::<Crossfire>();
    one::<AsyncChannel>();
    one::<Rtrb>();
    one::<Bevy>();
    one::<EguiInbox>();
}

/// Frame cost against intents per frame.
fn plot(options: &Options, quiet: &mut Quiet) {
    let sizes = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536];
    let mut lines: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for size in sizes {
        eprintln!("  plot {size}");
        let work = options.pick(130_000, 20_000);
        let mut others = [
            probe::<Panel<Whole>>(size, intents::mix, work),
            probe::<TokioMany>(size, intents::mix, work),
            probe::<Flume>(size, intents::mix, work),
            probe::<Kanal>(size, intents::mix, work),
            probe::<Crossbeam>(size, intents::mix, work),
            probe::<Rtrb>(size, intents::mix, work),
            probe::<EguiInbox>(size, intents::mix, work),
        ];
        let mut rows =
            compare(&mut probe::<Baseline>(size, intents::mix, work), &mut others, options.pick(3, 1), quiet);
        rows.swap(0, 1); // control-panel first
        for (at, row) in rows.iter().enumerate() {
            if lines.len() == at {
                lines.push((row.name, Vec::new()));
            }
            lines[at].1.push((size as f64, row.own[1].median.max(1.0)));
        }
    }
    let (title, across) = ("One frame of the mix: drain, sort, consume", "intents per frame");
    options.plot("frame-cost", &Plot { title, across, up: "ns (one run, one thread)", lines }.svg());
}
