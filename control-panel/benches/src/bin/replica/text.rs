//! A text that a library of documents keeps, in a replica's state: beside the library alone.

use std::rc::Rc;

use control_panel_benches::{
    bars::Bars,
    machine::{Quiet, thread_time, tidy},
    report::Options,
    rounds::{Probe, compare},
    table::{Table, short},
    written::{self, Written},
};

use crate::{
    author,
    counted::measured,
    handed_over,
    trace::Trace,
    typed::{Embedded, Raw, Typed},
};

/// The receiver acknowledges each so many transactions, or after each frame.
pub const ACKNOWLEDGE: usize = 64;
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
        let mut embedded = vec![probe::<Embedded>(trace)];
        let travels =
            if trace.frame == 1 { "each by itself".to_owned() } else { format!("in runs of {RUN}") };
        let mut rows = vec![travels.clone()];
        if trace.frame == 1 {
            embedded.push(handed_over::probe(trace));
            rows.push(format!("{travels}; a worker decodes it"));
        }
        let all = compare(&mut raw, &mut embedded, options.pick(11, 2), quiet);
        for (of, row) in all[1..].iter().zip(rows) {
            let ratio = of.ratios[0];
            table.row([
                trace.name.clone(),
                row,
                trace.transactions.len().to_string(),
                short(all[0].own[0].median),
                short(of.own[0].median),
                short(ratio.median),
                format!("{} to {}", short(ratio.low), short(ratio.high)),
            ]);
        }
        bars.at_most(
            format!("a text of yrs in a state, × yrs, {}, {travels}", trace.name),
            1.3,
            all[1].ratios[0].median,
        );
    }
    // Whole stretches between two acknowledgements.
    let alone = Rc::new(Trace::alone(transactions / ACKNOWLEDGE * ACKNOWLEDGE));
    let (mut raw, embedded) = (author::probe::<Raw>(&alone), author::probe::<Embedded>(&alone));
    let all = compare(&mut raw, &mut [embedded], options.pick(11, 2), quiet);
    let ratio = all[1].ratios[0];
    table.row([
        alone.name.clone(),
        "each typed, and sent, by itself".into(),
        alone.transactions.len().to_string(),
        short(all[0].own[0].median),
        short(all[1].own[0].median),
        short(ratio.median),
        format!("{} to {}", short(ratio.low), short(ratio.high)),
    ]);
    let published = if traces.len() > 2 { "" } else { " The published traces were not at hand." };
    format!(
        "{table}\nOf one who only reads, but for the last row: of one who types alone, each keystroke committed, and written as a message. \"Each by itself\": a transaction is a message, and in the text before the next. \"In runs of {RUN}\": \
         what an author typed in a frame, {RUN} keystrokes on an average, is one run; yrs takes the same updates one by one. \"A worker decodes it\": what the frame's thread alone \
         pays, `merge` and `settle` of each delta, while another thread runs `Delta::decode` on those that come next and hands them over in lists of 64; beside the whole of what yrs does, decoding included; no bar.{published}\n"
    )
}

/// What happens to a reader.
pub enum Event<M> {
    Import(M),
    Acknowledge,
}

impl<M: Written> Written for Event<M> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Import(message) => {
                0_u8.write(out);
                message.write(out);
            }
            Self::Acknowledge => 1_u8.write(out),
        }
    }

    fn read(from: &mut &[u8]) -> Self {
        match u8::read(from) {
            0 => Self::Import(M::read(from)),
            _ => Self::Acknowledge,
        }
    }
}

/// Under valgrind: a reader of the made-up text.
pub fn measure<T: Typed>(keystrokes: usize) {
    let reader = Reader::<T>::record(&Trace::synthetic(keystrokes, 1));
    let mut text = reader.open();
    tidy();
    measured(&mut || reader.read(&mut text));
    assert_eq!(text.text(), reader.end);
}

/// A reader of this trace.
fn probe<T: Typed>(trace: &Trace) -> Probe {
    let reader = Reader::<T>::record(trace);
    Probe::new(T::NAME, move || {
        let mut text = reader.open();
        tidy();
        let began = thread_time();
        reader.read(&mut text);
        let took = thread_time() - began;
        assert_eq!(text.text(), reader.end);
        vec![took / reader.transactions]
    })
}

/// One who only reads, and what it hears.
pub struct Reader<T: Typed> {
    me: u8,
    pub events: Vec<Event<T::Message>>,
    pub transactions: f64,
    pub end: String,
}

impl<T: Typed> Reader<T> {
    pub fn open(&self) -> T {
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

    pub fn record(trace: &Trace) -> Self {
        eprint!("\r    recording {:<40}", T::NAME);
        Self {
            me: trace.authors as u8,
            events: written::read(&Self::typed(trace)),
            transactions: trace.transactions.len() as f64,
            end: trace.end.clone(),
        }
    }

    /// The authors type, each having seen what the trace says. Returns what happens to the reader, written down.
    fn typed(trace: &Trace) -> Vec<u8> {
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
        written::write(&events)
    }
}

#[cfg(test)]
mod tests {
    use super::{Embedded, Raw, Rc, Trace, author, handed_over, probe};

    /// `probe` compares the text in the end.
    #[test]
    fn a_made_up_trace_gives_its_text_in_a_state_too() {
        for frame in [1, 128] {
            let trace = Trace::synthetic(500, frame);
            let _ = (probe::<Raw>(&trace), probe::<Embedded>(&trace), handed_over::probe(&trace));
        }
        let alone = Rc::new(Trace::alone(640));
        let _ = (author::probe::<Raw>(&alone), author::probe::<Embedded>(&alone));
    }

    #[test]
    fn published_traces_give_their_text() {
        for trace in ["friendsforever", "clownschool"].into_iter().filter_map(Trace::published) {
            let _ = probe::<Raw>(&trace);
        }
    }
}
