//! Three replicas of one shopping list, in one process, over a network that loses, delays and doubles what it carries.
//!
//!     cargo run -p examples --example shared_list
//!     cargo run -p examples --example shared_list -- --seed 7 --loss 60
//!
//! What to look for:
//!
//! - `list` is the shared state: plain Rust, with a rule that no merge of two lists keeps by itself (at most twelve open items).
//!   Every replica applies the same operations in the same order, so the rule holds on all of them.
//! - `app` is a reducer as any other. What a user does becomes an operation by `commit`; what comes over the network is an intent
//!   of a worker, `ApplyRemoteDelta`, and goes to `merge`. `settle` puts both in order, once a frame.
//! - `air` is the network: what it loses is never sent again as such. Now and then a peer says what it has, and
//!   whichever hears it answers with what is missing there.
//! - The loop below takes three turns a frame, one for each panel; what a frame redid is in its report.

mod air;
mod app;
mod cli;
mod list;
mod table;

use std::{
    io::{self, Write},
    process::ExitCode,
    thread,
};

use clap::Parser;
use control_panel::{ControlPanel, FrameReport, IntentSource, Peer, WorkerHandle};
use fastrand::Rng;

use crate::{
    air::{Air, Packet},
    app::{App, SpawnReceive, Update},
    cli::Cli,
    list::{Edit, List},
};

/// How many frames the replicas have to agree once the editing is over.
const PATIENCE: u64 = 1_000;
/// Every so many frames a peer says what it has.
const HEARTBEAT: u64 = 4;

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const GOODS: [&str; 16] = [
    "apples", "bread", "butter", "carrots", "cheese", "coffee", "eggs", "flour", "honey", "milk", "olives",
    "pasta", "rice", "salt", "sugar", "tea",
];

/// One program of the three: a panel, its state, and the worker that listens to the network.
struct Site {
    panel: ControlPanel<Update>,
    app: App,
    wire: WorkerHandle<Packet>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let converged = run(&cli, &mut io::stdout().lock());
    match converged {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Its reader went away, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "the table cannot be written: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Whether the three agree in the end.
fn run(cli: &Cli, out: &mut impl Write) -> io::Result<bool> {
    let mut rng = Rng::with_seed(cli.seed);
    let mut air = Air::new(cli.loss, rng.fork(), NAMES.len());
    let mut sites = sites();
    let (mut edits, mut redone) = (0, 0);
    // From which frame on the lists were equal.
    let mut equal = None;
    writeln!(out, "seed {}, {} of 100 packets lost\n{}", cli.seed, cli.loss, table::head(&NAMES))?;
    for frame in 1..=cli.frames + PATIENCE {
        let mut row = Vec::new();
        for (me, site) in sites.iter_mut().enumerate() {
            hear(site, air.arriving(me));
            let edit = (frame <= cli.frames).then(|| edit(&mut rng, site.app.list())).flatten();
            edits += usize::from(edit.is_some());
            let typed = edit.is_some();
            let local = edit.into_iter().map(|edit| (IntentSource::LocalUI, Update::Typed(edit)));
            let report = site.panel.run_frame(&mut site.app, &mut (), local);
            redone += report.redo.redone;
            row.push(table::cell(typed, &report.redo, site.app.list()));
            speak(me, site, &report, &mut air);
        }
        writeln!(out, "{}", table::row(frame, &row, air.turn()))?;
        equal = equal.filter(|_| equal_lists(&sites)).or(equal_lists(&sites).then_some(frame));
        if let Some(since) = equal
            && frame > cli.frames
            && same_versions(&sites)
        {
            writeln!(out, "\nequal since frame {since}, and known to be in frame {frame}:")?;
            writeln!(out, "{edits} edits, {redone} operations redone, {air}")?;
            sites
                .iter()
                .zip(NAMES)
                .try_for_each(|(site, name)| writeln!(out, "{name:>5}: {}", site.app.list()))?;
            return Ok(true);
        }
    }
    writeln!(out, "\nno agreement after {} frames: {edits} edits, {air}", cli.frames + PATIENCE)?;
    sites.iter().zip(NAMES).try_for_each(|(site, name)| writeln!(out, "{name:>5}: {}", site.app.list()))?;
    Ok(false)
}

fn sites() -> Vec<Site> {
    let peers = NAMES.map(peer);
    let site = |peer| {
        let panel = ControlPanel::<Update>::new();
        let wire = panel.spawn_receive();
        Site { panel, app: App::new(peer, peers), wire }
    };
    peers.into_iter().map(site).collect()
}

/// A real one is a public key.
fn peer(name: &str) -> Peer {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Peer(bytes)
}

/// Gives the worker what arrives, and waits until it has sent all of it on: so that one seed makes one table. A program takes
/// what is there.
fn hear(site: &mut Site, packets: Vec<Packet>) {
    let expected = packets.len();
    for packet in packets {
        site.wire.send(packet).expect("the worker listens, and its inbox has room");
    }
    while site.panel.queued() < expected {
        thread::yield_now();
    }
}

/// What the frame made goes to everyone; now and then also what this replica has, and what others lack.
fn speak(me: usize, site: &mut Site, report: &FrameReport, air: &mut Air) {
    if let Some(delta) = site.app.outbox() {
        air.send_to_others(me, &Packet::Delta(delta));
    }
    for (asker, delta) in site.app.answers() {
        let to = NAMES.iter().position(|name| peer(name) == asker).expect("one of the three");
        air.send(to, Packet::Delta(delta));
    }
    if report.frame.is_multiple_of(HEARTBEAT) {
        air.send_to_others(me, &site.app.heartbeat());
    }
}

/// A third of the time nothing; else something new, or something done.
fn edit(rng: &mut Rng, list: &List) -> Option<Edit> {
    match rng.u32(..6) {
        0 | 1 => None,
        2 => list.pick(rng).map(Edit::Done),
        _ => Some(Edit::Add(GOODS[rng.usize(..GOODS.len())].to_owned())),
    }
}

fn equal_lists(sites: &[Site]) -> bool {
    sites.windows(2).all(|pair| pair[0].app.list() == pair[1].app.list())
}

/// All have the same operations, and the acknowledgements of them.
fn same_versions(sites: &[Site]) -> bool {
    sites.windows(2).all(|pair| pair[0].app.version() == pair[1].app.version())
}

#[cfg(test)]
mod tests;
