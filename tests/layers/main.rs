//! The plan of the library: each room uses what stands below it, never above.

mod fixtures;
mod house;
mod one_of_each;
mod paths;

use std::path::Path;

use house::House;

/// From the ground up. A room may use those of the lines before its own.
const FLOORS: &[&[&str]] = &[
    &["util"],
    &["intent"],
    &["exhibit", "lifecycle"],
    &["telemetry"],
    &["queue", "supervisor"],
    &["bus"],
    &["frame", "worker"],
    &["panel"],
    &["context", "events", "requests", "supervision"],
    &["console"],
    &["replica", "signals", "unwind", "expansion"],
    &["anti_entropy", "link"],
    &["journal"],
    &["workers"],
    &["dashboard"],
    &["testing"],
    &["guide"],
];

/// What a user of the library could write as well.
const ROOF: &[&str] = &["anti_entropy", "workers"];

/// The files that look up, or use what is not exported, today. This list only shrinks: an entry that is needed no more is a fault.
const EXCEPTIONS: &[(&str, &str)] = &[];

#[test]
fn each_room_uses_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../control-panel/src");
    let faults = House { floors: FLOORS, roof: ROOF, exceptions: EXCEPTIONS }.faults(&src);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
