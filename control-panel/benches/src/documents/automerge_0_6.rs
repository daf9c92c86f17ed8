//! automerge 0.6.1, before its known regression: the map is the root object; what is sent are the bytes of a change.

use automerge_0_6::{
    ActorId, AutoCommit, ChangeHash, ROOT, ReadDoc, ScalarValue, Value, transaction::Transactable,
};

use crate::document::{Document, Write, name};

pub struct Automerge06(AutoCommit);

impl Automerge06 {
    fn new(me: u8, doc: AutoCommit) -> Self {
        Self(doc.with_actor(ActorId::from(&[me + 1][..])))
    }
}

impl Document for Automerge06 {
    const NAME: &'static str = "automerge 0.6.1";
    const SLOW: usize = 1;
    const SLOW_IN_THE_LONG_RUN: usize = 20;
    type Message = Vec<u8>;
    type Version = Vec<ChangeHash>;

    fn open(me: u8, _: u8) -> Self {
        Self::new(me, AutoCommit::new())
    }

    fn commit(&mut self, writes: &[Write]) -> Vec<u8> {
        for (key, value) in writes {
            self.0.put(ROOT, name(*key), *value).expect("a map");
        }
        self.0.commit();
        self.0.get_last_local_change().expect("its own change").raw_bytes().to_vec()
    }

    fn import(&mut self, message: &Vec<u8>) {
        self.0.load_incremental(message).expect("what automerge saved");
    }

    fn get(&self, key: u32) -> Option<i64> {
        match self.0.get(ROOT, name(key)).ok()?? {
            (Value::Scalar(value), _) => match *value {
                ScalarValue::Int(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    fn version(&mut self) -> Vec<ChangeHash> {
        self.0.get_heads()
    }

    fn since(&mut self, version: &Vec<ChangeHash>) -> Vec<u8> {
        self.0.save_after(version)
    }

    fn stored(&mut self) -> Option<Vec<u8>> {
        Some(self.0.save())
    }

    fn load(me: u8, _: u8, stored: &Vec<u8>) -> Self {
        Self::new(me, AutoCommit::load(stored).expect("what automerge saved"))
    }

    fn size(message: &Vec<u8>) -> usize {
        message.len()
    }
}
