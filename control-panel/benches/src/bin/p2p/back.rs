//! A peer that comes back after 10,000 operations, beside sending their bytes.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

use crate::{
    node::{Node, members, replica},
    plain,
};

const ROUNDS: usize = 21;
const OPS: u64 = 10_000;

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&["10,000 operations", "in sync, ms", "plain stream, ms", "×"]);
    for (a_frame, bytes) in [(1, 40), (10, 40), (10, 400)] {
        let (folders, keys) = members(&format!("back-{a_frame}-{bytes}"), 2);
        let idle = Duration::from_secs(15);
        let mut writes = Node::start(&folders[0], &keys, idle, None);
        let at = writes.address();
        while writes.app.replica.state().ops < OPS {
            writes.commit(a_frame, bytes);
        }
        let lacks = writes.app.replica.since(&control_panel::replica::Version::new());
        let sent = lacks.encode().expect("bytes").len();
        let pieces: Vec<_> = (0..sent).step_by(64 << 10).map(|at| (sent - at).min(64 << 10)).collect();
        let (mut ratios, mut ours, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let mut of_stream = if round % 2 == 0 { plain::stream(&pieces, true) } else { 0.0 };
            let nothing = replica(&folders[1], &keys);
            let over = std::sync::atomic::AtomicBool::new(false);
            let of_peers = thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        writes.panel.wait_ready_timeout(Duration::from_millis(1));
                        writes.frame();
                    }
                });
                let began = Instant::now();
                let mut back = Node::of(nothing, &folders[1], idle, Some((keys[0], at)));
                back.until("it is in sync", |node| node.app.replica.state().ops == OPS);
                let time = began.elapsed().as_secs_f64();
                let _ = back.panel.shutdown_blocking();
                over.store(true, std::sync::atomic::Ordering::Relaxed);
                time
            });
            writes.until("it is gone", |node| node.online() == 0);
            if round % 2 == 1 {
                of_stream = plain::stream(&pieces, true);
            }
            if round > 0 {
                ratios.push(of_peers / of_stream);
                ours.push(1e3 * of_peers);
                plain.push(1e3 * of_stream);
            }
        }
        let ratio = Spread::of(ratios).median;
        bars.at_most(
            format!("back after 10,000 operations of {bytes} bytes, {a_frame} a frame, × their bytes"),
            2.0,
            ratio,
        );
        table.row([
            format!("{a_frame} a frame, {bytes} bytes each ({} KB)", sent / 1_000),
            short(Spread::of(ours).median),
            short(Spread::of(plain).median),
            short(ratio),
        ]);
    }
    println!("{table}");
}
