//! One who reads a text whose keystrokes a worker decodes, on another thread, shortly before the frame's thread merges them: as a program does.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, TryRecvError},
    },
    thread,
};

use control_panel::Delta;
use control_panel_benches::{
    documents::decode,
    machine::{thread_time, tidy},
    rounds::Probe,
};
use serde_bytes::ByteBuf;

use crate::{
    text::{Event, Reader},
    trace::Trace,
    typed::{Embedded, Typed},
};

/// How many events the worker hands over together, as a frame takes what came since the last one.
const TOGETHER: usize = 64;
/// How many such lists the worker is ahead at most.
const AHEAD: usize = 4;

type Events = Vec<Event<Vec<Delta<ByteBuf>>>>;

/// A reader of this trace: what its frame's thread pays.
pub fn probe(trace: &Trace) -> Probe {
    let reader = Reader::<Embedded>::record(trace);
    Probe::new("control-panel, with yrs in its state, decoded by a worker", move || {
        let mut text = reader.open();
        let took = read(&reader, &mut text);
        assert_eq!(text.text(), reader.end);
        vec![took / reader.transactions]
    })
}

/// The CPU time of this thread, from the first event to the last. Neither thread sleeps while it waits: to be woken costs more than a message does, and a frame is
/// woken by its display.
fn read(reader: &Reader<Embedded>, text: &mut Embedded) -> f64 {
    let taken = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel::<Events>();
    thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender;
            for (number, events) in reader.events.chunks(TOGETHER).enumerate() {
                while number >= taken.load(Ordering::Relaxed) + AHEAD {
                    thread::yield_now();
                }
                if sender.send(events.iter().map(decoded).collect()).is_err() {
                    return;
                }
            }
        });
        tidy();
        let began = thread_time();
        loop {
            match receiver.try_recv() {
                Ok(events) => {
                    taken.fetch_add(1, Ordering::Relaxed);
                    events.into_iter().for_each(|event| take(text, event));
                }
                // Counted: the worker is faster, so that it is seldom so.
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(TryRecvError::Disconnected) => return thread_time() - began,
            }
        }
    })
}

fn decoded(event: &Event<<Embedded as Typed>::Message>) -> Event<Vec<Delta<ByteBuf>>> {
    match event {
        Event::Import(message) => Event::Import(message.pieces().iter().map(|bytes| decode(bytes)).collect()),
        Event::Acknowledge => Event::Acknowledge,
    }
}

fn take(text: &mut Embedded, event: Event<Vec<Delta<ByteBuf>>>) {
    match event {
        Event::Import(deltas) => text.take(deltas),
        Event::Acknowledge => drop(text.acknowledge()),
    }
}
