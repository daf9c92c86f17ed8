//! A text that a library of documents keeps, in a replica's state: beside the library alone.

use control_panel::{
    Peer, Replica, Stamp, State, Undoable,
    replica::{
        Footprint,
        codec::{Limits, Postcard},
    },
};
use control_panel_benches::{
    bars::Bars,
    documents::{Bytes, decode, encode},
    machine::{Quiet, thread_time},
    report::Options,
    rounds::{Probe, compare},
    table::{Table, short},
};
use serde_bytes::ByteBuf;
use yrs::{Doc, GetString, ReadTxn, StateVector, Text, TextRef, Transact, Update, updates::decoder::Decode};

use crate::{
    counted::measured,
    trace::{Patch, Trace},
};

/// The receiver acknowledges each so many transactions, or after each frame.
const ACKNOWLEDGE: usize = 64;
/// Keystrokes of one author in a run, on an average, where they do not travel by themselves.
const RUN: usize = 64;

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let transactions = options.pick(26_000, 2_000);
    let mut traces = vec![Trace::synthetic(transactions, 1)];
    if !options.quick {
        traces.extend(["friendsforever", "clownschool"].into_iter().filter_map(Trace::published));
    }
    traces.push(Trace::synthetic(transactions, 2 * RUN));
    let mut table = Table::new(&[
        "text",
        "keystrokes travel",
        "transactions",
        "raw yrs, ns each",
        "in a state, ns",
        "× raw yrs",
        "its range",
    ]);
    for trace in &traces {
        let mut raw = probe::<Raw>(trace);
        let mut embedded = [probe::<Embedded>(trace)];
        let all = compare(&mut raw, &mut embedded, options.pick(11, 2), quiet);
        let ratio = all[1].ratios[0];
        let travels =
            if trace.frame == 1 { "each by itself".to_owned() } else { format!("in runs of {RUN}") };
        table.row([
            trace.name.clone(),
            travels.clone(),
            trace.transactions.len().to_string(),
            short(all[0].own[0].median),
            short(all[1].own[0].median),
            short(ratio.median),
            format!("{} to {}", short(ratio.low), short(ratio.high)),
        ]);
        bars.at_most(
            format!("a text of yrs in a state, × yrs, {}, {travels}", trace.name),
            1.3,
            ratio.median,
        );
    }
    let published = if traces.len() > 2 { "" } else { " The published traces were not at hand." };
    format!(
        "{table}\nOf one who only reads. \"Each by itself\": a transaction is a message, and in the text before the next. \"In runs of {RUN}\": \
         what an author typed in a frame, {RUN} keystrokes on an average, is one run; yrs takes the same updates one by one.{published}\n"
    )
}

/// One replica of a text.
pub trait Typed: Sized + 'static {
    const NAME: &'static str;
    type Message: Clone + 'static;

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

/// The document as (a part of) a state; an operation is its update.
impl State for Raw {
    type Op = ByteBuf;

    fn apply(&mut self, update: &ByteBuf, _: &Stamp) {
        self.receive(update);
    }
}

impl Undoable for Raw {
    type Undo = ();

    fn apply_undoable(&mut self, update: &ByteBuf, _: &Stamp) {
        self.receive(update);
    }

    fn undo(&mut self, _: &ByteBuf, (): ()) {}

    fn footprint(_: &ByteBuf) -> Footprint {
        Footprint::Commutes
    }
}

pub struct Embedded(Replica<Raw>);

impl Embedded {
    fn settle(&mut self) {
        let settled = self.0.settle();
        assert!(settled.job.is_none() && settled.undone == 0, "nothing goes back");
    }
}

impl Typed for Embedded {
    const NAME: &'static str = "control-panel, with yrs in its state";
    type Message = Bytes;

    fn open(me: u8, peers: u8) -> Self {
        let members = (0..peers).map(|peer| Peer([peer + 1; 32]));
        let state = Raw::new(u64::from(me) + 1);
        Self(
            Replica::builder(Peer([me + 1; 32]), state)
                .members(members)
                .undoing()
                .codec(Postcard::new(), Limits::default())
                .build(),
        )
    }

    fn edit(&mut self, patches: &[Patch]) {
        // The document has the edit before the replica does: applying it once more changes nothing.
        let update = self.0.state().press(patches);
        self.0.commit(ByteBuf::from(update));
    }

    fn send(&mut self) -> Option<Bytes> {
        self.0.outbox().map(|delta| encode(&delta))
    }

    fn import(&mut self, message: &Bytes) {
        message.pieces().iter().for_each(|bytes| self.0.merge(decode(bytes)));
        self.settle();
    }

    fn acknowledge(&mut self) -> Option<Bytes> {
        self.0.outbox().map(|delta| encode(&delta))
    }

