//! Threads that spawn, stop and restart workers at random while the frames go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use control_panel::{
    ControlPanel, Spawner, Worker, WorkerHandle,
    supervision::{Intensity, Strategy, Tasks},
};
use fastrand::Rng;

use crate::{
    tally::Tally,
    witness::AFTER,
    worker::{Kind, Outsider, Update, worker},
};

const THREADS: u64 = 3;
/// Workers that each of them keeps up.
const WORKERS: usize = 40;

#[derive(Debug)]
pub(crate) struct Stirring {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

struct Spoon {
    spawner: Spawner<Update>,
    /// Of these only a few run at once, and a newer one replaces that of its key.
    tasks: Tasks<Update, (), u8>,
    outsider: Outsider,
    rng: Rng,
    tally: Arc<Tally>,
    numbers: Arc<AtomicU64>,
    handles: Vec<WorkerHandle>,
}

impl Stirring {
    pub(crate) fn begin(panel: &ControlPanel<Update>, rng: &mut Rng, tally: &Arc<Tally>) -> Self {
        let (over, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let threads = (0..THREADS).map(|number| {
            let spoon = Spoon {
                spawner: panel.spawner(),
                tasks: panel.keyed_tasks().limit(4).backlog(4),
                outsider: Outsider::new(panel.sender(Kind::Outside), number, tally),
                rng: rng.fork(),
                tally: Arc::clone(tally),
                numbers: Arc::clone(&numbers),
                handles: Vec::new(),
            };
            let over = Arc::clone(&over);
            thread::spawn(move || spoon.stir(&over))
        });
        Self { threads: threads.collect(), over }
    }

    /// Whether none of them panicked.
    pub(crate) fn end(self) -> bool {
        self.over.store(true, Relaxed);
        self.threads.into_iter().all(|thread| thread.join().is_ok())
    }
}

impl Spoon {
    fn stir(mut self, over: &AtomicBool) {
        while !over.load(Relaxed) {
            self.handles.retain(|handle| !handle.status().is_final());
            if self.handles.len() < WORKERS {
                self.spawn();
            }
            match self.rng.u8(0..10) {
                0..3 => self.stop(),
                3..6 => self.restart(),
                6..8 => self.outsider.send(),
                _ => {}
            }
            thread::sleep(Duration::from_micros(self.rng.u64(0..500)));
        }
    }

    fn spawn(&mut self) {
        let how = self.rng.u8(0..40);
        if how < 2 {
            return self.spawn_group();
        }
        // A chain of two: a third would have a name that says more than its own neighbour.
        let after = self.rng.choice(&self.handles).map(|handle| handle.name().to_owned());
        let after = after.filter(|name| how < 8 && !name.contains(AFTER));
        let worker = self.worker(after.as_deref());
        self.handles.push(match how {
            8..16 => self.tasks.keyed(how).spawn(worker),
            _ => self.spawner.spawn(worker),
        });
    }

    /// Workers that are started, and sometimes restarted and stopped, together.
    fn spawn_group(&mut self) {
        let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
        let strategy = self.rng.choice(strategies).unwrap_or_default();
        let intensity = Intensity::new(self.rng.u32(1..200), Duration::from_secs(1));
        let group = self.spawner.group().strategy(strategy).intensity(intensity);
        for _ in 0..self.rng.usize(2..5) {
            group.spawn(self.worker(None));
        }
        // Refused only once the panel is shut down, which is later.
        if let Ok(group) = group.start() {
            self.handles.extend_from_slice(group.workers());
        }
    }

    fn worker(&mut self, after: Option<&str>) -> Worker<Update> {
        self.tally.spawned.fetch_add(1, Relaxed);
        worker(self.numbers.fetch_add(1, Relaxed), after, self.rng.fork(), &self.tally)
    }

    /// A worker that is stopped is forgotten: dropping a handle changes nothing.
    fn stop(&mut self) {
        if !self.handles.is_empty() {
            let at = self.rng.usize(0..self.handles.len());
            self.handles.swap_remove(at).stop();
            self.tally.stopped.fetch_add(1, Relaxed);
        }
    }

    fn restart(&mut self) {
        if let Some(handle) = self.rng.choice(&self.handles)
            && handle.restart().is_ok()
        {
            self.tally.restarted.fetch_add(1, Relaxed);
        }
    }
}
