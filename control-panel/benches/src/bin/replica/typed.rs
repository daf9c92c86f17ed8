//! One replica of a text: yrs alone, and in a replica's state.

use std::sync::{Mutex, PoisonError};

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Undoable,
    replica::{
        Footprint,
        codec::{Limits, Postcard},
    },
};
use control_panel_benches::{
    documents::{Bytes, decode, encode},
    written::Written,
};
use serde_bytes::ByteBuf;
use yrs::{Doc, GetString, ReadTxn, StateVector, Text, TextRef, Transact, Update, updates::decoder::Decode};

use crate::trace::Patch;

/// One replica of a text.
pub trait Typed: Sized + 'static {
    const NAME: &'static str;
    type Message: Clone + Written + 'static;

    fn open(me: u8, peers: u8) -> Self;
    fn edit(&mut self, patches: &[Patch]);
    /// What it typed since, if anything.
    fn send(&mut self) -> Option<Self::Message>;
    fn import(&mut self, message: &Self::Message);

    fn acknowledge(&mut self) -> Option<Self::Message> {
        None
    }

    fn text(&self) -> String;
}

/// What yrs does alone.
pub struct Raw {
    doc: Doc,
    text: TextRef,
    typed: Vec<Vec<u8>>,
}

impl Raw {
    fn new(client: u64) -> Self {
        let doc = Doc::with_client_id(client);
        let text = doc.get_or_insert_text("text");
        Self { doc, text, typed: Vec::new() }
    }

    pub fn length(&self) -> u32 {
        self.text.len(&self.doc.transact())
    }

    /// A local edit, and its update.
    pub fn press(&self, patches: &[Patch]) -> Vec<u8> {
        let mut transaction = self.doc.transact_mut();
        for (position, deleted, inserted) in patches {
            self.text.remove_range(&mut transaction, *position, *deleted);
            self.text.insert(&mut transaction, *position, inserted);
        }
        transaction.encode_update_v1()
    }

    /// Another's update. One that cannot be read changes nothing.
    pub fn receive(&self, update: &[u8]) {
        if let Ok(update) = Update::decode_v1(update) {
            let _ = self.doc.transact_mut().apply_update(update);
        }
    }
}

impl Typed for Raw {
    const NAME: &'static str = "yrs";
    type Message = Vec<Vec<u8>>;

    fn open(me: u8, _: u8) -> Self {
        Self::new(u64::from(me) + 1)
    }

    fn edit(&mut self, patches: &[Patch]) {
        let update = self.press(patches);
        self.typed.push(update);
    }

    fn send(&mut self) -> Option<Vec<Vec<u8>>> {
        let typed = std::mem::take(&mut self.typed);
        (!typed.is_empty()).then_some(typed)
    }

    fn import(&mut self, message: &Vec<Vec<u8>>) {
        message.iter().for_each(|update| self.receive(update));
    }

    fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }
}

/// In depth: `Doc::clone` is the same document once more.
impl Clone for Raw {
    fn clone(&self) -> Self {
        let copy = Self::new(self.doc.client_id().get());
        copy.receive(&self.doc.transact().encode_state_as_update_v1(&StateVector::default()));
        copy
    }
}

/// The document as (a part of) a state; an operation is its update. As in the example `shared_text`.
pub struct Shared {
    raw: Raw,
    /// What was pressed last: the document has it before the replica does.
    pressed: Mutex<Vec<u8>>,
}

impl Shared {
    fn new(client: u64) -> Self {
        Self { raw: Raw::new(client), pressed: Mutex::default() }
    }

    fn press(&self, patches: &[Patch]) -> Vec<u8> {
        let update = self.raw.press(patches);
        self.pressed.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&update);
        update
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), pressed: Mutex::default() }
    }
}

impl State for Shared {
    type Op = ByteBuf;

    fn apply(&mut self, update: &ByteBuf, _: &Stamp) {
        let pressed = self.pressed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_known = pressed == &**update;
        pressed.clear();
        if !is_known {
            self.raw.receive(update);
        }
    }
}

impl Undoable for Shared {
    type Undo = ();

    fn apply_undoable(&mut self, update: &ByteBuf, stamp: &Stamp) {
        self.apply(update, stamp);
    }

    fn undo(&mut self, _: &ByteBuf, (): ()) {}

    fn footprint(_: &ByteBuf) -> Footprint {
        Footprint::Commutes
    }
}

pub struct Embedded(Replica<Shared>);

impl Embedded {
    fn settle(&mut self) {
        let settled = self.0.settle();
        assert!(settled.job.is_none() && settled.undone == 0, "nothing goes back");
    }

    /// What was decoded elsewhere.
    pub fn take(&mut self, deltas: impl IntoIterator<Item = Delta<ByteBuf>>) {
        deltas.into_iter().for_each(|delta| self.0.merge(delta));
        self.settle();
    }
}

impl Typed for Embedded {
    const NAME: &'static str = "control-panel, with yrs in its state";
    type Message = Bytes;

    fn open(me: u8, peers: u8) -> Self {
        let members = (0..peers).map(|peer| Peer([peer + 1; 32]));
        let state = Shared::new(u64::from(me) + 1);
        Self(
            Replica::builder(Peer([me + 1; 32]), state)
                .members(members)
                .undoing()
                .codec(Postcard::new(), Limits::default())
                .build(),
        )
    }

    fn edit(&mut self, patches: &[Patch]) {
        let update = self.0.state().press(patches);
        self.0.commit(ByteBuf::from(update));
    }

    fn send(&mut self) -> Option<Bytes> {
        self.0.outbox().map(|delta| encode(&delta))
    }

    fn import(&mut self, message: &Bytes) {
        self.take(message.pieces().iter().map(|bytes| decode(bytes)));
    }

    fn acknowledge(&mut self) -> Option<Bytes> {
        self.0.outbox().map(|delta| encode(&delta))
    }

    fn text(&self) -> String {
        self.0.state().raw.text()
    }
}

/// The same for the frame's thread: what comes in was decoded before. To count instructions alone: in time it is none of a program's, as all is long out of the caches.
pub struct HandedOver(Embedded);

impl Typed for HandedOver {
    const NAME: &'static str = "control-panel, with yrs in its state, decoded elsewhere";
    type Message = Vec<Delta<ByteBuf>>;

    fn open(me: u8, peers: u8) -> Self {
        Self(Embedded::open(me, peers))
    }

    fn edit(&mut self, patches: &[Patch]) {
        self.0.edit(patches);
    }

    fn send(&mut self) -> Option<Self::Message> {
        self.0.send().map(|bytes| bytes.pieces().iter().map(|bytes| decode(bytes)).collect())
    }

    fn import(&mut self, message: &Self::Message) {
        self.0.take(message.iter().cloned());
    }

    fn acknowledge(&mut self) -> Option<Self::Message> {
        self.send()
    }

    fn text(&self) -> String {
        self.0.text()
    }
}
