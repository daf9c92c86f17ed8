//! What a panel and its spawners share.

use std::{borrow::Cow, fmt, sync::Arc};

use crate::{
    context::Context,
    intent::Intent,
    policy::Policy,
    queue::{IntentSender, Queue},
    supervise::{driver::Plan, lifecycle::Lifecycle, record::Record, supervisor::Supervisor},
    worker::{Worker, WorkerHandle},
};

pub(crate) struct Shared<I: Intent, P> {
    pub(crate) queue: Arc<Queue<I>>,
    pub(crate) policy: Policy<P>,
    pub(crate) supervisor: Supervisor,
}

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    /// A context that belongs to no worker.
    pub(crate) fn context(&self, name: Cow<'static, str>, source: I::Source) -> Context<I, P> {
        let sender = IntentSender::new(self.queue.port(source));
        let record = self.record(name, &sender);
        Context::new(sender, self.policy.watch(), record, 0)
    }

    pub(crate) fn spawn(&self, worker: Worker<I, P>) -> WorkerHandle {
        let Worker { name, source, mut factory, options } = worker;
        let sender = IntentSender::new(self.queue.port(source));
        let record = self.record(name, &sender);
        let lifecycle =
            Lifecycle::new(options.restart, options.intensity, options.backoff, sender.origin().0);
        let plan = Plan { lifecycle, cancel: options.cancel, grace: options.grace };
        let mut policy = self.policy.watch();
        let for_context = Arc::clone(&record);
        let start = Box::new(move |generation| {
            // The first run sees what was set since it was spawned, a later one what was set since it started.
            if generation > 1 {
                policy.borrow_and_update();
            }
            factory(Context::new(sender.clone(), policy.clone(), Arc::clone(&for_context), generation))
        });
        self.supervisor.spawn(record, plan, start)
    }

    fn record(&self, name: Cow<'static, str>, sender: &IntentSender<I>) -> Arc<Record> {
        let source = format!("{:?}", sender.source()).into_boxed_str();
        Arc::new(Record::new(name, source, sender.origin(), self.supervisor.token()))
    }
}

impl<I: Intent, P> fmt::Debug for Shared<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("queue", &self.queue)
            .field("supervisor", &self.supervisor)
            .finish_non_exhaustive()
    }
}
