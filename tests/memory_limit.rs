//! The memory monitor under a real limit: a control group's where this process may make one (cgroup v2), else
//! `RLIMIT_AS`, else, on systems that have neither, a fake gauge. Alone in its process, because the limit is the
//! process's.

use std::{
    fs,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    workers::memory_monitor::{
        MemoryLevel, MemoryMonitor, MemoryPolicy, MemoryPressure, MemoryReadError, MemorySampler,
        MemoryStall, MemoryThresholds,
    },
};
use tests::eventually;

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Pressure(MemoryPressure),
}

/// What the test holds may grow by so much before the limit is met.
const ROOM: u64 = 768 << 20;
/// A piece of what it holds.
const PIECE: usize = 16 << 20;
const PAGE: [u8; 4_096] = [1; 4_096];

struct Thresholds(MemoryThresholds);

impl MemoryPolicy for Thresholds {
    fn memory_thresholds(&self) -> MemoryThresholds {
        self.0
    }

    /// The machine may be busy with other tests.
    fn stall_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::new(1.0, 1.0)
    }
}

type Panel = ControlPanel<Update, Thresholds>;

/// Memory in pieces, each written to, so that it is really there.
#[derive(Default)]
struct Held(Vec<Vec<u8>>);

impl Held {
    fn bytes(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    /// False if there is no more.
    fn grow(&mut self) -> bool {
        let mut piece = Vec::new();
        let more = piece.try_reserve_exact(PIECE).is_ok();
        if more {
            for _ in 0..PIECE / PAGE.len() {
                piece.extend_from_slice(&PAGE);
            }
            self.0.push(piece);
        }
        more
    }
}

fn next_pressure(panel: &mut Panel) -> Option<MemoryPressure> {
    panel.drain().next().map(|queued| {
        let Update::Pressure(pressure) = queued.intent;
        pressure
    })
}

#[test]
fn under_a_real_limit_the_level_follows_what_is_held() {
    // Before the limit: its threads take address space, which is not what the test holds.
    let mut panel = Panel::builder_with(Thresholds(MemoryThresholds::new(1.0, 1.0))).build();
    let limit = limit::Limit::take();
    // The one line that tells which limit it was, also where the output of tests is captured.
    writeln!(io::stderr(), "memory_limit: ran under {}", limit.name()).ok();
    let before = limit.gauge().sample().expect("readable").expect("limited");
    assert!(before.total >= before.used + ROOM / 2, "{before:?}");
    let part = |share: f64| before.fraction() + (1.0 - before.fraction()) * share;
    panel.set_policy(Thresholds(MemoryThresholds::new(part(0.35), part(0.7)).with_hysteresis(0.02)));

    let monitor = MemoryMonitor::new(IntentSource::MemoryMonitor).interval(Duration::from_millis(1));
    let monitor = monitor.only(limit.gauge());
    let readings = monitor.readings();
    panel.spawn(monitor.into_worker());
    eventually("it samples", || !readings.latest().is_empty());
    assert!(next_pressure(&mut panel).is_none(), "nothing is held yet");

    let mut held = Held::default();
    let mut reported_at = Vec::new();
    for level in [MemoryLevel::Warning, MemoryLevel::Critical] {
        let pressure = loop {
            if let Some(pressure) = next_pressure(&mut panel) {
                break pressure;
            }
            assert!(
                held.bytes() < ROOM && held.grow(),
                "{level} was never reported, with {} held",
                held.bytes()
            );
            limit.hold(held.bytes());
            // The second sample from now on has all of it.
            for _ in 0..2 {
                let before = readings.latest();
                eventually("it samples", || !Arc::ptr_eq(&before, &readings.latest()));
            }
        };
        assert_eq!((pressure.level, pressure.gauge), (level, limit.gauge().gauge()));
        reported_at.push(held.bytes());
    }
    // Threads that start meanwhile take some, up to 64 MiB each with the GNU C library.
    assert!(
        reported_at[0] >= ROOM / 10 && reported_at[1] >= reported_at[0] + ROOM / 6,
        "not before it is scarce: {reported_at:?}"
    );

    if limit.refuses() {
        // Eight gigabytes of zeros where a kernel writes two lines: they are not all read.
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("proc/pressure")).expect("made");
        let file = fs::File::create(folder.path().join("proc/pressure/memory")).expect("made");
        file.set_len(8 << 30).expect("sparse");
        let read = MemoryStall::at(folder.path()).sample();
        assert!(matches!(read, Err(MemoryReadError::TooLong { .. })), "{read:?}");
        // That limit is real: beyond it there is no more.
        while held.grow() {
            assert!(held.bytes() <= 2 * ROOM, "there is no limit");
        }
    }
    drop(held);
    limit.hold(0);
    eventually("all is well again", || {
        next_pressure(&mut panel).is_some_and(|pressure| pressure.level == MemoryLevel::Normal)
    });
    assert!(panel.shutdown_blocking().is_clean());
}

