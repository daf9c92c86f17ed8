//! A program whose runs are journals, and the command line to look into them.
//!
//! `graph_journal record FILE` runs a small editor of a link graph, with workers that edit it and a peer that remarks on it, and records each frame. Every other
//! command line is `control_panel::journal::cli`'s: what it does to such files, and to those that users send, is one function call.
//!
//!     cargo run -p examples --features journal --example graph_journal -- record /tmp/a.journal --seed 1
//!     cargo run -p examples --features journal --example graph_journal -- replay /tmp/a.journal --print pages
//!     cargo run -p examples --features journal --example graph_journal -- replay /tmp/a.journal --print remarks.state
//!     cargo run -p examples --features journal --example graph_journal -- shrink /tmp/a.journal
//!
//! What to look for: the editor has a mistake on purpose, which takes some hundred edits to show; `replay` finds the frame, and `shrink`
//! the few edits that matter.

mod app;
mod record;
mod remarks;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use app::Site;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|command| command == "record") {
        record::main()
    } else {
        control_panel::journal::cli::<Site>()
    }
}
