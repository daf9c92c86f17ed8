//! A panic hook that gives the screen back, and a worker's panic, after which the program goes on.
//!
//! A terminal program leaves the alternate screen in its panic hook (`ratatui::init` sets such a hook). Hooks are called for every
//! panic of the process, those of workers included, which the panel catches: the screen would be lost in the middle of the
//! program. `skip_supervised_panics` wraps the hooks that are set so far, and leaves them out of what a panel catches; the
//! worker's status, the events and the report have the panic all the same. A hook that is to do something for both asks
//! `is_supervised_panic()` instead.
//!
//! ```console
//! cargo run -p examples --example cookbook_panic_hook
//! ```
//!
//! What to look for: the worker's panic is shown in the status line and the screen is not given back; the program's own panic
//! gives it back.

use std::{
    panic,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, supervision::skip_supervised_panics, worker,
};

#[derive(GraphIntent)]
enum Update {
    Lines(u32),
}

/// How often the screen was given back.
static GIVEN_BACK: AtomicU32 = AtomicU32::new(0);

/// As `ratatui::init` and its like do.
fn init_screen() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        GIVEN_BACK.fetch_add(1, Ordering::SeqCst); // and leaves raw mode and the alternate screen
        before(info);
    }));
}

#[worker(source = IntentSource::Restore)]
async fn parse(cx: Context<Update>) {
    cx.send(Update::Lines(6)).await.ok();
    panic!("line 7 is not what it should be");
}

fn main() {
    init_screen();
    // After whatever sets a hook that is not to see them. The panel may be made before this or after it.
    panic::set_hook(skip_supervised_panics(panic::take_hook()));

    let mut panel = ControlPanel::<Update>::new();
    let ended = panel.spawn_parse().ended_blocking();
    assert_eq!(GIVEN_BACK.load(Ordering::SeqCst), 0, "the program goes on, on its screen");
    let Some(Exit::Panicked(report)) = ended.exit() else { unreachable!("it panics: {ended}") };
    let shown = report.to_string();

    // Of the program's own panics the hook is called: here for one in a thread of its own.
    thread::spawn(|| panic!("a fault of the program's own")).join().unwrap_err();
    assert_eq!(GIVEN_BACK.load(Ordering::SeqCst), 1);

    let Update::Lines(lines) = panel.drain().next().expect("they were sent before the panic").intent;
    println!("{lines} lines; in the status line: {shown}");
    assert!(!panel.shutdown_blocking().is_clean());
}

#[test]
fn a_workers_panic_leaves_the_screen_alone() {
    main();
}
