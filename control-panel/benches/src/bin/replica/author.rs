//! One who types a text alone, each keystroke sent by itself, and hears that another has read it.

use std::{hint::black_box, rc::Rc};

use control_panel_benches::{
    machine::{thread_time, tidy},
    rounds::Probe,
};

use crate::{counted::measured, text::ACKNOWLEDGE, trace::Trace, typed::Typed};

/// Under valgrind.
pub fn measure<T: Typed>(keystrokes: usize) {
    let author = Author::<T>::record(&Rc::new(Trace::alone(keystrokes)));
    let mut text = T::open(0, 2);
    tidy();
    measured(&mut || author.press_all(&mut text));
    assert_eq!(text.text(), author.trace.end);
}

pub fn probe<T: Typed>(trace: &Rc<Trace>) -> Probe {
    let author = Author::<T>::record(trace);
    Probe::new(T::NAME, move || {
        let mut text = T::open(0, 2);
        tidy();
        let began = thread_time();
        author.press_all(&mut text);
        let took = thread_time() - began;
        assert_eq!(text.text(), author.trace.end);
        vec![took / author.trace.transactions.len() as f64]
    })
}

struct Author<T: Typed> {
    trace: Rc<Trace>,
    acknowledgements: Vec<Option<T::Message>>,
}

impl<T: Typed> Author<T> {
    fn record(trace: &Rc<Trace>) -> Self {
        let (mut author, mut reader) = (T::open(0, 2), T::open(1, 2));
        let mut acknowledgements = Vec::new();
        for typed in trace.transactions.chunks(ACKNOWLEDGE) {
            for transaction in typed {
                author.edit(&transaction.patches);
                reader.import(&author.send().expect("it was typed"));
            }
            let acknowledgement = reader.acknowledge();
            acknowledgement.iter().for_each(|message| author.import(message));
            acknowledgements.push(acknowledgement);
        }
        Self { trace: Rc::clone(trace), acknowledgements }
    }

    fn press_all(&self, text: &mut T) {
        for (typed, acknowledgement) in
            self.trace.transactions.chunks(ACKNOWLEDGE).zip(&self.acknowledgements)
        {
            for transaction in typed {
                text.edit(&transaction.patches);
                black_box(text.send());
            }
            acknowledgement.iter().for_each(|message| text.import(message));
        }
    }
}
