//! The command line.

use clap::Parser;

/// Runs three replicas of one shopping list over a network that loses packets, and shows how they converge: a line for each frame, and
/// the lists at the end.
///
/// Per replica, `+` where it typed an edit; then how many operations of others became part of its list, how many it
/// had applied before and applied again after them, and how many items are open. Everything depends on the seed alone.
///
/// Exit codes: 0 the lists are equal; 1 they are not after a thousand frames more; 2 the command line makes no sense.
#[derive(Debug, Clone, Parser)]
#[command(name = "shared_list", version, allow_negative_numbers = true)]
pub(crate) struct Cli {
    /// Decides what is typed, and what is lost.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many of a hundred packets are lost. With 100 the replicas cannot agree.
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) loss: u8,

    /// How many frames are edited in; then the replicas go on until they agree.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) frames: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
