//! A peer that joins late: the whole history, or the state alone; and what a million operations keep in memory.

use control_panel_benches::{
    alloc::Count,
    bars::Bars,
    document::Document,
    documents::{Automerge, Automerge06, Footprints, Loro, OurReplica, Yrs},
    machine::{Quiet, thread_time},
    random::Random,
    report::Options,
    rounds::{Compared, Probe, compare},
    table::{Table, short},
};

use crate::world::{fill, writes};

const COMMIT: usize = 64;
/// Named before it was measured: MB of 1,000,000 operations of which none is forgotten. A prototype without hashes had 109.
const CEILING: f64 = 160.0;

/// What a contestant makes of so many operations.
struct History {
    name: &'static str,
    /// How many, in thousands.
    thousands: usize,
    /// As updates.
    updates: Form,
    stored: Option<Form>,
    state: Option<Form>,
    /// MB at who wrote them, and at who imported them as updates.
    author: f64,
    joiner: f64,
}

/// One way to join.
struct Form {
    probe: Probe,
    bytes: f64,
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let count = options.pick(1_000_000, 20_000);
    let mut ours = history::<OurReplica<Footprints>>(count);
    let mut others = [
        history::<Yrs>(count),
        history::<Loro>(count),
        history::<Automerge06>(count),
        history::<Automerge>(count),
    ];
    let mut memory = Table::new(&["MB in memory", "of thousand operations", "at the author", "at a joiner"]);
    let mut joins = Table::new(&[
        "joining",
        "thousand operations",
        "form",
        "ns an operation",
        "× ours, as updates",
        "its range",
        "bytes an operation",
    ]);
    let mut states = Table::new(&["the state alone", "µs", "× ours", "its range", "KB"]);
    let mut row = |(name, thousands): (&str, usize), form: &str, all: &Compared, bytes: f64| {
        joins.row([
            name.to_owned(),
            thousands.to_string(),
            form.to_owned(),
            short(all.own[0].median),
            short(all.ratios[0].median),
            range(all),
            short(bytes / (1_000 * thousands) as f64),
        ]);
    };
    let rounds = options.pick(5, 1);
    let mut own = true;
    for other in &mut others {
        let all =
            compare(&mut ours.updates.probe, std::slice::from_mut(&mut other.updates.probe), rounds, quiet);
        if std::mem::take(&mut own) {
            row((ours.name, ours.thousands), "updates", &all[0], ours.updates.bytes);
        }
        row((other.name, other.thousands), "updates", &all[1], other.updates.bytes);
        if ["yrs", "loro"].contains(&other.name) {
            let bar = format!("a joiner of 1,000,000, as updates: {}, × ours", other.name);
            bars.at_least(bar, 1.0, all[1].ratios[0].median);
        }
        if let Some(stored) = &mut other.stored {
            let all =
                compare(&mut ours.updates.probe, std::slice::from_mut(&mut stored.probe), rounds, quiet);
            row((other.name, other.thousands), "as stored", &all[1], stored.bytes);
        }
    }
    let mut own = true;
    for other in &mut others {
        let (Some(ours), Some(theirs)) = (&mut ours.state, &mut other.state) else { continue };
        let all = compare(&mut ours.probe, std::slice::from_mut(&mut theirs.probe), 3 * rounds, quiet);
        for (compared, bytes) in
            all.iter().zip([ours.bytes, theirs.bytes]).skip(usize::from(!std::mem::take(&mut own)))
        {
            let ratio = compared.ratios[0];
            states.row([
                compared.name.to_owned(),
                short(compared.own[0].median / 1e3),
                short(ratio.median),
                range(compared),
                short(bytes / 1e3),
            ]);
        }
        // Ours is to take at most 1.2 times as long.
        bars.at_least(
            format!("a joiner of the state alone: {}, × ours", other.name),
            0.83,
            all[1].ratios[0].median,
        );
    }
    for history in [&ours].into_iter().chain(&others) {
        memory.row([
            history.name.to_owned(),
            history.thousands.to_string(),
            short(history.author),
            short(history.joiner),
        ]);
    }
    let million = |megabytes: f64| megabytes * 1e6 / count as f64;
    bars.at_most("MB of 1,000,000 operations, at the author", CEILING, million(ours.author));
    bars.at_most("MB of 1,000,000 operations, at a joiner", CEILING, million(ours.joiner));
    let states = if own { String::new() } else { format!("\n{states}") };
    format!(
        "{joins}{states}\n{memory}\nIn commits of {COMMIT}; the time ends when each key was read once, because some decode when they are \
         read. yrs keeps no value that was overwritten, so its history is shorter. Memory by a counting allocator: the \
         other member is never heard of, so control-panel can forget nothing.\n"
    )
}

fn range(compared: &Compared) -> String {
    format!("{} to {}", short(compared.ratios[0].low), short(compared.ratios[0].high))
}

fn history<D: Document + 'static>(count: usize) -> History {
    eprint!("\r    writing {:<40}", D::NAME);
    let count = count / D::SLOW_IN_THE_LONG_RUN;
    drop(D::open(0, 2));
    let counting = Count::begin();
    let mut author = D::open(0, 2);
    let mut random = Random::new();
    author.commit(&fill());
    for _ in 0..count / COMMIT {
        author.commit(&writes(&mut random, COMMIT));
    }
    let of_author = counting.live() as f64 / 1e6;
    drop(counting);
    let digest = author.digest();
    let nothing = D::open(1, 2).version();
    let updates = author.since(&nothing);
    let counting = Count::begin();
    let mut joiner = D::open(1, 2);
    joiner.import(&updates);
    assert_eq!(joiner.digest(), digest, "{}", D::NAME);
    let of_joiner = counting.live() as f64 / 1e6;
    drop((counting, joiner));
    let form = |message: D::Message, join: fn(&D::Message) -> D, parts: f64| Form {
        bytes: D::size(&message) as f64,
        probe: Probe::new(D::NAME, move || {
            let began = thread_time();
            let document = join(&message);
            let read = document.digest();
            let took = thread_time() - began;
            assert_eq!(read, digest, "{}", D::NAME);
            vec![took / parts]
        }),
    };
    let load = |message: &D::Message| D::load(1, 2, message);
    History {
        name: D::NAME,
        thousands: count / 1_000,
        stored: author.stored().map(|stored| form(stored, load, count as f64)),
        state: author.state_alone().map(|state| form(state, load, 1.0)),
        updates: form(
            updates,
            |updates| {
                let mut joiner = D::open(1, 2);
                joiner.import(updates);
                joiner
            },
            count as f64,
        ),
        author: of_author,
        joiner: of_joiner,
    }
}
