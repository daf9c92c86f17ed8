//! The machine: what it is, how busy others keep it, and whether it is quiet enough to measure now.

use std::{
    fs,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

/// One line about the machine now.
pub fn note() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let model = first_field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let (median, p99) = clock_cost();
    format!("{cores} cores, {model}; load {}; Instant::now {median:.0} ns, p99 {p99:.0} ns", load())
}

/// The load averages of 1, 5 and 15 minutes.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Joins what was freed before: glibc does it with the next large request, and one that is measured would pay for what another left.
pub fn tidy() {
    drop(black_box(Vec::<u8>::with_capacity(64 << 10)));
}

/// Median and p99 of two adjacent clock reads, in ns: on a quiet machine they are close.
pub fn clock_cost() -> (f64, f64) {
    let mut reads: Vec<f64> = (0..20_000)
        .map(|_| {
            let began = Instant::now();
            began.elapsed().as_nanos() as f64
        })
        .collect();
    reads.sort_by(f64::total_cmp);
    (reads[reads.len() / 2], reads[reads.len() * 99 / 100])
}

fn first_field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Measures in quiet moments: waits for one, tells afterwards whether it was one, and has patience for a bounded
/// time in all.
pub struct Quiet {
    patience: Duration,
    share: Duration,
    busy: f64,
    kept: u32,
}

const LOOK: Duration = Duration::from_millis(40);
/// So often it looks before each measurement …
const LOOKS: u32 = 10;
/// … and so often it measures again.
const RETRIES: u32 = 2;
/// Others may use this share of the machine.
const TOLERATED: f64 = 0.1;

impl Quiet {
    /// `patience` for noise in all, and `share` for each comparison's rounds.
    pub fn new(patience: Duration, share: Duration) -> Self {
        Self { patience, share, busy: 0.0, kept: 0 }
    }

    /// After this long, a comparison begins no further round.
    pub fn share(&self) -> Duration {
        self.share
    }

    /// Measures in a moment when others leave the machine alone, again and again while they do not and patience
    /// lasts.
    pub fn measure<T>(&mut self, mut measure: impl FnMut() -> T) -> T {
        self.settle();
        let mut retries = RETRIES;
        loop {
            let (began, before) = (Instant::now(), Ticks::now());
            let measured = measure();
            let busy = before.others_until(&Ticks::now());
            if busy <= TOLERATED || retries == 0 || self.patience.is_zero() {
                self.busy += busy;
                self.kept += 1;
                return measured;
            }
            retries -= 1;
            self.patience = self.patience.saturating_sub(began.elapsed());
            self.settle();
        }
    }

    fn settle(&mut self) {
        for _ in 0..LOOKS {
            let before = Ticks::now();
            thread::sleep(LOOK);
            if before.others_until(&Ticks::now()) <= TOLERATED || self.patience.is_zero() {
                return;
            }
            self.patience = self.patience.saturating_sub(LOOK);
        }
    }

    /// How much of the machine others used while it was measured.
    pub fn note(&self) -> String {
        let busy = 100.0 * self.busy / f64::from(self.kept.max(1));
        format!("others used {busy:.0}% of the machine during the measurements")
    }
}

/// Ticks of all cores since the boot.
struct Ticks {
    busy: u64,
    idle: u64,
    /// Of the busy ones, this process's.
    own: u64,
}

impl Ticks {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields = stat.lines().next().unwrap_or("").split_whitespace();
        let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).take(8).collect();
        let idle = ticks.get(3..5).map_or(0, |idle| idle.iter().sum());
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The fields after the name, which may hold spaces: user and system time are the 12th and 13th.
        let fields = own.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let own = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Self { busy: ticks.iter().sum::<u64>().saturating_sub(idle), idle, own }
    }

    /// The share of the machine that other processes had until `later`.
    fn others_until(&self, later: &Self) -> f64 {
        let (busy, own) = (later.busy.saturating_sub(self.busy), later.own.saturating_sub(self.own));
        let all = busy + later.idle.saturating_sub(self.idle);
        busy.saturating_sub(own) as f64 / all.max(1) as f64
    }
}

/// Context switches of every living thread of this process.
pub fn context_switches() -> u64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0 };
    let status = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    let switches = |status: String| -> u64 {
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        counts.filter_map(|line| line.split_once(':')?.1.trim().parse::<u64>().ok()).sum()
    };
    status.map(switches).sum()
}

/// Time this thread spent on a core, in ns.
pub fn thread_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    1e9 * time.tv_sec as f64 + time.tv_nsec as f64
}
