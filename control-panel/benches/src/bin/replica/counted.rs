//! What callgrind counts: instructions, which do not depend on how busy the machine is.

use std::{env, hint::black_box, process::Command};

use control_panel_benches::{
    bars::Bars,
    documents::{Footprints, OurReplica, Yrs},
    machine::Quiet,
    report::Options,
    table::Table,
};

use crate::{
    author, live, text,
    typed::{Embedded, HandedOver, Raw},
};

/// How many assignments, or keystrokes.
const COUNT: usize = 3_000;

const ROWS: [(&str, [&str; 2]); 4] = [
    ("an assignment, of three peers who commit one each", ["peers", "peers of yrs"]),
    ("a keystroke that comes in by itself, of the made-up text", ["keystrokes", "keystrokes of yrs"]),
    ("of that, what the frame's thread pays", ["keystrokes decoded elsewhere", "keystrokes of yrs"]),
    ("a keystroke that is typed and sent by itself", ["keystrokes typed", "keystrokes typed in yrs"]),
];

pub fn run(_: &Options, _: &mut Quiet, _: &mut Bars) -> String {
    let mut table =
        Table::new(&["instructions", "control-panel", "yrs", "yrs, × ours", "what a replica adds"]);
    for (what, sides) in ROWS {
        match sides.map(|side| Some(count(side)? as f64 / COUNT as f64)) {
            [Some(ours), Some(theirs)] => table.row([
                what.to_owned(),
                format!("{ours:.0}"),
                format!("{theirs:.0}"),
                format!("{:.2}", theirs / ours),
                // A text has yrs inside.
                if sides[0].starts_with("keystrokes") {
                    format!("{:.0}", ours - theirs)
                } else {
                    String::new()
                },
            ]),
            _ => table.row([what.to_owned(), "valgrind?".into()]),
        }
    }
    format!(
        "{table}\nOf {COUNT} each. What the frame's thread pays: `merge` and `settle` of a delta that a worker decoded; of yrs all, to decode and to apply. With valgrind's processor BLAKE3 has no AVX-512, which this machine has.\n"
    )
}

/// What callgrind collected inside [`measured`], of this program's `measure` of that.
pub fn count(what: &str) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured"])
        .args(["--callgrind-out-file=/dev/null", "--"])
        .arg(env::current_exe().ok()?)
        .args(["measure", what])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    collected.trim().parse().ok()
}

/// Under valgrind. `false` if it is none of these.
pub fn measure(what: &str) -> bool {
    match what {
        "peers" => live::measure::<OurReplica<Footprints>>(COUNT),
        "peers of yrs" => live::measure::<Yrs>(COUNT),
        "keystrokes" => text::measure::<Embedded>(COUNT),
        "keystrokes decoded elsewhere" => text::measure::<HandedOver>(COUNT),
        "keystrokes of yrs" => text::measure::<Raw>(COUNT),
        "keystrokes typed" => author::measure::<Embedded>(COUNT),
        "keystrokes typed in yrs" => author::measure::<Raw>(COUNT),
        _ => return false,
    }
    true
}

/// Callgrind counts it, by its name.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "Rust" fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}
