//! Short-lived work: a limited number at a time, and only the newest task per key.

use std::{collections::BTreeMap, fmt, mem, sync::Arc};

use crate::{
    intent::Intent,
    lifecycle::Cause,
    panel::{Spawn, sealed, shared::Shared},
    supervisor::machine::{KeyId, Place, PoolId},
    util::Mutex,
    worker::{Worker, WorkerHandle},
};

/// Spawns short-lived workers, of which a limited number run at a time while the others wait. Created by
/// [`ControlPanel::tasks`](crate::ControlPanel::tasks) or, with keys of which only the newest task counts, by
/// [`ControlPanel::keyed_tasks`](crate::ControlPanel::keyed_tasks). Clones are the same set; dropping it has no effect. A worker
/// that spawns others has a clone among its arguments: [a server](crate::guide::recipes#a-server) does.
///
/// Tasks are workers like all others: supervised, named, reported. Those that must wait have the status
/// [`Waiting`](crate::WorkerStatus::Waiting); those beyond the backlog are [`Refused`](crate::WorkerStatus::Refused).
///
/// [`stop_all`](Self::stop_all) stops all of them. So does a loop that stops one [handle](WorkerHandle::stop) after the other,
/// without starting any waiting task: when a task is stopped this way, tasks already waiting cannot take its place for 25 ms.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Thumbnail(u32),
/// }
///
/// #[worker(source = IntentSource::PrefetchScheduler)]
/// async fn thumbnail(cx: Context<Update>, page: u32) {
///     cx.send(Update::Thumbnail(page)).await.ok();
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let thumbnails = panel.tasks().limit(4);
/// thumbnails.spawn_thumbnail(1);
/// thumbnails.spawn_thumbnail(2);
/// assert!(thumbnails.len() <= 2);
/// thumbnails.stop_all();
///
/// let thumbnails = panel.keyed_tasks();
/// thumbnails.keyed("page 7").spawn_thumbnail(7);
/// // Stops the one before, if it is still alive, and starts once it is entirely
/// // gone.
/// thumbnails.keyed("page 7").spawn_thumbnail(7);
/// ```
#[must_use = "nothing is spawned until a worker is"]
pub struct Tasks<I: Intent, P = (), K = ()> {
    shared: Arc<Shared<I, P>>,
    pool: PoolId,
    limit: usize,
    backlog: usize,
    keys: Arc<Mutex<Keys<K>>>,
}

/// Maps each key to the supervisor's id for it.
struct Keys<K> {
    /// An id about to be used for a spawn has more than one reference.
    ids: BTreeMap<K, Arc<KeyId>>,
    /// Beyond this many, keys without a task are collected.
    most: usize,
}

/// This many keys are harmless, used or not.
const FEW: usize = 512;

