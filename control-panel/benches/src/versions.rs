//! Which versions ran: from the lockfile that this was built with.

const LOCK: &str = include_str!("../Cargo.lock");

/// One line: each of these crates with its version, and the compiler.
pub fn line(crates: &[&str]) -> String {
    let crates: Vec<String> =
        crates.iter().map(|name| format!("{name} {}", version(name).unwrap_or("?"))).collect();
    format!("{}; {}", crates.join(", "), env!("BENCHES_RUSTC"))
}

fn version(name: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    lines.find(|line| *line == format!("name = \"{name}\""))?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}
