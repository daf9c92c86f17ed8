//! Bytes in, state changed, as operations come in: in order, and concurrently.

use control_panel_benches::{
    bars::Bars,
    document::Document,
    documents::{Automerge, Automerge06, Footprints, Loro, OurReplica, Yrs},
    machine::Quiet,
    report::Options,
    rounds::{Compared, compare},
    table::{Table, short},
};

use crate::world::{Plan, Script, probe};

/// What the issue asks for, as so many times our time.
const BARS: [(&str, f64); 2] = [("yrs", 2.0), ("loro", 3.0)];

pub fn ordered(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let plan = |commit| Plan {
        peers: 2,
        silent: 1,
        commit,
        acknowledge: 64 / commit,
        delay: 1,
        writes: options.pick(25_600, 6_400),
    };
    let sizes = [64, 1].map(|commit| {
        let what = format!("in order, commits of {commit}");
        section(&what, plan(commit), options, quiet, bars)
    });
    format!(
        "{}\n{}\nThe receiver acknowledges each 64 assignments (control-panel alone knows acknowledgements).\n",
        sizes[0], sizes[1]
    )
}

pub fn peers(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let plan = crate::going_back::shallow(options.pick(15_000, 3_000));
    let table = section("three peers, commits of 1", plan, options, quiet, bars);
    format!(
        "{table}\nEach peer commits one assignment a tick and hears of the others' one to {} ticks later. Timed is all that one peer \
         does: its own commits too. How far control-panel went back: see \"Going back\".\n",
        plan.delay
    )
}

fn section(what: &str, plan: Plan, options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> Table {
    let (mut ours, our_bytes) = probe::<OurReplica<Footprints>>(plan);
    let (others, bytes): (Vec<_>, Vec<_>) =
        [probe::<Yrs>(plan), probe::<Loro>(plan), probe::<Automerge06>(plan), probe::<Automerge>(plan)]
            .into_iter()
            .unzip();
    let mut others = others;
    // Automerge's newest would leave the others fewer rounds: it gets its own.
    let mut slow = others.split_off(3);
    let mut all = compare(&mut ours, &mut others, options.pick(11, 2), quiet);
    all.extend(compare(&mut ours, &mut slow, options.pick(5, 1), quiet).into_iter().skip(1));
    rate(what, &all, bars);
    table(&format!("{what}: ns an assignment"), &all, &[&[our_bytes], &bytes[..]].concat())
}

/// Under valgrind: what one of three peers does.
pub fn measure<D: Document>(writes: usize) {
    let plan = crate::going_back::shallow(writes);
    Script::record::<D>(plan).measured(D::open(0, plan.peers));
}

/// Whether the bars are met.
pub fn rate(what: &str, all: &[Compared], bars: &mut Bars) {
    for (name, limit) in BARS {
        if let Some(row) = all.iter().find(|row| row.name == name) {
            bars.at_least(format!("{what}: {name}, × ours"), limit, row.ratios[0].median);
        }
    }
}

pub fn table(head: &str, all: &[Compared], bytes: &[f64]) -> Table {
    let mut table = Table::new(&[head, "own", "× ours", "its range", "bytes an assignment"]);
    for (row, bytes) in all.iter().zip(bytes) {
        let ratio = row.ratios[0];
        table.row([
            row.name.to_owned(),
            short(row.own[0].median),
            short(ratio.median),
            format!("{} to {}", short(ratio.low), short(ratio.high)),
            short(*bytes),
        ]);
    }
    table
}
