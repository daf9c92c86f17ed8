//! The loader's side of a running mod's host functions.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use super::{
    request::{ModIntent, ModPolicy, ModRequest},
    wasm::Desk,
};
use crate::{PolicyWatch, workers::lock::lock};

/// Buffers a mod's intents while a call of it runs.
pub(super) type Outbox<I> = Arc<Mutex<Vec<I>>>;

/// The loader's side of a running mod's host functions.
pub(super) struct Counter<I, P> {
    pub(super) outbox: Outbox<I>,
    pub(super) policy: PolicyWatch<P>,
}

impl<I: ModIntent, P: ModPolicy + Send + Sync + 'static> Desk for Counter<I, P> {
    fn emit(&mut self, request: &ModRequest<'_>) -> Result<(), String> {
        let intent = I::from_mod(request)?;
        if intent.clock() == Some(0) {
            return Err(
                "its clock is 0, which means local: a replicated intent's clock starts at 1".to_owned()
            );
        }
        lock(&self.outbox).push(intent);
        Ok(())
    }

    fn policy(&self, key: &str) -> Option<String> {
        self.policy.borrow().mod_value(key)
    }
}

/// Ends the call that runs on a blocking thread when the worker is dropped, whatever the worker is waiting for.
pub(super) struct StopOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
