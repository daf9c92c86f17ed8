//! What something took: time, and the processor's.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub wall: f64,
    /// Of all threads of this process: what others do meanwhile does not lengthen it.
    pub cpu: f64,
}

/// Begun.
pub struct Watch(Instant, f64);

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The processor's time of this thread.
pub fn thread_time() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

impl Watch {
    pub fn start() -> Self {
        Self(Instant::now(), seconds(ClockId::ProcessCPUTime))
    }

    pub fn spent(&self) -> Spent {
        Spent { wall: self.0.elapsed().as_secs_f64(), cpu: seconds(ClockId::ProcessCPUTime) - self.1 }
    }
}
