//! The loader's worker: looks, decides ([`Slots`]), and acts, one step at a time. The mods' code runs on the runtime's blocking
//! threads, one call at a time, bounded by its limits. Access to the file system runs on a thread of its own ([`Look`]), for
//! which nothing here waits.

use std::{
    panic::resume_unwind,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    task::{JoinError, spawn_blocking},
    time::{Instant, timeout_at},
};

use super::{
    Parts,
    control::Command,
    counter::{Counter, Outbox, StopOnDrop},
    error::{Fault, ModError},
    event::{Deactivation, ModEvent},
    files::{Files, Scan},
    look::Look,
    manifest::ModManifest,
    request::{ModIntent, ModPolicy},
    slots::{Running, Slots, Step},
    status::{self, ModFolderStatus, ModFolderWatch},
    text::plain,
    wasm::{Host, Instance},
};
use crate::{
    Context, SendError,
    supervision::PanicReport,
    workers::{lock::lock, wait::after},
};

/// The delay between a change and the look: files arrive in pieces.
const SETTLE: Duration = Duration::from_millis(50);

/// Why the worker ends before it is asked to stop: the panel accepts no more intents, or not this one.
type Refused = SendError<()>;

/// Fails if the host's intent claims to come from a peer but has no clock: it always would.
pub(super) async fn run<I, P>(cx: Context<I, P>, parts: Parts) -> Result<(), Refused>
where
    I: ModIntent,
    P: ModPolicy + Send + Sync + 'static,
{
    // A panel that accepts no more intents is an end like any other.
    let unless_closed = |ended| match ended {
        Err(Refused::ZeroClock(())) => ended,
        _ => Ok(()),
    };
    let mut worker = ModWorker::new(cx, parts);
    // Whether it was asked to stop or the panel is closed, the running mods are stopped in order.
    let mut ended = unless_closed(worker.rounds().await);
    // The final status of each mod: no other round follows.
    worker.publish();
    for name in worker.slots.stopping_order() {
        // Even if the panel accepts no more intents, a mod's last call is made.
        ended = ended.and(unless_closed(worker.stop_mod(&name, Deactivation::Stopping).await));
    }
    ended
}

struct ModWorker<I: ModIntent, P> {
    cx: Context<I, P>,
    parts: Parts,
    slots: Slots<Box<Instance>>,
    outbox: Outbox<I>,
    look: Look,
    folder: ModFolderStatus,
    stop: StopOnDrop,
}

