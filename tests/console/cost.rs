//! What an observer costs the frame thread, in instructions that callgrind counts inside `run_frame` alone:
//!
//!     valgrind --tool=callgrind --toggle-collect='*run_frame*' target/debug/deps/console-… --ignored --exact cost::a_thousand_workers
//!
//! and the same of `cost::no_worker` and `cost::unobserved`. Each is a hundred frames; the snapshots between them are another thread's.

use control_panel::{Context, Worker, console::Console};

use super::{Panel, Source, Update, frame};

fn frames(workers: usize, observed: bool) {
    let mut panel = Panel::new();
    for _ in 0..workers {
        panel.spawn(Worker::new("stays", Source::Disk, |cx: Context<Update>| async move {
            cx.cancelled().await;
        }));
    }
    let views = observed.then(|| panel.observer());
    for _ in 0..100 {
        if let Some(view) = &views {
            let view = view.clone();
            let looked = std::thread::spawn(move || Console::default().refresh(&view).workers.len());
            assert!(looked.join().unwrap() <= workers);
        }
        frame(&mut panel);
    }
}

#[test]
#[ignore = "for callgrind"]
fn a_thousand_workers() {
    frames(1000, true);
}

#[test]
#[ignore = "for callgrind"]
fn no_worker() {
    frames(0, true);
}

#[test]
#[ignore = "for callgrind"]
fn unobserved() {
    frames(0, false);
}
