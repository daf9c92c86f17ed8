//! Soaks the supervision, and proves at the end that it held.
//!
//!     cargo run -p examples --release --example soak -- --seconds 60
//!     cargo run -p examples --release --example soak -- --seconds 60 --seed 7
//!
//! What to look for:
//!
//! - `worker` is every kind of worker there is, doing what workers should not; `stir` spawns, stops and restarts them
//!   from three threads, alone, in groups and one after the other; `offender` is what no shutdown can stop.
//! - `account` is the proof that nothing was lost, doubled, disordered or said by an old generation: each worker's own
//!   bookkeeping, held against what the frames hand out.
//! - `witness` reads the events as they come, and knows what may follow what.
//! - The frame loop below is an ordinary one.

mod account;
mod cli;
mod machine;
mod offender;
mod stir;
mod tally;
mod verdict;
mod witness;
mod worker;

use std::{
    io::{self, Write},
    panic,
    process::ExitCode,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use control_panel::ControlPanel;
use fastrand::Rng;

use crate::{
    cli::Cli,
    machine::Samples,
    offender::Offenders,
    stir::Stirring,
    tally::{Fault, Grouped, Tally},
    verdict::Verdict,
    witness::Witness,
    worker::{Auditor, PANIC, Update},
};

const DEADLINE: Duration = Duration::from_millis(500);
/// What is over gets so long to be gone: threads end in their own time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before that, memory still grows to what the workers need.
const WARM: Duration = Duration::from_secs(10);
/// By so many bytes the allocated memory of 120 workers varies anyway. The resident set, of which the allocator keeps
/// what it likes, by more.
const LITTLE: u64 = 256 << 10;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    say(&format!("seed {seed}, {} s", cli.time().as_secs()));
    let tally = Arc::new(Tally::default());
    count_panics(&tally);
    let verdict = soak(&cli, Rng::with_seed(seed), &tally);
    writeln!(io::stdout(), "{verdict}").ok();
    if verdict.holds() {
        ExitCode::SUCCESS
    } else {
        say(&format!("again with: --seconds {} --seed {seed}", cli.time().as_secs()));
        ExitCode::FAILURE
    }
}

/// The workers' panics are counted and not printed; any other is.
fn count_panics(tally: &Arc<Tally>) {
    let (before, tally) = (panic::take_hook(), Arc::clone(tally));
    panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<&str>();
        if text == Some(&PANIC) {
            tally.panics.fetch_add(1, Relaxed);
        } else {
            before(info);
        }
    }));
}

fn panel() -> ControlPanel<Update> {
    ControlPanel::builder().name("soak").capacity(256).shutdown_timeout(DEADLINE).build()
}

fn soak(cli: &Cli, mut rng: Rng, tally: &Arc<Tally>) -> Verdict {
    // What a process has once, however many panels, is there before it is counted.
    panel().shutdown_blocking();
    settled(|| machine::threads().is_none_or(|threads| threads <= 1));
    let (threads, bytes) = (machine::threads(), machine::live_bytes());

    let mut panel = panel();
    let mut samples = Samples::new(cli.time());
    let mut witness = Witness::new(panel.events());
    let stirring = Stirring::begin(&panel, &mut rng, tally);
    let frames = frames(cli, &mut panel, &mut samples, &mut witness, tally);
    let mut verdict = Verdict::default();
    verdict.check(stirring.end(), "the threads that stirred are well", figures(tally));

    let offenders = Offenders::plant(&panel);
    shut_down(&mut panel, &offenders, tally, &mut verdict);
    while panel.run_frame(&mut Auditor, &mut (), []).applied > 0 {}
    witness.look();
    drop(panel);
    events_hold(witness, tally, &mut verdict);
    nothing_lost(tally, frames, &mut verdict);
    flat(cli, &samples, &mut verdict);
    left_over(threads, bytes, tally, &mut verdict);
    verdict
}

/// The frame loop; how many frames there were.
fn frames(
    cli: &Cli,
    panel: &mut ControlPanel<Update>,
    samples: &mut Samples,
    witness: &mut Witness,
    tally: &Tally,
) -> u64 {
    let (began, mut shown) = (Instant::now(), 0);
    loop {
        let frame = panel.run_frame(&mut Auditor, &mut (), []).frame;
        samples.look();
        witness.look();
        let seconds = began.elapsed().as_secs();
        if !cli.quiet && seconds > shown {
            shown = seconds;
            let (live, workers) = (machine::live_bytes() >> 10, panel.worker_count());
            say(&format!("{seconds:>4} s  {workers:>3} workers  {}  {live:>6} KiB", figures(tally)));
        }
        if began.elapsed() >= cli.time() {
            return frame;
        }
        panel.wait_ready_timeout(Duration::from_millis(10));
        thread::sleep(Duration::from_micros(500));
    }
}

fn figures(tally: &Tally) -> String {
    let [spawned, stopped, restarted, generations, panics, intents] =
        [&tally.spawned, &tally.stopped, &tally.restarted, &tally.generations, &tally.panics, &tally.drained]
            .map(|count| Grouped(count.load(Relaxed)));
    format!(
        "{spawned} spawned, {stopped} stopped, {restarted} restarted, {generations} generations, {panics} panics, \
         {intents} intents"
    )
}

