//! What `settle` costs a frame that brought nothing from elsewhere: instructions, counted by callgrind.

use std::hint::black_box;

use control_panel_benches::{
    bars::Bars,
    document::Document,
    documents::{Footprints, OurReplica},
    machine::Quiet,
    random::Random,
    report::Options,
    table::Table,
};

use crate::{
    counted::{count, measured},
    world::{fill, writes},
};

const FRAMES: u64 = 1_000;
const LIMIT: f64 = 50.0;

pub fn run(_: &Options, _: &mut Quiet, bars: &mut Bars) -> String {
    let mut table = Table::new(&["`settle` in a frame", "instructions"]);
    for frame in ["without operations", "with one of its own"] {
        let count = |frame: &str| Some(count(frame)? as f64 / FRAMES as f64);
        match (count(frame), count(&format!("{frame}, less settle"))) {
            (Some(with), Some(without)) => {
                table.row([frame.to_owned(), format!("{:.1}", with - without)]);
                bars.at_most(format!("`settle` in a frame {frame}, instructions"), LIMIT, with - without);
            }
            _ => table.row([frame.to_owned(), "valgrind?".into()]),
        }
    }
    format!("{table}\nOf a replica that has 20,000 operations, most of them stable.\n")
}

/// Under valgrind.
pub fn measure(frame: &str) {
    let (mut here, mut there) = (OurReplica::<Footprints>::open(0, 2), OurReplica::<Footprints>::open(1, 2));
    let mut random = Random::new();
    here.import(&there.commit(&fill()));
    for _ in 0..100 {
        let message = here.commit(&writes(&mut random, 50));
        there.import(&message);
        let message = there.commit(&writes(&mut random, 50));
        here.import(&message);
    }
    let own: Vec<_> = (0..FRAMES).map(|_| writes(&mut random, 1)).collect();
    for writes in &own {
        match frame {
            "with one of its own" | "with one of its own, less settle" => drop(here.commit(writes)),
            _ => {}
        }
        let less = frame.ends_with("less settle");
        measured(&mut || {
            if !black_box(less) {
                here.idle();
            }
        });
    }
    black_box(here.digest());
}
