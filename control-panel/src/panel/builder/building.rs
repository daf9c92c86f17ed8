//! Making the panel that a builder describes.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
    thread,
    time::Duration,
};

use tokio::runtime::{Builder, Handle, Runtime};

use super::PanelBuilder;
use crate::{
    bus::Buses,
    frame::reducer::Warning,
    intent::Intent,
    panel::{
        BuildError, ControlPanel, Last, exhibits::Exhibits, forward::Forward, idle::Idle, locals::Locals,
        pulse::Pulse, shared::Shared, status::Snapshot, warnings::Starved,
    },
    queue::Queue,
    supervisor::{Supervisor, machine::PoolId, notable::Wakes},
    telemetry::{self, Watch},
    util::{Mutex, Name, panics},
};

impl<I: Intent, P: Send + Sync + 'static> PanelBuilder<I, P> {
    /// Builds the panel.
    ///
    /// # Errors
    /// [`BuildError`]: a capacity or the idle time is 0, the given runtime has no timer, or there is no runtime and none could
    /// be started.
    pub fn try_build(self) -> Result<ControlPanel<I, P>, BuildError> {
        if self.capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        if self.signal_capacity == 0 {
            return Err(BuildError::ZeroSignalCapacity);
        }
        if self.idle_after.is_some_and(|after| after.is_zero()) {
            return Err(BuildError::ZeroIdle);
        }
        let (handle, own) = if let Some(handle) = self.runtime.or_else(|| Handle::try_current().ok()) {
            (handle, None)
        } else {
            let runtime = own_runtime(&self.name).map_err(BuildError::Runtime)?;
            (runtime.handle().clone(), Some(runtime))
        };
        if !has_timer(&handle) {
            return Err(BuildError::NoTimer);
        }
        if panics::ABORT {
            telemetry::warn(&self.name, Warning::PanicsAbort);
        }
        let queue = Arc::new(Queue::new(self.capacity, self.on_ready));
        let frames = Arc::new(AtomicU64::new(0));
        let for_buses = Arc::clone(&queue);
        let buses = Buses::new(self.signal_capacity, Arc::clone(&frames), move || for_buses.wake_loop());
        telemetry::describe();
        let for_supervisor = Arc::clone(&queue);
        let wakes = match (&self.forwarded, self.wake_for_workers) {
            (Some(_), _) => Wakes::ForEveryEvent,
            (None, true) => Wakes::ForStatus,
            (None, false) => Wakes::Never,
        };
        let on_change = Box::new(move || for_supervisor.wake_loop());
        let pulse = Pulse::of(&handle);
        let supervisor = Supervisor::new(&self.name, handle, self.shutdown_timeout, on_change, wakes);
        let shared = Shared {
            name: Name::from(&*self.name),
            queue,
            policy: self.policy,
            buses: Arc::new(buses),
            asks: PoolId(supervisor.number()),
            supervisor,
            idle: Idle::new(self.idle_after),
            last_source: Mutex::default(),
            frames,
            starving: AtomicBool::new(false),
            gauge: OnceLock::new(),
            not_driven: AtomicBool::new(false),
            snapshot: Snapshot::default(),
            exhibits: Exhibits::new(self.recorded_to),
        };
        let forward = self.forwarded.map(|forwarded| {
            let log = &shared.supervisor.registry().log;
            Forward::new(forwarded, &shared.queue, log.reader(Some(1)))
        });
        let shared = Arc::new(shared);
        Ok(ControlPanel {
            _last: Last(Some(Arc::clone(&shared))),
            shared,
            forward,
            runtime: own,
            locals: Locals::new(),
            local_buffer: Mutex::default(),
            frame_budget: self.frame_budget,
            recorder: self.recorder,
            starved: Starved::default(),
            pulse,
            watch: Watch::default(),
        })
    }

    /// Builds the panel.
    ///
    /// # Panics
    /// If [`try_build`](Self::try_build) would return an error, with its message.
    #[track_caller]
    pub fn build(self) -> ControlPanel<I, P> {
        match self.try_build() {
            Ok(panel) => panel,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A few threads suffice for workers that wait most of the time; at least one besides the frame's thread.
fn own_runtime(name: &str) -> std::io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, 4);
    // A thread's name cannot hold a NUL.
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name.replace('\0', ""))
        .enable_all()
        .build()
}

/// Restarts, grace and deadlines need timers. tokio reveals whether a runtime has them only by panicking.
fn has_timer(handle: &Handle) -> bool {
    panics::quietly(|| {
        let _context = handle.enter();
        drop(tokio::time::sleep(Duration::ZERO));
    })
    .is_some()
}
