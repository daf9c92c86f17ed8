//! What a panel tells of itself.

use std::{
    ops::Deref,
    slice,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    name::Name,
    queued::Origin,
    reducer::Warning,
    supervise::{record::Record, registry::Registry},
    worker::WorkerStatus,
};

/// A panel at one moment: what [`ControlPanel::status`](crate::ControlPanel::status) returns.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct PanelStatus {
    /// The panel's name.
    pub name: Name,
    /// Intents accepted and in no frame yet; what a frame being read still holds is not among them.
    pub queued: usize,
    /// The queue's capacity.
    pub capacity: usize,
    /// Intents accepted since the panel was built.
    pub accepted: u64,
    /// Intents handed out since, local ones not counted.
    pub drained: u64,
    /// Intents handed back since because the queue was full or closed.
    pub refused: u64,
    /// Lossy intents dropped since because the queue was full.
    pub dropped: u64,
    /// Senders that wait for a slot.
    pub waiting: usize,
    /// Frames drained.
    pub frames: u64,
    /// The workers that live, in the order of their spawning.
    pub workers: Workers,
    /// The number of the last event that `workers` contains: those after it tell what changed since.
    pub events: u64,
    /// Something is wrong with the loop around the panel, or with its workers.
    pub warning: Option<Warning>,
}

/// The living workers at one moment, in the order of their spawning: a slice, shared.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<Vec<WorkerInfo>>);

impl Deref for Workers {
    type Target = [WorkerInfo];

    fn deref(&self) -> &[WorkerInfo] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Workers {
    type Item = &'a WorkerInfo;
    type IntoIter = slice::Iter<'a, WorkerInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A living worker at one moment.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct WorkerInfo {
    /// Its name.
    pub name: Name,
    /// Its source, as the source's `Debug` shows it.
    pub source: Name,
    /// Its origin.
    pub origin: Origin,
    /// Which run of it this is.
    pub generation: u64,
    /// How it is doing.
    pub status: WorkerStatus,
    /// Whether it is [asked to pause](crate::WorkerHandle::suspend).
    pub suspended: bool,
    /// Whether the watchdog finds it stuck: since an event [`Stuck`](crate::EventKind::Stuck), until it recovers or its
    /// generation ends.
    pub stuck: bool,
}

impl WorkerInfo {
    fn of(record: &Record) -> Self {
        Self {
            name: record.name.clone(),
            source: record.source.clone(),
            origin: record.origin,
            generation: record.generation(),
            status: record.status(),
            suspended: record.gate.is_closed(),
            stuck: record.is_stuck(),
        }
    }
}

/// The workers as they were when somebody last looked: looking again costs nothing as long as nothing happened, and
/// waits for nobody when something did.
#[derive(Debug, Default)]
pub(super) struct Snapshot(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    workers: Workers,
    version: u64,
    events: u64,
}

impl Snapshot {
    /// The living workers and the number of the last event. Where the supervisor is busy just now, as they were before.
    pub(super) fn take(&self, registry: &Registry) -> (Workers, u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.version != registry.version() {
            let Seen { workers, version, events } = &mut *seen;
            registry.try_look(|look| {
                (*version, *events) = (look.version, look.events);
                let living = look.live.values().map(|record| WorkerInfo::of(record));
                match Arc::get_mut(&mut workers.0) {
                    // In place, if nobody kept the last one.
                    Some(before) => {
                        before.clear();
                        before.extend(living);
                    }
                    None => *workers = Workers(Arc::new(living.collect())),
                }
            });
        }
        (seen.workers.clone(), seen.events)
    }
}
