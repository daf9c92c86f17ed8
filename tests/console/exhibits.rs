//! What stands beside a panel shows itself by default: a worker brings it.

use control_panel::{
    Context, Worker,
    console::{Board, JournalRow, PeerRow},
    journal::Journal,
    testing,
    workers::mods::{ModEvent, ModIntent, ModLoader},
};

use super::{Look, Panel, Source, Update};

fn worker(name: &'static str, state: &'static str) -> Worker<Update> {
    with_peer(name, name, state)
}

fn with_peer(name: &'static str, peer: &'static str, state: &'static str) -> Worker<Update> {
    Worker::new(name, Source::Net, |cx: Context<Update>| async move { cx.cancelled().await }).exhibit(
        move |board: &mut Board| {
            board.peer(PeerRow { name: peer.into(), state: state.into(), ..PeerRow::default() });
        },
    )
}

#[test]
fn what_a_worker_brings_is_shown_by_each_observer() {
    testing::paused(async |panel: &mut Panel| {
        let mut before = Look::at(panel);
        let worker = panel.spawn(worker("link", "dials"));
        let mut after = Look::at(panel);
        for look in [&mut before, &mut after] {
            assert_eq!(look.view().peers[0].state, "dials");
        }
        worker.stop();
        worker.ended().await;
        assert_eq!(before.view().peers[0].state, "dials", "what is wrong with it is of most interest then");
        let again = panel.spawn(self::worker("link", "again"));
        let peers = before.view().peers;
        assert_eq!((peers.len(), peers[0].state.as_str()), (1, "again"), "its successor's takes its place");
        again.stop();
        again.ended().await;
        panel.spawn(with_peer("link", "b22c", "dials"));
        let peers = before.view().peers;
        let names: Vec<_> = peers.iter().map(|peer| peer.name.as_str()).collect();
        assert_eq!(names, ["b22c"], "also where its rows have other names");
    });
}

#[test]
fn a_panel_shows_what_32_workers_bring_and_those_that_live_first() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        let name = |number: usize| format!("w{number}").leak() as &str;
        let first = panel.spawn(worker(name(0), ""));
        for number in 1..40 {
            panel.spawn(worker(name(number), ""));
        }
        let shown = |look: &mut Look| look.view().peers.into_iter().map(|peer| peer.name).collect::<Vec<_>>();
        let all = shown(&mut look);
        assert_eq!((all.len(), all[0].as_str(), all[31].as_str()), (32, "w0", "w31"));
        first.stop();
        first.ended().await;
        panel.spawn(worker(name(40), ""));
        let all = shown(&mut look);
        assert_eq!(
            (all.len(), all[0].as_str(), all[31].as_str()),
            (32, "w1", "w40"),
            "one that ended makes room"
        );
    });
}

#[test]
fn what_a_program_attaches_takes_the_place_of_what_a_worker_says_of_the_same() {
    let panel = Panel::new();
    let mut look = Look::at(&panel);
    panel.spawn(worker("a81f", "online"));
    look.observer.attach(|board: &mut Board| {
        board.peer(PeerRow { name: "a81f".into(), lag: Some(3), ..PeerRow::default() });
        board.peer(PeerRow { name: "b22c".into(), ..PeerRow::default() });
    });
    let peers = look.view().peers;
    let names: Vec<_> = peers.iter().map(|peer| (peer.name.as_str(), peer.lag)).collect();
    assert_eq!(names, [("a81f", Some(3)), ("b22c", None)]);
}

#[derive(Debug, control_panel::GraphIntent)]
#[expect(dead_code, reason = "nothing is drained")]
enum Event {
    #[intent(from)]
    Journal(control_panel::journal::JournalEvent),
    #[intent(from)]
    Mod(ModEvent),
}

impl ModIntent for Event {}

#[test]
fn a_journal_shows_itself_while_its_program_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let panel = control_panel::ControlPanel::<Event>::new();
    let observer = panel.observer();
    let journals = || control_panel::console::Console::default().refresh(&observer).journals;
    assert_eq!(journals(), []);
    let writer = panel.spawn(journal.writer(control_panel::IntentSource::Restore));
    let [JournalRow { path: shown, bytes: Some(bytes), pending: 0, trouble: None, .. }] = &journals()[..]
    else {
        panic!("{:#?}", journals())
    };
    assert_eq!((shown.as_str(), *bytes), (path.to_str().unwrap(), std::fs::metadata(&path).unwrap().len()));
    writer.stop();
    writer.ended_blocking();
    assert_eq!(journals().len(), 1, "the program has it still");
    journal.close().unwrap();
    assert_eq!(journals()[0].trouble.as_deref(), Some("its writer has failed, and keeps what it has"));
    drop(journal);
    assert_eq!(journals(), [], "a console keeps no journal");
}

#[test]
fn mods_show_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let mods = folder.path().join("broken");
    std::fs::create_dir(&mods).unwrap();
    std::fs::write(mods.join("mod.toml"), "nonsense").unwrap();
    let panel = control_panel::ControlPanel::<Event>::new();
    let observer = panel.observer();
    let loader = ModLoader::new(folder.path(), control_panel::IntentSource::ModLoader);
    panel.spawn(loader.into_worker());
    let began = std::time::Instant::now();
    loop {
        let mods = control_panel::console::Console::default().refresh(&observer).mods;
        if !mods.is_empty() {
            assert_eq!(mods.len(), 1, "{mods:?}");
            assert!(mods[0].trouble.is_some(), "{mods:?}");
            break;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "no mod is shown");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
