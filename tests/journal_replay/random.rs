//! Record, then replay: the same states, frame by frame, for random runs of a program that is started several times. Panics of the
//! reducer, workers that fail and are restarted, budgets and time budgets, starts after a close and after a crash, recordings that begin anew, sessions that
//! begin again.

use std::{
    env, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, FrameBudget, IntentSource, Replica,
    journal::{Journal, Recording},
    requests::reply,
    testing::Rng,
    worker,
};

use crate::{
    Words,
    restore::{App, Update, other},
};

/// Fails now and then, by an error or a panic, and goes on as a next generation.
#[worker(source = IntentSource::ServoDelegate, restart = on_failure, intensity = unlimited, backoff = "0ms")]
async fn types(cx: Context<Update>, seed: u64) -> io::Result<()> {
    let mut rng = Rng::new(seed ^ cx.generation());
    while cx.send(Update::Opened(1_000 + u32::try_from(rng.below(9)).unwrap())).await.is_ok() {
        match rng.below(20) {
            0 => return Err(io::Error::other("it had enough")),
            1 => tokio::task::yield_now().await,
            _ => {}
        }
    }
    Ok(())
}

fn budget(rng: &mut Rng) -> FrameBudget {
    match rng.below(5) {
        0 => FrameBudget::default(),
        1 => FrameBudget::default().time(Duration::ZERO),
        2 => FrameBudget::default().time(Duration::from_micros(1)),
        _ => FrameBudget::default().intents(1 + rng.index(6)),
    }
}

fn local(rng: &mut Rng, other: &mut Replica<Words>) -> Update {
    match rng.below(12) {
        0..4 => Update::Opened(u32::try_from(rng.below(99)).unwrap()),
        4..8 => Update::Typed(format!("here {}", rng.below(99))),
        8 => Update::Fails,
        9 => Update::Count(reply().0),
        _ => {
            other.commit(format!("there {}", rng.below(99)));
            Update::ApplyRemoteDelta { delta: other.outbox().expect("a word") }
        }
    }
}

/// One start of the program: how often a worker was restarted, how many sessions that was, and what its state was in the end, if all of it is in the journal.
fn session(rng: &mut Rng, path: &Path, other: &mut Replica<Words>) -> (u64, usize, Option<Vec<u32>>) {
    let journal = Journal::open(path).unwrap();
    if rng.chance(30) {
        // It begins anew.
        journal.keep_recorded(0);
    }
    let mut app: App = journal.begin().unwrap();
    let mut panel =
        ControlPanel::<Update>::builder().frame_budget(budget(rng)).capacity(16).record(&journal).build();
    if rng.chance(70) {
        panel.spawn(journal.writer(IntentSource::Restore));
    }
    let workers: Vec<_> = (0..rng.below(3)).map(|_| panel.spawn_types(rng.below(u64::MAX))).collect();
    let mut sessions = 1;
    for _ in 0..rng.below(40) {
        let local: Vec<_> = (0..rng.below(4)).map(|_| (IntentSource::LocalUI, local(rng, other))).collect();
        // What the reducer panics on is recorded, and the program goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut app, &mut (), local)));
        if rng.chance(4) && journal.begin_again(&mut app).unwrap() {
            sessions += 1;
        }
        if rng.chance(30) {
            panel.wait_ready_timeout(Duration::from_millis(1));
        }
    }
    let closes = rng.chance(60);
    let _ = panel.shutdown_blocking();
    drop(panel);
    if closes {
        journal.close().unwrap();
    }
    let restarts = workers.iter().map(|worker| worker.generation().saturating_sub(1)).sum();
    (restarts, sessions, closes.then_some(app.opened))
}

/// How many runs: `SEEDS`, or as few as take seconds.
fn seeds() -> u64 {
    env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(12)
}

#[test]
fn whatever_a_program_does_its_journal_replays() {
    let (mut panics, mut sessions, mut restarts, mut anew, mut again) = (0, 0, 0, 0, 0);
    for seed in 0..seeds() {
        let mut rng = Rng::new(seed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.journal");
        let mut other = other();
        let ends: Vec<_> = (0..=rng.below(4)).map(|_| session(&mut rng, &path, &mut other)).collect();
        let recording = Recording::open(&path).unwrap();
        let mut frames = 0;
        let replay = recording.replay_with::<App>(u64::MAX, |_, app| {
            assert!(app.is_some());
            frames += 1;
        });
        assert!(replay.is_same(), "seed {seed}: {:?}", replay.deviations);
        assert_eq!(frames, recording.frames());
        let end = replay.state.map(|app| app.opened).unwrap_or_default();
        restarts += ends.iter().map(|(restarts, ..)| restarts).sum::<u64>();
        let begun = ends.iter().map(|(_, sessions, _)| sessions).sum::<usize>();
        again += begun - ends.len();
        if let Some((_, _, Some(last))) = ends.last() {
            // A last session without a frame has no record of its own.
            assert!(end == *last || recording.sessions() < begun, "seed {seed}");
        }
        panics += usize::from(replay.recorded_panic.is_some());
        sessions += recording.sessions();
        anew += u64::from(recording.gone() > 0);
    }
    assert!(
        panics > 0 && restarts > 0 && anew > 0 && again > 0 && sessions as u64 > seeds(),
        "{panics} with a panic, {restarts} restarts, {sessions} sessions, {anew} that began anew, {again} that began again"
    );
}
