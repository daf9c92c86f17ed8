//! Producers that send as fast as they may, into one contestant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use control_panel_benches::{
    contestant::{Contestant, Lane},
    intents::{SOURCES, Update},
};
use tokio::runtime::{Builder, Runtime};

/// What is bounded at all is bounded to this.
pub const CAPACITY: usize = 256;

/// A count with a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
struct Sent(AtomicU64);

pub struct Producers {
    sent: Arc<[Sent]>,
    stop: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl Producers {
    /// Starts `count` of them, spread over four sources.
    pub fn start<C: Contestant>(count: usize) -> (C, Self) {
        Self::start_on(count, 2)
    }

    /// The same, on a runtime of so many workers.
    pub fn start_on<C: Contestant>(count: usize, workers: usize) -> (C, Self) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let sources: Vec<_> = (0..count).map(|producer| SOURCES[producer % 4]).collect();
        let (queue, lanes) = C::open(CAPACITY, &sources, runtime.handle());
        let sent: Arc<[Sent]> = (0..count).map(|_| Sent::default()).collect();
        let stop = Arc::new(AtomicBool::new(false));
        for (producer, mut lane) in lanes.into_iter().enumerate() {
            let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
            runtime.spawn(async move {
                let mut word = 0;
                while lane.send(Update::local(word)).await && !stop.load(Relaxed) {
                    word += 1;
                    sent[producer].0.store(word, Relaxed);
                }
            });
        }
        (queue, Self { sent, stop, runtime: Some(runtime) })
    }

    /// How many each has sent.
    pub fn sent(&self) -> Vec<u64> {
        self.sent.iter().map(|sent| sent.0.load(Relaxed)).collect()
    }
}

impl Drop for Producers {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// The least that a producer sent between two counts, as a share of what it would be if all sent alike.
pub fn minimum_share(before: &[u64], after: &[u64]) -> f64 {
    let sent = || after.iter().zip(before).map(|(after, before)| after - before);
    let total: u64 = sent().sum();
    sent().min().unwrap_or(0) as f64 * after.len() as f64 / total.max(1) as f64
}
