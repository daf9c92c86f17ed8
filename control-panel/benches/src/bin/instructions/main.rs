//! Instructions of a send, of a frame and of a signal, counted by callgrind: `cargo run --release --bin instructions`.
//!
//! Without arguments it runs itself under `valgrind --tool=callgrind`, once for each operation, counting only
//! what happens inside [`measured`], and subtracts the same loop around nothing.

mod signals;

use std::{
    env,
    future::poll_fn,
    hint::black_box,
    pin::pin,
    process::{Command, ExitCode},
    task::Poll,
};

use control_panel::IntentSource;
use control_panel_benches::{
    contestant::{Contestant, Lane, Offer},
    contestants::*,
    intents::{self, Eat, SOURCES, Script, Sum, Update},
    table::Table,
    versions,
};
use tokio::runtime::{Builder, Handle};

const FRAMES: u64 = 50;
const SIZE: usize = 256;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            report();
            signals::report();
        }
        ["signals"] => signals::report(),
        ["measure", "announce", subscribers, row] => signals::one(subscribers, row),
        ["measure", operation, mix, contestant] => measure(operation, mix, contestant),
        _ => println!("instructions: no arguments, or `signals` for those alone. It needs valgrind."),
    }
    ExitCode::SUCCESS
}

type Run = fn(&str, &Script);

const CONTESTANTS: [(&str, Run); 14] = [
    (Baseline::NAME, run::<Baseline>),
    (<Panel<Whole>>::NAME, run::<Panel<Whole>>),
    (<Panel<Drained>>::NAME, run::<Panel<Drained>>),
    (<Panel<RunFrame>>::NAME, run::<Panel<RunFrame>>),
    (TokioMany::NAME, run::<TokioMany>),
    (Flume::NAME, run::<Flume>),
    (Kanal::NAME, run::<Kanal>),
    (Crossbeam::NAME, run::<Crossbeam>),
    (Crossfire::NAME, run::<Crossfire>),
    (AsyncChannel::NAME, run::<AsyncChannel>),
    (Rtrb::NAME, run::<Rtrb>),
    (<Bevy>::NAME, run::<Bevy>),
    (<EguiInbox>::NAME, run::<EguiInbox>),
    (Nothing::NAME, run::<Nothing>),
];

fn report() {
    let mut table = Table::new(&[
        "instructions for each intent",
        "try_send, local",
        "send.await, local",
        "frame, local 256",
        "try_send, mix",
        "send.await, mix",
        "frame, mix 256",
    ]);
    let operations = [
        ("send", "local"),
        ("await", "local"),
        ("frame", "local"),
        ("send", "mix"),
        ("await", "mix"),
        ("frame", "mix"),
    ];
    let nothing: Vec<Option<u64>> =
        operations.iter().map(|(operation, mix)| count(operation, mix, Nothing::NAME)).collect();
    for (name, _) in CONTESTANTS.iter().filter(|(name, _)| *name != Nothing::NAME) {
        eprintln!("{name} …");
        let counts = operations.iter().zip(&nothing).map(|((operation, mix), nothing)| {
            match (count(operation, mix, name), nothing) {
                (Some(all), Some(nothing)) => {
                    format!("{:.1}", all.saturating_sub(*nothing) as f64 / (FRAMES * SIZE as u64) as f64)
                }
                _ => "valgrind?".into(),
            }
        });
        table.row([name.to_string()].into_iter().chain(counts));
    }
    println!("Versions: {}.\n\n{table}", versions::line(QUEUES));
}

/// What callgrind collected inside [`measured`].
fn count(operation: &str, mix: &str, contestant: &str) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured"])
        .args(["--callgrind-out-file=/dev/null", "--"])
        .arg(env::current_exe().ok()?)
        .args(["measure", operation, mix, contestant])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    collected.trim().parse().ok()
}

/// Under valgrind: one operation of one contestant.
fn measure(operation: &str, mix: &str, contestant: &str) {
    let script = if mix == "mix" { intents::mix(SIZE) } else { intents::local(SIZE) };
    let (_, run) = CONTESTANTS.iter().find(|(name, _)| *name == contestant).expect("a contestant's name");
    run(operation, &script);
}

fn run<C: Contestant<Lane: Offer>>(operation: &str, script: &Script) {
    let runtime =
        Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts");
    let capacity = if C::NAME == Rtrb::NAME { SIZE * SOURCES.len() } else { SIZE + SOURCES.len() + 1 };
    let (mut queue, mut lanes) = C::open(capacity, &SOURCES, runtime.handle());
    let mut sum = Sum::default();
    for frame in 0..10 + FRAMES {
        let measures = |what| operation == what && frame >= 10;
        let (sends, frames) = (measures("send"), measures("frame"));
        if operation == "await" {
            runtime.block_on(awaited(measures("await"), &mut lanes, script));
        } else {
            perhaps_measured(sends, &mut || {
                for (lane, update) in script {
                    lanes[*lane].offer(*update);
                }
            });
        }
        perhaps_measured(frames, &mut || {
            sum = queue.frame(sum);
            queue.release();
        });
    }
    black_box(sum);
}

/// Sends one after the other, each consuming the runtime's budget: with what it costs to yield where that is used up, and
/// without the runtime's own part of it.
async fn awaited<L: Lane>(is_measured: bool, lanes: &mut [L], script: &Script) {
    let mut sends = pin!(async {
        for (lane, update) in script {
            black_box(lanes[*lane].send(*update).await);
        }
    });
    poll_fn(|cx| {
        let mut sent = Poll::Pending;
        perhaps_measured(is_measured, &mut || sent = sends.as_mut().poll(cx));
        sent
    })
    .await;
}

fn perhaps_measured(now: bool, run: &mut dyn FnMut()) {
    if now { measured(run) } else { run() }
}

/// Callgrind counts the function of this name.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}

/// The loop around nothing.
struct Nothing;
struct NoLane;

impl Contestant for Nothing {
    const NAME: &'static str = "nothing";
    type Lane = NoLane;

    fn open(_: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<NoLane>) {
        (Self, sources.iter().map(|_| NoLane).collect())
    }

    fn frame<E: Eat>(&mut self, eat: E) -> E {
        eat
    }
}

impl Lane for NoLane {
    async fn send(&mut self, update: Update) -> bool {
        self.offer(update);
        true
    }
}

impl Offer for NoLane {
    fn offer(&mut self, update: Update) {
        black_box(&update);
    }
}
