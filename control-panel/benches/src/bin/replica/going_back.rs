//! How our own replica goes back, and how far.

use control_panel_benches::{
    bars::Bars,
    document::Document,
    documents::{Clones, Footprints, GoesBack, OurReplica, Undo},
    machine::Quiet,
    report::Options,
    rounds::compare,
    table::{Table, short},
};

use crate::world::{Plan, Script, probe};

/// Three peers, each with one assignment a tick; what comes late goes back some ten operations.
pub fn shallow(writes: usize) -> Plan {
    Plan { peers: 3, silent: 0, commit: 1, acknowledge: usize::MAX, delay: 15, writes }
}

/// … some two hundred.
fn deep(writes: usize) -> Plan {
    Plan { delay: 230, ..shallow(writes) }
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let plans =
        [("shallow", shallow(options.pick(15_000, 3_000))), ("deep", deep(options.pick(15_000, 3_000)))];
    let mut table = Table::new(&["an assignment", "shallow, ns", "× undo with footprints", "deep, ns", "×"]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut histogram = Table::new(&[
        "operations applied again by a `settle`",
        "mean",
        "0",
        "1 to 3",
        "4 to 15",
        "16 to 63",
        "64 to 255",
        "256 or more",
        "p99",
    ]);
    for (name, plan) in plans {
        let (mut ours, _) = probe::<OurReplica<Footprints>>(plan);
        let mut others = [probe::<OurReplica<Undo>>(plan).0, probe::<OurReplica<Clones>>(plan).0];
        let all = compare(&mut ours, &mut others, options.pick(11, 2), quiet);
        for (at, row) in all.iter().enumerate() {
            if rows.len() <= at {
                rows.push(vec![row.name.to_owned()]);
            }
            rows[at].extend([short(row.own[0].median), short(row.ratios[0].median)]);
        }
        let share = 1.0 / all[1].ratios[0].median;
        match name {
            "deep" => bars.at_most("undo with footprints, × undo alone, at depth 200", 0.7, share),
            _ => bars.at_most("undo with footprints, × undo alone, at depth 10", 1.2, share),
        }
        histogram.row(redone::<Undo>(&format!("{name}, undo alone"), plan));
        histogram.row(redone::<Footprints>(&format!("{name}, with footprints"), plan));
    }
    rows.into_iter().for_each(|row| table.row(row));
    format!("{table}\n{histogram}\nShares of the calls of `settle`, one for each message that came in.\n")
}

/// One row: the shares of the calls of `settle`, by how much it applied again.
fn redone<B: GoesBack>(what: &str, plan: Plan) -> Vec<String> {
    let script = Script::record::<OurReplica<B>>(plan);
    let mut watched = OurReplica::<B>::open(0, plan.peers);
    watched.redone = Some(Vec::new());
    let (_, watched) = script.replay(watched);
    let mut redone = watched.redone.unwrap_or_default();
    let calls = redone.len().max(1) as f64;
    let share = |from: usize, to: usize| {
        format!(
            "{:.1}%",
            100.0 * redone.iter().filter(|redone| (from..to).contains(*redone)).count() as f64 / calls
        )
    };
    let shares =
        [share(0, 1), share(1, 4), share(4, 16), share(16, 64), share(64, 256), share(256, usize::MAX)];
    let mean = short(redone.iter().sum::<usize>() as f64 / calls);
    redone.sort_unstable();
    let p99 = redone.get(redone.len() * 99 / 100).map_or_else(String::new, usize::to_string);
    [what.to_owned(), mean].into_iter().chain(shares).chain([p99]).collect()
}
