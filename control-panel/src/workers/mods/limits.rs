//! What a mod may use. Pure.

use std::time::Duration;

/// What one mod may use: in each call of it, and in all.
///
/// The host sets these for every mod ([`ModLoader::limits`](super::ModLoader::limits)); a manifest may ask for
/// less, never for more.
///
/// ```
/// use std::time::Duration;
/// use control_panel::workers::mods::ModLimits;
///
/// let mut limits = ModLimits::default();
/// limits.time = Duration::from_millis(10);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModLimits {
    /// Fuel of one call: about one unit an instruction, more for those that copy or fill. Default: 50 million.
    pub fuel: u64,
    /// The time one call may take. Default: 50 ms. It is looked at about every half millisecond and whenever the mod calls
    /// the host; a single instruction that fills or copies memory is not interrupted (about a millisecond for 10 MiB).
    ///
    /// Time in which the machine slept, was paused or ran others is not the mod's: its code counts by what its thread has
    /// run, where the system tells that (Linux, Android, Apple's, FreeBSD), and everywhere half a millisecond of it for no
    /// more than 10 ms; one call of a function of the host counts for a quarter of the limit at most.
    pub time: Duration,
    /// Bytes of linear memory. Default: 16 MiB.
    pub memory: usize,
    /// Bytes that the engine may need to compile the module and to keep it, reckoned from its code before it is compiled.
    /// Default: 64 MiB, which is enough for whatever compilers make of 1 MiB.
    pub code: usize,
    /// Elements of each table; a module has at most four. Default: 10,000.
    pub table: usize,
    /// Bytes of the stack of WebAssembly values. Default: 512 KiB.
    pub stack: usize,
    /// Calls within calls. Default: 1,000.
    pub depth: usize,
    /// Calls of the host in one call of the mod. Default: 10,000.
    pub host_calls: u32,
    /// Intents emitted in one call of the mod. Default: 64.
    pub intents: usize,
}

impl Default for ModLimits {
    fn default() -> Self {
        Self {
            fuel: 50_000_000,
            time: Duration::from_millis(50),
            memory: 16 << 20,
            code: 64 << 20,
            table: 10_000,
            stack: 512 << 10,
            depth: 1_000,
            host_calls: 10_000,
            intents: 64,
        }
    }
}

/// How much fuel to hand out at a time, so that the clock is looked at often enough and not too often.
///
/// What an instruction takes depends on the machine and on how the interpreter was compiled (170 times longer
/// without optimisation), so the slice follows what the last one took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    slice: u64,
}

impl Pace {
    /// The first slice: short even where the interpreter is slow.
    const FIRST: u64 = 5_000;
    const LEAST: u64 = 1_000;
    const MOST: u64 = 200_000;
    /// A slice should take about this long.
    const AIM: Duration = Duration::from_micros(500);

    pub(super) fn new() -> Self {
        Self { slice: Self::FIRST }
    }

    pub(super) fn slice(self) -> u64 {
        self.slice
    }

    /// Takes in how long the last slice took.
    pub(super) fn took(&mut self, time: Duration) {
        if time < Self::AIM / 2 {
            self.slice = (self.slice * 2).min(Self::MOST);
        } else if time > Self::AIM * 2 {
            self.slice = (self.slice / 2).max(Self::LEAST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_grows_on_a_fast_machine_and_shrinks_on_a_slow_one() {
        let mut pace = Pace::new();
        for _ in 0..20 {
            pace.took(Duration::from_micros(10));
        }
        assert_eq!(pace.slice(), Pace::MOST);
        pace.took(Duration::from_micros(500));
        assert_eq!(pace.slice(), Pace::MOST, "what takes about as long as it should stays");
        for _ in 0..20 {
            pace.took(Duration::from_millis(50));
        }
        assert_eq!(pace.slice(), Pace::LEAST);
    }
}
