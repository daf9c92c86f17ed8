//! The gauges of the memory monitor that read files: limits found on the way up, and files that nothing may trust.
#![cfg(unix)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, testing,
    workers::memory_monitor::{
        CgroupMemory, MemoryGauge, MemoryLevel, MemoryMonitor, MemoryPressure, MemoryReadError, MemorySample,
        MemorySampler, MemoryStall,
    },
};
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Pressure(MemoryPressure),
}

const MOUNTS: &str = "22 1 8:1 / / rw - ext4 /dev/root rw\n\
    35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
    41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n";

/// A machine's files, in a folder of the test's own.
struct Machine(TempDir);

impl Machine {
    /// With its process in the group `/a/b/c`.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        machine.write("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/legacy\n0::/a/b/c\n");
        machine.write("proc/self/mountinfo", MOUNTS);
        machine
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().expect("inside")).expect("made");
        fs::write(file, content).expect("written");
    }

    /// A group: what it uses, what of that is cache, and its limits.
    fn group(&self, path: &str, current: u64, cache: u64, max: &str, high: &str) {
        let file = |name| format!("sys/fs/cgroup/{path}/{name}");
        self.write(&file("memory.current"), format!("{current}\n"));
        self.write(&file("memory.stat"), format!("anon 1\nfile 9\ninactive_file {cache}\nactive_file 7\n"));
        self.write(&file("memory.max"), format!("{max}\n"));
        self.write(&file("memory.high"), format!("{high}\n"));
    }

    fn cgroup(&self) -> Result<Option<MemorySample>, MemoryReadError> {
        CgroupMemory::at(self.path()).sample()
    }

    fn stall(&self) -> Result<Option<MemorySample>, MemoryReadError> {
        MemoryStall::at(self.path()).sample()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a sampler gives it")]
fn sample(used: u64, total: u64) -> Result<Option<MemorySample>, MemoryReadError> {
    Ok(Some(MemorySample { used, total }))
}

#[test]
fn the_fullest_group_on_the_way_up_counts() {
    let machine = Machine::new();
    assert_eq!(machine.cgroup(), Ok(None), "no group, no limit");
    machine.group("a/b/c", 100, 20, "max", "max");
    assert_eq!(machine.cgroup(), Ok(None), "no limit");
    machine.group("a/b/c", 100, 20, "1000", "max");
    assert_eq!(machine.cgroup(), sample(80, 1_000), "the reclaimable cache is not in use");
    machine.group("a/b", 600, 0, "max", "700");
    assert_eq!(machine.cgroup(), sample(600, 700));
    machine.group("a", 900, 0, "1200", "max");
    assert_eq!(machine.cgroup(), sample(600, 700), "that is fuller");
    machine.group("a", 900, 0, "950", "1200");
    assert_eq!(machine.cgroup(), sample(900, 950), "the lower of both limits");
    machine.group("other", 100, 0, "100", "100");
    machine.group("..", 100, 0, "100", "100");
    assert_eq!(machine.cgroup(), sample(900, 950), "those are not on the way");
    machine.group("a/b/c", 100, 200, "0", "max");
    assert_eq!(machine.cgroup(), sample(900, 950), "more cache than anything: nothing is in use");
    machine.group("a/b/c", 5, 0, "0", "max");
    assert_eq!(machine.cgroup(), sample(5, 1), "nothing is allowed");
}

#[test]
fn the_process_is_followed_to_another_group() {
    let machine = Machine::new();
    machine.group("a", 50, 0, "100", "max");
    machine.group("z", 20, 0, "100", "max");
    let mut gauge = CgroupMemory::at(machine.path());
    assert_eq!(gauge.sample(), sample(50, 100));
    machine.write("proc/self/cgroup", "0::/z\n");
    assert_eq!(gauge.sample(), sample(20, 100));
}

#[test]
fn a_namespaces_mount_shows_a_part_of_the_tree() {
    let machine = Machine::new();
    let elsewhere = "40 31 0:38 /b /mnt rw - cgroup2 cgroup2 rw\n";
    let mounted = "41 31 0:38 /a/b /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    machine.write("proc/self/mountinfo", elsewhere.to_owned() + mounted);
    machine.group("c", 30, 0, "100", "max");
    machine.group("", 90, 0, "100", "max");
    assert_eq!(machine.cgroup(), sample(90, 100));
    machine.write("proc/self/cgroup", "0::/elsewhere\n");
    assert_eq!(machine.cgroup(), Ok(None), "its group is not mounted");
    machine.write("proc/self/cgroup", "0::/a/b/../../../../proc/1/root\n");
    assert_eq!(machine.cgroup(), Ok(None), "never out of the mount");
}

#[test]
fn without_the_second_version_there_is_nothing_to_read() {
    let machine = Machine::new();
    machine.group("a", 50, 0, "100", "max");
    machine.write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n");
    assert_eq!(machine.cgroup(), Ok(None));
    machine.write("proc/self/cgroup", "4:memory:/legacy\n");
    assert_eq!(machine.cgroup(), Ok(None));
    fs::remove_dir_all(machine.path().join("proc")).expect("removed");
    assert_eq!((machine.cgroup(), machine.stall()), (Ok(None), Ok(None)), "no Linux at all");
}

#[test]
fn the_groups_own_stall_comes_before_the_machines() {
    let machine = Machine::new();
    assert_eq!(machine.stall(), Ok(None), "a kernel that measures none");
    machine.write("proc/pressure/memory", "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\n");
    assert_eq!(machine.stall(), sample(150, 10_000));
    let own = "sys/fs/cgroup/a/b/c/memory.pressure";
    machine.write(own, "some avg10=70.01 avg60=0.00 avg300=0.00 total=0\nfull avg10=9.00\n");
    assert_eq!(machine.stall(), sample(7_001, 10_000));
    machine.write(own, "some avg10=lots");
    assert!(matches!(machine.stall(), Err(MemoryReadError::Malformed { file, .. }) if file.ends_with(own)));
}

/// What a file that is read must not do to the reader.
#[test]
fn garbage_in_any_file_is_a_typed_error_that_names_it() {
    let endless = vec![b'7'; 3 << 20];
    let nested = "0::/".to_owned() + &"x/".repeat(10_000);
    for (file, garbage) in [
        ("sys/fs/cgroup/a/memory.max", &b"lots"[..]),
        ("sys/fs/cgroup/a/memory.max", b""),
        ("sys/fs/cgroup/a/memory.max", b"-1"),
        ("sys/fs/cgroup/a/memory.max", &endless),
        ("sys/fs/cgroup/a/memory.high", b"\xff\xfe\0"),
        ("sys/fs/cgroup/a/memory.high", b"1 2"),
        ("sys/fs/cgroup/a/memory.current", b"NaN"),
        ("sys/fs/cgroup/a/memory.current", b"99999999999999999999999"),
        ("sys/fs/cgroup/a/memory.current", &endless),
        ("sys/fs/cgroup/a/memory.stat", b"anon 1\n"),
        ("sys/fs/cgroup/a/memory.stat", b"inactive_file -3\n"),
        ("sys/fs/cgroup/a/memory.stat", &endless),
        ("proc/self/cgroup", &endless),
        ("proc/self/mountinfo", &endless),
        ("proc/pressure/memory", b"some avg10=101.00"),
        ("proc/pressure/memory", &endless),
        ("proc/self/cgroup", nested.as_bytes()),
    ] {
        let machine = Machine::new();
        machine.group("a", 50, 0, "100", "90");
        machine.write(file, garbage);
        let about = match (file.contains("pressure"), garbage == nested.as_bytes()) {
            (true, _) => machine.stall(),
            // No file has so long a path.
            (false, true) => {
                assert!(!matches!(machine.cgroup(), Ok(Some(_))));
                continue;
            }
            (false, false) => machine.cgroup(),
        };
        let error = about.expect_err(file);
        assert!(error.to_string().contains(file), "{error}");
        let long = garbage.len() > 1 << 20;
        assert_eq!(matches!(error, MemoryReadError::TooLong { .. }), long, "{error}");
    }
    let machine = Machine::new();
    fs::create_dir_all(machine.path().join("proc/pressure/memory")).expect("made");
    assert!(matches!(machine.stall(), Err(MemoryReadError::Unreadable { .. })), "a folder is no file");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in the files, the gauges return; what they show is a fraction, or the error tells the file.
    #[test]
    fn no_content_of_the_files_brings_a_gauge_down(
        files in prop::collection::vec((0_usize..7, prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(some|full) avg10=[0-9.]{0,8} .{0,9}".prop_map(String::into_bytes),
            "(0::|[0-9]{1,30}|max|inactive_file |/|\\.\\.|\n| |- cgroup2 ){0,8}".prop_map(String::into_bytes),
        ]), 0..5),
    ) {
        const FILES: [&str; 7] = [
            "proc/self/cgroup", "proc/self/mountinfo", "proc/pressure/memory", "sys/fs/cgroup/a/memory.max",
            "sys/fs/cgroup/a/memory.high", "sys/fs/cgroup/a/memory.current", "sys/fs/cgroup/a/memory.stat",
        ];
        let machine = Machine::new();
        machine.group("a", 50, 0, "100", "90");
        for (file, content) in files {
            machine.write(FILES[file], content);
        }
        for shown in [machine.cgroup(), machine.stall()] {
            match shown {
                Ok(sample) => prop_assert!(sample.is_none_or(|sample| (0.0..=1.0).contains(&sample.fraction()))),
                Err(error) => prop_assert!(FILES.iter().any(|file| error.to_string().contains(file)), "{error}"),
            }
        }
    }
}

