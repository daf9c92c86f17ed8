//! What a heartbeat costs a worker that promises one, beside what it could do instead.

use std::{
    hint::black_box,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use control_panel::{Context, ControlPanel, IntentSource, Worker};
use control_panel_benches::{
    intents::Update,
    machine::Quiet,
    rounds::{Probe, compare},
    table::{Table, short},
};

use crate::{Options, bars::Bars, runtime};

/// The worker is watched meanwhile, so the clock that its heartbeats are stamped with is at work.
const PROMISED: Duration = Duration::from_millis(100);

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let times = options.pick(5_000_000, 500_000);
    let runtime = runtime();
    let panel = ControlPanel::<Update>::builder().runtime(runtime.handle().clone()).build();
    let (tell, contexts) = mpsc::sync_channel(1);
    let beats = Worker::new("beats", IntentSource::LocalUI, move |cx: Context<Update>| {
        tell.send(cx.clone()).expect("somebody waits for it");
        async move { cx.cancelled().await }
    });
    panel.spawn(beats.heartbeat(PROMISED));
    let cx = contexts.recv().expect("it runs");
    let cell = AtomicU64::new(0);
    let mut store = each("an atomic store", times, move || black_box(&cell).store(7, Ordering::Relaxed));
    let mut others = [
        each("`cx.heartbeat()`", times, move || black_box(&cx).heartbeat()),
        each("`Instant::now()`", times, || _ = black_box(Instant::now())),
    ];
    let all = compare(&mut store, &mut others, options.pick(15, 3), quiet);
    panel.shutdown_blocking();
    let mut table = Table::new(&["each, in a loop", "ns", "× a store"]);
    for row in &all {
        table.row([row.name.to_owned(), short(row.own[0].median), short(row.ratios[0].median)]);
    }
    bars.at_most("a heartbeat, in ns", 10.0, all[1].own[0].median);
    format!(
        "{table}\nOf a worker that promised one each {PROMISED:?}, the loop itself included. A heartbeat is stamped with the \
         time of the watchdog's last look, so it need not ask a clock.\n"
    )
}

/// ns a call.
fn each(name: &'static str, times: u32, mut call: impl FnMut() + 'static) -> Probe {
    Probe::new(name, move || {
        let began = Instant::now();
        (0..times).for_each(|_| call());
        vec![1e9 * began.elapsed().as_secs_f64() / f64::from(times)]
    })
}
