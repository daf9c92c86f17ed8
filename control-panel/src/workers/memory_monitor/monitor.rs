//! The worker: samples, judges, and tells when the level changes.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    CgroupMemory, MemoryGauge, MemoryPolicy, MemoryPressure, MemoryReadError, MemoryReading, MemorySampler,
    MemoryStall, ProcessMemory, SystemMemory,
    judge::{AllThresholds, Judge},
};
use crate::{
    Context, Intent, Permits, SendError, Source, TrySendError, Worker,
    workers::{MemoryLevel, wait::after},
};

/// A memory monitor to be: its source, how often it samples, and what.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, workers::memory_monitor::*};
/// # #[derive(GraphIntent)] #[intent(source = Feed)] enum Update { Pressure(MemoryLevel) }
/// # impl From<MemoryPressure> for Update { fn from(p: MemoryPressure) -> Self { Self::Pressure(p.level) } }
/// # #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] enum Feed { Machine }
/// use std::time::Duration;
///
/// let panel = ControlPanel::<Update>::new();
/// let monitor = MemoryMonitor::new(Feed::Machine)
///     .interval(Duration::from_secs(1))
///     .only(ProcessMemory::new().budget(512 << 20))
///     .also(SystemMemory::new());
/// panel.spawn(monitor.into_worker());
/// ```
#[must_use = "a monitor does nothing until it is spawned"]
pub struct MemoryMonitor<S> {
    source: S,
    interval: Duration,
    samplers: Vec<Box<dyn MemorySampler>>,
    readings: watch::Sender<Arc<[MemoryReading]>>,
}

impl<S: Source> MemoryMonitor<S> {
    /// A monitor of everything there is to read here, every 5 s, whose intents come from `source`: [`CgroupMemory`],
    /// [`ProcessMemory`], [`SystemMemory`] and [`MemoryStall`].
    pub fn new(source: S) -> Self {
        let samplers: Vec<Box<dyn MemorySampler>> = vec![
            Box::new(CgroupMemory::new()),
            Box::new(ProcessMemory::new()),
            Box::new(SystemMemory::new()),
            Box::new(MemoryStall::new()),
        ];
        Self {
            source,
            interval: Duration::from_secs(5),
            samplers,
            readings: watch::Sender::new(Arc::new([])),
        }
    }

    /// How often it samples; at most every millisecond. Default: 5 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Samples this and nothing else.
    pub fn only(mut self, sampler: impl MemorySampler) -> Self {
        self.samplers.clear();
        self.also(sampler)
    }

    /// Samples this too.
    pub fn also(mut self, sampler: impl MemorySampler) -> Self {
        self.samplers.push(Box::new(sampler));
        self
    }

    /// What the gauges show, for a status line: it can be looked at once the monitor is spawned.
    pub fn readings(&self) -> MemoryReadings {
        MemoryReadings(self.readings.subscribe())
    }

    /// The worker, named `memory_monitor`, for `panel.spawn(…)`.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = S> + From<MemoryPressure>,
        P: MemoryPolicy + Send + Sync + 'static,
    {
        let source = self.source;
        crate::__private::once("memory_monitor", source, move |cx| run(cx, self))
    }
}

impl<S: fmt::Debug> fmt::Debug for MemoryMonitor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gauges: Vec<_> = self.samplers.iter().map(MemorySampler::gauge).collect();
        f.debug_struct("MemoryMonitor")
            .field("source", &self.source)
            .field("interval", &self.interval)
            .field("gauges", &gauges)
            .finish_non_exhaustive()
    }
}

/// What a monitor's gauges show, whether or not the level changes: what [`MemoryMonitor::readings`] returns.
#[derive(Clone)]
pub struct MemoryReadings(watch::Receiver<Arc<[MemoryReading]>>);

impl MemoryReadings {
    /// As of the last sample, in the order in which the samplers were given; empty before the first. Costs a reference
    /// count.
    pub fn latest(&self) -> Arc<[MemoryReading]> {
        Arc::clone(&self.0.borrow())
    }
}

impl fmt::Debug for MemoryReadings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryReadings").field(&self.latest()).finish()
    }
}

/// Samples at once, then on the interval, judges whenever there is a new sample or policy, and tells what changed, until
/// it is dropped. Fails if the host's intent claims to be a peer's with no clock: it always would.
async fn run<I, S, P>(cx: Context<I, P>, monitor: MemoryMonitor<S>) -> Result<(), SendError<()>>
where
    I: Intent<Source = S> + From<MemoryPressure>,
    S: Source,
    P: MemoryPolicy + Send + Sync + 'static,
{
    let MemoryMonitor { interval, mut samplers, readings, .. } = monitor;
    let sender = cx.sender();
    let mut policy = cx.policy();
    let mut judge = Judge::new(samplers.iter().map(MemorySampler::gauge));
    let mut told = MemoryLevel::Normal;
    let mut slot: Option<Permits<I>> = None;
    let mut next_sample = Instant::now();
    loop {
        if Instant::now() >= next_sample {
            for (at, sampler) in samplers.iter_mut().enumerate() {
                tell_of(judge.take(at, sampler.sample()), cx.name(), sampler.gauge());
            }
            next_sample = after(Instant::now(), interval);
        }
        let level = {
            let policy = policy.borrow_and_update();
            judge
                .level(AllThresholds { memory: policy.memory_thresholds(), stall: policy.stall_thresholds() })
        };
        readings.send_replace(judge.readings().collect());
        if level == told {
            slot = None;
            // Either the policy changed, and what was sampled is judged anew, or it is time to sample again.
            if let Ok(Err(_)) = timeout_at(next_sample, policy.changed()).await {
                return Ok(());
            }
        } else if let Some(mut slot) = slot.take() {
            let (gauge, sample) = judge.worst();
            let pressure = MemoryPressure { level, previous: told, gauge, sample };
            // A level is not told twice: it is the current one only once it has been told.
            match slot.send(pressure.into()) {
                Ok(()) => told = level,
                Err(TrySendError::ZeroClock(_)) => return Err(SendError::ZeroClock(())),
                Err(_) => return Ok(()),
            }
        } else {
            // The slot first, however long that takes: what is told then is how things are then.
            match sender.reserve_many(1).await {
                Ok(reserved) => slot = Some(reserved),
                Err(_) => return Ok(()),
            }
        }
    }
}

/// A gauge fails: said once for each time that it begins to.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "then nobody listens"))]
fn tell_of(why: Option<&MemoryReadError>, worker: &str, gauge: MemoryGauge) {
    #[cfg(feature = "tracing")]
    if let Some(why) = why {
        tracing::warn!(target: crate::observe::TARGET, worker, %gauge, "{why}");
    }
}
