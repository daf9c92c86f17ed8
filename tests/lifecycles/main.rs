//! Promise 5 under random orders: stop, restart, replace and group stops at any moment of workers that run, fail and wait,
//! on a paused clock and on threads. No run overlaps another, no worker that was stopped comes back, every worker ends, no
//! accepted intent is lost or doubled or comes late, and what the panel reports of it adds up.

mod script;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, PanelStatus, Worker, WorkerHandle, WorkerStatus,
    events::{Event, EventKind, Notice},
    intent::Origin,
    supervision::{Cancel, Group, Intensity, Tasks},
};
use proptest::prelude::*;
use tests::{Mark, paused, threads, watched};
use tokio::{task::yield_now, time::sleep};

use script::{Kind, Life, Step, all_async, step};

type Panel = ControlPanel<Mark>;

const MS: Duration = Duration::from_millis(1);

/// Counts the workers that live at the same time under one name.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>, overlaps: &AtomicUsize) -> Self {
        if count.fetch_add(1, Ordering::SeqCst) > 0 {
            overlaps.fetch_add(1, Ordering::SeqCst);
        }
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the workers of a run share.
#[derive(Debug, Default)]
struct Seen {
    overlaps: AtomicUsize,
    next: AtomicU64,
    accepted: Mutex<BTreeSet<u64>>,
}

impl Seen {
    fn next(&self, cx: &Context<Mark>) -> u64 {
        (self.next.fetch_add(1, Ordering::SeqCst) << 16) | cx.generation()
    }

    fn accepted(&self, id: u64) {
        self.accepted.lock().unwrap().insert(id);
    }

    async fn live(self: Arc<Self>, life: Life, alive: Alive, cx: Context<Mark>) -> Result<(), &'static str> {
        let _alive = alive;
        let work = async {
            let id = self.next(&cx);
            if cx.send(Mark::new(id)).await.is_ok() {
                self.accepted(id);
            }
            sleep(u32::try_from(life.up).unwrap() * MS).await;
        };
        let token = cx.cancellation_token();
        match life.lingers {
            None => work.await,
            Some(lingers) => {
                if token.run_until_cancelled(work).await.is_none() {
                    sleep(u32::try_from(lingers).unwrap() * MS).await;
                }
            }
        }
        if life.fails { Err("as it should") } else { Ok(()) }
    }

    fn live_blocking(&self, life: &Life, alive: Alive, cx: &Context<Mark>) -> Result<(), &'static str> {
        let _alive = alive;
        let id = self.next(cx);
        if cx.send_blocking(Mark::new(id)).is_ok() {
            self.accepted(id);
        }
        if cx.cancelled_timeout(Duration::from_millis(life.up)) {
            thread::sleep(Duration::from_millis(life.lingers.unwrap_or(0)));
        }
        if life.fails { Err("as it should") } else { Ok(()) }
    }
}

fn worker(life: Life, alive: &Arc<AtomicUsize>, seen: &Arc<Seen>) -> Worker<Mark> {
    let (alive, seen) = (Arc::clone(alive), Arc::clone(seen));
    let cancel = if life.lingers.is_some() { Cancel::Cooperative } else { Cancel::Drop };
    let (restart, backoff) = (life.restart, Backoff::new(life.backoff * MS, 4 * life.backoff * MS));
    let kind = life.kind;
    let begin = move || (life.clone(), Alive::new(&alive, &seen.overlaps), Arc::clone(&seen));
    let run = {
        let begin = begin.clone();
        move |cx| {
            let (life, alive, seen) = begin();
            seen.live(life, alive, cx)
        }
    };
    let call = move |cx: Context<Mark>| {
        let (life, alive, seen) = begin();
        seen.live_blocking(&life, alive, &cx)
    };
    match kind {
        Kind::Async => Worker::new("one", 0, run),
        Kind::Local => Worker::local("one", 0, run),
        Kind::Blocking => Worker::blocking("one", 0, call),
        Kind::Thread => Worker::thread("one", 0, call),
    }
    .restart(restart)
    .backoff(backoff)
    .cancel(cancel)
    .intensity(Intensity::new(5, 50 * MS))
}

