//! What a failed test says.

use std::{collections::VecDeque, fmt::Debug};

use crate::{
    intent::{Intent, order::QueuedIntent},
    panel::ControlPanel,
    testing::{Difference, difference},
};

/// How much of an intent is shown.
const LONGEST: usize = 160;

/// How many of a list are shown.
const MOST: usize = 16;

/// An intent on one line.
pub(super) fn short(intent: &impl Debug) -> String {
    let text = format!("{intent:?}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

pub(super) fn intents<I: Intent + Debug>(unread: &VecDeque<QueuedIntent<I>>) -> String {
    let count = unread.len();
    let noun = if count == 1 { "intent" } else { "intents" };
    let shown = unread.iter().take(MOST);
    let shown: Vec<_> =
        shown.map(|queued| format!("`{}` of {:?}", short(&queued.intent), queued.source)).collect();
    let more = if count > MOST { format!(", and {} more", count - MOST) } else { String::new() };
    format!("{count} {noun} that came: {}{more}", shown.join(", "))
}

/// How the state came to be another than the test expects.
pub(super) fn change<V: PartialEq + Debug>(what: &str, before: &V, expected: &V, after: &V) -> String {
    let Some(Difference { path, left, right, .. }) = difference(expected, after) else {
        return format!(
            "after {what} the state is not the expected one, and its `Debug` output does not show where"
        );
    };
    let path = if path.is_empty() { "the state".to_owned() } else { format!("`{path}`") };
    let why = if before == expected {
        "and the test does not say so"
    } else if before == after {
        "and nothing changed"
    } else {
        "which is not what the test says"
    };
    let event = if before == after { "should have changed" } else { "changed" };
    format!("{what} {event} {path}, {why}: expected {left}, is {right}")
}

/// Which living workers the test does not name, and which of those named do not live.
pub(super) fn running<I: Intent, P: Send + Sync + 'static>(
    panel: &ControlPanel<I, P>,
    named: &[&str],
) -> Vec<String> {
    let mut named = named.to_vec();
    let mut messages = Vec::new();
    let mut alive: Vec<_> = panel.workers();
    alive.retain(|worker| match named.iter().position(|name| *name == worker.name()) {
        Some(found) => {
            named.swap_remove(found);
            false
        }
        None => true,
    });
    if !alive.is_empty() {
        let list: Vec<_> = alive
            .iter()
            .take(MOST)
            .map(|worker| format!("`{}` ({})", worker.name(), worker.status()))
            .collect();
        let more =
            if alive.len() > MOST { format!(", and {} more", alive.len() - MOST) } else { String::new() };
        messages.push(format!("workers that go on: {}{more}", list.join(", ")));
    }
    if !named.is_empty() {
        named.sort_unstable();
        messages.push(format!("workers that have ended though it says they run: `{}`", named.join("`, `")));
    }
    messages
}

/// What the workers do, and what befell those that failed.
pub(super) fn workers<I: Intent, P: Send + Sync + 'static>(panel: &ControlPanel<I, P>) -> String {
    let workers = panel.workers();
    let alive = workers.iter().map(|worker| format!("`{}` ({})", worker.name(), worker.status()));
    let failed = panel.status().incidents;
    let failed = failed.iter().map(|report| format!("`{}` failed ({})", report.name, report.exit));
    let list: Vec<_> = alive.chain(failed).take(MOST).collect();
    if list.is_empty() { "No worker lives.".to_owned() } else { format!("Workers: {}.", list.join(", ")) }
}
