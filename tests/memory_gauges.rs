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

    /// A group of the first version: what it uses, what of that is cache, and its limit.
    fn legacy_group(&self, path: &str, usage: u64, cache: u64, limit: &str) {
        let file = |name| format!("sys/fs/cgroup/memory/{path}/{name}");
        self.write(&file("memory.usage_in_bytes"), format!("{usage}\n"));
        let own_and_total = format!(
            "cache 0\ninactive_file 0\nactive_file 0\ntotal_cache {cache}\ntotal_shmem 9\ntotal_dirty 0\n\
             total_inactive_file {}\ntotal_active_file {}\n",
            cache / 2,
            cache - cache / 2
        );
        self.write(&file("memory.stat"), own_and_total);
        self.write(&file("memory.limit_in_bytes"), format!("{limit}\n"));
    }

    /// A group: what it uses, what of that is cache, and its limits.
    fn group(&self, path: &str, current: u64, cache: u64, max: &str, high: &str) {
        let file = |name| format!("sys/fs/cgroup/{path}/{name}");
        self.write(&file("memory.current"), format!("{current}\n"));
        self.write(&file("memory.stat"), format!("anon 1\nfile 9\ninactive_file {cache}\nactive_file 0\n"));
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
fn what_the_kernel_takes_back_is_not_in_use() {
    let machine = Machine::new();
    machine.group("a/b/c", 950, 0, "1000", "max");
    let shown = |stat: &str| {
        machine.write("sys/fs/cgroup/a/b/c/memory.stat", stat);
        machine.cgroup()
    };
    let read_twice = "anon 50\nfile 900\ninactive_file 0\nactive_file 900\n";
    assert_eq!(shown(read_twice), sample(50, 1_000), "a cache that was read twice is a cache");
    let all =
        "anon 50\nfile 800\ninactive_file 300\nactive_file 500\nslab_reclaimable 60\nslab_unreclaimable 40\n";
    assert_eq!(shown(all), sample(90, 1_000), "and so are the kernel's own caches");
    let shared = "anon 50\nfile 900\nshmem 800\ninactive_file 100\nactive_file 0\ninactive_anon 850\n";
    assert_eq!(shown(shared), sample(850, 1_000), "shared memory is a file's by name only");
    let unwritten = "inactive_file 500\nactive_file 400\nfile_dirty 300\nfile_writeback 100\n";
    assert_eq!(shown(unwritten), sample(450, 1_000), "what must be written first is not there to be taken");
    assert_eq!(shown("inactive_file 900\n"), sample(50, 1_000), "an older kernel writes fewer figures");
    assert!(matches!(shown("inactive_file 1\nactive_file -1\n"), Err(MemoryReadError::Malformed { .. })));
}

/// The line of the mount that counts is found among many, wherever it stands.
#[test]
fn a_table_of_many_mounts_is_read() {
    let machine = Machine::new();
    machine.group("a", 50, 0, "100", "max");
    let overlay =
        format!("900 31 0:99 / /{} rw - overlay overlay rw,lowerdir={}\n", "a".repeat(64), "/x:".repeat(300));
    let many = overlay.repeat(3_000);
    for table in [many.clone() + MOUNTS, MOUNTS.to_owned() + &many] {
        machine.write("proc/self/mountinfo", table);
        assert_eq!(machine.cgroup(), sample(50, 100));
    }
    machine.write("proc/self/mountinfo", many);
    assert_eq!(machine.cgroup(), Ok(None), "none of them is a control group's");
}

/// What the first version calls no limit, with pages of 4 KiB.
const UNLIMITED: &str = "9223372036854771712";

#[test]
fn the_first_version_is_read_alone_and_beside_the_second() {
    let machine = Machine::new();
    machine.write("proc/self/cgroup", "4:cpu,memory:/legacy/x\n");
    assert_eq!(machine.cgroup(), Ok(None), "no group, no limit");
    machine.legacy_group("legacy/x", 700, 300, UNLIMITED);
    machine.legacy_group("", 900, 0, UNLIMITED);
    assert_eq!(machine.cgroup(), Ok(None), "no limit");
    machine.legacy_group("legacy/x", 700, 300, "1000");
    assert_eq!(machine.cgroup(), sample(400, 1_000));
    machine.legacy_group("legacy", 500, 0, "600");
    assert_eq!(machine.cgroup(), sample(500, 600), "the fullest on the way up");
    machine.write("proc/self/cgroup", "4:cpu,memory:/legacy/x\n0::/a\n");
    machine.group("a", 70, 0, "100", "max");
    assert_eq!(machine.cgroup(), sample(500, 600), "the fuller of both");
    machine.group("a", 95, 0, "100", "max");
    assert_eq!(machine.cgroup(), sample(95, 100));
    machine.write(
        "proc/self/mountinfo",
        "35 31 0:32 /legacy /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    );
    machine.legacy_group("x", 10, 0, "40");
    machine.legacy_group("", 1, 0, "40");
    assert_eq!(machine.cgroup(), sample(10, 40), "as a container without a namespace of its own sees it");
    for (file, garbage) in [
        ("limit_in_bytes", "lots"),
        ("limit_in_bytes", ""),
        ("usage_in_bytes", "-1"),
        ("stat", "inactive_file 1"),
    ] {
        machine.legacy_group("x", 10, 0, "40");
        machine.write(&format!("sys/fs/cgroup/memory/x/memory.{file}"), garbage);
        let error = machine.cgroup().expect_err(file);
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn without_a_group_of_its_own_there_is_nothing_to_read() {
    let machine = Machine::new();
    machine.group("a", 50, 0, "100", "max");
    machine.write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n");
    assert_eq!(machine.cgroup(), Ok(None));
    machine.write("proc/self/cgroup", "4:cpu:/legacy\n");
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
        files in prop::collection::vec((0_usize..10, prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(some|full) avg10=[0-9.]{0,8} .{0,9}".prop_map(String::into_bytes),
            "(0::|4:memory:|[0-9]{1,30}|max|(total_)?inactive_file |/|\\.\\.|\n| |- cgroup2? |memory){0,8}".prop_map(String::into_bytes),
        ]), 0..5),
    ) {
        const FILES: [&str; 10] = [
            "proc/self/cgroup", "proc/self/mountinfo", "proc/pressure/memory", "sys/fs/cgroup/a/memory.max",
            "sys/fs/cgroup/a/memory.high", "sys/fs/cgroup/a/memory.current", "sys/fs/cgroup/a/memory.stat",
            "sys/fs/cgroup/memory/legacy/memory.limit_in_bytes", "sys/fs/cgroup/memory/legacy/memory.usage_in_bytes",
            "sys/fs/cgroup/memory/legacy/memory.stat",
        ];
        let machine = Machine::new();
        machine.group("a", 50, 0, "100", "90");
        machine.legacy_group("legacy", 50, 0, "100");
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
fn a_gauge_that_shows_nonsense_is_reported_and_the_others_count() {
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
            let updates: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
            updates
                .into_iter()
                .map(|Update::Pressure(pressure)| (pressure.level, pressure.gauge))
                .collect::<Vec<_>>()
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
