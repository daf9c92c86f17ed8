//! The keys of the macros, each with what it means: what an editor completes and shows inside `#[worker(…)]` and `#[intent(…)]`.
//!
//! No program names them. [`#[worker]`](macro@crate::worker) and [`#[derive(GraphIntent)]`](macro@crate::GraphIntent) have
//! them as tables.

/// The keys of `#[worker(…)]`.
pub mod worker {
    /// `source = path`: the source of its intents, a value of the intent's `Source`. Needed.
    pub mod source {}
    /// `name = other_name`: a name for the trait, the method and the worker. Default: the function's name.
    pub mod name {}
    /// `restart = never | on_failure | always`: when another run follows one that ended. Default: `never`.
    pub mod restart {
        /// One run.
        pub mod never {}
        /// Another run after a panic or an error.
        pub mod on_failure {}
        /// Another run however the last one ended.
        pub mod always {}
    }
    /// `intensity = number | unlimited`: how many restarts in a period are not too many, at least 1. Default: after errors without
    /// limit, after panics 5; with `escalate = panel`, 5 of either.
    pub mod intensity {
        /// It is restarted however often it fails.
        pub mod unlimited {}
    }
    /// `period = "10s"`: the sliding window in which `intensity` counts. Default: `"10s"`.
    pub mod period {}
    /// `backoff = "100ms"`: the wait before the first restart; each further one is twice as long. Default: `"100ms"`.
    pub mod backoff {}
    /// `max_backoff = "30s"`: the longest wait before a restart. Default: `"30s"`.
    pub mod max_backoff {}
    /// `cancel = drop | cooperative`: how it is stopped. Default: `drop`.
    pub mod cancel {
        /// It is dropped at its next `.await`.
        pub mod drop {}
        /// It is asked, and dropped after the grace.
        pub mod cooperative {}
    }
    /// `grace = "2s"`: how long a cooperative worker may take to stop. Default: `"5s"`, and never longer than the shutdown.
    pub mod grace {}
    /// `suspend = never | on_idle`: whether its gate closes while the panel is idle. Default: `never`.
    pub mod suspend {
        /// Its gate stays open.
        pub mod never {}
        /// Its gate is closed while the panel is idle.
        pub mod on_idle {}
    }
    /// `inbox = Command`: the type of its commands. Default: it takes none.
    pub mod inbox {}
    /// `inbox_capacity = 64`: how many commands its inbox holds, at least 1. Default: 32.
    pub mod inbox_capacity {}
    /// `kind = async | local | blocking | thread`: where it runs. Default: `async`, on a task of its own.
    pub mod kind {
        /// On the panel's thread, for a future that is not `Send`.
        pub mod local {}
        /// In the runtime's pool for blocking calls: a plain `fn`.
        pub mod blocking {}
        /// On a thread of its own: a plain `fn`.
        pub mod thread {}
    }
    /// `after = "store"`: the name of a worker that a shutdown stops only after this one; several in brackets. Default: none.
    pub mod after {}
    /// `escalate = never | panel`: whether failing too often ends the panel. Default: `never`.
    pub mod escalate {
        /// It stays down, and the panel goes on.
        pub mod never {}
        /// The panel ends.
        pub mod panel {}
    }
    /// `significant`: its group may end with it. Default: it may not.
    pub mod significant {}
    /// `stuck_after = "5s"`: how long one poll may last before the worker is stuck. Default: `"10s"`.
    pub mod stuck_after {}
    /// `on_stuck = warn | restart | escalate`: what follows when it is stuck. Default: `warn`.
    pub mod on_stuck {
        /// The panel's status and its events say so.
        pub mod warn {}
        /// It is stopped, and another run follows.
        pub mod restart {}
        /// The panel ends.
        pub mod escalate {}
    }
    /// `heartbeat = "1s"`: how often it calls `cx.heartbeat()` at least, or is stuck. Default: it promises none.
    pub mod heartbeat {}
    /// `ready_within = "5s"`: it reports by `cx.ready()` that it is ready, within this time; what comes after it in its group starts
    /// only then. Default: it is ready when it begins.
    pub mod ready_within {}
}

/// The keys of `#[intent(…)]` on an enum.
pub mod intent {
    /// `source = Type`: the type of its sources. Default: `control_panel::IntentSource`.
    pub mod source {}
}

/// The keys of `#[intent(…)]` on a variant.
pub mod variant {
    /// `clock = field`: the field, by name or by index, that is the variant's logical clock: any `LogicalClock`. Default: the variant
    /// is local.
    pub mod clock {}
    /// `origin = field`: the field that names the peer it comes from: any `PeerId`. Beside `clock` only.
    pub mod origin {}
    /// `from`: the variant's one field becomes the variant by `From`.
    pub mod from {}
    /// `lossy`: the intent is dropped, and counted, when the queue is full. Default: it waits for a slot.
    pub mod lossy {}
    /// `latest`, or `latest = field`: it replaces one of the same producer, variant and key that no frame has taken yet.
    pub mod latest {}
    /// `skip`: a journal has the variant's name and its place in the frame, and none of its fields.
    pub mod skip {}
}
