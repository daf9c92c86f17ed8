//! What a connected peer costs that says nothing.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    bars::Bars,
    table::{Table, short},
};

use crate::node::{Node, members, spawn_peers};

/// Of this process, in KiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&["connected peers", "resident before, MiB", "after, MiB", "KiB a peer"]);
    for count in [8, 32] {
        let (folders, keys) = members(&format!("idle-{count}"), count + 1);
        let idle = Duration::from_secs(15);
        let mut hub = Node::start(&folders[0], &keys, idle, None);
        let at = hub.address();
        let before = resident();
        let folder = folders[0].parent().expect("a folder").to_owned();
        let connects = thread::spawn({
            let member = keys[0];
            move || spawn_peers(&folder, count, member, at, idle)
        });
        hub.until("all are there", |node| node.online() == count);
        let mut child = connects.join().expect("a process");
        let began = Instant::now();
        hub.until("it is quiet", |_| began.elapsed() > Duration::from_secs(10));
        let after = resident();
        assert_eq!(hub.online(), count);
        child.kill().expect("it runs");
        child.wait().expect("it is gone");
        let each = (after - before) / count as f64;
        bars.at_most(format!("an idle peer of {count}, KiB"), 256.0, each);
        table.row([count.to_string(), short(before / 1024.0), short(after / 1024.0), short(each)]);
    }
    println!("{table}");
}
