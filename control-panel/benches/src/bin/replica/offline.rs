//! A peer comes back with what it did offline, while the others went on: one import.

use control_panel_benches::{
    bars::Bars,
    document::Document,
    documents::{Automerge, Automerge06, Footprints, Loro, OurReplica, Yrs},
    machine::{Quiet, thread_time},
    random::Random,
    report::Options,
    rounds::{Probe, compare},
};

use crate::{
    live::{rate, table},
    world::{fill, writes},
};

const COMMIT: usize = 64;

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let count = options.pick(10_000, 1_000);
    let (mut ours, our_bytes) = probe::<OurReplica<Footprints>>(count);
    let (mut others, bytes): (Vec<_>, Vec<_>) =
        [probe::<Yrs>(count), probe::<Loro>(count), probe::<Automerge06>(count), probe::<Automerge>(count)]
            .into_iter()
            .unzip();
    let all = compare(&mut ours, &mut others, options.pick(9, 1), quiet);
    rate("back after 10,000 offline operations", &all, bars);
    let table = table("one import of 10,000: ns an assignment", &all, &[&[our_bytes], &bytes[..]].concat());
    format!(
        "{table}\nIn commits of {COMMIT}, while the peer that imports them made as many of its own. What exceeds a frame's budget, \
         control-panel gives out to be run elsewhere; here it runs on the thread that is timed.\n"
    )
}

fn probe<D: Document>(count: usize) -> (Probe, f64) {
    eprint!("\r    recording {:<40}", D::NAME);
    // Both know all keys; then each is alone.
    let mut there = D::open(1, 2);
    let known = there.commit(&fill());
    let version = there.version();
    let mut random = Random::new();
    let commits = |random: &mut Random| -> Vec<_> {
        (0..count.div_ceil(COMMIT)).map(|_| writes(random, COMMIT)).collect()
    };
    commits(&mut random).iter().for_each(|writes| drop(there.commit(writes)));
    let offline = there.since(&version);
    let own = commits(&mut random);
    let made = (own.len() * COMMIT) as f64;
    let bytes = D::size(&offline) as f64 / made;
    let mut digest = None;
    let probe = Probe::new(D::NAME, move || {
        let mut here = D::open(0, 2);
        here.import(&known);
        let version = here.version();
        own.iter().for_each(|writes| drop(here.commit(writes)));
        let began = thread_time();
        here.import(&offline);
        let took = thread_time() - began;
        let expected = *digest.get_or_insert_with(|| {
            let mut other = D::open(1, 2);
            other.import(&known);
            other.import(&offline);
            other.import(&here.since(&version));
            other.digest()
        });
        assert_eq!(here.digest(), expected, "{}", D::NAME);
        vec![took / made]
    });
    (probe, bytes)
}
