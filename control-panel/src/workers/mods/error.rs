//! Why a mod is not running, in plain words.

use std::{error::Error, fmt, time::Duration};

/// Why a mod could not be loaded, or was stopped. Its text is the reason in plain words, with a remedy if one is known.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModError {
    /// A file or folder cannot be read.
    Unreadable {
        /// Which.
        what: String,
        /// The system's message.
        why: String,
    },
    /// A file is larger than the host accepts; it was not read.
    TooLarge {
        /// Which.
        what: String,
        /// Its size in bytes.
        bytes: u64,
        /// The most that the host accepts.
        most: u64,
    },
    /// A symbolic link, or a path that goes through one: it could lead out of the mods folder.
    Outside {
        /// Which.
        what: String,
    },
    /// A folder, pipe, socket or device where a file must be, or vice versa.
    NotAFile {
        /// Which.
        what: String,
    },
    /// A file changed each time it was read.
    Changing {
        /// Which.
        what: String,
    },
    /// The manifest is wrong.
    Manifest {
        /// The line, counted from 1, if it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
    /// There are more mods than the host accepts.
    TooMany {
        /// How many it accepts.
        most: usize,
    },
    /// The mods folder has more entries than the loader examines, mods or not.
    TooManyNames {
        /// How many it examines.
        most: usize,
    },
    /// The mods folder has more entries than are reported that may be intended as mods but are not: folders without a manifest,
    /// links, names that are not UTF-8.
    TooManyOthers {
        /// How many are reported.
        most: usize,
    },
    /// Another mod has the same id.
    DuplicateId {
        /// The id.
        id: String,
        /// The other's file or folder.
        with: String,
    },
    /// Another mod provides the same, as a name or as its id. If neither runs, an id takes precedence over a name.
    Conflict {
        /// What both provide.
        name: String,
        /// The other's id.
        with: String,
    },
    /// No mod provides what it requires.
    Missing {
        /// What it requires.
        name: String,
    },
    /// The mod that provides what it requires is not running.
    NotRunning {
        /// What it requires.
        name: String,
    },
    /// It requires itself, directly or through others.
    Cycle {
        /// The ids around the cycle; the first one is repeated at the end.
        through: Vec<String>,
    },
    /// It asks for a capability that the host does not grant it.
    Denied {
        /// The capability.
        capability: String,
    },
    /// The module is not valid WebAssembly, or uses something that the host does not accept.
    Module {
        /// What is wrong.
        problem: String,
    },
    /// The module has a shape that no compiler produces, and that the engine may not be able to handle.
    TooComplex {
        /// What exceeds a limit.
        what: String,
        /// The most that this host accepts.
        most: u64,
    },
    /// Compiling the module may take more memory than the host allows a mod ([`ModLimits::code`](super::ModLimits::code)); it
    /// was not compiled.
    TooHeavy {
        /// The bytes that it may take.
        bytes: u64,
        /// The bytes that a mod may take.
        most: u64,
    },
    /// Not enough is left of the memory that all mods may hold together
    /// ([`ModLoader::max_memory`](super::ModLoader::max_memory)). It is tried again when another mod returns some.
    NoMemory {
        /// The bytes that it may take.
        bytes: u64,
        /// The bytes that the other mods hold.
        held: u64,
        /// The bytes that all may hold together.
        most: u64,
    },
    /// `mod_activate` returned a number other than 0.
    Declined {
        /// Which.
        number: i32,
    },
    /// A call of the mod failed.
    Fault {
        /// The called function; `start` for the module's start function.
        call: &'static str,
        /// How it failed.
        fault: Fault,
    },
}

/// How a call of a mod failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It did something that WebAssembly forbids: the trap, in words.
    Trap(String),
    /// It used up its fuel.
    Fuel(u64),
    /// It exceeded its time.
    Time(Duration),
    /// It exceeded its number of host calls.
    HostCalls(u32),
    /// It was stopped because the host is stopping.
    Stopped,
    /// A function of the host panicked: its message, and the place.
    Panicked(String),
    /// The engine panicked, which is a bug of the engine, whatever the mod does: its message.
    Engine(String),
}

