//! The command line.

use std::{ops::RangeInclusive, time::Duration};

use clap::Parser;

/// The longest run.
const SECONDS: RangeInclusive<u64> = 1..=86_400;

/// Soaks the supervision: 120 workers that panic, fail, hang, jam, flood, block and end at random, alone, in groups and one
/// after another, under spawns, stops and restarts from three threads, while the frames go on. Then a shutdown with four
/// workers that it cannot stop.
///
/// At the end it proves, or tells what is wrong: every accepted intent was handed out exactly once and in its
/// origin's order; nothing of an old generation came after its successor; no worker, future or thread is left over;
/// memory was flat over the second half; the shutdown's report names those four workers, and no other; the events tell
/// each worker's life in order, and each that held up its thread was found stuck.
///
/// The workers' choices depend on the seed alone; how they interleave, on the machine too.
///
/// Exit codes: 0 all of it holds; 1 something does not; 2 the command line makes no sense.
#[derive(Debug, Clone, Parser)]
#[command(name = "soak", version, allow_negative_numbers = true)]
pub(crate) struct Cli {
    /// How long it stirs; the shutdown comes after it. Below ten seconds memory is not judged: it
    /// still grows to what the workers need.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = seconds)]
    seconds: u64,

    /// Decides what the workers do. Default: at random, and printed.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Shows no line a second, only the verdict.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Cli {
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().map_err(|_| "give a whole number of seconds, such as 60".to_owned())?;
    if SECONDS.contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("give {} to {} seconds", SECONDS.start(), SECONDS.end()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("60"), Ok(60));
        for wrong in ["", "0", "-1", "1.5", "60s", "86401"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }
}