/// Without what changes by itself: the time that is left.
fn in_short(status: &WorkerStatus) -> String {
    match status {
        WorkerStatus::Backoff { .. } => "backs off".into(),
        status => status.to_string(),
    }
}

/// What a status and the events after it say together.
#[derive(Debug, Default, PartialEq)]
struct Picture(BTreeMap<Origin, (u64, String)>);

impl Picture {
    fn of(status: &PanelStatus) -> Self {
        let shown = |worker: &control_panel::panel::WorkerInfo| (worker.generation, in_short(&worker.status));
        Self(status.workers.iter().map(|worker| (worker.origin, shown(worker))).collect())
    }

    fn apply(&mut self, event: &Event) {
        let status = match &event.kind {
            EventKind::Spawned => WorkerStatus::Starting,
            EventKind::Started => WorkerStatus::Running,
            EventKind::Waiting => WorkerStatus::Waiting,
            EventKind::BackingOff(_) => {
                return drop(self.0.insert(event.origin, (event.generation, "backs off".into())));
            }
            EventKind::Stopping(cause) => WorkerStatus::Stopping(*cause),
            EventKind::Ended(..) | EventKind::Refused(_) => return drop(self.0.remove(&event.origin)),
            _ => return,
        };
        self.0.insert(event.origin, (event.generation, in_short(&status)));
    }
}

/// A run and what is known of it.
struct Run {
    panel: Panel,
    tasks: Tasks<Mark, (), u8>,
    seen: Arc<Seen>,
    handles: Vec<WorkerHandle>,
    groups: Vec<Group>,
    keys: BTreeMap<u8, Arc<AtomicUsize>>,
    stopped: Vec<(WorkerHandle, u64)>,
    looked: PanelStatus,
    drained: Vec<(Origin, u64)>,
}

impl Run {
    fn new() -> Self {
        let panel = Panel::builder().capacity(8).shutdown_timeout(Duration::from_secs(20)).build();
        let (tasks, looked) = (panel.keyed_tasks().limit(2).backlog(4), panel.status());
        Self {
            panel,
            tasks,
            seen: Arc::default(),
            handles: Vec::new(),
            groups: Vec::new(),
            keys: BTreeMap::new(),
            stopped: Vec::new(),
            looked,
            drained: Vec::new(),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Spawn(life) => {
                self.handles.push(self.panel.spawn(worker(life, &Arc::default(), &self.seen)));
            }
            Step::Keyed(key, life) => {
                let alive = self.keys.entry(key).or_default();
                self.handles.push(self.tasks.keyed(key).spawn(worker(life, alive, &self.seen)));
            }
            Step::Group(together, members) => {
                let group = self.panel.group().strategy(together).intensity(Intensity::new(8, 50 * MS));
                for life in members {
                    self.handles.push(group.spawn(worker(life, &Arc::default(), &self.seen)));
                }
                self.groups.push(group.start().expect("nothing is wrong with it"));
            }
            Step::Stop(n) => {
                if let Some(handle) = pick(&self.handles, n) {
                    handle.stop();
                    assert!(handle.restart().is_err(), "it was stopped");
                    self.stopped.push((handle.clone(), handle.generation()));
                }
            }
            Step::Restart(n) => _ = pick(&self.handles, n).map(WorkerHandle::restart),
            Step::StopGroup(n) => pick(&self.groups, n).into_iter().for_each(Group::stop),
            Step::Sleep(ms) => sleep(u32::try_from(ms).unwrap() * MS).await,
            Step::Yield => yield_now().await,
            Step::Look => self.look(),
            Step::Drain => self.drain(),
        }
    }