#[cfg(target_os = "linux")]
mod limit {
    use std::{path::PathBuf, process};

    use control_panel::workers::memory_monitor::{CgroupMemory, ProcessMemory};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    pub(crate) enum Limit {
        /// The group that was made, and the one that the process comes from.
        Cgroup { made: PathBuf, from: PathBuf },
        /// The limit before.
        AddressSpace(Rlimit),
    }

    impl Limit {
        /// The best that is to be had here.
        pub(crate) fn take() -> Self {
            Self::cgroup().unwrap_or_else(|why| {
                writeln!(io::stderr(), "memory_limit: no control group: {why}").ok();
                Self::address_space()
            })
        }

        /// A group below the uppermost, which may have processes and children; other groups may not.
        fn cgroup() -> io::Result<Self> {
            let root = PathBuf::from("/sys/fs/cgroup");
            let controllers = fs::read_to_string(root.join("cgroup.subtree_control"))?;
            if !controllers.split_whitespace().any(|controller| controller == "memory") {
                return Err(io::Error::other("the memory controller is not given on to groups of version 2"));
            }
            let own = fs::read_to_string("/proc/self/cgroup")?;
            let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
            let from = root.join(own);
            let made = root.join(format!("control-panel-test-{}", process::id()));
            fs::create_dir(&made)?;
            let limit = Self::Cgroup { made: made.clone(), from };
            let in_use = fs::read_to_string("/proc/self/statm")?;
            let resident: u64 = in_use.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
            fs::write(made.join("memory.max"), (ROOM + resident * 4_096).to_string())?;
            fs::write(made.join("cgroup.procs"), process::id().to_string())?;
            Ok(limit)
        }

        fn address_space() -> Self {
            let before = getrlimit(Resource::As);
            let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
            let size =
                status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
            let kib: u64 = size.expect("a size").parse().expect("a number");
            let most = (kib << 10) + ROOM;
            setrlimit(Resource::As, Rlimit { current: Some(most), maximum: before.maximum })
                .expect("lowered");
            Self::AddressSpace(before)
        }

        pub(crate) fn name(&self) -> &'static str {
            match self {
                Self::Cgroup { .. } => "a control group's memory.max (cgroup v2)",
                Self::AddressSpace(_) => "RLIMIT_AS",
            }
        }

        pub(crate) fn gauge(&self) -> Box<dyn MemorySampler> {
            match self {
                Self::Cgroup { .. } => Box::new(CgroupMemory::new()),
                Self::AddressSpace(_) => Box::new(ProcessMemory::new()),
            }
        }

        /// Whether an allocation beyond the limit fails. That of a control group kills.
        pub(crate) fn refuses(&self) -> bool {
            matches!(self, Self::AddressSpace(_))
        }

        #[expect(clippy::unused_self, reason = "the kernel knows by itself")]
        pub(crate) fn hold(&self, _bytes: u64) {}
    }

    impl Drop for Limit {
        fn drop(&mut self) {
            match self {
                Self::Cgroup { made, from } => {
                    fs::write(from.join("cgroup.procs"), process::id().to_string()).ok();
                    fs::remove_dir(made).ok();
                }
                Self::AddressSpace(before) => _ = setrlimit(Resource::As, *before),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod limit {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use control_panel::workers::memory_monitor::MemorySample;

    use super::*;

    /// What the test says that it holds.
    #[derive(Default)]
    pub(crate) struct Limit(Arc<AtomicU64>);

    impl Limit {
        pub(crate) fn take() -> Self {
            Self::default()
        }

        pub(crate) fn name(&self) -> &'static str {
            "no real limit: a fake gauge"
        }

        pub(crate) fn gauge(&self) -> Box<dyn MemorySampler> {
            let held = Arc::clone(&self.0);
            Box::new(move || MemorySample { used: held.load(Ordering::Relaxed), total: ROOM })
        }

        pub(crate) fn refuses(&self) -> bool {
            false
        }

        pub(crate) fn hold(&self, bytes: u64) {
            self.0.store(bytes, Ordering::Relaxed);
        }
    }
}
