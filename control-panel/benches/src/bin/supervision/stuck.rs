//! A shutdown with workers that do not stop: whether it comes back, how late, and which workers it names.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    machine::Quiet,
    rounds::Spread,
    supervisor::{Down, Job, Outcome, Supervisor, Terms},
    supervisors::{Graceful, Joined, Kameo, OnThreads, Panel, Ractor, TaskSupervisor, Taskvisor},
    table::Table,
};

use crate::{Options, bars::Bars, runtime};

const DEADLINE: Duration = Duration::from_millis(100);
/// A worker that is not back by then will not be.
const PATIENCE: Duration = Duration::from_millis(600);

/// What a worker does when it is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It stops.
    Good,
    /// It awaits forever, and does not listen.
    Pending,
    /// It computes.
    Busy,
    /// It sleeps with its thread.
    Blocking,
}

const CASES: [(&str, &[Manner]); 4] = [
    ("pending forever", &[Manner::Pending]),
    ("busy loop", &[Manner::Busy]),
    ("blocked thread", &[Manner::Blocking]),
    ("each runtime thread busy", &[Manner::Busy, Manner::Busy]),
];

#[derive(Clone)]
struct Mannered {
    manner: Manner,
    started: Arc<AtomicUsize>,
    /// Lets it go when all is measured.
    over: Arc<AtomicBool>,
}