impl fmt::Display for ModError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { what, why } => write!(f, "cannot read {what}: {why}"),
            Self::TooLarge { what, bytes, most } => {
                write!(f, "{what} has {bytes} bytes, and this host takes at most {most}: it was not read")
            }
            Self::Outside { what } => write!(
                f,
                "{what} is a symbolic link, and none is followed: put the file or folder itself there"
            ),
            Self::NotAFile { what } => write!(f, "{what} is not a regular file"),
            Self::Changing { what } => {
                write!(f, "{what} was changed while it was read: it is read again later")
            }
            Self::Manifest { line: Some(line), problem } => {
                write!(f, "the manifest is wrong in line {line}: {problem}")
            }
            Self::Manifest { line: None, problem } => write!(f, "the manifest is wrong: {problem}"),
            Self::TooMany { most } => write!(f, "this host takes at most {most} mods: remove some"),
            Self::TooManyNames { most } => write!(
                f,
                "it holds more than {most} names, and no more are looked at: a new mod may not be found among the rest. \
                 Remove what is no mod"
            ),
            Self::TooManyOthers { most } => write!(
                f,
                "it holds more than {most} folders without a mod.toml, links and names that are not UTF-8, and no more are \
                 reported: remove what is no mod"
            ),
            Self::DuplicateId { id, with } => {
                write!(f, "the id `{id}` is also that of {with}: ids must differ")
            }
            Self::Conflict { name, with } if name == with => {
                write!(f, "it provides `{name}`, which is the id of another mod: provide another name")
            }
            Self::Conflict { name, with } => {
                write!(f, "`{name}` is also provided by the mod `{with}`: only one of them can be loaded")
            }
            Self::Missing { name } => write!(f, "it requires `{name}`, which no mod provides"),
            Self::NotRunning { name } => write!(f, "it requires `{name}`, whose mod is not running"),
            Self::Cycle { through } if through.len() <= 2 => f.write_str("it requires itself"),
            Self::Cycle { through } => {
                write!(f, "mods require each other in a circle: {}", through.join(" requires "))
            }
            Self::Denied { capability } => {
                write!(f, "it asks for the capability `{capability}`, which this host does not grant it")
            }
            Self::Module { problem } => f.write_str(problem),
            Self::TooComplex { what, most } => {
                write!(f, "{what}: this host takes at most {most}, and no compiler makes more")
            }
            Self::TooHeavy { bytes, most } => write!(
                f,
                "to compile it may take {} of memory, and this host allows {} to a mod: it was not compiled",
                Mib(*bytes),
                Mib(*most)
            ),
            Self::NoMemory { bytes, held, most } => write!(
                f,
                "it may take {} of memory, and of the {} for all mods together {} are taken: remove some, or let the host \
                 allow more",
                Mib(*bytes),
                Mib(*most),
                Mib(*held)
            ),
            Self::Declined { number } => {
                write!(f, "its mod_activate returned {number}; 0 would have meant active")
            }
            Self::Fault { call, fault } => write!(f, "its {call} {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(what) => write!(f, "failed: {what}"),
            Self::Fuel(fuel) => write!(f, "was stopped: it used up its {fuel} units of fuel"),
            Self::Time(time) => write!(f, "was stopped: it ran for longer than {time:?}"),
            Self::HostCalls(calls) => {
                write!(f, "was stopped: it called the host more than {calls} times")
            }
            Self::Stopped => f.write_str("was stopped because the host stops"),
            Self::Panicked(what) => write!(f, "made the host panic: {what}"),
            Self::Engine(what) => write!(
                f,
                "made the engine panic, which is a fault of the engine (wasmi) and not of the mod: {what}"
            ),
        }
    }
}

/// Formats bytes as MiB, rounded up.
struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0.div_ceil(1 << 20))
    }
}

impl Error for ModError {}
impl Error for Fault {}
