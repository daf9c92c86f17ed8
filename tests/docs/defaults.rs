//! A default that a page or a type's documentation states as a number is the code's.
//!
//! Each sentence below is made from what the code has, read through the public API; where a setter has no getter, from the source
//! that sets it. A second test finds every number in the documentation that claims to be a default, and wants it among them.

use std::{fs, path::Path, time::Duration};

use control_panel::{
    Backoff, Context, ControlPanel, GraphIntent, IntentSource, Worker, console,
    replica::codec,
    signals,
    supervision::Intensity,
    testing::World,
    workers::{memory_monitor::MemoryThresholds, mods::ModLimits},
};

use crate::{files, read, root, short};

#[derive(GraphIntent)]
enum Nothing {}

/// What a value's `Debug` shows of a field: `5s` of `{ grace: 5s, … }`.
fn field(debug: &str, name: &str) -> String {
    let (_, behind) =
        debug.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in {debug}"));
    behind.split([',', '}', ' ']).next().unwrap().to_owned()
}

/// The number that stands in a source between these two: for a default that nothing public shows.
fn set(path: &str, before: &str, after: &str) -> u64 {
    let source = read(path);
    let behind = source.split(before).skip(1);
    let mut numbers = behind.filter_map(|text| text.split_once(after)?.0.replace('_', "").parse().ok());
    numbers.next().unwrap_or_else(|| panic!("no {before} in {path}"))
}

