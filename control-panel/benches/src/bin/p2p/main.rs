//! What peers cost: `cargo run --release --features p2p --bin p2p`, and the names of sections, if not all are wanted.
//!
//! Beside a plain iroh stream on the same machine, over loopback, which writes the same sizes and reads them to the end; and beside BLAKE3 of the same bytes.

mod back;
mod by_hand;
mod flood;
mod idle;
mod killed;
mod live;
mod node;
mod plain;
mod spent;
mod verify;

use std::{env, fs, path::PathBuf};

use control_panel_benches::{bars::Bars, machine};

type Section = fn(&mut Bars);

const SECTIONS: [(&str, Section); 7] = [
    ("live", live::report),
    ("back", back::report),
    ("idle", idle::report),
    ("killed", killed::report),
    ("verify", verify::report),
    ("flood", flood::report),
    ("instructions", flood::instructions),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let sections = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["peers", folder, count, member, at, idle] => {
            return node::run_peers(folder.as_ref(), count, member, at, idle);
        }
        ["floods", folder, member, at] => return flood::run(folder.as_ref(), member, at),
        ["counted", which] => return flood::counted(which, which == "flooded"),
        [] => SECTIONS.map(|(name, _)| name).to_vec(),
        ref sections => sections.to_vec(),
    };
    println!("Machine before: {}.\n", machine::note());
    let mut bars = Bars::default();
    for name in sections {
        match SECTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, section)) => section(&mut bars),
            None => println!("p2p: no arguments, or some of {:?}.", SECTIONS.map(|(name, _)| name)),
        }
    }
    if let Some(table) = bars.table("bar") {
        println!("{table}");
    }
    fs::remove_dir_all(folder("")).ok();
    println!("Machine after: {}.", machine::note());
}

/// A folder of this run's, under the target folder.
fn folder(name: &str) -> PathBuf {
    let mut folder = env::current_exe().expect("a program");
    folder.set_file_name(format!("p2p-bench-{}", std::process::id()));
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}
