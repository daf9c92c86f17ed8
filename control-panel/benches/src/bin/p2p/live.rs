//! Deltas as they are made, from one frame loop to another, beside a stream that writes the same sizes; and beside the same replicas whose deltas such a stream carries.

use std::{thread, time::Duration};

use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

use crate::{
    by_hand,
    node::{Node, members},
    plain,
    spent::{Spent, Watch},
};

const ROUNDS: usize = 11;

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&[
        "operations a frame × bytes",
        "MB/s",
        "plain stream MB/s",
        "of it",
        "by hand MB/s",
        "of it",
        "CPU ms",
        "plain stream, CPU ms",
        "by hand, CPU ms",
    ]);
    for (ops, bytes, frames) in [(1, 64, 2_000), (64, 64, 2_000), (16, 4 << 10, 400), (4, 64 << 10, 200)] {
        let (folders, keys) = members(&format!("live-{ops}-{bytes}"), 2);
        let idle = Duration::from_secs(15);
        let mut writes = Node::start(&folders[0], &keys, idle, None);
        let at = writes.address();
        let mut reads = Node::start(&folders[1], &keys, idle, Some((keys[0], at)));
        while writes.online() == 0 || reads.online() == 0 {
            writes.frame();
            reads.frame();
        }
        let (mut ratios, mut of_hand, mut ours, mut plain, mut hand) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut all = 0;
        let (other_folders, other_keys) = members(&format!("by-hand-{ops}-{bytes}"), 2);
        let by_hand = || by_hand::stream(&other_folders, &other_keys, ops, bytes, frames);
        let pieces = vec![ops * bytes; frames];
        let mega = (ops * bytes * frames) as f64 / 1e6;
        for round in 0..ROUNDS {
            all += (ops * frames) as u64;
            let (mut of_stream, mut of_hands) = (Spent::default(), Spent::default());
            if round % 2 == 0 {
                (of_stream, of_hands) = (plain::stream(&pieces, false), by_hand());
            }
            let watch = Watch::start();
            thread::scope(|scope| {
                let reader =
                    scope.spawn(|| reads.until("all is there", |node| node.app.replica.state().ops == all));
                for _ in 0..frames {
                    writes.commit(ops, bytes);
                }
                // Its frames go on, as they acknowledge.
                writes.until("the reader has it", |_| reader.is_finished());
            });
            let of_peers = watch.spent();
            if round % 2 == 1 {
                (of_hands, of_stream) = (by_hand(), plain::stream(&pieces, false));
            }
            if round > 0 {
                ratios.push(of_stream.wall / of_peers.wall);
                ours.push(of_peers);
                plain.push(of_stream);
                of_hand.push(of_hands.wall / of_peers.wall);
                hand.push(of_hands);
            }
        }
        let ratio = Spread::of(ratios).median;
        bars.at_least(format!("deltas of {ops} × {bytes} bytes, of a plain stream"), 0.7, ratio);
        let ratio_of_hand = Spread::of(of_hand).median;
        bars.at_least(
            format!("deltas of {ops} × {bytes} bytes, of the same replicas over a plain stream"),
            0.7,
            ratio_of_hand,
        );
        let median = |all: &[Spent], of: fn(&Spent) -> f64| Spread::of(all.iter().map(of).collect()).median;
        table.row([
            format!("{ops} × {bytes}"),
            short(mega / median(&ours, |spent| spent.wall)),
            short(mega / median(&plain, |spent| spent.wall)),
            short(ratio),
            short(mega / median(&hand, |spent| spent.wall)),
            short(ratio_of_hand),
            short(1e3 * median(&ours, |spent| spent.cpu)),
            short(1e3 * median(&plain, |spent| spent.cpu)),
            short(1e3 * median(&hand, |spent| spent.cpu)),
        ]);
    }
    println!("{table}");
}