impl Job for Mannered {
    async fn run(self) -> Result<(), Down> {
        // The one that behaves is started first: then it waits for nothing but the request to stop.
        while self.manner != Manner::Good && self.started.load(Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        self.started.fetch_add(1, Relaxed);
        match self.manner {
            Manner::Good | Manner::Pending => pending().await,
            Manner::Busy => {
                while !self.over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            }
            Manner::Blocking => {
                while !self.over.load(Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        Ok(())
    }

    fn deaf(&self) -> bool {
        self.manner != Manner::Good
    }
}

/// How long to wait until all have begun. A runtime may leave a task forever in the queue of a thread that is busy.
const BEGINNING: Duration = Duration::from_secs(2);

/// How late it was back, in ms, and what it said; `None` if it was not back. Tried again where not all workers came to
/// begin.
fn sample<S: Supervisor<Mannered> + Send>(offences: &[Manner]) -> Option<(f64, Outcome)> {
    for _ in 0..5 {
        match attempt::<S>(offences) {
            Attempt::NotBegun => eprintln!("  {}: not all workers have begun, again", S::NAME),
            Attempt::NotBack => return None,
            Attempt::Back(late, outcome) => return Some((late, outcome)),
        }
    }
    None
}

enum Attempt {
    NotBegun,
    NotBack,
    Back(f64, Outcome),
}

fn attempt<S: Supervisor<Mannered> + Send>(offences: &[Manner]) -> Attempt {
    let runtime = runtime();
    let (started, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    // One that behaves is there too, and is not to be named.
    let workers: Vec<_> = std::iter::once(Manner::Good)
        .chain(offences.iter().copied())
        .enumerate()
        .map(|(n, manner)| {
            let name = format!("{}-{n}", if manner == Manner::Good { "bystander" } else { "offender" });
            (name, Mannered { manner, started: Arc::clone(&started), over: Arc::clone(&over) })
        })
        .collect();
    let terms = Terms { deadline: DEADLINE, ..Terms::PROMPT };
    let count = workers.len();
    let outcome = thread::scope(|scope| {
        let (back, returned) = mpsc::sync_channel(1);
        let (began_all, begun) = mpsc::sync_channel(1);
        let handle = runtime.handle();
        let for_thread = Arc::clone(&started);
        scope.spawn(move || {
            let mut supervisor = S::open(handle, terms, workers);
            let began = Instant::now();
            while for_thread.load(Relaxed) < count {
                if began.elapsed() > BEGINNING {
                    back.send(Attempt::NotBegun).ok();
                    return;
                }
                thread::sleep(Duration::from_millis(1));
            }
            began_all.send(()).ok();
            let began = Instant::now();
            let outcome = supervisor.shutdown();
            let late = began.elapsed().as_secs_f64() - DEADLINE.as_secs_f64();
            back.send(Attempt::Back(1e3 * late, outcome)).ok();
        });
        // Either they begin, or it says that they do not.
        begun.recv().ok();
        let outcome = returned.recv_timeout(PATIENCE + DEADLINE).unwrap_or(Attempt::NotBack);
        over.store(true, Relaxed);
        outcome
    });
    runtime.shutdown_background();
    outcome
}

/// How late a thread is that only waits, in ms, while so many threads are busy.
fn timer(busy: usize) -> f64 {
    let over = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..busy)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let began = Instant::now();
    thread::sleep(DEADLINE);
    let late = began.elapsed() - DEADLINE;
    over.store(true, Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("it only spins"));
    1e3 * late.as_secs_f64()
}

/// One supervisor in one case: what its row says, how late it was at worst, whether it named the offenders, and how
/// many others.
struct Seen {
    name: &'static str,
    cell: String,
    late: f64,
    named: bool,
    others: usize,
}

fn watch<S: Supervisor<Mannered> + Send>(offences: &[Manner], times: usize, quiet: &mut Quiet) -> Seen {
    let expected: Vec<String> = (1..=offences.len()).map(|n| format!("offender-{n}")).collect();
    let mut late = Vec::new();
    let (mut named, mut others, mut clean, mut hung) = (true, 0, false, false);
    for _ in 0..times {
        match quiet.measure(|| sample::<S>(offences)) {
            Some((ms, outcome)) => {
                named &= expected.iter().all(|name| outcome.names.contains(name));
                others = others.max(outcome.names.iter().filter(|name| !expected.contains(name)).count());
                clean |= outcome.clean;
                late.push(ms);
            }
            None => {
                (hung, named) = (true, false);
                // It will not be otherwise the next time, and each costs patience.
                break;
            }
        }
    }
    let worst = if hung { f64::INFINITY } else { late.iter().copied().fold(f64::MIN, f64::max) };
    let cell = if hung {
        "not back".to_owned()
    } else {
        let says = match (named, others, clean) {
            (true, 0, _) => "names",
            (true, ..) => "names, and the bystander",
            (false, _, true) => "says all is well",
            (false, ..) => "no names",
        };
        format!("{:+.1} ({:+.1}), {says}", Spread::of(late).median, worst)
    };
    Seen { name: S::NAME, cell, late: worst, named, others }
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let times = options.pick(10, 3);
    let mut head = vec!["late by, in ms (at worst)"];
    head.extend(CASES.iter().map(|case| case.0));
    let mut table = Table::new(&head);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut put = |row: usize, name: &str, cell: String| {
        if rows.len() <= row {
            rows.push(vec![name.to_owned()]);
        }
        rows[row].push(cell);
    };
    for (name, offences) in CASES {
        eprintln!("  {name}");
        let busy = offences.iter().filter(|offence| matches!(offence, Manner::Busy)).count();
        let timers: Vec<f64> = (0..times).map(|_| quiet.measure(|| timer(busy))).collect();
        let worst = timers.iter().copied().fold(f64::MIN, f64::max);
        put(0, "a bare timer", format!("{:+.1} ({worst:+.1})", Spread::of(timers).median));
        let seen = [
            watch::<Panel>(offences, times, quiet),
            watch::<OnThreads<false>>(offences, times, quiet),
            watch::<OnThreads<true>>(offences, times, quiet),
            watch::<Joined>(offences, times, quiet),
            watch::<Taskvisor>(offences, times, quiet),
            watch::<TaskSupervisor>(offences, times, quiet),
            watch::<Graceful>(offences, times, quiet),
            watch::<Kameo>(offences, times, quiet),
            watch::<Ractor>(offences, times, quiet),
        ];
        let panels = &seen[..3];
        let late = panels.iter().map(|panel| panel.late).fold(f64::MIN, f64::max);
        let named = panels.iter().all(|panel| panel.named);
        bars.at_most(format!("{name}, any kind: back after the deadline, in ms, at worst"), 10.0, late);
        bars.holds(format!("{name}, any kind: names every offender"), named);
        let alone = panels.iter().all(|panel| panel.others == 0);
        bars.holds(format!("{name}, any kind: names no other"), named && alone);
        for (row, seen) in seen.into_iter().enumerate() {
            put(row + 1, seen.name, seen.cell);
        }
    }
    rows.into_iter().for_each(|row| table.row(row));
    format!(
        "{table}\nA deadline of {} ms, a runtime of two threads, one worker besides (the bystander) that waits and stops when it is asked to; the shutdown is called \
         on a thread outside the runtime. \"Names\": exactly the workers that did not stop. \"Not back\": not within \
         {} ms after the deadline, when the offenders are let go. {}\n",
        DEADLINE.as_millis(),
        PATIENCE.as_millis(),
        "The timer is `thread::sleep` beside as many busy threads.",
    )
}
