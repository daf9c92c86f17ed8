//! What recording adds to a frame, beside handing the same frame to a plain channel.
//!
//! A frame of 256 intents, as a program's are: most small, one in eight with a text, one in sixteen with a list. `plain` is what one writes by hand: the reducer
//! pushes a clone of each intent, with its key, to a list, and sends the list through a bounded channel when the frame ends. `recycled` is the same where the lists come
//! back by another channel, so that none is allocated. `recorded` is the same frame of a panel that
//! records in a journal, `bare` of one that does neither. Counted is the CPU time of the frame's thread.

use std::{
    env,
    hint::black_box,
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use control_panel::{
    CausalityOrder, ControlPanel, GraphIntent, IntentSender, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalEvent},
};
use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

const SIZE: u32 = 256;
/// Of one sample.
const FRAMES: usize = 100;
const ROUNDS: usize = 60;
/// Under valgrind.
const COUNTED: u64 = 50;

/// What a browser of linked pages is sent.
#[derive(Clone, Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Seen {
        page: u32,
        cause: Cause,
    },
    Left {
        page: u32,
        cause: Cause,
    },
    Moved {
        page: u32,
        x: f32,
        y: f32,
    },
    Pressure(u8),
    Named {
        page: u32,
        title: String,
    },
    Read {
        page: u32,
        links: Vec<u32>,
        complete: bool,
    },
    #[intent(from, skip)]
    #[serde(skip)]
    Journal(JournalEvent),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Cause {
    Selected,
    Prefetched,
}

/// The `number`th of a frame.
fn update(number: u32, mix: &str) -> Update {
    let page = number.wrapping_mul(2_654_435_761) % 20_000;
    match number % 16 {
        3 | 7 | 11 if mix == SMALL => Update::Seen { page, cause: Cause::Prefetched },
        3 | 11 => Update::Named { page, title: format!("What page {page} is about") },
        7 => Update::Read { page, links: (page..page + 8).collect(), complete: true },
        0 | 8 => Update::Pressure(number as u8),
        1 | 6 | 14 => Update::Moved { page, x: page as f32, y: number as f32 },
        2 | 5 | 9 | 12 => Update::Left { page, cause: Cause::Prefetched },
        _ => Update::Seen { page, cause: Cause::Selected },
    }
}

type Keyed = (CausalityOrder<IntentSource>, Update);

/// Looks at each intent; if it has a channel, it hands the frame over.
#[derive(Default)]
struct Pages {
    sum: u64,
    frame: Vec<Keyed>,
    channel: Option<mpsc::SyncSender<Vec<Keyed>>>,
    /// Lists that were read.
    back: Option<mpsc::Receiver<Vec<Keyed>>>,
}

impl Reducer for Pages {
    type Intent = Update;

    #[inline]
    fn apply(&mut self, queued: QueuedIntent<Update>) {
        if self.channel.is_some() {
            self.frame.push((queued.causality_order(), queued.intent.clone()));
        }
        self.sum = self.sum.wrapping_mul(31).wrapping_add(match queued.intent {
            Update::Seen { page, cause } | Update::Left { page, cause } => u64::from(page) + cause as u64,
            Update::Moved { page, x, y } => u64::from(page) + (x + y) as u64,
            Update::Pressure(level) => level.into(),
            Update::Named { page, title } => u64::from(page) + title.len() as u64,
            Update::Read { page, links, complete } => {
                u64::from(page) + links.len() as u64 + u64::from(complete)
            }
            Update::Journal(event) => panic!("{event}"),
        });
    }

    fn settle(&mut self) {
        if let Some(channel) = &self.channel {
            let back = self.back.as_ref().and_then(|back| back.try_recv().ok());
            let next = back.unwrap_or_else(|| Vec::with_capacity(self.frame.len()));
            let _ = channel.try_send(std::mem::replace(&mut self.frame, next));
        }
    }
}

struct Contestant {
    panel: ControlPanel<Update>,
    senders: [IntentSender<Update>; 2],
    pages: Pages,
    mix: &'static str,
    journal: Option<Journal>,
    _runtime: Arc<tokio::runtime::Runtime>,
}

/// A frame without intents.
const EMPTY: &str = "empty";

/// The second has neither texts nor lists.
const MIXES: [&str; 2] = ["mixed", SMALL];
const SMALL: &str = "small";

const NAMES: [&str; 4] = ["bare", "plain", "recycled", "recorded"];
const PLAIN: usize = 1;
const RECYCLED: usize = 2;
const RECORDED: usize = 3;

impl Contestant {
    fn new(name: &str, mix: &'static str, path: &Path) -> Self {
        let runtime = Arc::new(
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime"),
        );
        let _entered = runtime.enter();
        let mut pages = Pages::default();
        let mut builder = ControlPanel::builder().capacity(2 * SIZE as usize);
        let mut journal = None;
        match name {
            "plain" | "recycled" => {
                let (sender, receiver) = mpsc::sync_channel::<Vec<Keyed>>(4096);
                let (used, back) = mpsc::sync_channel::<Vec<Keyed>>(8);
                thread::spawn(move || {
                    for frame in receiver {
                        let mut frame = black_box(frame);
                        frame.clear();
                        // As the journal's writer does: what is more than a few is freed.
                        let _ = used.try_send(frame);
                    }
                });
                pages.channel = Some(sender);
                pages.back = (name == "recycled").then_some(back);
            }
            "recorded" => {
                let opened = Journal::open(path).expect("a journal");
                builder = builder.record(&opened);
                journal = Some(opened);
            }
            _ => {}
        }
        let panel = builder.build();
        if let Some(journal) = &journal {
            panel.spawn(journal.writer(IntentSource::Restore));
        }
        let senders = [IntentSource::LocalUI, IntentSource::ServoDelegate].map(|source| panel.sender(source));
        Self { panel, senders, pages, mix, journal, _runtime: runtime }
    }