/// The monitor with a group's files, and a gauge of the test's own beside them.
#[test]
fn a_gauge_that_shows_nonsense_is_told_of_and_the_others_count() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let machine = Machine::new();
        machine.group("a", 95, 0, "100", "max");
        let scarce = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&scarce);
        let monitor =
            MemoryMonitor::new(IntentSource::MemoryMonitor).only(CgroupMemory::at(machine.path())).also(
                move || MemorySample { used: if asked.load(Ordering::Relaxed) { 85 } else { 1 }, total: 100 },
            );
        let readings = monitor.readings();
        assert_eq!(readings.latest().len(), 0);
        panel.spawn(monitor.into_worker());
        let at_next_sample = async |panel: &mut ControlPanel<Update>| {
            testing::advance(Duration::from_secs(5)).await;
            let told: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
            told.into_iter().map(|Update::Pressure(told)| (told.level, told.gauge)).collect::<Vec<_>>()
        };
        assert_eq!(at_next_sample(panel).await, [(MemoryLevel::Critical, MemoryGauge::Cgroup)]);

        machine.write("sys/fs/cgroup/a/memory.current", "nonsense");
        scarce.store(true, Ordering::Relaxed);
        assert_eq!(at_next_sample(panel).await, [], "it may be a slip");
        let [cgroup, other] = &*readings.latest() else { panic!("two gauges") };
        assert!(matches!(&cgroup.error, Some(MemoryReadError::Malformed { missing: "number", .. })));
        assert_eq!((cgroup.sample, cgroup.level), (sample(95, 100).unwrap(), MemoryLevel::Critical));
        assert_eq!((other.error.clone(), other.level), (None, MemoryLevel::Warning));

        assert_eq!(at_next_sample(panel).await, []);
        assert_eq!(at_next_sample(panel).await, [(MemoryLevel::Warning, MemoryGauge::Custom)]);
        assert_eq!(readings.latest()[0].sample, None);
        scarce.store(false, Ordering::Relaxed);
        assert_eq!(at_next_sample(panel).await, [(MemoryLevel::Normal, MemoryGauge::Custom)]);
        machine.group("a", 85, 0, "100", "max");
        assert_eq!(at_next_sample(panel).await, [(MemoryLevel::Warning, MemoryGauge::Cgroup)]);
    });
}
