//! loro: a map at the root; what is sent is what a commit tells its subscribers.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use loro::{ExportMode, LoroDoc, LoroMap, Subscription, VersionVector};

use crate::document::{Document, Write, name};

pub struct Loro {
    doc: LoroDoc,
    map: LoroMap,
    sent: Arc<Mutex<Vec<u8>>>,
    _subscription: Subscription,
}

impl Loro {
    fn new(me: u8, doc: LoroDoc) -> Self {
        doc.set_peer_id(u64::from(me) + 1).expect("a peer's number");
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&sent);
        let subscription = doc.subscribe_local_update(Box::new(move |bytes| {
            sink.lock().expect("no panic").extend_from_slice(bytes);
            true
        }));
        Self { map: doc.get_map("map"), doc, sent, _subscription: subscription }
    }
}

impl Document for Loro {
    const NAME: &'static str = "loro";
    type Message = Vec<u8>;
    type Version = VersionVector;

    fn open(me: u8, _: u8) -> Self {
        Self::new(me, LoroDoc::new())
    }

    fn commit(&mut self, writes: &[Write]) -> Vec<u8> {
        for (key, value) in writes {
            self.map.insert(name(*key), *value).expect("a map");
        }
        self.doc.commit();
        mem::take(&mut self.sent.lock().expect("no panic"))
    }

    fn import(&mut self, message: &Vec<u8>) {
        self.doc.import(message).expect("what loro exported");
    }

    fn get(&self, key: u32) -> Option<i64> {
        self.map.get(name(key))?.into_value().ok()?.into_i64().ok()
    }

    fn version(&mut self) -> VersionVector {
        self.doc.oplog_vv()
    }

    fn since(&mut self, version: &VersionVector) -> Vec<u8> {
        self.doc.export(ExportMode::updates(version)).expect("its own history")
    }

    fn stored(&mut self) -> Option<Vec<u8>> {
        Some(self.doc.export(ExportMode::Snapshot).expect("its own history"))
    }

    fn state_alone(&mut self) -> Option<Vec<u8>> {
        Some(self.doc.export(ExportMode::state_only(None)).expect("its own state"))
    }

    fn load(me: u8, _: u8, stored: &Vec<u8>) -> Self {
        Self::new(me, LoroDoc::from_snapshot(stored).expect("what loro exported"))
    }

    fn size(message: &Vec<u8>) -> usize {
        message.len()
    }
}