    fn fill(&self) {
        if self.mix == EMPTY {
            return;
        }
        for number in 0..SIZE {
            let sender = &self.senders[usize::from(number % 8 == 5)];
            sender.try_send(update(number, self.mix)).expect("room");
        }
    }

    fn frame(&mut self) {
        let report = self.panel.run_frame(&mut self.pages, &mut (), []);
        debug_assert!(report.applied == SIZE as usize || self.mix == EMPTY);
    }

    /// Nanoseconds of a frame.
    fn sample(&mut self) -> f64 {
        let mut spent = 0.0;
        for _ in 0..FRAMES {
            self.fill();
            let began = cpu_time();
            self.frame();
            spent += cpu_time() - began;
        }
        if let Some(journal) = &self.journal {
            journal.flush().expect("room");
        }
        spent / FRAMES as f64
    }
}

fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub fn report(folder: &Path, bars: &mut Bars) {
    let mut table = Table::new(&[
        "a frame of 256 intents",
        "adds, CPU µs",
        "adds, instructions",
        "× plain, CPU",
        "× plain, instructions",
        "× recycled, CPU",
        "× recycled, instructions",
    ]);
    let cell = |number: Option<f64>| number.map_or("valgrind?".to_owned(), short);
    for mix in MIXES {
        let (times, ratios) = times(mix, folder);
        let counts = NAMES.map(|name| count(name, mix, folder));
        let added = |which: usize| Some(counts[which]?.saturating_sub(counts[0]?));
        let beside = |which: usize, base: usize| Some(added(which)? as f64 / added(base)? as f64);
        for which in [PLAIN, RECYCLED, RECORDED] {
            table.row([
                format!("{mix}: {}", NAMES[which]),
                short((times[which] - times[0]) / 1e3),
                cell(added(which).map(|count| count as f64)),
                short(ratios[which][0]),
                cell(beside(which, PLAIN)),
                short(ratios[which][1]),
                cell(beside(which, RECYCLED)),
            ]);
        }
        for (base, name) in [(0, "plain"), (1, "recycled")] {
            let what =
                format!("what recording adds to a frame of 256 ({mix}), × what a {name} list does: CPU time");
            bars.at_most(what, 1.5, ratios[RECORDED][base]);
        }
    }
    println!("{table}");
    let mut table = Table::new(&["a frame without intents", "instructions"]);
    for name in NAMES {
        table.row([name.to_owned(), cell(count(name, EMPTY, folder).map(|count| count as f64))]);
    }
    println!("{table}");
}

/// Median nanoseconds of each, and the medians of how many times what `plain`, and what `recycled` adds, each does.
fn times(mix: &'static str, folder: &Path) -> ([f64; 4], [[f64; 2]; 4]) {
    let mut contestants =
        NAMES.map(|name| Contestant::new(name, mix, &folder.join(format!("recorded-{mix}"))));
    let mut ratios = [const { [const { Vec::new() }; 2] }; 4];
    let mut times = [const { Vec::new() }; 4];
    for round in 0..5 + ROUNDS {
        let mut sample = [0.0; 4];
        let order = if round % 2 == 0 { [0, 1, 2, 3] } else { [3, 2, 1, 0] };
        order.into_iter().for_each(|which| sample[which] = contestants[which].sample());
        if round >= 5 {
            for (which, ratios) in ratios.iter_mut().enumerate() {
                for (base, ratios) in [PLAIN, RECYCLED].into_iter().zip(ratios) {
                    ratios.push((sample[which] - sample[0]) / (sample[base] - sample[0]));
                }
            }
            times.iter_mut().zip(sample).for_each(|(times, sample)| times.push(sample));
        }
    }
    let median = |samples: Vec<f64>| Spread::of(samples).median;
    (times.map(median), ratios.map(|ratios| ratios.map(median)))
}

/// Instructions of a frame, as callgrind counts them inside [`measured`].
fn count(name: &str, mix: &str, folder: &Path) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured"])
        .args(["--callgrind-out-file=/dev/null", "--"])
        .arg(env::current_exe().ok()?)
        .args(["measure", name, mix])
        .arg(folder.join(format!("counted-{name}-{mix}")))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    collected.trim().parse::<u64>().ok().map(|all| all / COUNTED)
}

/// Under valgrind.
pub fn measure(name: &str, mix: &str, path: &Path) {
    let mix = MIXES.into_iter().chain([EMPTY]).find(|known| *known == mix).expect("a mix");
    let mut contestant = Contestant::new(name, mix, path);
    for frame in 0..10 + COUNTED {
        contestant.fill();
        if frame < 10 {
            contestant.frame();
        } else {
            measured(&mut || contestant.frame());
        }
        if let Some(journal) = &contestant.journal {
            journal.flush().expect("room");
        }
        if contestant.pages.channel.is_some() {
            // Valgrind runs one thread at a time: the list is to be back.
            thread::sleep(Duration::from_millis(1));
        }
    }
    black_box(contestant.pages.sum);
}

/// Its name is what callgrind counts in.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}
