//! The worker: samples, judges, and reports when the level changes.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

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
    Context, Intent, PolicyWatch, SendError, TrySendError, Worker,
    context::{PolicyClosed, Raced, race},
    intent::Source,
    supervision::PanicReport,
    workers::{MemoryLevel, wait::after},
};

/// Configures a memory monitor: its source, how often it samples, and what.
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
    /// Creates a monitor of every gauge, every 5 s, whose intents come from `source`: [`CgroupMemory`],
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

    /// Samples this gauge and nothing else.
    pub fn only(mut self, sampler: impl MemorySampler) -> Self {
        self.samplers.clear();
        self.also(sampler)
    }

    /// Samples this gauge too.
    pub fn also(mut self, sampler: impl MemorySampler) -> Self {
        self.samplers.push(Box::new(sampler));
        self
    }

    /// Returns the gauges' readings, for a status line; they update once the monitor is spawned.
    pub fn readings(&self) -> MemoryReadings {
        MemoryReadings(self.readings.subscribe())
    }

    /// Builds the worker, named `memory_monitor`, for `panel.spawn(…)`.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = S> + From<MemoryPressure>,
        P: MemoryPolicy + Send + Sync + 'static,
    {
        let source = self.source;
        Worker::once("memory_monitor", source, move |cx| run(cx, self))
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

/// The readings of a monitor's gauges, whether or not the level changes. Created by [`MemoryMonitor::readings`].
#[derive(Clone)]
pub struct MemoryReadings(watch::Receiver<Arc<[MemoryReading]>>);

impl MemoryReadings {
    /// Returns the last readings, in the order in which the samplers were given; empty before the first sample. Costs a
    /// reference count.
    pub fn latest(&self) -> Arc<[MemoryReading]> {
        Arc::clone(&self.0.borrow())
    }
}

impl fmt::Debug for MemoryReadings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryReadings").field(&self.latest()).finish()
    }
}

/// Samples immediately, then on the interval, judges on each new sample or policy, and reports changes, until it is
/// dropped. Fails if the host's intent claims to come from a peer but has no clock: it always would.
async fn run<I, S, P>(cx: Context<I, P>, monitor: MemoryMonitor<S>) -> Result<(), SendError<()>>
where
    I: Intent<Source = S> + From<MemoryPressure>,
    S: Source,
    P: MemoryPolicy + Send + Sync + 'static,
{
    let sender = cx.sender();
    let mut policy = cx.policy();
    let mut gauges = Gauges::new(monitor, cx.name());
    let mut reported = MemoryLevel::Normal;
    loop {
        while gauges.look(&*policy.borrow_and_update()) == reported {
            if changed(gauges.next_sample, &mut policy).await.is_err() {
                return Ok(());
            }
        }
        // Waits for the slot first, however long that takes, so that the report is current when it is sent. Meanwhile the
        // gauges are still read; the position in the line is kept.
        let sampled = gauges.next_sample;
        let mut reserving = pin!(sender.reserve_many(1));
        let reserved = loop {
            match race(reserving.as_mut(), changed(gauges.next_sample, &mut policy)).await {
                Raced::First(reserved) => break Some(reserved),
                Raced::Second(Err(_)) => return Ok(()),
                Raced::Second(Ok(())) if gauges.look(&*policy.borrow_and_update()) == reported => break None,
                Raced::Second(Ok(())) => {}
            }
        };
        let Some(reserved) = reserved else { continue };
        let Ok(mut slot) = reserved else { return Ok(()) };
        if gauges.next_sample != sampled {
            gauges.next_sample = Instant::now();
        }
        let level = gauges.look(&*policy.borrow_and_update());
        if level == reported {
            continue;
        }
        let (gauge, sample) = gauges.judge.worst();
        let pressure = MemoryPressure { level, previous: reported, gauge, sample };
        // A level is not reported twice: it becomes the current one only once it is sent.
        match slot.send(pressure.into()) {
            Ok(()) => reported = level,
            Err(TrySendError::ZeroClock(_)) => return Err(SendError::ZeroClock(())),
            Err(_) => return Ok(()),
        }
    }
}

/// The samplers, their readings, and when they are sampled next.
struct Gauges<'w> {
    worker: &'w str,
    samplers: Vec<(MemoryGauge, Box<dyn MemorySampler>)>,
    judge: Judge,
    readings: watch::Sender<Arc<[MemoryReading]>>,
    interval: Duration,
    next_sample: Instant,
}

impl<'w> Gauges<'w> {
    fn new<S>(monitor: MemoryMonitor<S>, worker: &'w str) -> Self {
        let MemoryMonitor { interval, samplers, readings, .. } = monitor;
        let named = |sampler: Box<dyn MemorySampler>| {
            (PanicReport::catch(|| sampler.gauge()).unwrap_or(MemoryGauge::Custom), sampler)
        };
        let samplers: Vec<_> = samplers.into_iter().map(named).collect();
        let judge = Judge::new(samplers.iter().map(|(gauge, _)| *gauge));
        Self { worker, samplers, judge, readings, interval, next_sample: Instant::now() }
    }

    /// Samples if it is due, judges by this policy, and publishes the readings.
    fn look(&mut self, policy: &impl MemoryPolicy) -> MemoryLevel {
        if Instant::now() >= self.next_sample {
            for (at, (gauge, sampler)) in self.samplers.iter_mut().enumerate() {
                // The program's own code: its panic makes one gauge unreadable, but does not end the monitor.
                let sample = PanicReport::catch(|| sampler.sample());
                let sample =
                    sample.unwrap_or_else(|panic| Err(MemoryReadError::Panicked(panic.message().into())));
                tell_of(self.judge.take(at, sample), self.worker, *gauge);
            }
            self.next_sample = after(Instant::now(), self.interval);
        }
        let thresholds =
            AllThresholds { memory: policy.memory_thresholds(), stall: policy.stall_thresholds() };
        let level = self.judge.level(thresholds);
        self.readings.send_replace(self.judge.readings().collect());
        level
    }
}

/// Waits until there may be news: a sample is due, or the policy changed.
async fn changed<P>(next_sample: Instant, policy: &mut PolicyWatch<P>) -> Result<(), PolicyClosed> {
    timeout_at(next_sample, policy.changed()).await.unwrap_or(Ok(()))
}

/// Logs that a gauge fails, once each time it starts failing.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "then there is no subscriber"))]
fn tell_of(why: Option<&MemoryReadError>, worker: &str, gauge: MemoryGauge) {
    #[cfg(feature = "tracing")]
    if let Some(why) = why {
        tracing::warn!(target: crate::workers::TARGET, worker, %gauge, "{why}");
    }
}
