//! What an observer sees of a real panel, and what it costs the panel. What texts become of is tested
//! beside its code.

mod bounded;
mod cost;
mod exhibits;
mod figures;
mod queue;
mod waking;
mod workers;

use std::time::Duration;

use control_panel::{
    ControlPanel, GraphIntent, QueuedIntent, Reducer,
    console::{Console, Limits, Observer, View, WorkerRow},
};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Ui,
    Disk,
    Net,
}

#[derive(Debug, GraphIntent)]
#[intent(source = Source)]
enum Update {
    Step,
    #[intent(lossy)]
    Hint,
}

type Panel = ControlPanel<Update>;

#[derive(Default)]
struct Count(u64);

impl Reducer for Count {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {
        self.0 += 1;
    }
}

const S: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A console and what it looks at.
struct Look {
    observer: Observer,
    console: Console,
    last: Instant,
}

impl Look {
    fn at(panel: &Panel) -> Self {
        Self { observer: panel.observer(), console: Console::default(), last: Instant::now() }
    }

    fn view(&mut self) -> View {
        self.last = Instant::now();
        self.console.refresh(&self.observer)
    }

    /// Without a new look.
    fn later(&self, later: Duration) -> View {
        self.console.view(Instant::now() + later)
    }
}

/// A console of other limits.
fn limited(change: impl FnOnce(&mut Limits)) -> Console {
    let mut limits = Limits::default();
    change(&mut limits);
    Console::new(limits)
}

fn row<'a>(view: &'a View, name: &str) -> &'a WorkerRow {
    view.workers
        .iter()
        .find(|worker| worker.name == name)
        .unwrap_or_else(|| panic!("no `{name}` in {view:#?}"))
}

fn frame(panel: &mut Panel) {
    panel.run_frame(&mut Count::default(), &mut (), []);
}
