//! What a panel's workers show of themselves.

use std::sync::{Arc, Weak};

use crate::{
    exhibit::Exhibit,
    supervisor::cell::WorkerCell,
    util::{Mutex, Name},
};

/// How many there are at most.
const EXHIBITS: usize = 32;

/// In the order in which they came: first what the panel shows itself.
pub(super) struct Exhibits(Mutex<Vec<Shown>>);

struct Shown {
    /// `None`: it is the panel's own.
    worker: Option<(Name, Weak<WorkerCell>)>,
    exhibit: Arc<dyn Exhibit>,
}

impl Shown {
    fn is_over(&self) -> bool {
        let is_final = |cell: Arc<WorkerCell>| cell.status().is_final();
        self.worker.as_ref().is_some_and(|(_, cell)| cell.upgrade().is_none_or(is_final))
    }

    fn is_of(&self, name: &Name) -> bool {
        self.worker.as_ref().is_some_and(|(worker, _)| worker == name)
    }
}

impl Exhibits {
    /// Of a panel that shows this itself.
    pub(super) fn new(own: Option<Arc<dyn Exhibit>>) -> Self {
        let own = own.map(|exhibit| Shown { worker: None, exhibit });
        Self(Mutex::new(own.into_iter().collect()))
    }

    /// Adds what a worker brings. That of one of the same name that has ended goes; beyond the bound, that of the first that has ended,
    /// and if none has it is not shown.
    pub(super) fn add(&self, cell: &Arc<WorkerCell>, exhibit: Arc<dyn Exhibit>) {
        let mut all = self.0.lock();
        // What goes is the user's: it is dropped behind the lock.
        let (mut gone, mut kept): (Vec<_>, Vec<_>) = std::mem::take(&mut *all)
            .into_iter()
            .partition(|shown| shown.is_of(&cell.name) && shown.is_over());
        if kept.len() >= EXHIBITS
            && let Some(first) = kept.iter().position(Shown::is_over)
        {
            gone.push(kept.remove(first));
        }
        if kept.len() < EXHIBITS {
            kept.push(Shown { worker: Some((cell.name.clone(), Arc::downgrade(cell))), exhibit });
        }
        *all = kept;
        drop(all);
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn Exhibit>> {
        self.0.lock().iter().map(|shown| Arc::clone(&shown.exhibit)).collect()
    }
}
