//! Bytes a queued intent, and allocations a frame.

use control_panel::IntentSource;
use control_panel_benches::{
    alloc::Count,
    contestant::{Contestant, Offer},
    contestants::*,
    intents::{self, SOURCES, Script, Sum, Update},
    machine::Quiet,
    table::{Table, short},
};

use crate::{
    Options,
    bars::Bars,
    single::{idle_runtime, open, open_for},
};

pub fn run(_: &Options, _: &mut Quiet, bars: &mut Bars) -> String {
    let mut table = Table::new(&[
        "bytes for each queued 64-byte intent",
        "local 256",
        "mix 256",
        "local 64k",
        "mix 64k",
        "mix 64k, after 10 frames",
        "allocations a frame of 256",
        "of its sends",
    ]);
    row::<Panel<Whole>>(&mut table);
    for (name, script) in
        [("local", intents::local(256)), ("mix", intents::mix(256)), ("mix", intents::mix(65_536))]
    {
        let bar = format!("bytes a queued intent, {name} {}", script.len());
        bars.at_most(bar, 80.0, bytes::<Panel<Whole>>(&script, 0));
    }
    let many: Vec<_> = (0..64).map(|producer| SOURCES[producer % 4]).collect();
    let script: Script = (0..256).map(|word| (word % many.len(), Update::local(word as u64))).collect();
    bars.at_most(
        "bytes a queued intent, local 256 of 64 producers",
        80.0,
        bytes_of::<Panel<Whole>>(&many, &script, 0),
    );
    bars.at_most("allocations a frame, with its sends", 0.0, {
        let (frames, sends) = allocations::<Panel<Whole>>();
        frames + sends
    });
    row::<Baseline>(&mut table);
    row::<TokioMany>(&mut table);
    row::<Flume>(&mut table);
    row::<Kanal>(&mut table);
    row::<Crossbeam>(&mut table);
    row::<Crossfire>(&mut table);
    row::<AsyncChannel>(&mut table);
    row::<Rtrb>(&mut table);
    row::<Bevy>(&mut table);
    row::<EguiInbox>(&mut table);
    format!(
        "{table}\nBytes: all that is live, from before the queue is made until it is full for the first time (one \
         buffer), less what an empty queue of the same kind keeps; after ten frames both buffers of a double-buffered \
         queue, and a reused Vec, count. Allocations: of 100 frames after 10.\n"
    )
}

fn row<C: Contestant<Lane: Offer>>(table: &mut Table) {
    let bytes = |script: Script, frames: usize| short(bytes::<C>(&script, frames));
    let (frames, sends) = allocations::<C>();
    table.row([
        C::NAME.to_owned(),
        bytes(intents::local(256), 0),
        bytes(intents::mix(256), 0),
        bytes(intents::local(65_536), 0),
        bytes(intents::mix(65_536), 0),
        bytes(intents::mix(65_536), 10),
        short(frames),
        short(sends),
    ]);
}

/// Live bytes of a full queue, after so many frames, for each intent.
fn bytes<C: Contestant<Lane: Offer>>(script: &Script, frames: usize) -> f64 {
    bytes_of::<C>(&SOURCES, script, frames)
}

fn bytes_of<C: Contestant<Lane: Offer>>(sources: &[IntentSource], script: &Script, frames: usize) -> f64 {
    let runtime = idle_runtime();
    // What it keeps whatever its capacity (the panel's registry, the senders) is no cost of an intent.
    let fixed = {
        let count = Count::begin();
        let _queue = C::open(2 * SOURCES.len(), sources, runtime.handle());
        count.live()
    };
    let count = Count::begin();
    let (mut queue, mut lanes) = open_for::<C>(&runtime, script.len(), sources);
    for _ in 0..frames {
        fill(&mut lanes, script);
        frame(&mut queue);
    }
    fill(&mut lanes, script);
    (count.live() - fixed) as f64 / script.len() as f64
}

/// Allocations of a frame, and of the sends that fill it, once warm.
fn allocations<C: Contestant<Lane: Offer>>() -> (f64, f64) {
    let runtime = idle_runtime();
    let script = intents::mix(256);
    let (mut queue, mut lanes) = open::<C>(&runtime, script.len());
    for _ in 0..10 {
        fill(&mut lanes, &script);
        frame(&mut queue);
    }
    let (mut frames, mut sends) = (0, 0);
    for _ in 0..100 {
        let count = Count::begin();
        fill(&mut lanes, &script);
        sends += count.calls();
        let count = Count::begin();
        frame(&mut queue);
        frames += count.calls();
    }
    (frames as f64 / 100.0, sends as f64 / 100.0)
}

fn fill<L: Offer>(lanes: &mut [L], script: &Script) {
    for (lane, update) in script {
        lanes[*lane].offer(*update);
    }
}

fn frame<C: Contestant>(queue: &mut C) {
    queue.frame(Sum::default());
    queue.release();
}