impl<I, P> ModWorker<I, P>
where
    I: ModIntent,
    P: ModPolicy + Send + Sync + 'static,
{
    fn new(cx: Context<I, P>, parts: Parts) -> Self {
        Self {
            cx,
            slots: Slots::default(),
            outbox: Outbox::default(),
            look: parts.look(),
            folder: ModFolderStatus::default(),
            stop: StopOnDrop(Arc::new(AtomicBool::new(false))),
            parts,
        }
    }

    /// Looks, obeys commands, decides, ticks and waits, until it is asked to stop.
    async fn rounds(&mut self) -> Result<(), Refused> {
        let stop = self.cx.cancellation_token();
        let mut next_look = Instant::now();
        let mut next_tick = after(next_look, self.parts.tick);
        while !self.cx.is_cancelled() {
            if let Some(mut scan) = self.look.poll() {
                if let Some(watch) = scan.watch.take() {
                    self.looked(watch);
                }
                self.slots.found(scan);
                next_look = after(Instant::now(), self.parts.look_every);
            }
            // A change that arrives while a look is in progress may have been missed by it: another look follows.
            if self.parts.shared.has_changed() {
                next_look = next_look.min(after(Instant::now(), SETTLE));
            }
            if Instant::now() >= next_look && !self.look.is_running() {
                self.parts.shared.take_changed();
                next_look = after(Instant::now(), self.parts.look_every);
                if let Err(error) = self.look.begin(self.slots.known()) {
                    self.slots.found(Scan { trouble: Some(error), ..Scan::default() });
                }
            }
            while let Some(command) = self.parts.shared.next_command() {
                match command {
                    Command::Switch { mod_id, on } => self.slots.switch(&mod_id, on),
                    Command::Reload { mod_id } => self.slots.reload(&mod_id),
                };
            }
            self.settle().await?;
            if Instant::now() >= next_tick {
                self.tick().await?;
                // Missed ticks are skipped.
                next_tick = after(Instant::now(), self.parts.tick);
            }
            self.publish();
            let look = if self.look.is_running() { self.look.overdue() } else { Some(next_look) };
            let until = look.map_or(next_tick, |look| look.min(next_tick));
            let woken = timeout_at(until, self.parts.shared.wake.notified());
            if stop.run_until_cancelled(woken).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Handles a completed look at the folder.
    fn looked(&mut self, watch: ModFolderWatch) {
        self.folder.looks += 1;
        if self.folder.watch != watch {
            polled(self.parts.look_every, &watch);
            self.folder.watch = watch;
        }
    }

    fn publish(&mut self) {
        self.folder.trouble = self.slots.folder_trouble().cloned();
        self.parts.shared.publish(status::of(&self.slots), &self.folder);
    }

    /// Brings the running mods to the desired state.
    async fn settle(&mut self) -> Result<(), Refused> {
        while !self.cx.is_cancelled() {
            let Some(step) = self.slots.next_step() else { break };
            match step {
                Step::Stop(name, cause) => self.stop_mod(&name, cause).await?,
                Step::Start(name, files) => self.start_mod(&name, &files).await?,
                Step::Tell { mod_id, reason, still_running } => {
                    self.tell(ModEvent::LoadFailed { mod_id, reason, still_running }).await?;
                }
            }
        }
        Ok(())
    }

    /// Loads and activates; stops the previous version only after that.
    async fn start_mod(&mut self, name: &str, files: &Arc<Files>) -> Result<(), Refused> {
        let loaded = match self.denied(&files.manifest) {
            Some(denied) => Err(denied),
            None => self.load(Arc::clone(files)).await,
        };
        let emitted = self.emitted();
        let instance = match loaded {
            Ok(instance) => instance,
            // The intents that it emitted are dropped with it.
            Err(error) => {
                self.slots.failed(name, files, error);
                return Ok(());
            }
        };
        if let Some(old) = self.slots.started(name, files, instance) {
            let left_behind = self.stop_left_behind(name).await;
            self.end(old, Deactivation::Replaced).await?;
            left_behind?;
        }
        let (mod_id, version) = (files.manifest.id().to_owned(), files.manifest.version().to_owned());
        self.tell(ModEvent::Activated { mod_id, version }).await?;
        self.send(emitted).await
    }

    /// Stops the mods that the new version leaves without their requirements, while the old version is still there.
    async fn stop_left_behind(&mut self, started: &str) -> Result<(), Refused> {
        while let Some((name, cause)) = self.slots.next_left_behind(started) {
            self.stop_mod(&name, cause).await?;
        }
        Ok(())
    }

    fn denied(&self, manifest: &ModManifest) -> Option<ModError> {
        let asked = manifest.capabilities().find(|asked| !self.parts.grants.has(manifest.id(), asked));
        asked.map(|capability| ModError::Denied { capability: capability.to_owned() })
    }

    async fn load(&mut self, files: Arc<Files>) -> Result<Box<Instance>, ModError> {
        let counter = Counter { outbox: Arc::clone(&self.outbox), policy: self.cx.policy() };
        let host = Host::new(
            Arc::clone(&files.manifest),
            Box::new(counter),
            Arc::clone(&self.stop.0),
            self.parts.budget.share(),
        );
        let functions = Arc::clone(&self.parts.functions);
        let job = spawn_blocking(move || {
            let mut instance = Instance::load(&files.code, host, &functions)?;
            instance.activate()?;
            Ok(Box::new(instance))
        });
        job.await.unwrap_or_else(|error| Err(gone("mod_activate", error)))
    }

    async fn stop_mod(&mut self, name: &str, cause: Deactivation) -> Result<(), Refused> {
        match self.slots.take(name) {
            Some(running) => self.end(running, cause).await,
            None => Ok(()),
        }
    }

    /// Deactivates and drops. A mod that fails in this is dropped all the same.
    async fn end(&mut self, running: Running<Box<Instance>>, cause: Deactivation) -> Result<(), Refused> {
        let mod_id = running.manifest.id().to_owned();
        let mut instance = running.instance;
        let went_well = spawn_blocking(move || instance.deactivate().is_ok()).await.unwrap_or(false);
        let last_words = self.emitted();
        if went_well {
            self.send(last_words).await?;
        }
        self.tell(ModEvent::Deactivated { mod_id, cause }).await
    }

    /// Calls `mod_tick` of every mod that has one. A mod that fails is stopped, and not retried.
    async fn tick(&mut self) -> Result<(), Refused> {
        for name in self.slots.running() {
            if self.cx.is_cancelled() {
                break;
            }
            let Some(running) = self.slots.lend(&name) else { continue };
            if !running.instance.ticks() {
                self.slots.put_back(&name, running);
                continue;
            }
            let manifest = Arc::clone(&running.manifest);
            let job = spawn_blocking(move || {
                let mut running = running;
                let outcome = running.instance.tick();
                (running, outcome)
            });
            // Only the end of the runtime makes the job fail: a panic in it is an outcome.
            let Ok((running, outcome)) = job.await else { return Err(Refused::Closed(())) };
            let emitted = self.emitted();
            match outcome {
                Ok(()) => {
                    self.slots.put_back(&name, running);
                    self.send(emitted).await?;
                }
                Err(error) => {
                    self.slots.faulted(&name, &running, error.clone());
                    drop(running);
                    let (mod_id, cause) = (manifest.id().to_owned(), Deactivation::Failed(error));
                    self.tell(ModEvent::Deactivated { mod_id, cause }).await?;
                    self.settle().await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the intents that the last call emitted.
    fn emitted(&self) -> Vec<I> {
        std::mem::take(&mut *lock(&self.outbox))
    }

    async fn send(&self, intents: Vec<I>) -> Result<(), Refused> {
        for intent in intents {
            self.cx.send(intent).await.map_err(SendError::without_intent)?;
        }
        Ok(())
    }

    async fn tell(&self, event: ModEvent) -> Result<(), Refused> {
        self.cx.send(event.into()).await.map_err(SendError::without_intent)
    }
}

/// Logs that the folder is only examined periodically.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "then nothing listens"))]
fn polled(every: Duration, watch: &ModFolderWatch) {
    #[cfg(feature = "tracing")]
    if let ModFolderWatch::Polled { why } = watch {
        tracing::warn!(target: crate::workers::TARGET, ?every, "the mods folder is only looked at regularly: {why}");
    }
}

/// A blocking job that did not complete.
fn gone(call: &'static str, error: JoinError) -> ModError {
    ModError::Fault { call, fault: Fault::Panicked(plain(&reason_of(error))) }
}

/// Why a blocking job did not complete. The runtime's own text contains the job's number, which differs each time: a failure
/// that is reported once for each reason would be reported each time.
fn reason_of(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else { return "the runtime stops".to_owned() };
    // No hook sees a resumed panic.
    let panic = PanicReport::catch::<()>(|| resume_unwind(payload));
    panic.map_or_else(|panic| panic.message().to_owned(), |()| String::new())
}

#[cfg(test)]
mod tests;
