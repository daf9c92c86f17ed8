//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::address::Address;

const KEYS: &str = "\
Keys:
  ↑ ↓ PgUp PgDn Home End   move (also k j g G)
  ← → Tab 1 2 3 …          another page
  s, S                     sort by the next column, the other way round
  Enter                    what a worker's last panic or error says, in full
  Esc                      close it; q or Ctrl-C ends

With the token, `:` begins a command (Enter does it, Esc does not):
  :stop :restart :suspend :resume     the selected worker; or name one: `:stop feeds`, `:stop #12`
  :pause :step :unpause               the frames: hold them, run one, go on; where the program allows it
  :policy                             what the policy has; `:policy active=2` changes it, where the program has a form
  :help                               these, in a line
The program prints the token as it starts. Give it by the environment, or by a file that only you can read:
  CONTROL_PANEL_TOKEN=… control-panel top 7000
  control-panel top 7000 --token-file ~/.shop.token

Where the program is not on this machine, bring its dashboard here first:
  ssh -L 7000:127.0.0.1:7000 HOST        and then: control-panel top 7000

Exit codes:
  0    ended by q, or shown with --once
  1    the terminal cannot be used
  2    the command line makes no sense
  3    nothing answers there, or it stopped before there was anything to show
  4    what answers there is not a dashboard of this version, or refuses: the token, say
  130, 143   ended by Ctrl-C or SIGTERM; the terminal is given back first";

/// Looks at running programs.
#[derive(Debug, Parser)]
#[command(name = "control-panel", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows a running program's workers, queue, frames and peers, as its dashboard has them.
    ///
    /// The program serves its dashboard and prints its address (feature `dashboard` of control-panel). This program reads it, and costs the program's frame thread
    /// nothing. With the dashboard's token it stops, restarts and suspends workers, pauses and steps the frames, and changes the policy. If the connection is lost it says so, shows what was last known as old, and
    /// tries again until you end it.
    #[command(after_long_help = KEYS, after_help = "--help has the keys and the exit codes.")]
    Top(Top),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Top {
    /// The dashboard's address as the program prints it: `127.0.0.1:7000`, `http://localhost:7000/`, or `7000` alone for a port of this machine.
    pub(crate) address: Address,

    /// Prints what there is now, once, as text, and ends. So it does by itself where the output is not a terminal.
    #[arg(long)]
    pub(crate) once: bool,

    /// With --once: the width of the text.
    #[arg(long, value_name = "COLUMNS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(20..=400))]
    pub(crate) width: u16,

    /// The file that has the dashboard's token, for commands. Without it: the environment variable `CONTROL_PANEL_TOKEN`; without either it only reads.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<std::path::PathBuf>,

    /// How long the program may take to answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "5000", value_parser = patience)]
    pub(crate) patience: Duration,
}

fn patience(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(millis @ 50..=60_000) => Ok(Duration::from_millis(millis)),
        _ => Err("give 50 to 60000 milliseconds".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_its_help_teaches() {
        Cli::command().debug_assert();
        let help = Cli::command()
            .find_subcommand_mut("top")
            .map(|top| top.render_long_help().to_string())
            .expect("a subcommand");
        for taught in [
            "127.0.0.1:7000",
            "ssh -L",
            "Exit codes",
            "Enter",
            "--once",
            ":restart",
            ":step",
            ":policy active=2",
            "CONTROL_PANEL_TOKEN",
            "--token-file",
        ] {
            assert!(help.contains(taught), "{taught}: {help}");
        }
    }

    #[test]
    fn an_address_that_makes_no_sense_is_no_server_that_is_down() {
        for wrong in [
            &["control-panel", "top", "nowhere"][..],
            &["control-panel", "top"],
            &["control-panel", "top", "7000", "--patience", "0"],
        ] {
            let error = Cli::try_parse_from(wrong).expect_err("refused");
            assert_eq!(error.exit_code(), 2, "{error}");
        }
    }
}
