//! What is in a file beside frames.

use super::Case;
use crate::journal::{
    files::open_to_read,
    intents::{Head, frame_bytes, put_end},
    record::{FrameRecord, RunRecord},
    replay::Noted,
    salvage::Salvaged,
    store::{
        Disk, FORMAT, Item, Meta, Store,
        testing::{Memory, runs},
    },
};

/// The bytes of a file of two frames, of which the second names a run that no replica admitted; of a void run that the program has back; and of a note of
/// a state, which is of these frames or not.
fn beside_frames(is_theirs: bool) -> Vec<u8> {
    let memory = Memory::default();
    let meta = Meta { format: FORMAT, session: 1, ..Meta::default() };
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    let runs = runs(3);
    let received = RunRecord::from_bytes(runs[2].key, runs[2].bytes(), false);
    let mut intents = frame_bytes(Head::default(), &[]);
    put_end(&mut intents, &[], 1);
    let frame = |panel_frame, run: &RunRecord| {
        let (intents, runs) = (intents.clone(), vec![run.clone()]);
        Item::Frame(FrameRecord { session: 1, panel_frame, intents, runs, digest: None })
    };
    let kept = |run: &RunRecord| Item::Runs(vec![run.clone()]);
    let returned = Item::Returned(vec![runs[1].key]);
    let items = [kept(&runs[0]), frame(1, &runs[0]), kept(&runs[1]), frame(2, &received), returned];
    store.append(&items).unwrap();
    let hash = store.reader().unwrap().frame_hash(2).unwrap().unwrap();
    let hash = if is_theirs { hash } else { [9; 32] };
    let note = Noted::write(Some(7), hash, (3, 4), &5_u32).unwrap();
    store.append(&[Item::Restored(2, note)]).unwrap();
    drop(store);
    let mut bytes = memory.lock().bytes.clone();
    bytes[16..4096].fill(7);
    bytes
}

#[test]
fn what_is_beside_frames_comes_along() {
    let case = Case::new();
    for is_theirs in [true, false] {
        let bytes = beside_frames(is_theirs);
        let (to, salvaged) = case.salvage(&format!("beside {is_theirs}"), &bytes);
        let Salvaged { frames, runs, .. } = salvaged.unwrap();
        assert_eq!((frames, runs), (2, 3));
        let reader = open_to_read(&to).unwrap();
        let admitted: Vec<_> = reader.runs().unwrap().map(|run| run.unwrap().1.admitted).collect();
        assert_eq!(admitted, [true, true, false]);
        assert_eq!(reader.returned().unwrap().into_iter().collect::<Vec<_>>(), [1]);
        let named: Vec<_> = reader.frames(..).unwrap().map(|row| row.unwrap().runs).collect();
        assert_eq!(named, [vec![0], vec![2, 1]]);
        let note = reader.restored().unwrap();
        assert_eq!(note.is_some(), is_theirs);
        if let Some((frame, row)) = note {
            let noted = Noted::read(&row).unwrap();
            assert_eq!((frame, Some(noted.hash)), (2, reader.frame_hash(2).unwrap()));
        }
    }
}
