//! How long tasks wait for memory: Linux's pressure stall information (PSI).

use std::path::PathBuf;

use super::{
    file::{SMALL, read},
    hierarchy::{Found, Hierarchy, OwnCgroup},
    sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler},
};

/// The share of the last 10 s during which some task waited for memory: Linux's pressure stall information (`some avg10`). It
/// rises when memory is short, whatever the usage figures say, for instance when a program is read from disk again and again.
///
/// Of the process's own control group if that has its own figures (cgroup v2), otherwise of the whole machine. If the kernel
/// does not measure it, there is nothing to sample.
#[derive(Debug)]
pub struct MemoryStall {
    own: OwnCgroup,
}

impl MemoryStall {
    /// For this process's group, or the machine.
    #[must_use]
    pub fn new() -> Self {
        Self::at("/")
    }

    /// For `proc` and `sys` mounted under a folder other than `/`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { own: OwnCgroup::at(root, Hierarchy::Unified) }
    }
}

impl Default for MemoryStall {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler for MemoryStall {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::Stall
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        let machine = self.own.root().join("proc/pressure/memory");
        // If the groups cannot be located, their own gauge reports it.
        let group = self.own.find().ok().flatten().map(|Found { own, .. }| own.join("memory.pressure"));
        for file in group.into_iter().chain([machine]) {
            if let Some(text) = read(&file, SMALL)? {
                let missing = "`some avg10`, 0 to 100";
                return stalled(&text).map(Some).ok_or(MemoryReadError::Malformed { file, missing });
            }
        }
        Ok(None)
    }
}

/// The kernel writes `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`: percent, two decimals.
fn stalled(text: &str) -> Option<MemorySample> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let percent = some.split_ascii_whitespace().find_map(|field| field.strip_prefix("avg10="))?;
    let (whole, hundredths) = percent.split_once('.')?;
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let used = digits(whole)?
        .checked_mul(100)?
        .checked_add(digits(hundredths).filter(|_| hundredths.len() == 2)?)?;
    (used <= 10_000).then_some(MemorySample { used, total: 10_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_understood_and_nothing_else() {
        let used = |text: &str| stalled(text).map(|sample| sample.used);
        let full = "full avg10=99.00 avg60=0.00 avg300=0.00 total=0";
        assert_eq!(used(&format!("some avg10=12.34 avg60=50.00 avg300=0.00 total=7\n{full}\n")), Some(1_234));
        assert_eq!(used("some avg10=0.07 total=0"), Some(7));
        assert_eq!(used("some avg10=100.00 total=0"), Some(10_000));
        for garbage in [
            "",
            full,
            "some",
            "some avg10=",
            "some avg10=nan",
            "some avg10=100.01",
            "some avg10=-1.00",
            "some avg10=1.5",
            "some avg10=1",
            "some avg10=1.+5",
            "some avg60=1.00",
            "some avg10=99999999999999999999.00",
            "some avg10=184467440737095517.00",
        ] {
            assert_eq!(used(garbage), None, "{garbage:?}");
        }
    }
}
