//! What a journal costs: `cargo run --release --features journal --bin journal`, and the names of sections, if not all are wanted.
//!
//! Beside the least that durable can cost: one file, each frame's operations appended as one chunk with its length and BLAKE3 hash, and `fdatasync`.

mod recorder;
mod size;
mod tools;

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use control_panel::{
    Peer, Replica, Stamp, State,
    journal::Journal,
    replica::codec::{Limits, Postcard},
};
use control_panel_benches::{
    bars::Bars,
    machine,
    rounds::Spread,
    table::{Table, short},
};
use serde::{Deserialize, Serialize};

/// An operation of 44 bytes, as a form field or a link between pages is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Edit {
    key: u32,
    value: [u64; 4],
    note: [u8; 8],
}

/// Takes its operations and does nothing with them: what is measured is the journal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Count(u64);

impl State for Count {
    type Op = Edit;

    fn apply(&mut self, edit: &Edit, _: &Stamp) {
        self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(edit.key) ^ edit.value[0]);
    }
}

fn edit(number: u64) -> Edit {
    let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Edit { key: number as u32, value: [word, word >> 7, word >> 13, !word], note: word.to_le_bytes() }
}

fn bytes(edit: &Edit) -> Vec<u8> {
    let mut out = Vec::with_capacity(44);
    out.extend_from_slice(&edit.key.to_le_bytes());
    edit.value.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    out.extend_from_slice(&edit.note);
    out
}

fn start(path: &Path) -> (Journal, Replica<Count>) {
    let journal = Journal::open(path).expect("a journal");
    let builder = Replica::builder(Peer([1; 32]), Count::default()).history(usize::MAX);
    let replica = journal.replica(builder.codec(Postcard::new(), Limits::default())).expect("a replica");
    (journal, replica)
}

/// A journal, and a plain file.
struct Pair {
    journal: Journal,
    replica: Replica<Count>,
    plain: File,
    number: u64,
}

impl Pair {
    fn new(folder: &Path) -> Self {
        let (journal, replica) = start(&folder.join("journal"));
        let plain = OpenOptions::new().create(true).append(true).open(folder.join("plain")).expect("a file");
        Self { journal, replica, plain, number: 0 }
    }

    /// One frame of so many operations: seconds until it is durable, in both.
    fn frame(&mut self, ops: u64, journal_first: bool) -> [f64; 2] {
        let edits: Vec<_> = (self.number..self.number + ops).map(edit).collect();
        self.number += ops;
        let mut chunk = vec![0; 40];
        edits.iter().for_each(|edit| chunk.extend_from_slice(&bytes(edit)));
        for edit in edits {
            self.replica.commit(edit);
        }
        let _ = self.replica.settle();
        let mut times = [0.0; 2];
        for which in if journal_first { [0, 1] } else { [1, 0] } {
            let began = Instant::now();
            if which == 0 {
                self.journal.flush().expect("room");
            } else {
                let length = (chunk.len() - 40) as u64;
                let hash = *blake3::hash(&chunk[40..]).as_bytes();
                chunk[..8].copy_from_slice(&length.to_le_bytes());
                chunk[8..40].copy_from_slice(&hash);
                self.plain.write_all(&chunk).expect("room");
                self.plain.sync_data().expect("a disk");
            }
            times[which] = began.elapsed().as_secs_f64();
        }
        times
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let sections = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure", name, mix, path] => return recorder::measure(name, mix, path.as_ref()),
        [] => SECTIONS.map(|(name, _)| name).to_vec(),
        ref sections => sections.to_vec(),
    };
    println!("Machine before: {}.\n", machine::note());
    let folder = folder();
    let mut bars = Bars::default();
    for name in sections {
        match SECTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, section)) => section(&folder, &mut bars),
            None => println!("journal: no arguments, or some of {:?}.", SECTIONS.map(|(name, _)| name)),
        }
    }
    if let Some(table) = bars.table("bar") {
        println!("{table}");
    }
    fs::remove_dir_all(&folder).ok();
    println!("Machine after: {}.", machine::note());
}

type Section = fn(&Path, &mut Bars);

const SECTIONS: [(&str, Section); 4] =
    [("recorder", recorder::report), ("commits", commits), ("size", size::report), ("tools", tools::run)];

/// On the disk of the target folder: a file system in memory syncs nothing.
fn folder() -> PathBuf {
    let mut folder = std::env::current_exe().expect("a program");
    folder.set_file_name(format!("journal-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn commits(folder: &Path, bars: &mut Bars) {
    let mut table = Table::new(&["operations a frame", "journal ms", "append + fdatasync ms", "×"]);
    for ops in [1, 16, 256] {
        let folder = folder.join(ops.to_string());
        fs::create_dir_all(&folder).expect("a folder");
        let mut pair = Pair::new(&folder);
        let (mut ratios, mut ours, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..300 {
            let [journal, append] = pair.frame(ops, round % 2 == 0);
            if round >= 20 {
                ratios.push(journal / append);
                ours.push(1e3 * journal);
                plain.push(1e3 * append);
            }
        }
        let ratio = Spread::of(ratios).median;
        bars.at_most(format!("a durable frame of {ops}, × a plain append with fdatasync"), 5.0, ratio);
        table.row([
            ops.to_string(),
            short(Spread::of(ours).median),
            short(Spread::of(plain).median),
            short(ratio),
        ]);
    }
    println!("{table}");
}
