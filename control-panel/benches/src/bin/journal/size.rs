//! How large the file is, and how long a start takes.

use std::{fs, path::Path, time::Instant};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::Journal,
    replica::codec::{Limits, Postcard},
};
use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};
use serde::{Deserialize, Serialize};

use super::{Count, Edit, edit, start};

const MANY: u64 = 1_000_000;

pub fn report(folder: &Path, bars: &mut Bars) {
    starts(folder, bars);
    shapes(folder, bars);
}

/// A journal of so many operations, written in groups as a writer makes them that is a few frames behind; and the state.
fn fill(path: &Path, many: u64, frame: u64) -> u64 {
    let (journal, mut replica) = start(path);
    for (index, first) in (0..many).step_by(frame as usize).enumerate() {
        for number in first..many.min(first + frame) {
            replica.commit(edit(number));
        }
        let _ = replica.settle();
        if index as u64 % (2_048 / frame) == 0 {
            journal.flush().expect("room");
        }
    }
    journal.close().expect("room");
    replica.state().0
}

fn length(path: &Path) -> f64 {
    fs::metadata(path).expect("a file").len() as f64
}

fn starts(folder: &Path, bars: &mut Bars) {
    let mut table = Table::new(&[
        "1,000,000 operations of 44 bytes, in frames of",
        "file, × their bytes",
        "reading it, ms",
        "`Journal::open`, ms",
        "`Journal::replica`, ms",
    ]);
    for frame in [1, 64, 256] {
        let path = folder.join(format!("million-{frame}"));
        let state = fill(&path, MANY, frame);
        let ratio = length(&path) / (MANY as f64 * 44.0);
        bars.at_most(format!("bytes of {MANY} operations in frames of {frame}, × their own"), 3.0, ratio);
        let [read, open, restore] = restarts(&path, state).map(|times| short(Spread::of(times).median));
        table.row([frame.to_string(), short(ratio), read, open, restore]);
        fs::remove_file(&path).ok();
    }
    println!("{table}");
}

fn restarts(path: &Path, state: u64) -> [Vec<f64>; 3] {
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..5 {
        let began = Instant::now();
        let read = fs::read(path).expect("a file").len();
        times[0].push(1e3 * began.elapsed().as_secs_f64());
        assert_eq!(read as f64, length(path));
        let began = Instant::now();
        let journal = Journal::open(path).expect("a journal");
        times[1].push(1e3 * began.elapsed().as_secs_f64());
        let began = Instant::now();
        let builder = Replica::builder(Peer([1; 32]), Count::default()).history(usize::MAX);
        let replica = journal.replica(builder.codec(Postcard::new(), Limits::default())).expect("a replica");
        times[2].push(1e3 * began.elapsed().as_secs_f64());
        assert_eq!(replica.state().0, state);
        journal.close().expect("room");
    }
    times
}

/// Operations of any size.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Lengths(u64);

impl State for Lengths {
    type Op = String;

    fn apply(&mut self, text: &String, _: &Stamp) {
        self.0 += text.len() as u64;
    }
}

const HERE: Peer = Peer([1; 32]);
const THERE: Peer = Peer([2; 32]);

fn builder(me: Peer) -> control_panel::replica::ReplicaBuilder<Lengths> {
    let members = [HERE, THERE];
    Replica::builder(me, Lengths::default()).members(members).codec(Postcard::new(), Limits::default())
}

fn shapes(folder: &Path, bars: &mut Bars) {
    let mut table = Table::new(&["one operation a frame", "operations", "bytes each", "file, × their bytes"]);
    for size in [8, 44, 300, 2_000] {
        let path = folder.join(format!("of-{size}"));
        let journal = Journal::open(&path).expect("a journal");
        let mut replica = journal.replica(builder(HERE)).expect("a replica");
        for number in 0..100_000 {
            replica.commit(text(number, size));
            let _ = replica.settle();
            if number % 1_024 == 0 {
                journal.flush().expect("room");
            }
        }
        journal.close().expect("room");
        row(&mut table, "one author", (100_000, size), &path);
    }
    let path = folder.join("alternating");
    let journal = Journal::open(&path).expect("a journal");
    let (mut replica, mut there) =
        (journal.replica(builder(HERE)).expect("a replica"), builder(THERE).build());
    for number in 0..5_000 {
        replica.commit(text(number, 44));
        let _ = replica.settle();
        // What is not durable does not leave it.
        journal.flush().expect("room");
        exchange(&mut replica, &mut there);
        there.commit(text(number, 44));
        let _ = there.settle();
        exchange(&mut there, &mut replica);
    }
    let _ = replica.settle();
    journal.close().expect("room");
    row(&mut table, "two authors in turn, each after the other", (10_000, 44), &path);
    let path = folder.join("recorded");
    record(&path);
    let ratio = length(&path) / (100_000.0 * 44.0);
    bars.at_most("the same of 100000 in frames of one that are recorded, each in an intent too", 3.0, ratio);
    row(&mut table, "recorded: each in an intent too", (100_000, 44), &path);
    println!("{table}");
}

fn row(table: &mut Table, name: &str, (many, size): (u64, usize), path: &Path) {
    table.row([
        name.to_owned(),
        many.to_string(),
        size.to_string(),
        short(length(path) / (many as f64 * size as f64)),
    ]);
    fs::remove_file(path).ok();
}

fn text(number: u64, size: usize) -> String {
    let mut text = format!("{number:x}");
    text.extend(std::iter::repeat_n('.', size - text.len()));
    text
}

fn exchange(from: &mut Replica<Lengths>, to: &mut Replica<Lengths>) {
    if let Some(delta) = from.outbox() {
        let bytes = delta.encode().expect("a codec");
        to.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default()).expect("what was encoded"));
    }
    let _ = to.settle();
}

#[derive(GraphIntent, Serialize, Deserialize)]
enum Update {
    Edit(Edit),
}

struct App(Replica<Count>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Edit(edit) = queued.intent;
        self.0.commit(edit);
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

fn record(path: &Path) {
    let (journal, replica) = start(path);
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app = App(replica);
    for number in 0..100_000 {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Edit(edit(number)))]);
        if number % 1_024 == 0 {
            journal.flush().expect("room");
        }
    }
    drop(panel);
    journal.close().expect("room");
}
