//! A daemon that goes to the background: start a process, do not fork one.
//!
//! A fork copies the memory of a process and one of its threads: a panel in the child has a runtime without threads and locks
//! that no one will open. Fork before the first panel and the first runtime, or do as here: start the own program again with
//! an argument (`Command`, which forks and replaces the program in one step), and build the panel there.
//!
//! ```console
//! cargo run -p examples --example cookbook_detach
//! ```
//!
//! What to look for: the process in the background answers `ready` over a pipe, and is not a fork of the one that prints it.

use std::{
    env, io,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

const IN_BACKGROUND: &str = "COOKBOOK_DETACH_IN_BACKGROUND";

#[derive(GraphIntent)]
enum Update {
    Ready,
}

#[worker(source = IntentSource::Restore)]
async fn serve(cx: Context<Update>) {
    cx.send(Update::Ready).await.ok();
}

fn main() -> ExitCode {
    if env::var_os(IN_BACKGROUND).is_some() {
        return serve_in_background();
    }
    let panel = ControlPanel::<Update>::new(); // the parent may have one of its own
    let output = start_again();
    panel.shutdown_blocking();
    match output {
        Ok(said) => {
            println!("the process in the background says: {said}");
            ExitCode::from(u8::from(said != "ready"))
        }
        Err(error) => {
            eprintln!("no process in the background: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A daemon would not be waited for: here it is, to see what it says.
fn start_again() -> io::Result<String> {
    let mut again = Command::new(env::current_exe()?);
    let output = again.args(env::args_os().skip(1)).env(IN_BACKGROUND, "1").stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().find(|line| *line == "ready").unwrap_or_default().to_owned())
}

fn serve_in_background() -> ExitCode {
    let mut panel = ControlPanel::<Update>::new();
    let serve = panel.spawn_serve();
    while !serve.status().is_final() || panel.queued() > 0 {
        // Woken for the worker's start and end too, so a frame may have nothing in it.
        panel.wait_ready_timeout(Duration::from_secs(10));
        panel.drain().for_each(|_| println!("ready"));
    }
    ExitCode::from(u8::from(!panel.shutdown_blocking().is_clean()))
}
