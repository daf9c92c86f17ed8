//! What is done with recordings: `diff` of two long ones beside reading them, and `shrink`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Instant,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start},
};
use control_panel_benches::{
    bars::Bars,
    random::Random,
    rounds::Spread,
    table::{Table, short},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, GraphIntent, Serialize, Deserialize)]
enum Edit {
    Add(u32),
    Link(u32, u32),
    Rename { page: u32, title: String },
    Remove(u32),
}

/// Pages and links, with the mistake of `examples/graph_journal`: a page with a title keeps the links to it when it is removed.
#[derive(Clone, Debug, Default)]
struct Site {
    pages: BTreeMap<u32, Page>,
    /// Links to pages that are gone: counted, so that looking after each frame costs nothing.
    dangling: usize,
}

#[derive(Clone, Debug, Default)]
struct Page {
    title: String,
    links: BTreeSet<u32>,
}

impl Reducer for Site {
    type Intent = Edit;

    fn apply(&mut self, queued: QueuedIntent<Edit>) {
        match queued.intent {
            Edit::Add(page) => _ = self.pages.entry(page).or_default(),
            Edit::Link(from, to) if self.pages.contains_key(&to) => {
                if let Some(page) = self.pages.get_mut(&from) {
                    page.links.insert(to);
                }
            }
            Edit::Link(..) => {}
            Edit::Rename { page, title } => {
                if let Some(page) = self.pages.get_mut(&page) {
                    page.title = title;
                }
            }
            Edit::Remove(page) => {
                let Some(removed) = self.pages.remove(&page) else { return };
                for other in self.pages.values_mut() {
                    if removed.title.is_empty() {
                        other.links.remove(&page);
                    } else {
                        self.dangling += usize::from(other.links.contains(&page));
                    }
                }
            }
        }
    }
}

impl Recorded for Site {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::default())
    }

    fn invariant(&self) -> Result<(), String> {
        if self.dangling == 0 { Ok(()) } else { Err("a page links to one that is gone".to_owned()) }
    }
}

/// Edits of 200 pages, none of which trips over the mistake: what has a title is not removed.
struct Editor(Random);

impl Editor {
    fn edit(&mut self) -> Edit {
        let page = self.0.below(200) as u32;
        match self.0.below(20) {
            0..9 => Edit::Add(page),
            9..17 => Edit::Link(page, self.0.below(200) as u32),
            17 | 18 if page >= 100 => Edit::Rename { page, title: format!("about {page}") },
            _ if page < 100 && self.0.below(8) == 0 => Edit::Remove(page),
            _ => Edit::Add(page),
        }
    }
}

/// Records frames of these edits, as a program does.
fn record(path: &Path, frames: impl Iterator<Item = Vec<Edit>>) {
    let journal = Journal::open(path).expect("a journal");
    let mut panel: ControlPanel<Edit> = ControlPanel::builder().record(&journal).build();
    let (ui, mut site) = (panel.sender(IntentSource::LocalUI), Site::default());
    for (number, edits) in frames.enumerate() {
        for edit in edits {
            assert!(ui.try_send(edit).is_ok(), "no room");
        }
        panel.run_frame(&mut site, &mut (), []);
        if number % 1_000 == 999 {
            journal.flush().expect("room");
        }
    }
    panel.shutdown_blocking();
    drop(panel);
    journal.close().expect("room");
}

pub(super) fn run(folder: &Path, bars: &mut Bars) {
    diff(folder, bars);
    shrink(folder, bars);
}

const FRAMES: usize = 100_000;

/// The last frame of the second one is another: all of both is compared, and replayed.
fn diff(folder: &Path, bars: &mut Bars) {
    let paths = ["left", "right"].map(|name| folder.join(name));
    for (path, last) in paths.iter().zip([1, 2]) {
        let mut editor = Editor(Random::new());
        record(
            path,
            (0..FRAMES).map(|number| match number {
                number if number + 1 == FRAMES => vec![Edit::Rename { page: 150, title: last.to_string() }],
                _ => (0..4).map(|_| editor.edit()).collect(),
            }),
        );
    }
    let plain = || paths.iter().map(|path| fs::read(path).expect("a file").len()).sum::<usize>();
    let open = || paths.each_ref().map(|path| Recording::open(path).expect("a recording"));
    let mut times = [const { Vec::new() }; 3];
    let mut ratios = [const { Vec::new() }; 3];
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let mut last = Instant::now();
        let mut lap = || std::mem::replace(&mut last, Instant::now()).elapsed().as_secs_f64();
        bytes = plain();
        let plain = lap();
        let [left, right] = open();
        let opened = lap();
        let found = left.diff::<Site>(&right).expect("another last frame");
        let differ = lap();
        assert_eq!((found.frame, found.intent), (FRAMES as u64, Some(0)));
        let sums = [plain, opened, opened + differ];
        for ((time, ratio), sum) in times.iter_mut().zip(&mut ratios).zip(sums) {
            time.push(1e3 * sum);
            ratio.push(sum / opened);
        }
    }
    let times = times.map(|times| Spread::of(times).median);
    let ratios = ratios.map(|ratios| Spread::of(ratios).median);
    let mut table = Table::new(&["two journals of 100,000 frames", "ms", "× reading both"]);
    let rows = [
        "the files' bytes, and nothing else",
        "reading both: `Recording::open`, which checks and decodes",
        "reading both, and `diff`; they differ in the last frame",
    ];
    for ((row, time), ratio) in rows.into_iter().zip(times).zip(ratios) {
        table.row([row.to_owned(), short(time), short(ratio)]);
    }
    println!("{table}\n{:.0} MB in both files.\n", bytes as f64 / 1e6);
    bars.at_most("reading two journals of 100,000 frames and `diff`, × reading both", 3.0, ratios[2]);
}

const ROUNDS: usize = 5;
const INTENTS: usize = 10_000;

/// Five intents of 10,000 make it fail, from the first tenth to the last.
fn shrink(folder: &Path, bars: &mut Bars) {
    let path = folder.join("fails");
    let causes = [
        Edit::Add(300),
        Edit::Add(301),
        Edit::Rename { page: 300, title: "about 300".into() },
        Edit::Link(301, 300),
        Edit::Remove(300),
    ];
    let mut editor = Editor(Random::new());
    let mut edits: Vec<Edit> = (0..INTENTS).map(|_| editor.edit()).collect();
    for (place, cause) in causes.into_iter().enumerate() {
        edits[(place + 1) * INTENTS / 5 - 1] = cause;
    }
    record(&path, edits.chunks(4).map(<[Edit]>::to_vec));
    let recording = Recording::open(&path).expect("a recording");
    assert_eq!(recording.intents(), INTENTS);
    let began = Instant::now();
    let shrunk = recording.shrink::<Site>(2_000, |_| ()).expect("it fails");
    let seconds = began.elapsed().as_secs_f64();
    let mut table = Table::new(&["`shrink` of 10,000 intents", ""]);
    table.row(["intents left".to_owned(), shrunk.intents.len().to_string()]);
    table.row(["replays".to_owned(), shrunk.replays.to_string()]);
    table.row(["seconds".to_owned(), short(seconds)]);
    println!("{table}");
    bars.at_most("intents that `shrink` leaves of 10,000", 9.0, shrunk.intents.len() as f64);
    bars.at_most("replays that it takes", 2_000.0, shrunk.replays as f64);
}
