//! What the events say of the turns.

use std::{collections::BTreeSet, time::Duration};

use control_panel::{
    WorkerHandle,
    events::{Event, EventKind, Notice},
    intent::Origin,
    supervision::Suspend,
};
use tests::{paused, threads, watched};
use tokio::time::sleep;

use super::{IDLE, MS, Panel, idle_panel, suspendable};

#[test]
fn each_turn_is_reported_once_and_in_order() {
    paused(async || {
        let panel = idle_panel();
        let mut events = panel.events();
        let worker = suspendable(&panel, Suspend::OnIdle);
        worker.suspend();
        worker.suspend();
        sleep(2 * IDLE).await; // idle too, which changes nothing
        assert!(panel.status().workers[0].suspended);
        worker.resume();
        assert!(!panel.status().workers[0].suspended);
        worker.resume();
        panel.touch();
        sleep(2 * IDLE).await;
        let late = suspendable(&panel, Suspend::OnIdle);
        panel.touch();
        sleep(MS).await;
        let mut turns = Vec::new();
        while let Some(Notice::Event(event)) = events.try_next() {
            if matches!(event.kind, EventKind::Suspended | EventKind::Resumed) {
                turns.push((event.origin, event.kind.to_string()));
            }
        }
        let turns: Vec<_> = turns.iter().map(|(origin, kind)| (*origin, kind.as_str())).collect();
        let (first, late) = (worker.origin(), late.origin());
        let expected = [
            (first, "suspended"),
            (first, "resumed"),
            (first, "suspended"),
            (late, "suspended"),
            (first, "resumed"),
            (late, "resumed"),
        ];
        assert_eq!(turns, expected);
    });
}

/// Spawned, stopped and touched from threads while the panel falls asleep and wakes. The events say that at every moment
/// either all workers that want it were suspended, or none.
#[test]
fn no_worker_is_forgotten_when_an_idle_panel_wakes_or_falls_asleep() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).idle_after(MS).build();
        let mut events = panel.events();
        let mut seen = Replay::new(&panel);
        let mut rounds = 0..u64::MAX;
        // On a busy machine it takes more of them.
        while let Some(round) = rounds.next().filter(|&round| round < 400 || seen.turns <= 50) {
            let mut workers = Vec::new();
            for nth in 0..4 {
                workers.push(suspendable(&panel, Suspend::OnIdle));
                std::thread::sleep(Duration::from_micros((round * 131 + nth * 977) % 1_500));
                if nth % 2 == 0 {
                    panel.touch();
                }
            }
            workers.iter().for_each(WorkerHandle::stop);
            while let Some(notice) = events.try_next() {
                let Notice::Event(event) = notice else { panic!("{notice:?}") };
                seen.next(&event);
            }
        }
        assert!(seen.turns > 50, "it slept and woke: {}", seen.turns);
    });
}

/// What the events say of the gates.
struct Replay {
    /// Suspended whenever the panel is idle.
    anchor: WorkerHandle,
    living: BTreeSet<Origin>,
    suspended: BTreeSet<Origin>,
    turns: u32,
}

impl Replay {
    fn new(panel: &Panel) -> Self {
        Self {
            anchor: suspendable(panel, Suspend::OnIdle),
            living: BTreeSet::new(),
            suspended: BTreeSet::new(),
            turns: 0,
        }
    }

    fn next(&mut self, event: &Event) {
        let origin = event.origin;
        match event.kind {
            EventKind::Suspended => {
                self.turns += u32::from(origin == self.anchor.origin());
                assert!(self.suspended.insert(origin), "twice: {event}");
            }
            EventKind::Resumed => assert!(self.suspended.remove(&origin), "twice: {event}"),
            _ => {
                let idle = self.suspended.contains(&self.anchor.origin());
                let expected = if idle { self.living.clone() } else { BTreeSet::new() };
                assert_eq!(self.suspended, expected, "before {event}");
            }
        }
        match event.kind {
            EventKind::Spawned => drop(self.living.insert(origin)),
            EventKind::Ended(..) => {
                self.living.remove(&origin);
                self.suspended.remove(&origin);
            }
            _ => {}
        }
    }
}
