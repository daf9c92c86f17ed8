//! What the order by origin costs: 16 producers of one source, beside one.

use std::{hint::black_box, time::Instant};

use control_panel::{ControlPanel, IntentSource};
use control_panel_benches::{
    intents::{Eat, Sum, Update},
    machine::{Quiet, clock_cost},
    rounds::{Probe, compare, percentile},
    table::{Table, short},
};

use crate::{Options, bars::Bars, single::idle_runtime};

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut table = Table::new(&["one source, frames of", "1 origin ns", "16 origins ns", "×", "send ×"]);
    for (size, frames) in [(256, 3_000), (4096, 200), (65_536, 12)] {
        let frames = options.pick(frames, frames / 4 + 3);
        let mut others = [probe("16 origins", 16, size, frames)];
        let rows = compare(&mut probe("1 origin", 1, size, frames), &mut others, options.pick(9, 3), quiet);
        let bar = format!("16 origins beside 1, frames of {size} (× of 1 origin)");
        bars.at_most(bar, 1.5, rows[1].ratios[1].median);
        table.row([
            size.to_string(),
            short(rows[0].own[1].median),
            short(rows[1].own[1].median),
            short(rows[1].ratios[1].median),
            short(rows[1].ratios[0].median),
        ]);
    }
    table.to_string()
}

fn probe(name: &'static str, origins: usize, size: usize, frames: usize) -> Probe {
    Probe::new(name, move || {
        let runtime = idle_runtime();
        let mut panel: ControlPanel<Update> =
            ControlPanel::builder().capacity(size + 1).runtime(runtime.handle().clone()).build();
        let senders: Vec<_> = (0..origins).map(|_| panel.sender(IntentSource::LocalUI)).collect();
        let clock = clock_cost().0;
        let (mut sends, mut times) = (Vec::new(), Vec::new());
        for _ in 0..frames {
            let began = Instant::now();
            for word in 0..size {
                // A stride that visits the origins in no simple order.
                let sent = senders[word * 7 % origins].try_send(Update::local(word as u64));
                assert!(sent.is_ok());
            }
            let sent = Instant::now();
            let mut sum = Sum::default();
            panel.drain().for_each(|queued| sum.eat(queued.source, &queued.intent));
            times.push(sent.elapsed().as_nanos() as f64 - clock);
            sends.push((sent - began).as_nanos() as f64);
            assert_eq!(black_box(sum).count, size as u64);
        }
        vec![percentile(&mut sends, 0.5), percentile(&mut times, 0.5)]
    })
}
