//! A daemon's exit code: what was recovered from is forgotten, what was not is a failure.
//!
//! `ShutdownReport::is_clean` is false after any incident, which is what a test wants. A daemon that ran for a month, and whose
//! connection failed twice and was made anew, has done its work: `verdict()` says `Recovered`, and is a success as an exit code.
//! It is `Failed` where a worker ended for good by an error or a panic, or did not stop.
//!
//! ```console
//! cargo run -p examples --example cookbook_exit_verdict; echo $?
//! cargo run -p examples --example cookbook_exit_verdict -- down; echo $?
//! ```
//!
//! What to look for: the first ends with 0 although a run failed, the second with 1.

use std::{env, fs, io, process::ExitCode, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, supervision::Verdict, worker};

#[derive(GraphIntent)]
enum Update {
    Connected,
}

/// What there is to read, as an example.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
const MISSING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/missing.toml");

/// Has no connection the first time, as a server that is just being restarted.
#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn connection(cx: Context<Update>) -> io::Result<()> {
    if cx.generation() == 1 {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    cx.send(Update::Connected).await.ok();
    cx.cancelled().await;
    Ok(())
}

/// Is not restarted: without what it reads there is nothing to do.
#[worker(source = IntentSource::Restore, kind = blocking)]
fn config(_cx: Context<Update>, path: &'static str) -> io::Result<()> {
    fs::read_to_string(path)?;
    Ok(())
}

fn run(config: &'static str) -> Verdict {
    let mut panel = ControlPanel::<Update>::new();
    let config = panel.spawn_config(config);
    panel.spawn_connection();
    let mut connected = false;
    while !connected || !config.status().is_final() {
        panel.wait_ready_timeout(Duration::from_millis(100));
        connected |= panel.drain().count() > 0;
    }
    let report = panel.shutdown_blocking();
    println!("{report}");
    assert!(!report.is_clean(), "the first connection failed");
    report.verdict()
}

fn main() -> ExitCode {
    run(if env::args().len() > 1 { MISSING } else { CONFIG }).into()
}

#[test]
fn what_was_recovered_from_is_a_success() {
    assert_eq!(run(CONFIG), Verdict::Recovered);
    assert!(Verdict::Recovered.is_success());
}

#[test]
fn what_was_not_is_a_failure() {
    assert_eq!(run(MISSING), Verdict::Failed);
    assert!(!Verdict::Failed.is_success());
}
