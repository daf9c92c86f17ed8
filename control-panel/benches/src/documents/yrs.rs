//! yrs: a map at the root; what is sent is the update of a transaction.

use yrs::{Any, Doc, Map, MapRef, Out, ReadTxn, StateVector, Transact, Update, updates::decoder::Decode};

use crate::document::{Document, Write, name};

pub struct Yrs {
    doc: Doc,
    map: MapRef,
}

impl Document for Yrs {
    const NAME: &'static str = "yrs";
    type Message = Vec<u8>;
    type Version = StateVector;

    fn open(me: u8, _: u8) -> Self {
        let doc = Doc::with_client_id(u64::from(me) + 1);
        let map = doc.get_or_insert_map("map");
        Self { doc, map }
    }

    fn commit(&mut self, writes: &[Write]) -> Vec<u8> {
        let mut transaction = self.doc.transact_mut();
        for (key, value) in writes {
            self.map.insert(&mut transaction, name(*key), *value);
        }
        transaction.encode_update_v1()
    }

    fn import(&mut self, message: &Vec<u8>) {
        let update = Update::decode_v1(message).expect("what yrs encoded");
        self.doc.transact_mut().apply_update(update).expect("what yrs encoded");
    }

    fn get(&self, key: u32) -> Option<i64> {
        match self.map.get(&self.doc.transact(), name(key))? {
            Out::Any(Any::Number(value)) => value.as_i64(),
            _ => None,
        }
    }

    fn version(&mut self) -> StateVector {
        self.doc.transact().state_vector()
    }

    fn since(&mut self, version: &StateVector) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(version)
    }

    fn size(message: &Vec<u8>) -> usize {
        message.len()
    }
}
