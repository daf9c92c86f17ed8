//! What a viewer costs: `cargo test -p tests --features dashboard --test dashboard -- --ignored --nocapture --test-threads 1 cost::`

use std::{
    fs,
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Count, IntentSource, MS, Panel, Served, TOKEN, Update, hostile::Harm};

/// Nanoseconds that this thread, or all of the process, has run.
fn ran(of: &str) -> u64 {
    let mut sum = 0;
    let threads =
        fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path().join("schedstat"));
    let files: Vec<_> =
        if of == "thread" { vec!["/proc/thread-self/schedstat".into()] } else { threads.collect() };
    for file in files {
        let text = fs::read_to_string(file).unwrap_or_default();
        sum += text.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
    }
    sum
}

/// A viewer that reads all it gets, until it is dropped.
struct Viewer(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Viewer {
    fn of(served: &Served) -> Self {
        let (ends, mut stream) = (Arc::new(AtomicBool::new(false)), served.connect());
        write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let end = Arc::clone(&ends);
        let reads = thread::spawn(move || {
            let mut bytes = [0; 8192];
            while !end.load(Ordering::Relaxed) && stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
        });
        Self(ends, Some(reads))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().map(JoinHandle::join);
    }
}

/// At most 0.2 % of a core, the viewer's own reading included.
#[test]
#[ignore = "30 s"]
fn idle_with_a_viewer() {
    let served = Served::new(|dashboard| dashboard);
    let _viewer = Viewer::of(&served);
    thread::sleep(Duration::from_secs(2));
    let (before, began) = (ran("process"), Instant::now());
    thread::sleep(Duration::from_secs(30));
    let used = Duration::from_nanos(ran("process") - before);
    let share = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    println!("idle with a viewer: {share:.3} % of a core over {:.1?}", began.elapsed());
    assert!(share <= 0.2, "{share} %");
}

/// At most 5 % of the frame thread's time, as the median of 20 pairs.
#[test]
#[ignore = "40 s"]
fn frames_with_and_without_a_viewer() {
    let mut served = Served::of(Panel::builder().capacity(512).build(), |dashboard| dashboard);
    let sender = served.panel.sender(IntentSource::Restore);
    let sample = |served: &mut Served| {
        let before = ran("thread");
        for _ in 0..200 {
            for _ in 0..200 {
                sender.try_send(Update::Step).unwrap();
            }
            served.panel.run_frame(&mut Count::default(), &mut (), []);
            thread::sleep(Duration::from_millis(5));
        }
        Duration::from_nanos(ran("thread") - before)
    };
    sample(&mut served);
    let mut ratios: Vec<f64> = (0..20)
        .map(|_| {
            let without = sample(&mut served);
            let viewer = Viewer::of(&served);
            let with = sample(&mut served);
            drop(viewer);
            with.as_secs_f64() / without.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = f64::midpoint(ratios[9], ratios[10]);
    println!(
        "frame thread with a viewer / without: median {median:.4} of 20 pairs, {:.4} to {:.4}",
        ratios[0], ratios[19]
    );
    assert!(median <= 1.05, "{median}");
}

/// What a frame of 50 intents takes beside every kind of hostile client at once: A B A B, 10 pairs. The clients take their share of the
/// processors, so only figures are printed.
#[test]
#[ignore = "30 s"]
fn frames_under_harm() {
    let mut served = Served::of(Panel::builder().capacity(256).build(), |dashboard| {
        dashboard.viewers(4).patience(500 * MS).token(TOKEN)
    });
    let (sender, address) = (served.panel.sender(IntentSource::Restore), served.address);
    let mut sample = || {
        let mut times: Vec<_> = (0..1_000)
            .map(|_| {
                (0..50).for_each(|_| sender.try_send(Update::Step).unwrap());
                let began = Instant::now();
                served.panel.run_frame(&mut Count::default(), &mut (), []);
                let took = began.elapsed();
                thread::sleep(MS / 2);
                took
            })
            .collect();
        times.sort_unstable();
        (times[500], times[990])
    };
    sample();
    let mut pairs: Vec<_> = (0..10)
        .map(|_| {
            let without = sample();
            let harm = Harm::to(address);
            let with = sample();
            drop(harm);
            (without, with)
        })
        .collect();
    pairs.sort_by(|a, b| {
        let ratio = |(without, with): &((Duration, Duration), (Duration, Duration))| {
            with.1.as_secs_f64() / without.1.as_secs_f64()
        };
        ratio(a).total_cmp(&ratio(b))
    });
    for ((p50, p99), (p50_with, p99_with)) in pairs {
        println!(
            "p50 {p50:?} and p99 {p99:?} without, p50 {p50_with:?} and p99 {p99_with:?} with hostile clients"
        );
    }
}
