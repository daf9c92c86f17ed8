//! The frame loop's side of a schedule: frames that begin, are read and end, and whole ones with locals.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::Ordering,
};

use control_panel::QueuedIntent;

use super::{Credit, Run};
use crate::{
    Mark, Notes,
    model::{Gate, Item, Reading},
    ops::ZERO,
};

impl Run {
    /// The next of a frame. False where there is none: then the frame is over, and gone.
    pub(super) fn read(&mut self, at: usize) -> bool {
        let (frame, reading) = &mut self.live[at];
        let (found, expected) = (frame.next(), self.model.next(reading));
        same(found.as_ref(), expected);
        if expected.is_none() {
            let (mut frame, reading) = self.live.remove(at);
            self.ended(reading);
            assert!(frame.size_hint() == (0, Some(0)) && frame.next().is_none(), "it is over");
        }
        expected.is_some()
    }

    pub(super) fn run_frame(&mut self, locals: &[(u8, usize)], panic_after: Option<usize>) {
        let mut marks = Vec::new();
        let mut items = Vec::new();
        for &(source, clock) in locals {
            let (mark, clock) = self.mark(clock);
            items.push(self.model.local(if clock == ZERO { 0 } else { clock }, source, mark.id));
            marks.push((source, mark));
        }
        let mut reading = self.drained(items);
        let most = panic_after.map_or(usize::MAX, |after| after + 1);
        let applied: Vec<_> = std::iter::from_fn(|| self.model.next(&mut reading)).take(most).collect();
        let local = applied.iter().filter(|item| item.local).count();
        let ids: Vec<_> = applied.iter().map(|item| item.id).collect();
        let panics = ids.len() == most;
        let mut notes = Notes { ids: Vec::new(), panic_on: ids.last().copied().filter(|_| panics) };
        let frame =
            panic::catch_unwind(AssertUnwindSafe(|| self.panel.run_frame(&mut notes, &mut (), marks)));
        self.ended(reading);
        assert_eq!(notes.ids, ids);
        match frame {
            Err(_) => assert!(panics),
            Ok(report) => {
                let left = self.model.waiting_to_be_read();
                assert_eq!((report.applied, report.local, report.left), (ids.len(), local, left));
                assert_eq!(report.frame, self.model.frames);
                assert!(!panics);
            }
        }
    }

    pub(super) fn drained(&mut self, locals: Vec<Item>) -> Reading {
        self.calls_drained = self.ready_calls.load(Ordering::SeqCst);
        let for_senders = std::mem::take(&mut self.hidden_end);
        let mut reading = self.model.drain(locals);
        reading.for_senders = for_senders;
        reading
    }

    /// Says whether slots were freed, so that credit expired and was given anew.
    pub(super) fn ended(&mut self, reading: Reading) -> bool {
        let for_senders = reading.for_senders;
        let freed = self.model.end(reading);
        let waits = self.model.gate == Gate::Open && !self.pending.is_empty();
        // A shutdown does not end a round: one that was granted slots and does not come for them keeps them for two frames,
        // whether it was woken for them or by the shutdown.
        let granted = self.pending.iter().any(|send| send.granted || send.released);
        if waits || granted {
            self.credit = Credit::Outstanding;
        } else if freed && self.hidden() {
            self.credit = Credit::Expiring;
        }
        // A frame that was made to wake senders asks for the next where something is left, even if it was empty.
        self.hidden_end |= waits || (for_senders && self.model.waiting_to_be_read() > 0);
        self.refused_hidden &= self.hidden();
        self.hidden_end |= self.refused_hidden;
        freed
    }
}

fn same(found: Option<&QueuedIntent<Mark>>, expected: Option<Item>) {
    let found = found.map(|queued| {
        let order = queued.causality_order();
        assert_eq!(order.source, queued.source);
        (order.clock, order.source, order.seq, queued.intent.id)
    });
    assert_eq!(found, expected.map(|item| (item.clock, item.source, item.seq, item.id)));
}