    fn text(&self) -> String {
        self.0.state().text()
    }
}

enum Event<M> {
    Import(M),
    Acknowledge,
}

/// Under valgrind: a reader of the made-up text.
pub fn measure<T: Typed>(keystrokes: usize) {
    let reader = Reader::<T>::record(&Trace::synthetic(keystrokes, 1));
    let mut text = reader.open();
    measured(&mut || reader.read(&mut text));
    assert_eq!(text.text(), reader.end);
}

/// A reader of this trace.
fn probe<T: Typed>(trace: &Trace) -> Probe {
    let reader = Reader::<T>::record(trace);
    Probe::new(T::NAME, move || {
        let mut text = reader.open();
        let began = thread_time();
        reader.read(&mut text);
        let took = thread_time() - began;
        assert_eq!(text.text(), reader.end);
        vec![took / reader.transactions]
    })
}

/// One who only reads, and what it hears.
struct Reader<T: Typed> {
    me: u8,
    events: Vec<Event<T::Message>>,
    transactions: f64,
    end: String,
}

impl<T: Typed> Reader<T> {
    fn open(&self) -> T {
        T::open(self.me, self.me + 1)
    }

    fn read(&self, text: &mut T) {
        for event in &self.events {
            match event {
                Event::Import(message) => text.import(message),
                Event::Acknowledge => drop(text.acknowledge()),
            }
        }
    }

    /// The authors type, each having seen what the trace says.
    fn record(trace: &Trace) -> Self {
        eprint!("\r    recording {:<40}", T::NAME);
        let (peers, reader) = (trace.authors as u8 + 1, trace.authors);
        let mut all: Vec<T> = (0..peers).map(|me| T::open(me, peers)).collect();
        // By author: which transactions it has, and which messages.
        let mut has = vec![vec![false; trace.transactions.len()]; trace.authors];
        let mut heard = vec![Vec::new(); trace.authors];
        let mut messages: Vec<T::Message> = Vec::new();
        // By transaction: with which message it travelled; and those of this frame.
        let mut travelled: Vec<usize> = Vec::new();
        let mut events = Vec::new();
        for (now, transaction) in trace.transactions.iter().enumerate() {
            let author = transaction.author;
            let mut missing = Vec::new();
            let mut open = transaction.parents.clone();
            while let Some(parent) = open.pop() {
                if !std::mem::replace(&mut has[author][parent], true) {
                    missing.push(travelled[parent]);
                    open.extend(&trace.transactions[parent].parents);
                }
            }
            missing.sort_unstable();
            for message in missing {
                heard[author].resize(messages.len(), false);
                if !std::mem::replace(&mut heard[author][message], true) {
                    all[author].import(&messages[message]);
                }
            }
            all[author].edit(&transaction.patches);
            has[author][now] = true;
            let is_last = now + 1 == trace.transactions.len();
            if (now + 1) % trace.frame == 0 || is_last {
                let typed = &trace.transactions[travelled.len()..=now];
                let mut sent = vec![None; trace.authors];
                for (author, sent) in sent.iter_mut().enumerate() {
                    // One that typed nothing may acknowledge: no one waits for that here.
                    if typed.iter().any(|transaction| transaction.author == author)
                        && let Some(message) = all[author].send()
                    {
                        all[reader].import(&message);
                        events.push(Event::Import(message.clone()));
                        *sent = Some(messages.len());
                        messages.push(message);
                    }
                }
                let places = typed.iter().map(|transaction| sent[transaction.author].expect("it was typed"));
                travelled.extend(places.collect::<Vec<_>>());
            }
            if (now + 1) % ACKNOWLEDGE.max(trace.frame) == 0 {
                events.push(Event::Acknowledge);
                if let Some(message) = all[reader].acknowledge() {
                    all[..reader].iter_mut().for_each(|author| author.import(&message));
                }
            }
        }
        assert_eq!(all[reader].text(), trace.end, "{}, {}", T::NAME, trace.name);
        Self {
            me: reader as u8,
            events,
            transactions: trace.transactions.len() as f64,
            end: trace.end.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Embedded, Raw, Trace, probe};

    /// `probe` compares the text in the end.
    #[test]
    fn a_made_up_trace_gives_its_text_in_a_state_too() {
        for frame in [1, 128] {
            let trace = Trace::synthetic(500, frame);
            let _ = (probe::<Raw>(&trace), probe::<Embedded>(&trace));
        }
    }

    #[test]
    fn published_traces_give_their_text() {
        for trace in ["friendsforever", "clownschool"].into_iter().filter_map(Trace::published) {
            let _ = probe::<Raw>(&trace);
        }
    }
}
