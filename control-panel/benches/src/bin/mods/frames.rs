//! The frame loop beside a runaway that is stopped again and again, and without one.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{IntentSource, QueuedIntent, Reducer};
use control_panel_benches::{
    machine::Quiet,
    rounds::{Probe, compare, percentile},
    table::{Table, short},
};

use crate::{
    DEADLINE,
    desk::{Desk, Update, module},
};

const FRAMES: usize = 240;
const PERIOD: Duration = Duration::from_micros(8_333);
const INTENTS: usize = 200;

#[derive(Default)]
struct Count(u64);

impl Reducer for Count {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0 += std::hint::black_box(u64::from(matches!(queued.intent, Update::Mod(_)))) + 1;
    }
}

pub fn compared() -> String {
    let mut without = Probe::new("no mods", || run(None));
    let endless = module("", "(loop $for_ever (br $for_ever))");
    let mut others = [
        Probe::new("a mod that does nothing", || run(Some(&module("", "")))),
        Probe::new("a runaway, stopped and activated again", move || run(Some(&endless))),
    ];
    let mut quiet = Quiet::new(Duration::from_secs(20), Duration::from_secs(60));
    let mut table = Table::new(&["120 Hz, 200 intents a frame", "p50", "p99", "p99, × no mods", "its range"]);
    for compared in compare(&mut without, &mut others, 7, &mut quiet) {
        table.row([
            compared.name.to_owned(),
            format!("{} µs", short(compared.own[0].median)),
            format!("{} µs", short(compared.own[1].median)),
            short(compared.ratios[1].median),
            format!("{} to {}", short(compared.ratios[1].low), short(compared.ratios[1].high)),
        ]);
    }
    format!("{table}\n{}\n", quiet.note())
}

/// p50 and p99 of the time that a frame takes, in µs.
fn run(text: Option<&str>) -> Vec<f64> {
    let mut desk = Desk::new();
    if let Some(text) = text {
        desk.put("m", text);
    }
    desk.open(DEADLINE);
    let sender = desk.panel.sender(IntentSource::LocalUI);
    let mut count = Count::default();
    let mut times = Vec::with_capacity(FRAMES);
    let mut next = Instant::now();
    for frame in 0..FRAMES {
        for number in 0..INTENTS {
            sender.try_send(Update::Note(number)).ok();
        }
        let began = Instant::now();
        desk.panel.run_frame(&mut count, &mut (), []);
        times.push(began.elapsed().as_secs_f64() * 1e6);
        // A runaway that was stopped runs away again: it is at it nearly all the time.
        if text.is_some() && frame % 2 == 0 {
            desk.control.activate("m").ok();
        }
        next += PERIOD;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    vec![percentile(&mut times, 0.5), percentile(&mut times, 0.99)]
}
