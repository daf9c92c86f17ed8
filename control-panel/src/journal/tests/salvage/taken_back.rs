//! What was not durable when the power was cut, and is in the pages all the same.

use std::fs;

use super::{Case, Update, begin};
use crate::{
    ControlPanel, IntentSource,
    journal::{
        Journal, Recording,
        salvage::Salvaged,
        store::{
            Scan,
            testing::{Memory, Step},
        },
    },
};

/// A session on that medium, and the state after each of its frames. The last ones are one transaction, and the power is cut right before the file's header
/// says that it is there.
fn session(memory: &Memory, name: &str, kept: usize, lost: usize) -> Vec<String> {
    let journal = Journal::on(memory).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app = begin(&journal);
    let mut states = Vec::new();
    let mut frame = |number: usize| {
        let word = format!("{name}.{number} ").repeat(40);
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed(word))]);
        states.push(app.look());
    };
    for number in 0..kept {
        frame(number);
        journal.flush().unwrap();
    }
    let mut bytes = memory.lock().bytes.clone();
    memory.lock().steps.clear();
    (kept..kept + lost).for_each(frame);
    journal.flush().unwrap();
    for step in std::mem::take(&mut memory.lock().steps) {
        match step {
            Step::Write(0..4096, _) => {}
            step => step.apply(&mut bytes),
        }
    }
    // Nothing of what redb writes when it is closed.
    drop((panel, app, journal));
    memory.lock().bytes = bytes;
    states
}

/// Its pages have frames and runs that it has not: nothing of them was durable, and the program went on without them.
#[test]
fn what_a_crash_took_back_does_not_return() {
    let memory = Memory::default();
    let check = |name: &str, states: &[String], frames: usize| {
        let good = memory.lock().bytes.clone().leak();
        let states = states.to_vec().leak();
        let mut case = Case { folder: tempfile::tempdir().unwrap(), good, states: &states[..frames] };
        let path = case.folder.path().join("as it is");
        fs::write(&path, case.good).unwrap();
        let scan = Scan::of(fs::File::open(&path).unwrap()).unwrap();
        assert!(scan.last_seen() > frames as u64, "{name}: nothing of what was taken back is there");

        assert_eq!(case.check(name, case.good), frames as u64);
        let (to, salvaged) = case.salvage(name, case.good);
        let Salvaged { runs, lost, .. } = salvaged.unwrap();
        assert_eq!((runs, &lost[..]), (frames as u64, &[][..]), "{name}");
        assert_eq!(Recording::open(to).unwrap(), Recording::open(&path).unwrap(), "{name}");

        case.states = states;
        let mut bytes = case.good.to_vec();
        bytes[16..4096].fill(7);
        case.check(&format!("{name}, no header"), &bytes)
    };
    let mut states = session(&memory, "first", 30, 100);
    // Without what leads to them they are as good as any.
    assert!(check("crashed", &states, 30) >= 30);
    states.truncate(30);
    // And with a session that used their numbers again they are not.
    states.extend(session(&memory, "second", 1, 0));
    assert_eq!(check("went on", &states, 31), 31);
}
