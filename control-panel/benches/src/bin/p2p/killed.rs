//! How long until a peer that is killed is reported.

use std::time::{Duration, Instant};

use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

use crate::node::{Node, members, spawn_peers};

const ROUNDS: usize = 10;

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&["idle setting", "reported after, × it", "lowest", "highest"]);
    for idle in [Duration::from_secs(1), Duration::from_secs(5)] {
        let (folders, keys) = members(&format!("killed-{}", idle.as_secs()), 2);
        let mut alice = Node::start(&folders[0], &keys, idle, None);
        let at = alice.address();
        let folder = folders[0].parent().expect("a folder").to_owned();
        let times = (0..ROUNDS).map(|round| {
            let lost = alice.app.lost;
            let spawned = std::thread::spawn({
                let (folder, member) = (folder.clone(), keys[0]);
                move || spawn_peers(&folder, 1, member, at, idle)
            });
            alice.until("it is there", |node| node.online() == 1);
            let mut child = spawned.join().expect("a process");
            // At any moment between two packets.
            let began = Instant::now();
            alice.until("some time passed", |_| {
                began.elapsed() > Duration::from_millis(300 + 37 * round as u64)
            });
            child.kill().expect("it runs");
            let killed = Instant::now();
            alice.until("it is reported", |node| node.online() == 0);
            let time = killed.elapsed().as_secs_f64() / idle.as_secs_f64();
            child.wait().expect("it is gone");
            alice.until("nothing more is", |_| killed.elapsed() > 2 * idle);
            assert_eq!(alice.app.lost, lost + 1, "once");
            time
        });
        let spread = Spread::of(times.collect());
        bars.at_most(
            format!("killed → offline at {} s, × the idle setting, the latest", idle.as_secs()),
            1.2,
            spread.high,
        );
        table.row([
            format!("{} s", idle.as_secs()),
            short(spread.median),
            short(spread.low),
            short(spread.high),
        ]);
    }
    println!("{table}");
}
