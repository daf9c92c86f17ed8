use std::{future::poll_fn, sync::Arc, thread};

use super::*;
use crate::util::panics;

fn frame(gauge: &FrameGauge, applied: usize, left: usize) {
    let mut timing = gauge.begin(Instant::now());
    timing.drained();
    timing.settled(Instant::now());
    timing.end(applied, left);
}

#[test]
fn a_reader_gets_what_it_has_not_seen_as_far_as_that_is_kept() {
    let gauge = FrameGauge::new();
    assert_eq!((gauge.since(0).samples.len(), gauge.since(9).total), (0, 0));
    (0..3).for_each(|n| frame(&gauge, n, 7));
    let NewSamples { samples, total } = gauge.since(1);
    assert_eq!((total, gauge.frames(), gauge.applied()), (3, 3, 3));
    assert_eq!(
        samples.iter().map(|sample| (sample.applied, sample.left)).collect::<Vec<_>>(),
        [(1, 7), (2, 7)]
    );
    (3..KEPT + 10).for_each(|n| frame(&gauge, n, 0));
    let all = gauge.since(0);
    assert_eq!((all.samples.len(), all.total), (KEPT, KEPT as u64 + 10));
    assert_eq!(all.samples[0].applied, 10, "the oldest kept");
}

#[test]
fn a_frame_that_panics_leaves_no_sample_and_is_over() {
    let gauge = FrameGauge::new();
    let panicked = panics::catch(|| {
        let _timing = gauge.begin(Instant::now());
        assert!(gauge.in_frame_since().is_some());
        panic!("on purpose");
    });
    assert!(panicked.is_err() && gauge.in_frame_since().is_none());
    assert_eq!(gauge.frames(), 0);
}

/// Each sample carries one number in all its fields: a torn one would not.
#[test]
fn no_sample_is_torn() {
    let gauge = Arc::new(FrameGauge::new());
    let writer = Arc::clone(&gauge);
    let writing = thread::spawn(move || {
        for number in 1..=200_000_u32 {
            let time = Duration::from_nanos(u64::from(number));
            writer.write(FrameSample {
                ended: time,
                drain: time,
                apply: time,
                reconcile: time,
                applied: number,
                left: number,
            });
        }
    });
    let mut seen = 0;
    while seen < 200_000 {
        let NewSamples { samples, total } = gauge.since(0);
        for sample in &samples {
            let time = Duration::from_nanos(u64::from(sample.applied));
            let FrameSample { ended, drain, apply, reconcile, applied, left } = *sample;
            assert_eq!((ended, drain, apply, reconcile, left), (time, time, time, time, applied));
        }
        assert!(
            samples.windows(2).all(|pair| pair[0].applied + 1 == pair[1].applied),
            "in order, without a gap"
        );
        seen = total;
    }
    writing.join().unwrap();
}

/// An observer that waits is woken by the frame that ends, however close the two are.
#[test]
fn no_wake_is_lost() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let gauge = Arc::new(FrameGauge::new());
    let watchers = (0..3).map(|_| {
        let gauge = Arc::clone(&gauge);
        runtime.spawn(async move {
            let mut seen = 0;
            while !gauge.is_closed() {
                let has_changed = || gauge.frames() > seen || gauge.is_closed();
                poll_fn(|cx| gauge.poll_changed(cx, has_changed)).await;
                seen = gauge.frames();
            }
            seen
        })
    });
    let watchers: Vec<_> = watchers.collect();
    for n in 0..20_000 {
        frame(&gauge, n, 0);
    }
    gauge.close();
    for watcher in watchers {
        assert_eq!(runtime.block_on(watcher).unwrap(), 20_000);
    }
}
