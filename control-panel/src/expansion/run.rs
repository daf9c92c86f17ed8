//! How an annotated worker is started and supervised.

use std::{fmt, future::Future, marker::PhantomData, time::Duration};

use super::{SourceOf, Spawns, WorkerContext};
use crate::{
    Backoff, Cancel, Escalate, Intensity, NoInbox, OnStuck, Restart, Suspend, WorkerHandle,
    lifecycle::exit::WorkerOutput,
    supervisor::options::Options,
    supervisor::{
        inbox_cell::Takes,
        kinds::{Generations, Job, Kind},
    },
};

/// How a worker is started in a `C`, and supervised. What it may return and that its future is `Send` is asked
/// where this is made, apart from everything that is asked of the context.
#[must_use = "a worker does nothing until it is spawned"]
pub struct Run<C, M = NoInbox> {
    pub(super) start: Generations<C>,
    pub(super) options: Options,
    /// The type of its commands.
    command: PhantomData<fn(M)>,
}

impl<C> Run<C> {
    pub(super) fn of(kind: Kind, repeatable: bool, start: Generations<C>) -> Self {
        let options = Options::of(kind, repeatable);
        Self { start, options, command: PhantomData }
    }

    /// A future for each run, which follows another as `restart` says.
    pub(super) fn repeat<F, Fut>(mut run: F, restart: Restart) -> Self
    where
        F: FnMut(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        let start = Box::new(move |cx| Job::Async(Box::pin(run(cx))));
        let mut repeated = Self::of(Kind::Async, true, start);
        repeated.options.restart = restart;
        repeated
    }

    /// As [`Worker::inbox`](crate::Worker::inbox).
    pub fn inbox<D: Send + 'static>(mut self) -> Run<C, D> {
        self.options.inbox.takes = Takes::only::<D>();
        self.retype()
    }
}

impl<C, M> Run<C, M> {
    fn retype<D>(self) -> Run<C, D> {
        Run { start: self.start, options: self.options, command: PhantomData }
    }

    /// Started again when it fails or panics.
    pub fn restart_on_failure(mut self) -> Self {
        self.options.restart = Restart::OnFailure;
        self
    }

    /// Started again whenever it ends.
    pub fn restart_always(mut self) -> Self {
        self.options.restart = Restart::Always;
        self
    }

    /// As [`Worker::after`](crate::Worker::after).
    pub fn after(mut self, name: &'static str) -> Self {
        self.options.after.push(name.into());
        self
    }

    /// As [`Worker::escalate`](crate::Worker::escalate), to the panel.
    pub fn escalate(mut self) -> Self {
        self.options.escalate = Escalate::Panel;
        self
    }

    /// As [`Worker::inbox_capacity`](crate::Worker::inbox_capacity).
    pub fn inbox_capacity(mut self, commands: u32) -> Self {
        self.options.inbox.capacity = usize::try_from(commands).unwrap_or(usize::MAX);
        self
    }

    /// As [`Worker::significant`](crate::Worker::significant).
    pub fn significant(mut self) -> Self {
        self.options.significant = true;
        self
    }

    /// As [`Worker::stuck_after`](crate::Worker::stuck_after).
    pub fn stuck_after(mut self, time: Duration) -> Self {
        self.options.run.set_stuck_after(time);
        self
    }

    /// As [`Worker::heartbeat`](crate::Worker::heartbeat).
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.options.run.set_heartbeat(every);
        self
    }

    /// As [`Worker::ready_within`](crate::Worker::ready_within).
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.options.run.ready_within = Some(time);
        self
    }

    /// As [`Worker::on_stuck`](crate::Worker::on_stuck).
    pub fn restart_when_stuck(mut self) -> Self {
        self.options.on_stuck = OnStuck::Restart;
        self
    }

    /// As [`Worker::on_stuck`](crate::Worker::on_stuck).
    pub fn escalate_when_stuck(mut self) -> Self {
        self.options.on_stuck = OnStuck::Escalate;
        self
    }

    /// As [`Worker::intensity`](crate::Worker::intensity).
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.options.intensity = Some(Intensity::new(restarts, period));
        self
    }

    /// As [`Worker::intensity`](crate::Worker::intensity) with [`Intensity::unlimited`].
    pub fn unlimited(mut self) -> Self {
        self.options.intensity = Some(Intensity::unlimited());
        self
    }

    /// As [`Worker::backoff`](crate::Worker::backoff).
    pub fn backoff(mut self, base: Duration, max: Duration) -> Self {
        self.options.backoff = Backoff::new(base, max);
        self
    }

    /// Asked to stop, and dropped after its grace.
    pub fn cooperative(mut self) -> Self {
        self.options.run.cancel = Cancel::Cooperative;
        self
    }

    /// Asked to stop, and dropped after this grace.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.run.grace = grace;
        self.cooperative()
    }

    /// As [`Worker::suspend`](crate::Worker::suspend) with [`Suspend::OnIdle`].
    pub fn suspend_on_idle(mut self) -> Self {
        self.options.suspend = Suspend::OnIdle;
        self
    }

    /// Spawns it. Only here is `C` required to be a context, so that a type that is none is reported once.
    pub fn spawn<H>(self, host: &H, name: &'static str, source: impl SourceOf<C::Source>) -> WorkerHandle<M>
    where
        C: WorkerContext,
        H: ?Sized + Spawns<C>,
    {
        host.spawn_worker(C::worker(name, source.into_source(), self.retype())).retype()
    }
}

impl<C, M> fmt::Debug for Run<C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of_val;

    use super::*;
    use crate::{Context, ControlPanel, Intent};

    struct Op;

    impl Intent for Op {
        type Source = u8;
    }

    /// One allocation a generation, of the size of the worker's own future: nothing is wrapped around it.
    #[test]
    fn a_workers_future_is_boxed_once_and_as_it_is() {
        async fn worker(argument: [u8; 200]) -> Result<(), fmt::Error> {
            std::future::ready(()).await;
            drop(Box::new(argument));
            Ok(())
        }
        let size = size_of_val(&worker([0; 200]));
        let panel = ControlPanel::<Op>::new();
        let mut once = <ControlPanel<Op> as Spawns<Context<Op>>>::once(|_| worker([0; 200]));
        let mut always = <ControlPanel<Op> as Spawns<Context<Op>>>::always(|_| worker([0; 200]));
        for job in [(once.start)(panel.context(0)), (always.start)(panel.context(0))] {
            let Job::Async(run) = job else { panic!("not a task") };
            assert_eq!(size_of_val(&*run), size);
        }
    }
}