fn shut_down(panel: &mut ControlPanel<Update>, offenders: &Offenders, tally: &Tally, verdict: &mut Verdict) {
    let began = Instant::now();
    let report = panel.shutdown_blocking();
    let late = began.elapsed().saturating_sub(DEADLINE);
    let at_it = offenders.are_at_it();
    let (living, counted) = (tally.alive.load(Relaxed), panel.worker_count());
    let misnamed = Offenders::misnamed(&report);
    // They have no account, so every worker alive now is another one.
    verdict.check(living == 0, "at the shutdown's return no other future lives", format!("{living} live"));
    verdict.check(
        counted == Offenders::abandoned(),
        "the workers that count are the offenders",
        format!("{counted} of {}", Offenders::abandoned()),
    );
    let named = format!("{} workers, {} abandoned", report.workers().len(), report.abandoned().count());
    verdict.check_each(misnamed.is_empty(), "the report names exactly the offenders", named, misnamed);
    verdict.check(
        at_it,
        "the shutdown is back while they still run",
        format!("{:.1} ms after its deadline of {} ms", 1e3 * late.as_secs_f64(), DEADLINE.as_millis()),
    );
    offenders.free();
    let gone = settled(|| panel.worker_count() == 0);
    verdict.check(gone, "let go, they end and no longer count", format!("{} count", panel.worker_count()));
}

fn events_hold(witness: Witness, tally: &Tally, verdict: &mut Verdict) {
    let (holds, figures, wrong) = witness.verdict();
    verdict.check_each(holds, "the events tell what can have happened, in order", figures, wrong);
    let living = witness.living();
    verdict.check(
        living == 0,
        "of every worker that was spawned the end was reported",
        format!("{living} not"),
    );
    let [jammed, unnoticed] = [&tally.jammed, &tally.unnoticed].map(|count| count.load(Relaxed));
    let figures = format!("{} jammed, {unnoticed} unnoticed", Grouped(jammed));
    verdict.check(unnoticed == 0, "a worker that jams is found stuck, and started anew", figures);
    // It keeps the last events, which are memory.
    drop(witness);
}

fn nothing_lost(tally: &Tally, frames: u64, verdict: &mut Verdict) {
    let [accepted, drained, refused] =
        [&tally.accepted, &tally.drained, &tally.refused].map(|count| count.load(Relaxed));
    let accounts = tally.accounts.load(Relaxed);
    let [lost, doubled, handed_back, stale, overlap] = Fault::ALL.map(|fault| tally.count(fault));
    let delivered = format!(
        "{} accepted, {} handed out in {} frames ({} of them by workers dropped as they sent), {} refused",
        Grouped(accepted),
        Grouped(drained),
        Grouped(frames),
        Grouped(drained.saturating_sub(accepted)),
        Grouped(refused),
    );
    let once = lost + doubled + handed_back == 0 && drained >= accepted && accepted > 0;
    let wrong =
        format!("{delivered}; {lost} lost, {doubled} doubled or disordered, {handed_back} also refused");
    let figures = if once { delivered } else { wrong };
    verdict.check_each(once, "every accepted intent came out once, in order", figures, tally.first_faults());
    let generations = Grouped(tally.generations.load(Relaxed));
    verdict.check(
        stale + overlap == 0,
        "nothing of an old generation after its successor",
        format!("{generations} generations, {stale} stale, {overlap} overlaps"),
    );
    verdict.check(accounts == 0, "every worker is gone with all it had", format!("{accounts} accounts open"));
}

fn flat(cli: &Cli, samples: &Samples, verdict: &mut Verdict) {
    let live = samples.live();
    let short = cli.time() < WARM;
    let note = if short { "; too short to judge" } else { "" };
    let growth =
        |flat: machine::Flat| format!("{} KiB, then {} KiB{note}", flat.third >> 10, flat.last >> 10);
    verdict.check(
        short || live.is_within(LITTLE),
        "allocated memory is flat (3rd and 4th quarter)",
        growth(live),
    );
    if let Some(resident) = samples.resident() {
        verdict.check(
            short || resident.is_within(8 * LITTLE),
            "resident memory is flat (likewise)",
            growth(resident),
        );
    }
}

fn left_over(threads: Option<usize>, bytes: u64, tally: &Tally, verdict: &mut Verdict) {
    let gone = settled(|| tally.alive.load(Relaxed) == 0 && machine::threads() <= threads);
    let alive = tally.alive.load(Relaxed);
    let figures = match (threads, machine::threads()) {
        (Some(before), Some(now)) => format!("{alive} futures, {now} threads after {before}"),
        _ => format!("{alive} futures; threads cannot be counted here"),
    };
    verdict.check(gone, "no future and no thread is left over", figures);
    let left = machine::live_bytes().saturating_sub(bytes);
    verdict.check(left < LITTLE, "no memory is left over", format!("{} KiB", left >> 10));
}

/// Waits for it, for a while.
fn settled(holds: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !holds() && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
    holds()
}

fn say(line: &str) {
    // A closed stderr is no reason to panic.
    writeln!(io::stderr(), "{line}").ok();
}
