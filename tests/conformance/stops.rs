//! The end of the panel: a shutdown, with workers that stop and workers that do not, and a drop.

use std::{sync::atomic::Ordering, thread, time::Duration};

use control_panel::{
    Exit, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    supervision::{Cancel, Cause},
};
use tests::{eventually, threads, watched};

use crate::kinds::{
    Act, Blocking, KINDS, LetGo, Local, MS, PATIENT, Seen, Thread, each_kind, panel, running,
};

#[test]
fn a_shutdown_waits_for_workers_that_stop() {
    each_kind(|kind, runtime| {
        let (mut panel, waits, floods) = (panel(runtime, PATIENT), Seen::default(), Seen::default());
        let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        panel.spawn(floods.worker(kind, Act::Flood, Act::Flood));
        running(&waiting, 1);
        eventually("the queue is full", || panel.status().waiting == 1);
        let report = panel.shutdown_blocking();
        assert!(report.is_clean() && report.workers().len() == 2, "{kind:?}: {report}");
        for worker in report.workers() {
            assert!(
                matches!(worker.exit, Exit::Cancelled) && worker.cause == Some(Cause::Shutdown),
                "{report}"
            );
        }
        let back = usize::from(!kind.is_future());
        assert_eq!(floods.came_back.load(Ordering::SeqCst), back, "{kind:?}: a blocking send comes back");
        waits.is_over();
        floods.is_over();
        assert!(panel.drain().count() > 0);
        let late = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        assert!(matches!(late.status(), WorkerStatus::Refused(_)));
    });
}

#[test]
fn exactly_the_workers_that_do_not_stop_are_named_for_each_kind() {
    watched(|| {
        // A thread for the async offender and one for the bystanders.
        let runtime = threads(2);
        let panel = panel(&runtime, Duration::from_secs(2));
        let (blocks, waits) = (KINDS.map(|_| Seen::default()), Seen::default());
        let _go = blocks.each_ref().map(|seen| LetGo(seen.clone()));
        let handles: Vec<_> = KINDS
            .iter()
            .zip(&blocks)
            .map(|(&kind, seen)| {
                let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
                running(&waiting, 1);
                let handle = panel.spawn(seen.worker(kind, Act::Block, Act::Wait));
                eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
                handle
            })
            .collect();
        let report = panel.shutdown_blocking();
        assert!(blocks.iter().all(|seen| seen.living.load(Ordering::SeqCst) == 1), "they still block");
        let named: Vec<_> = report.abandoned().map(|worker| worker.origin).collect();
        assert_eq!(named, handles.iter().map(WorkerHandle::origin).collect::<Vec<_>>(), "{report}");
        // The local bystander shares its thread with the local offender; the others stopped.
        let others: Vec<_> =
            report.workers().iter().step_by(2).map(|worker| worker.exit.to_string()).collect();
        let (starved, cancelled) = (Exit::Starved.to_string(), Exit::Cancelled.to_string());
        assert_eq!(others, [&cancelled, &starved, &cancelled, &cancelled].map(Clone::clone), "{report}");
        for seen in &blocks {
            seen.go.store(true, Ordering::SeqCst);
        }
        eventually("all end", || panel.worker_count() == 0);
        assert!(handles.iter().all(|handle| handle.status().is_final()));
    });
}

/// What is for futures means nothing to a thread: no grace of it ends, and no poll of it is stuck.
#[test]
fn a_thread_takes_the_time_that_it_needs_to_stop() {
    watched(|| {
        for kind in [Blocking, Thread] {
            let (runtime, seen) = (threads(2), Seen::default());
            let _go = LetGo(seen.clone());
            let panel = panel(&runtime, PATIENT);
            let mut events = panel.events();
            let worker = seen.worker(kind, Act::Block, Act::Finish).stuck_after(10 * MS);
            let handle = panel.spawn(worker.cancel(Cancel::Cooperative).grace(Duration::ZERO));
            eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
            handle.stop();
            thread::sleep(50 * MS);
            assert!(matches!(handle.status(), WorkerStatus::Stopping(Cause::Stopped)), "{kind:?}");
            seen.go.store(true, Ordering::SeqCst);
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)), "{kind:?}");
            assert!(panel.shutdown_blocking().is_clean(), "{kind:?}");
            while let Some(notice) = events.try_next() {
                let Notice::Event(event) = notice else { panic!("{notice:?}") };
                assert!(!matches!(event.kind, EventKind::Stuck(_)), "{kind:?}");
            }
        }
    });
}

/// A run that cannot be dropped is asked to stop, and its end is reported when it really ends.
#[test]
fn a_dropped_panel_ends_every_kind() {
    each_kind(|kind, runtime| {
        let (panel, waits, blocks) = (panel(runtime, PATIENT), Seen::default(), Seen::default());
        let _go = LetGo(blocks.clone());
        let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        running(&waiting, 1);
        let blocking = panel.spawn(blocks.worker(kind, Act::Block, Act::Wait));
        eventually("it blocks", || blocks.living.load(Ordering::SeqCst) == 1);
        drop(panel);
        assert!(!blocking.status().is_final(), "{kind:?}: it still lives");
        if kind != Local {
            // A local one shares its thread with the one that blocks.
            assert!(waiting.ended_blocking().is_final());
            assert_eq!(waits.living.load(Ordering::SeqCst), 0, "{kind:?}: reported only when it ended");
        }
        blocks.go.store(true, Ordering::SeqCst);
        assert!(blocking.ended_blocking().is_final() && waiting.ended_blocking().is_final());
        assert_eq!(blocks.living.load(Ordering::SeqCst) + waits.living.load(Ordering::SeqCst), 0, "{kind:?}");
        assert_eq!(*blocks.causes.lock().unwrap(), [Some(Cause::Shutdown)], "{kind:?}: it was asked to stop");
    });
}
