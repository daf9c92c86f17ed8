//! A page: a title, and a text that `yrs` keeps.

use std::sync::{Mutex, PoisonError};

use control_panel::{Stamp, State, Undoable, replica::Footprint};
use yrs::{Doc, GetString, ReadTxn, StateVector, Text, TextRef, Transact, Update, updates::decoder::Decode};

use crate::Key;

/// The state that is shared.
#[derive(Clone, Default)]
pub(crate) struct Page {
    title: String,
    text: Document,
}

/// What changes it.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Rename(String),
    /// An update of the text, in the bytes of `yrs`.
    Typed(Vec<u8>),
}

/// What taking an edit back needs.
#[derive(Debug)]
pub(crate) enum Before {
    Title(String),
    /// Nothing: an update is never taken back.
    Text,
}

/// Stands for the title in a footprint.
const TITLE: u64 = 0;

impl Page {
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn text(&self) -> String {
        self.text.read()
    }

    /// Presses a key here. Only within `Replica::commit_with`: what is pressed and not committed would be in this text alone.
    pub(crate) fn press(&self, key: &Key) -> Edit {
        Edit::Typed(self.text.press(key))
    }
}

impl State for Page {
    type Op = Edit;

    fn apply(&mut self, edit: &Edit, stamp: &Stamp) {
        self.apply_undoable(edit, stamp);
    }
}

impl Undoable for Page {
    type Undo = Before;

    fn apply_undoable(&mut self, edit: &Edit, _: &Stamp) -> Before {
        match edit {
            Edit::Rename(title) => Before::Title(std::mem::replace(&mut self.title, title.clone())),
            Edit::Typed(update) => {
                self.text.take(update);
                Before::Text
            }
        }
    }

    fn undo(&mut self, _: &Edit, before: Before) {
        if let Before::Title(title) = before {
            self.title = title;
        }
    }

    fn footprint(edit: &Edit) -> Footprint {
        match edit {
            Edit::Rename(_) => Footprint::key(TITLE),
            Edit::Typed(_) => Footprint::Commutes,
        }
    }
}

/// The text.
///
/// No copy of it is made while people type: what commutes is never taken back, so an update costs what it costs `yrs`. A copy is made where a
/// replica begins again from an older state: without the text of a member that was retired, or on another thread. There it must be a
/// copy in depth (milliseconds, for 20 kB). `Doc::clone` gives the same document once more, in which what was left out is still there.
struct Document {
    doc: Doc,
    text: TextRef,
    /// What was pressed here last, until an update is taken: the document has it before the replica does. No clone has it.
    pressed: Mutex<Vec<u8>>,
}

impl Document {
    fn new() -> Self {
        // Under a number of its own, as each document of `yrs` needs one.
        let doc = Doc::new();
        let text = doc.get_or_insert_text("text");
        Self { doc, text, pressed: Mutex::default() }
    }

    fn read(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    /// The update that says what this key did.
    fn press(&self, Key { at, deleted, inserted }: &Key) -> Vec<u8> {
        let mut transaction = self.doc.transact_mut();
        self.text.remove_range(&mut transaction, *at, *deleted);
        self.text.insert(&mut transaction, *at, inserted);
        let update = transaction.encode_update_v1();
        self.pressed.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&update);
        update
    }

    /// An update in its place. To apply what was pressed here once more changes nothing, and costs what a keystroke of another's does.
    fn take(&mut self, update: &[u8]) {
        let pressed = self.pressed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_known = pressed == update;
        pressed.clear();
        if !is_known {
            self.receive(update);
        }
    }

    fn whole(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    /// An update from anywhere. What is none changes nothing, on each replica.
    fn receive(&self, update: &[u8]) {
        if let Ok(update) = Update::decode_v1(update) {
            let _ = self.doc.transact_mut().apply_update(update);
        }
    }
}

impl Clone for Document {
    fn clone(&self) -> Self {
        let copy = Self::new();
        copy.receive(&self.whole());
        copy
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}