    /// The status before, and the events since, give the status now.
    fn look(&mut self) {
        let now = self.panel.status();
        let mut picture = Picture::of(&self.looked);
        let mut events = self.panel.events_from(self.looked.events + 1);
        for number in self.looked.events + 1..=now.events {
            match events.try_next() {
                Some(Notice::Event(event)) if event.number == number => picture.apply(&event),
                // So many that the first are gone: the status tells all the same.
                Some(Notice::Lagged(missed)) => {
                    assert!(missed <= now.events - self.looked.events);
                    picture = Picture::of(&now);
                    break;
                }
                other => panic!("{other:?} instead of event {number}"),
            }
        }
        assert_eq!(picture, Picture::of(&now));
        self.looked = now;
    }

    fn drain(&mut self) {
        let drained = self.panel.drain().map(|queued| (queued.causality_order().origin, queued.intent.id));
        self.drained.extend(drained);
    }

    async fn end(mut self) {
        self.look();
        for (handle, generation) in &self.stopped {
            assert!(handle.generation() <= *generation, "{handle:?} came back");
        }
        let lived: BTreeSet<_> = self.panel.workers().iter().map(WorkerHandle::origin).collect();
        let report = self.panel.shutdown().await;
        assert_eq!(self.panel.worker_count(), 0);
        assert_eq!(report.abandoned().count(), 0, "{report}");
        assert!(report.workers().iter().all(|worker| lived.contains(&worker.origin)));
        self.look();
        // Where a thread is in the supervisor at that very moment, a status is that of a moment before.
        let began = std::time::Instant::now();
        while !self.looked.workers.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", self.looked.workers);
            tokio::task::yield_now().await;
            self.look();
        }
        while self.panel.queued() > 0 {
            self.drain();
        }
        assert_eq!(self.seen.overlaps.load(Ordering::SeqCst), 0, "two generations, or two of a key, at once");
        for handle in &self.handles {
            assert!(handle.status().is_final(), "{handle:?}");
        }
        self.check_events();
        let ids: BTreeSet<_> = self.drained.iter().map(|&(_, id)| id).collect();
        assert_eq!(ids.len(), self.drained.len(), "one came twice");
        assert!(self.seen.accepted.lock().unwrap().is_subset(&ids), "an accepted one is lost");
        let mut generations = BTreeMap::new();
        for &(origin, id) in &self.drained {
            let before = generations.insert(origin, id & 0xffff);
            assert!(before <= Some(id & 0xffff), "one of an old generation comes after its successor's");
        }
    }

    /// Of every worker: spawned first, ended once and last, one generation after the other.
    fn check_events(&self) {
        let mut events = self.panel.events_from(0);
        let mut lives: BTreeMap<Origin, (u64, bool)> = BTreeMap::new();
        let mut ended = BTreeSet::new();
        while let Some(notice) = events.try_next() {
            let Notice::Event(event) = notice else { return };
            assert!(!ended.contains(&event.origin), "after its end: {event}");
            match event.kind {
                EventKind::Spawned => assert!(lives.insert(event.origin, (0, false)).is_none()),
                EventKind::Started => {
                    let life = lives.get_mut(&event.origin).expect("it was spawned");
                    assert_eq!((life.0 + 1, life.1), (event.generation, false), "{event}");
                    *life = (event.generation, true);
                }
                EventKind::Exited(_) => lives.get_mut(&event.origin).expect("it was spawned").1 = false,
                EventKind::Ended(..) => {
                    assert!(!lives[&event.origin].1, "{event}");
                    ended.insert(event.origin);
                }
                _ => {}
            }
        }
        assert_eq!(ended.len(), lives.len());
    }
}

fn pick<T>(from: &[T], n: usize) -> Option<&T> {
    (!from.is_empty()).then(|| &from[n % from.len()])
}

async fn play(steps: Vec<Step>) {
    let mut run = Run::new();
    for step in steps {
        run.take(step).await;
    }
    run.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_stops_restarts_and_replacements(steps in prop::collection::vec(step(), 0..60)) {
        paused(async move || play(all_async(steps)).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_on_threads_and_of_every_kind(steps in prop::collection::vec(step(), 0..60)) {
        watched(move || {
            threads(2).block_on(play(all_async(steps.clone())));
            threads(2).block_on(play(steps));
        });
    }
}
