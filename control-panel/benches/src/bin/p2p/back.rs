//! A peer that comes back after 10,000 operations, beside sending their bytes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

use crate::{
    node::{Node, members, replica},
    plain,
    spent::{Spent, Watch},
};

const ROUNDS: usize = 21;
const OPS: u64 = 10_000;

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&[
        "10,000 operations",
        "in sync, ms",
        "plain stream, ms",
        "×",
        "in sync, CPU ms",
        "plain stream, CPU ms",
    ]);
    for (a_frame, bytes) in [(1, 40), (10, 40), (10, 400)] {
        let (folders, keys) = members(&format!("back-{a_frame}-{bytes}"), 2);
        let idle = Duration::from_secs(15);
        let mut stays = Node::start(&folders[0], &keys, idle, None);
        let known = Some((keys[0], stays.address()));
        let (mut ratios, mut ours, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        let (mut away, mut all, mut sent) = (replica(&folders[1], &keys), 0, 0);
        for round in 0..ROUNDS {
            // It is away, and what it has it keeps.
            all += OPS;
            while stays.app.replica.state().ops < all {
                stays.commit(a_frame, bytes);
            }
            sent = stays.app.replica.since(away.version()).encode().expect("bytes").len();
            let pieces: Vec<_> = (0..sent).step_by(64 << 10).map(|at| (sent - at).min(64 << 10)).collect();
            let mut of_stream = Spent::default();
            if round % 2 == 0 {
                of_stream = plain::stream(&pieces, true);
            }
            let (mut back, worker) = Node::prepared(away, &folders[1], idle, known);
            let over = AtomicBool::new(false);
            let of_peers = thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        stays.panel.wait_ready_timeout(Duration::from_millis(1));
                        stays.frame();
                    }
                });
                let watch = Watch::start();
                back.panel.spawn(worker);
                back.until("it is in sync", |node| node.app.replica.state().ops == all);
                let spent = watch.spent();
                let _ = back.panel.shutdown_blocking();
                back.frame();
                over.store(true, Ordering::Relaxed);
                spent
            });
            away = back.app.replica;
            stays.until("it is gone", |node| node.online() == 0);
            if round % 2 == 1 {
                of_stream = plain::stream(&pieces, true);
            }
            if round > 0 {
                ratios.push(of_peers.wall / of_stream.wall);
                ours.push(of_peers);
                plain.push(of_stream);
            }
        }
        let ratio = Spread::of(ratios).median;
        bars.at_most(
            format!("back after 10,000 operations of {bytes} bytes, {a_frame} a frame, × their bytes"),
            2.0,
            ratio,
        );
        let median = |all: &[Spent], of: fn(&Spent) -> f64| {
            short(1e3 * Spread::of(all.iter().map(of).collect()).median)
        };
        table.row([
            format!("{a_frame} a frame, {bytes} bytes each ({} KB)", sent / 1_000),
            median(&ours, |spent| spent.wall),
            median(&plain, |spent| spent.wall),
            short(ratio),
            median(&ours, |spent| spent.cpu),
            median(&plain, |spent| spent.cpu),
        ]);
    }
    println!("{table}");
}