impl<I: Intent, P: Send + Sync + 'static, K: Ord> Tasks<I, P, K> {
    pub(crate) fn new(shared: Arc<Shared<I, P>>) -> Self {
        let pool = PoolId(shared.supervisor.number());
        Self {
            shared,
            pool,
            limit: 8,
            backlog: 256,
            keys: Arc::new(Mutex::new(Keys { ids: BTreeMap::new(), most: FEW })),
        }
    }

    /// How many tasks run at once, at least 1. Default: 8.
    pub fn limit(mut self, tasks: usize) -> Self {
        self.limit = tasks.max(1);
        self
    }

    /// How many may wait in addition to those that run. Default: 256. With 0 a task that finds no place is refused
    /// immediately.
    ///
    /// A refused task never runs, and its arguments are dropped. If they are worth more than that (a connection that is to
    /// be answered), compare [`len`](Self::len) with the limit before the spawn.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::{Worker, WorkerStatus, supervision::SpawnError};
    /// # let panel = ControlPanel::<Update>::new();
    /// // Two at a time, and no third waits: it is refused.
    /// let calls = panel.tasks().limit(2).backlog(0);
    /// let call = |name: &'static str| {
    ///     let waits = |cx: Context<Update>| async move { cx.cancelled().await };
    ///     calls.spawn(Worker::new(name, IntentSource::Restore, waits))
    /// };
    /// let (first, second, third) = (call("1"), call("2"), call("3"));
    /// assert!(!first.status().is_final() && !second.status().is_final());
    /// assert!(matches!(third.status(), WorkerStatus::Refused(_)));
    /// ```
    pub fn backlog(mut self, tasks: usize) -> Self {
        self.backlog = tasks;
        self
    }

    /// Spawns a task built by hand, without a key. For annotated workers, use the generated `spawn_…` method.
    ///
    /// Never waits: the handle's status says whether it runs, [waits](crate::WorkerStatus::Waiting) or was
    /// [refused](crate::WorkerStatus::Refused).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        self.shared.spawn(worker, Some(self.place(None)))
    }

    /// Stops every task of the set for good, including those that wait, none of which starts. Tasks spawned afterwards run as
    /// usual. Does not wait: a blocking task, and a cooperative one, keeps its place until it returns.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn load(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let tasks = panel.tasks().limit(2);
    ///     let waits = [(); 5].map(|()| tasks.spawn_load())[4].clone();
    ///     testing::settle().await;
    ///     tasks.stop_all();
    ///     waits.ended().await;
    ///     testing::settle().await;
    ///     assert!(tasks.is_empty() && waits.generation() == 0);
    /// });
    /// ```
    pub fn stop_all(&self) {
        self.shared.supervisor.registry().stop_pool(self.pool, Cause::Stopped);
    }

    /// Returns the number of living tasks: those that run, those that wait, and those that were asked to stop but have not yet.
    ///
    /// Like a spawn, it takes the supervisor's lock, which is only ever held briefly.
    pub fn len(&self) -> usize {
        self.shared.supervisor.registry().pool_len(self.pool)
    }

    /// Returns whether no task of the set is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns the task of a key. A living task of the same key is stopped, with the cause [`Replaced`](crate::supervision::Cause::Replaced);
    /// the new one takes its place once it is entirely gone. A task that still waits is cancelled, and the new one takes its
    /// position in the line. So of any number only the newest runs, and replacing never exceeds the backlog.
    ///
    /// A task that begins with a sleep is a debounce: only one that is not replaced meanwhile gets to work
    /// (`examples/cookbook/debounce.rs` in the repository).
    pub fn keyed(&self, key: K) -> Keyed<'_, I, P, K> {
        Keyed { tasks: self, key }
    }

    fn place(&self, key: Option<KeyId>) -> Place {
        Place { pool: self.pool, limit: self.limit, backlog: self.backlog, key }
    }

    /// Returns the supervisor's id for a key.
    fn key_id(&self, key: K) -> Arc<KeyId> {
        let mut keys = self.keys.lock();
        let forgotten = self.forget(&mut keys);
        let id = keys.ids.entry(key).or_insert_with(|| Arc::new(KeyId(self.shared.supervisor.number())));
        let id = Arc::clone(id);
        drop(keys);
        // These are the user's keys, so dropping them runs the user's code.
        drop(forgotten);
        id
    }

    /// Removes the keys that no task has any more, once there may be many.
    fn forget(&self, keys: &mut Keys<K>) -> BTreeMap<K, Arc<KeyId>> {
        // That many tasks may live, each with a key, and as many keys again are collected together.
        let may_live = self.limit.saturating_add(self.backlog).saturating_mul(2);
        if keys.ids.len() <= keys.most.min(may_live) {
            return BTreeMap::new();
        }
        let live = self.shared.supervisor.registry().keys();
        let is_used = |id: &Arc<KeyId>| live.contains(id) || Arc::strong_count(id) > 1;
        let (used, unused) = mem::take(&mut keys.ids).into_iter().partition(|(_, id)| is_used(id));
        keys.ids = used;
        // Twice as many as are in use: this makes the amortised cost for each spawn constant, however many tasks live.
        keys.most = keys.ids.len().saturating_mul(2).max(FEW);
        unused
    }
}

impl<I: Intent, P: Send + Sync + 'static, K: Ord> Spawn for Tasks<I, P, K> {
    type Intent = I;
    type Policy = P;

    fn admit(&self, worker: Worker<I, P>) -> WorkerHandle {
        Tasks::spawn(self, worker)
    }
}

impl<I: Intent, P, K> sealed::Sealed for Tasks<I, P, K> {}

impl<I: Intent, P, K> Clone for Tasks<I, P, K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), keys: Arc::clone(&self.keys), ..*self }
    }
}

impl<I: Intent, P, K> fmt::Debug for Tasks<I, P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("limit", &self.limit)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

/// Spawns the task of one key. Created by [`Tasks::keyed`].
#[must_use = "nothing is spawned until a worker is"]
pub struct Keyed<'a, I: Intent, P, K> {
    tasks: &'a Tasks<I, P, K>,
    key: K,
}

impl<I: Intent, P: Send + Sync + 'static, K: Ord + Clone> Spawn for Keyed<'_, I, P, K> {
    type Intent = I;
    type Policy = P;

    fn admit(&self, worker: Worker<I, P>) -> WorkerHandle {
        Keyed::spawn(self, worker)
    }
}

impl<I: Intent, P: Send + Sync + 'static, K: Ord + Clone> Keyed<'_, I, P, K> {
    /// Spawns this key's task, built by hand. Never waits.
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        let key = self.tasks.key_id(self.key.clone());
        self.tasks.shared.spawn(worker, Some(self.tasks.place(Some(*key))))
    }
}

impl<I: Intent, P, K> sealed::Sealed for Keyed<'_, I, P, K> {}

impl<I: Intent, P, K> fmt::Debug for Keyed<'_, I, P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}
