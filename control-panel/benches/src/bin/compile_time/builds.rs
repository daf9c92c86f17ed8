//! Clean builds of proc-macro crates, each with what it depends on, in fresh target directories.
//!
//! CPU time, user and system, of cargo and all its children: what else runs on the machine matters less so.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{self, Command},
};

use control_panel_benches::table::{Table, short};

/// A package that depends on one thing, or on two.
struct Probe {
    name: &'static str,
    dependencies: &'static str,
}

/// The one that the others are held against.
const BAR: &str = "thiserror-impl";
const OURS: &str = "control-panel-macros";
const FLOOR: &str = "quote + syn";
/// Of `BAR`'s clean build.
const ALLOWED: f64 = 1.2;

const PROBES: [Probe; 9] = [
    Probe { name: "quote + proc-macro2", dependencies: "quote = '1'\nproc-macro2 = '1'" },
    Probe { name: FLOOR, dependencies: "quote = '1'\nsyn = '3'" },
    Probe {
        name: "quote + syn with `full`",
        dependencies: "quote = '1'\nsyn = { version = '3', features = ['full'] }",
    },
    Probe { name: OURS, dependencies: "control-panel-macros = { path = '{macros}' }" },
    Probe { name: BAR, dependencies: "thiserror-impl = '2'" },
    Probe { name: "tokio-macros", dependencies: "tokio-macros = '2'" },
    Probe { name: "serde_derive", dependencies: "serde_derive = '1'" },
    Probe { name: "salsa-macros", dependencies: "salsa-macros = '0.28'" },
    Probe { name: "bon-macros", dependencies: "bon-macros = '3'" },
];

/// Pins every version that the probes use.
const LOCK: &str = include_str!("probes.lock");

pub fn report(rounds: usize) -> io::Result<()> {
    let place = Place::new()?;
    for (nth, probe) in PROBES.iter().enumerate() {
        place.write(nth, probe)?;
        place.cargo(nth, &["fetch", "--quiet"])?;
    }
    let mut seconds = vec![Vec::new(); PROBES.len()];
    for round in 0..rounds {
        eprintln!("round {} of {rounds} …", round + 1);
        // There and back, so that none is always the first.
        let forth = 0..PROBES.len();
        let order: Vec<usize> = if round % 2 == 0 { forth.collect() } else { forth.rev().collect() };
        for nth in order {
            seconds[nth].push(place.build(nth)?);
        }
    }
    let of =
        |name: &str| PROBES.iter().position(|probe| probe.name == name).map_or(&[][..], |nth| &seconds[nth]);
    let mut table = Table::new(&["clean build", "CPU s", "× quote + syn", "× thiserror-impl"]);
    for (probe, own) in PROBES.iter().zip(&seconds) {
        let cells = [median(own.clone()), ratio(own, of(FLOOR)), ratio(own, of(BAR))];
        table.row([label(probe.name)].into_iter().chain(cells.map(short)));
    }
    let reached = ratio(of(OURS), of(BAR));
    let verdict = if reached <= ALLOWED { "met" } else { "missed" };
    println!(
        "{table}\nMedians of {rounds} rounds. The bar is {ALLOWED} × {BAR}: {verdict}, at {}.\n",
        short(reached)
    );
    Ok(())
}

/// The name with the version that was built.
fn label(name: &str) -> String {
    let mut lines = LOCK.lines();
    let found = lines.find(|line| *line == format!("name = \"{name}\"")).and_then(|_| lines.next());
    let version = found.and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

/// The median of the ratios round by round.
fn ratio(own: &[f64], other: &[f64]) -> f64 {
    median(own.iter().zip(other).map(|(own, other)| own / other).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A directory for the probes, gone when this is.
struct Place(PathBuf);

impl Place {
    fn new() -> io::Result<Self> {
        let place = env::temp_dir().join(format!("compile_time-{}", process::id()));
        fs::create_dir_all(&place)?;
        Ok(Self(place))
    }

    fn of(&self, nth: usize) -> PathBuf {
        self.0.join(nth.to_string())
    }

    fn write(&self, nth: usize, probe: &Probe) -> io::Result<()> {
        let macros = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../control-panel-macros");
        let dependencies = probe.dependencies.replace("{macros}", &macros.to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{dependencies}\n"
        );
        let place = self.of(nth);
        fs::create_dir_all(place.join("src"))?;
        fs::write(place.join("src/lib.rs"), "")?;
        fs::write(place.join("Cargo.toml"), manifest)?;
        fs::write(place.join("Cargo.lock"), LOCK)
    }

    /// The CPU seconds of a clean build.
    fn build(&self, nth: usize) -> io::Result<f64> {
        let target = self.of(nth).join("target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let before = children_seconds();
        self.cargo(nth, &["build", "--quiet", "--offline", "--jobs", "1"])?;
        Ok(children_seconds() - before)
    }

    fn cargo(&self, nth: usize, arguments: &[&str]) -> io::Result<()> {
        let place = self.of(nth);
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(arguments)
            .current_dir(&place)
            .env("CARGO_TARGET_DIR", place.join("target"))
            // A path dependency would be compiled incrementally, and one from a registry not.
            .env("CARGO_INCREMENTAL", "0")
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("cargo {} failed", arguments[0])))
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The CPU time of all children that were waited for.
fn children_seconds() -> f64 {
    /// Of Linux, on every architecture there is.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the name, which may hold spaces: the children's user and system time are the 14th and 15th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: f64 = fields.skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}
