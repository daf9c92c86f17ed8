//! What there is to know at one look.

use control_panel::console::{FrameState, PanelState, View};

use crate::{
    Tone,
    words::{count, rate, time},
};

/// What there is to know at one look, in two lines: the panel and its workers, the queue and the frames. The most important is first.
pub fn head(view: &View) -> [Vec<(String, Tone)>; 2] {
    let View { queue, frames, .. } = view;
    let trouble = view.workers.iter().filter(|worker| worker.state.is_trouble()).count();
    let (state, tone) = match view.state {
        PanelState::Live => ("live", Tone::Good),
        PanelState::Stopping => ("stopping", Tone::Warn),
        PanelState::Silent => ("not heard of", Tone::Trouble),
        PanelState::Gone => ("gone", Tone::Trouble),
        _ => ("in another state", Tone::Warn),
    };
    let mut parts = vec![
        (view.panel.clone(), Tone::Title),
        (state.to_owned(), tone),
        (plural(view.worker_count as u64, "worker"), Tone::Text),
    ];
    if trouble > 0 {
        parts.push((format!("{trouble} in trouble"), Tone::Trouble));
    }
    if view.incidents > 0 {
        parts.push((plural(view.incidents, "incident"), Tone::Warn));
    }
    let age = view.age;
    if age.as_secs() >= 1 {
        parts.push((format!("as of {} ago", time(age)), Tone::Warn));
    }
    if view.events_missed > 0 {
        parts.push((format!("{} events missed", count(view.events_missed)), Tone::Dim));
    }
    let first = parts;

    let mut parts =
        vec![(format!("queue {}/{}", queue.depth, queue.capacity), full(queue.depth, queue.capacity))];
    parts.extend(queue.oldest.map(|oldest| (format!("oldest {}", time(oldest)), Tone::Text)));
    if queue.waiting > 0 {
        parts.push((format!("{} wait", count(queue.waiting as u64)), Tone::Warn));
    }
    if queue.rate >= 0.05 {
        parts.push((rate(queue.rate), Tone::Text));
    }
    let (state, tone) = match frames.state {
        FrameState::NoneYet => ("no frame yet", Tone::Dim),
        FrameState::Silent => ("frames asleep", Tone::Dim),
        FrameState::Stalled => ("frames STALLED", Tone::Trouble),
        FrameState::Gone => ("frames over", Tone::Dim),
        _ => ("frames", Tone::Text),
    };
    parts.push((format!("{state} {}", count(frames.count)), tone));
    if frames.rate >= 0.05 {
        parts.push((rate(frames.rate), Tone::Text));
    }
    if frames.measured > 0 {
        parts.push((format!("p99 {}", time(frames.total.p99)), Tone::Text));
        parts.push((format!("p50 {}", time(frames.total.p50)), Tone::Text));
    }
    if frames.left > 0 {
        parts.push((format!("{} left", count(u64::from(frames.left))), Tone::Warn));
    }
    [first, parts]
}

fn full(depth: usize, capacity: usize) -> Tone {
    match depth {
        depth if depth >= capacity => Tone::Trouble,
        depth if depth >= capacity / 2 => Tone::Warn,
        _ => Tone::Text,
    }
}

fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}
