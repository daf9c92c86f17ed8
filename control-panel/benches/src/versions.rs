//! Which versions ran: from the lockfile that this was built with.

const LOCK: &str = include_str!("../Cargo.lock");

/// One line: each of these crates with its version (all of them, where there are several), and the compiler.
pub fn line(crates: &[&str]) -> String {
    let crates: Vec<String> =
        crates.iter().map(|name| format!("{name} {}", versions(name).join(" and "))).collect();
    format!("{}; {}", crates.join(", "), env!("BENCHES_RUSTC"))
}

fn versions(name: &str) -> Vec<&'static str> {
    let head = format!("name = \"{name}\"");
    let after = LOCK.lines().zip(LOCK.lines().skip(1)).filter(|(line, _)| *line == head);
    after.filter_map(|(_, next)| next.strip_prefix("version = \"")?.strip_suffix('"')).collect()
}
