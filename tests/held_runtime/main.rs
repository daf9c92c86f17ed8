//! Workers on threads whatever the runtime does: they start, run, fail, are restarted, end and are reported, and the state
//! shown is the true one, also where every thread of the runtime is held, and where nothing drives it.

mod lives;
mod pool;
mod time;

use std::{sync::mpsc, time::Duration};

use control_panel::{ControlPanel, Worker};
use tests::{Mark, threads, watched};
use tokio::runtime::{Builder, Runtime};

type Panel = ControlPanel<Mark>;

const MS: Duration = Duration::from_millis(1);

fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(Duration::from_secs(1)).build()
}

/// Holds the runtime's one thread until what it returns is dropped.
fn hold(panel: &Panel) -> mpsc::Sender<()> {
    let ((tell, held), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
    panel.spawn(Worker::new("holds", 0, move |_| {
        tell.send(()).unwrap();
        wait.recv().ok();
        async {}
    }));
    held.recv().unwrap();
    go
}

/// Runs the test with a panel whose runtime has no thread left, and with one that nothing drives.
fn each_held(test: fn(&mut Panel)) {
    watched(move || {
        let runtime = threads(1);
        let mut panel = on(&runtime);
        let go = hold(&panel);
        test(&mut panel);
        drop((panel, go));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        test(&mut on(&runtime));
    });
}
