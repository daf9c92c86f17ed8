//! What a mod may use. Pure.

use std::time::Duration;

/// What one mod may use: in each call, and in total.
///
/// The host sets these for every mod ([`ModLoader::limits`](super::ModLoader::limits)); a manifest may ask for less, never for
/// more.
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
    /// The fuel of one call: about one unit per instruction, more for instructions that copy or fill memory. Default: 50
    /// million.
    pub fuel: u64,
    /// The time that one call may take. Default: 50 ms. Checked about every half millisecond and whenever the mod calls the
    /// host; a single instruction that fills or copies memory is not interrupted (about a millisecond for 10 MiB).
    ///
    /// Time during which the machine slept, was paused or ran other programs is not charged to the mod. Its code is charged by
    /// its thread's CPU time, if the system measures that (Linux, Android, Apple's, FreeBSD), and everywhere each
    /// half-millisecond slice counts for at most 10 ms; one call of a host function counts for at most a quarter of the limit.
    pub time: Duration,
    /// Bytes of linear memory. Default: 16 MiB.
    pub memory: usize,
    /// The bytes that the engine may need to compile and keep the module, estimated from its code before it is compiled.
    /// Default: 64 MiB, which suffices for whatever compilers generate within 1 MiB.
    pub code: usize,
    /// The elements of each table; a module has at most four. Default: 10,000.
    pub table: usize,
    /// The bytes of the stack of WebAssembly values. Default: 512 KiB.
    pub stack: usize,
    /// The depth of nested calls. Default: 1,000.
    pub depth: usize,
    /// Host calls in one call of the mod. Default: 10,000.
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

/// Chooses how much fuel to grant at a time, so that the clock is read often enough but not too often: a feedback controller.
///
/// The time per instruction depends on the machine and on how the interpreter was compiled (170 times longer without
/// optimisation), so each slice follows from the duration of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    slice: u64,
}

impl Pace {
    /// The first slice: short even if the interpreter is slow.
    const FIRST: u64 = 5_000;
    const LEAST: u64 = 1_000;
    const MOST: u64 = 200_000;
    /// The target duration of a slice.
    const AIM: Duration = Duration::from_micros(500);

    pub(super) fn new() -> Self {
        Self { slice: Self::FIRST }
    }

    pub(super) fn slice(self) -> u64 {
        self.slice
    }

    /// Records how long the last slice took.
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
