//! Which versions ran: from the lockfile that this was built with.

const LOCK: &str = include_str!("../Cargo.lock");

/// What is compared; the rest of the lockfile is what these depend on.
const SHOWN: [&str; 13] = [
    "control-panel",
    "tokio",
    "flume",
    "kanal",
    "crossbeam-channel",
    "crossfire",
    "async-channel",
    "rtrb",
    "ractor",
    "kameo",
    "actix",
    "bevy_ecs",
    "egui_inbox",
];

/// One line: every compared crate with its version, and the compiler.
pub fn line() -> String {
    let crates: Vec<String> =
        SHOWN.iter().map(|name| format!("{name} {}", version(name).unwrap_or("?"))).collect();
    format!("{}; {}", crates.join(", "), env!("BENCHES_RUSTC"))
}

fn version(name: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    lines.find(|line| *line == format!("name = \"{name}\""))?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}
