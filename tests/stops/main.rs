//! Promise 6: a shutdown ends by its deadline whatever the workers do, names exactly those that did not stop, returns
//! intents instead of waiting, and can be dropped, resumed and repeated.
//!
//! Where an offender blocks a thread, it does so until the report is there: a shutdown that waited for it would hang.

mod by_a_worker;
mod by_question_mark;
mod calls;
mod deadline;
mod draining;
mod listed;
mod queue;

use std::time::Duration;

use control_panel::{ControlPanel, Exit, ShutdownReport};
use tests::Mark;
use tokio::runtime::Runtime;

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

fn exits(report: &ShutdownReport) -> Vec<(&str, &Exit)> {
    report.workers().iter().map(|worker| (worker.name.as_str(), &worker.exit)).collect()
}

fn on(runtime: &Runtime, timeout: Duration) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(timeout).build()
}
