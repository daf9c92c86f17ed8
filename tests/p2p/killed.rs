//! `SIGKILL` at random moments, while all write.

use std::{collections::BTreeSet, env, thread, time::Duration};

use control_panel::testing::Rng;

use crate::{
    node::{LONG, Setup, folders},
    process::{Process, free_port},
    recorded::replayed,
};

/// How often one is killed: `SIGKILL_ROUNDS`, or as few as take a few seconds.
fn rounds() -> u64 {
    env::var("SIGKILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4)
}

/// Three processes that share a graph, and write all the time: at the end they have equal logs and states, and in them all that any of them had kept; and the journal of each replays to
/// that, life by life.
#[test]
fn processes_that_are_killed_at_random_moments_converge_and_lose_no_edit_of_their_own() {
    let (folders, members) = folders(3);
    let at: Vec<_> = folders.iter().map(|_| free_port()).collect();
    let setups: Vec<_> = (0..3)
        .map(|me| {
            let known =
                (0..3).filter(|other| *other != me).map(|other| (members[other], at[other])).collect();
            let recorded = Setup { journal: true, record: true, ..Setup::new(folders[me].path(), &members) };
            Setup { known, bind: at[me], ..recorded }
        })
        .map(|setup| Setup { idle: Duration::from_secs(5), ..setup })
        .collect();
    let start = |me: usize| {
        let mut process = Process::start(&setups[me]);
        process.say("write");
        process
    };
    let mut processes: Vec<_> = (0..3).map(start).collect();
    let (mut rng, mut kept) = (Rng::new(15), BTreeSet::new());
    for _ in 0..rounds() {
        thread::sleep(Duration::from_millis(rng.below(1_500)));
        let victim = rng.index(3);
        processes[victim].kill();
        kept.extend(processes[victim].all("kept"));
        processes[victim] = start(victim);
    }
    for process in &mut processes {
        process.wait_for("it writes", |process| process.last("kept").is_some());
        process.say("rest");
    }
    let began = std::time::Instant::now();
    loop {
        let states: Vec<_> = processes.iter().map(|process| process.last("state")).collect();
        if states[0].is_some() && states.iter().all(|state| *state == states[0]) {
            break;
        }
        assert!(began.elapsed() < LONG, "logs and states differ: {states:?}");
        thread::sleep(Duration::from_millis(20));
    }
    let words: Vec<_> = processes.iter_mut().map(Process::list).collect();
    for process in &mut processes {
        process.kill();
        kept.extend(process.all("kept"));
    }
    assert!(words.iter().all(|of| *of == words[0]), "they have other words, or in another order");
    let here: BTreeSet<_> = words[0].iter().cloned().collect();
    assert_eq!(here.len(), words[0].len(), "a word is there twice");
    for folder in &folders {
        let (replayed, ..) = replayed(folder.path());
        assert_eq!(replayed.0, words[0], "a replay comes to other words");
    }
    let lost: Vec<_> = kept.difference(&here).collect();
    assert!(lost.is_empty() && !kept.is_empty(), "lost: {lost:?}");
    println!("{} rounds, {} words", rounds(), here.len());
}