/// As the pages write it: 65,536.
fn number(value: impl Into<u128>) -> String {
    let digits = value.into().to_string();
    let groups: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn count(value: usize) -> String {
    number(value as u128)
}

/// As the pages write it: 100 ms, 5 s.
fn time(debug: &str) -> String {
    let unit = debug.find(|letter: char| letter.is_alphabetic()).unwrap();
    format!("{} {}", &debug[..unit], &debug[unit..])
}

fn mib(bytes: usize) -> String {
    assert_eq!(bytes % (1 << 20), 0);
    format!("{} MiB", bytes >> 20)
}

/// Pages, and what they say.
#[expect(clippy::too_many_lines, reason = "a table")]
fn stated() -> Vec<(&'static str, String)> {
    let builder = format!("{:?}", ControlPanel::<Nothing>::builder());
    let (capacity, signals_kept) = (field(&builder, "capacity"), field(&builder, "signal_capacity"));
    let shutdown = time(&field(&builder, "shutdown_timeout"));
    let worker = Worker::<Nothing>::new("any", IntentSource::Restore, |cx: Context<Nothing>| async move {
        cx.cancelled().await;
    });
    let worker = format!("{worker:?}");
    let (grace, stuck) = (time(&field(&worker, "grace")), time(&field(&worker, "stuck_after")));
    let inbox = worker.split_once("InboxOptions").map(|(_, inbox)| field(inbox, "capacity")).unwrap();
    let backoff = format!("{:?}", Backoff::default());
    let (base, max) = (field(&backoff, "base"), field(&backoff, "max"));
    let doubling = format!("{}, doubling", time(&base));
    let intensity = format!("{:?}", Intensity::default());
    let (panics, period) = (field(&intensity, "restarts"), field(&intensity, "period"));
    let tasks = format!("{:?}", ControlPanel::<Nothing>::new().tasks());
    let (limit, backlog) = (field(&tasks, "limit"), field(&tasks, "backlog"));
    let window = time(&field(&format!("{:?}", signals::Options::default()), "window"));
    let (memory, mods) = (MemoryThresholds::default(), ModLimits::default());
    let (world, rows, bytes) = (World::default(), console::Limits::default(), codec::Limits::default());
    let silence = time(&format!("{:?}", console::SILENCE));
    let redo = number(set("control-panel/src/replica/builder.rs", "redo_budget: ", ","));
    let history = number(set("control-panel/src/replica/builder.rs", "history: ", ","));
    let unstable = number(set("control-panel/src/replica/builder.rs", "unstable: ", ","));
    let kept = set("control-panel/src/journal/lengths.rs", "const KEPT_BYTES: u64 = ", " << 20");
    let interval =
        set("control-panel/src/workers/memory_monitor/monitor.rs", "interval: Duration::from_secs(", ")");
    let p2p = "control-panel/src/workers/p2p_sync/mod.rs";
    let idle = set(p2p, "idle: Duration::from_secs(", ")");
    let connect = set(p2p, "connect: Duration::from_secs(", ")");
    let snapshot = set(p2p, "snapshot_bytes: ", " << 20");
    let loader = "control-panel/src/workers/mods/mod.rs";
    let (max_mods, look) =
        (set(loader, "Bounds { mods: ", ","), set(loader, "look_every: Duration::from_secs(", ")"));
    let (tick, module) =
        (set(loader, "tick: Duration::from_secs(", ")"), set(loader, "module_bytes: ", " << 20"));
    let all_memory = set(loader, "Budget::new(", " << 20");
    let dashboard = "control-panel/src/dashboard/mod.rs";
    let (viewers, patience) =
        (set(dashboard, "viewers: ", ","), set(dashboard, "let patience = Duration::from_secs(", ")"));
    let kib = |bytes: usize| bytes >> 10;
    let fuel = mods.fuel;
    let (supervision, deployment) =
        ("control-panel/src/guide/supervision.md", "control-panel/src/guide/deployment.md");
    let (macros, keys) = ("control-panel-macros/src/lib.rs", "control-panel/src/expansion/keys.rs");
    let (setters, network) = ("control-panel/src/worker/setters.rs", "control-panel/src/testing/world.rs");
    let (authors, limits) =
        ("control-panel/src/workers/mods/authors.md", "control-panel/src/workers/mods/limits.rs");
    let codec = "control-panel/src/replica/codec/limits.rs";
    vec![
        ("control-panel/src/guide/backpressure.md", format!("{capacity} intents by default")),
        ("control-panel/src/panel/builder.rs", format!("hold together. Default: {capacity}.")),
        (deployment, format!("| intents queued | {capacity} |")),
        ("control-panel/src/panel/builder.rs", format!("before it misses any. Default: {signals_kept}.")),
        ("control-panel/src/bus/mod.rs", format!("last signals, by default {signals_kept} ")),
        (deployment, format!("| signals kept for a slow subscriber | {signals_kept} |")),
        ("control-panel/src/panel/builder.rs", format!("of a shutdown. Default: {shutdown}.")),
        (deployment, format!("| a shutdown | {shutdown} |")),
        (supervision, format!("{shutdown} by default, whatever the workers do")),
        (setters, format!("asked to stop. Default: {grace}.")),
        (macros, format!("may take to stop | `\"{}\"` |", grace.replace(' ', ""))),
        (keys, format!("may take to stop. Default: `\"{}\"`", grace.replace(' ', ""))),
        (supervision, format!("`cooperative` has {grace} |")),
        (setters, format!("Default: {stuck}; at least 10 ms")),
        (macros, format!("such as `\"5s\"` | `\"{}\"` |", stuck.replace(' ', ""))),
        (keys, format!("before the worker is stuck. Default: `\"{}\"`", stuck.replace(' ', ""))),
        (supervision, format!("| `stuck_after` | a single poll of {stuck} |")),
        ("control-panel/src/worker/mod.rs", format!("holds, at least 1. Default: {inbox}.")),
        (macros, format!("holds, at least 1 | {inbox} |")),
        (keys, format!("holds, at least 1. Default: {inbox}.")),
        (deployment, format!("| commands in an inbox | {inbox} |")),
        ("control-panel/src/guide/commands.md", format!("An inbox holds {inbox} commands")),
        (setters, format!("Default: {doubling} up to {}, with jitter", time(&max))),
        (
            "control-panel/src/lifecycle/restart.rs",
            format!("Default: {} doubling to {}.", time(&base), time(&max)),
        ),
        (
            "control-panel/src/workers/prefetch/scheduler.rs",
            format!("Default: {doubling} up to {}, with jitter", time(&max)),
        ),
        (macros, format!("before none | `\"{base}\"` |")),
        (macros, format!("the longest such wait | `\"{max}\"` |")),
        (keys, format!("twice as long. Default: `\"{base}\"`")),
        (keys, format!("before a restart. Default: `\"{max}\"`")),
        (supervision, format!("| {doubling} to {}, each wait", time(&max))),
        (supervision, format!("starts over after {} of uptime |", time(&max))),
        (setters, format!("Default: any number after errors, {panics} in {} after panics", time(&period))),
        (
            "control-panel/src/lifecycle/intensity.rs",
            format!(
                "the default is `Intensity::new({panics}, Duration::from_secs({}))`",
                period.trim_end_matches('s')
            ),
        ),
        (macros, format!("after panics {panics}; with `escalate = panel`, {panics} of either |")),
        (keys, format!("after panics {panics}; with `escalate = panel`, {panics} of either")),
        (macros, format!("such as `\"10s\"` | `\"{period}\"` |")),
        (keys, format!("`intensity` counts. Default: `\"{period}\"`")),
        (
            supervision,
            format!(
                "panics {panics} in {0}; with `escalate = panel` {panics} of either in {0} |",
                time(&period)
            ),
        ),
        ("control-panel/src/panel/tasks.rs", format!("at once, at least 1. Default: {limit}.")),
        ("control-panel/src/panel/tasks.rs", format!("to those that run. Default: {backlog}.")),
        (deployment, format!("| tasks running, waiting | {limit}, {backlog} |")),
        (supervision, format!("is for short work: {limit} at a time, {backlog} waiting")),
        ("control-panel/src/signals/options.rs", format!("By default, signals that arrive within {window} ")),
        ("control-panel/src/signals/options.rs", format!("end the process. Default: {window};")),
        ("control-panel/src/guide/seeing.md", format!("not heard of for {silence} ")),
        (
            "control-panel/src/console/model.rs",
            format!("Rows of workers in a view: {} by default", count(rows.workers)),
        ),
        (
            "control-panel/src/console/model.rs",
            format!("Ends that are kept: {} by default", count(rows.ends)),
        ),
        (
            "control-panel/src/console/model.rs",
            format!("a second each or more: {} by default", count(rows.points)),
        ),
        (dashboard, format!("(`/events`): {viewers} by default")),
        (dashboard, format!("is dropped: {patience} s by default")),
        ("control-panel/src/replica/builder.rs", format!("that is merged does. Default: {redo}.")),
        (deployment, format!("of one replica | {redo} |")),
        ("control-panel/src/replica/builder.rs", format!("Default: {history}.")),
        (
            "control-panel/src/replica/guide.md",
            format!("which by default leaves the last {history} in reach"),
        ),
        ("control-panel/src/replica/builder.rs", format!("PeerHoldsBack). Default: {unstable}.")),
        ("control-panel/src/journal/recording.rs", format!("in bytes. Default: {kept} MiB.")),
        (
            "control-panel/src/workers/memory_monitor/monitor.rs",
            format!("every millisecond. Default: {interval} s."),
        ),
        (
            "control-panel/src/workers/memory_monitor/mod.rs",
            format!(
                "Default: a warning from 0.10, critical from 0.40, with a hysteresis of {:.2}.",
                memory.hysteresis()
            ),
        ),
        (p2p, format!("third of a second. Default: {idle} s.")),
        (p2p, format!("come about. Default: {connect} s.")),
        (p2p, format!("as it is decoded. Default: {snapshot} MiB.")),
        ("control-panel/src/workers/p2p_sync/README.md", format!("{snapshot} MiB by default, one at a time")),
        (
            "control-panel/src/workers/p2p_sync/README.md",
            format!("of the idle setting ({idle} s by default)"),
        ),
        (loader, format!("it accepts. Default: {max_mods}.")),
        (loader, format!("at most {max_mods} mods of at most {module} MiB each with the default")),
        (loader, format!("of a module in bytes. Default: {module} MiB.")),
        (loader, format!("as they grow. Default: {all_memory} MiB.")),
        (loader, format!("every millisecond. Default: {tick} s.")),
        (loader, format!("every 10 ms. Default: {look} s.")),
        (limits, format!("Default: {} million", fuel / 1_000_000)),
        (limits, format!("may take. Default: {}.", time(&format!("{:?}", mods.time)))),
        (limits, format!("linear memory. Default: {}.", mib(mods.memory))),
        (limits, format!("Default: {}, which suffices", mib(mods.code))),
        (limits, format!("has at most four. Default: {}.", count(mods.table))),
        (limits, format!("WebAssembly values. Default: {} KiB.", kib(mods.stack))),
        (limits, format!("nested calls. Default: {}.", count(mods.depth))),
        (limits, format!("call of the mod. Default: {}.", number(mods.host_calls))),
        (limits, format!("call of the mod. Default: {}.", count(mods.intents))),
        (authors, format!("| milliseconds of one call | {} |", mods.time.as_millis())),
        (authors, format!("unit per instruction | {} |", number(fuel))),
        (authors, format!("| linear memory | {} |", count(kib(mods.memory)))),
        (authors, format!("do not grow | {} |", count(mods.table))),
        (authors, format!("of the host in one call | {} |", number(mods.host_calls))),
        (authors, format!("emitted in one call | {} |", count(mods.intents))),
        (codec, format!("proof or snapshot. Default: {}.", mib(bytes.bytes))),
        (codec, format!("Runs in a delta. Default: {}.", count(bytes.runs))),
        (codec, format!("Operations in a delta. Default: {}.", count(bytes.ops))),
        (codec, format!("Operations in a run. Default: {},", count(bytes.run_ops))),
        (codec, format!("of one operation. Default: {}.", mib(bytes.op_bytes))),
        (codec, format!("Heads in a run. Default: {},", count(bytes.heads))),
        (codec, format!("heads name included. Default: {}.", count(bytes.authors))),
        (codec, format!("of a signature. Default: {}.", count(bytes.signature_bytes))),
        (network, format!("Which run. Default: {}.", number(world.seed))),
        (network, format!("at random. Default: {}.", number(world.peers as u128))),
        (network, format!("replicas are edited. Default: {}.", number(world.frames))),
        (network, format!("each other. Default: {}.", number(world.delay))),
        (network, format!("Default: {}.", number(world.duplicates))),
        (network, format!("Default: {}.", number(world.loss))),
        (network, format!("of the frames. Default: {}.", number(world.partitions))),
        (network, format!("had stored all. Default: {}.", number(world.crashes))),
    ]
}

/// A page as it reads: of a source its documentation alone, of both without the ends of the lines.
fn text(path: &Path) -> String {
    let file = fs::read_to_string(path).unwrap();
    let is_source = path.extension().is_some_and(|extension| extension == "rs");
    let lines = file.lines().filter_map(|line| {
        let line = line.trim_start();
        if !is_source {
            return Some(line);
        }
        line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim_start)
    });
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_default_that_is_stated_is_the_codes() {
    let wrong = stated().into_iter().filter(|(path, sentence)| !text(&root().join(path)).contains(sentence));
    let wrong: Vec<_> = wrong.map(|(path, sentence)| format!("{path} does not say: {sentence}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a text claims a number to be a default, in bytes.
fn claims(text: &str) -> Vec<usize> {
    let digit =
        |at: usize| text[at..].trim_start_matches(['`', '"']).starts_with(|next: char| next.is_ascii_digit());
    let mut claims = Vec::new();
    for word in ["Default: ", "by default ", "default is "] {
        claims.extend(text.match_indices(word).map(|(at, _)| at + word.len()).filter(|at| digit(*at)));
    }
    for (at, _) in text.match_indices(" by default") {
        let before =
            text[..at].rfind(|letter: char| !letter.is_ascii_alphanumeric() && !" ,".contains(letter));
        let start = before.map_or(0, |before| before + 1);
        claims
            .extend(text[start..at].find(|letter: char| letter.is_ascii_digit()).map(|digit| start + digit));
    }
    claims
}

/// A default of nothing, or that depends on what is measured, is not compared.
const REVIEWED: &[&str] = &["Default: 0", "Default: 1 "];

#[test]
fn no_default_is_stated_that_is_not_compared() {
    let stated = stated();
    let mut found = 0;
    let mut missing = Vec::new();
    let folders = ["control-panel/src", "control-panel-macros/src"].map(|folder| root().join(folder));
    let pages = folders.iter().flat_map(|folder| [files(folder, "rs"), files(folder, "md")].concat());
    for path in pages {
        let (text, name) = (text(&path), short(&path));
        let sentences: Vec<_> = stated
            .iter()
            .filter(|(page, _)| Path::new(page) == Path::new(&name))
            .map(|(_, said)| said)
            .collect();
        let covered: Vec<_> = sentences
            .iter()
            .flat_map(|said| text.match_indices(said.as_str()).map(|(at, said)| at..at + said.len()))
            .collect();
        for claim in claims(&text) {
            found += 1;
            let from = text[..claim].rfind("Default").unwrap_or(claim);
            let is_reviewed = REVIEWED.iter().any(|reviewed| text[from..].starts_with(reviewed));
            if !is_reviewed && !covered.iter().any(|range| range.contains(&claim)) {
                let from = text[..claim].char_indices().rev().nth(60).map_or(0, |(at, _)| at);
                let to = text[claim..].char_indices().nth(30).map_or(text.len(), |(at, _)| claim + at);
                missing.push(format!("{name}: …{}…", &text[from..to]));
            }
        }
    }
    assert!(missing.is_empty(), "{} of {found}:\n{}", missing.len(), missing.join("\n"));
    assert!(found > 60, "{found} are found");
}

#[test]
fn a_number_is_written_as_the_pages_write_it() {
    assert_eq!([number(7_u64), number(65_536_u64), number(1_048_576_u64)], ["7", "65,536", "1,048,576"]);
    assert_eq!(time(&format!("{:?}", Duration::from_millis(100))), "100 ms");
    assert_eq!(claims("holds. Default: 32. It is 16 by default, and 7.").len(), 2);
}
