//! A panic that no return value can carry.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{PanicReport, discard};
use crate::util::Mutex;

/// Almost never set, and checked at every end.
#[derive(Default)]
pub(crate) struct LastWords {
    left: AtomicBool,
    panic: Mutex<Option<PanicReport>>,
}

impl LastWords {
    pub(crate) fn leave(&self, panic: PanicReport) {
        let before = self.panic.lock().replace(panic);
        self.left.store(true, Ordering::Release);
        discard(before);
    }

    pub(crate) fn take(&self) -> Option<PanicReport> {
        if self.left.load(Ordering::Acquire) { self.panic.lock().take() } else { None }
    }
}
