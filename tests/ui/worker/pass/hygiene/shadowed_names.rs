//! The names that macros like to assume, all taken.
#![allow(dead_code, non_camel_case_types)]

use control_panel::{Context as Cx, ControlPanel as Panel, GraphIntent as Derive, worker as spawns};

struct Some;
struct None;
struct Ok;
struct Err;
struct Option;
struct Result;
struct String;
struct Box;
struct Clone;
struct Send;
struct Sized;
struct Copy;
struct Iterator;
struct Duration;
struct Worker;
struct Spawn;
struct Spawns;
struct Context;
struct ControlPanel;
struct WorkerHandle;
struct IntentSource;
struct Inbox;
struct NoInbox;
struct Intent;
struct Restart;
struct Run;
struct S;
mod core {}
mod std {}
mod control_panel_macros {}

#[derive(Derive)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote(u64),
}

#[spawns(source = control_panel::IntentSource::Restore)]
async fn ticks(cx: Cx<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[spawns(
    source = control_panel::IntentSource::Restore,
    restart = always,
    intensity = 3,
    period = "3s",
    backoff = "1ms",
    cancel = cooperative,
    grace = "1s",
    inbox = ::std::vec::Vec<Some>,
)]
async fn restarted(cx: Cx<Update>, times: u32) -> ::std::result::Result<(), ::std::string::String> {
    cx.send(Update::Remote(times.into())).await.ok();
    ::std::result::Result::Ok(())
}

fn main() {
    let panel = Panel::<Update>::new();
    panel.spawn_ticks();
    // It may have failed too often by now.
    let _ = panel.spawn_restarted(3).send(::std::vec![Some]);
}
