//! Tasks with names, which tokio keeps only in its unstable build (`--cfg tokio_unstable`): tokio-console shows them.

use tokio::{
    runtime::Handle,
    task::{self, AbortHandle},
};

/// Spawns onto the runtime. One that is gone drops the future.
#[cfg_attr(not(tokio_unstable), expect(unused_variables, reason = "tasks have no names"))]
pub(crate) fn spawn(
    runtime: &Handle,
    name: &str,
    future: impl Future<Output = ()> + Send + 'static,
) -> AbortHandle {
    #[cfg(tokio_unstable)]
    let task = task::Builder::new().name(name).spawn_on(future, runtime).expect("a future needs no thread");
    #[cfg(not(tokio_unstable))]
    let task = runtime.spawn(future);
    task.abort_handle()
}

/// Spawns onto the `LocalSet` that is running on this thread.
#[cfg_attr(not(tokio_unstable), expect(unused_variables, reason = "tasks have no names"))]
pub(crate) fn spawn_local(name: &str, future: impl Future<Output = ()> + 'static) {
    #[cfg(tokio_unstable)]
    drop(task::Builder::new().name(name).spawn_local(future).expect("a future needs no thread"));
    #[cfg(not(tokio_unstable))]
    drop(task::spawn_local(future));
}

/// Lines it up for the runtime's blocking pool.
///
/// # Panics
///
/// If the pool cannot start any thread.
#[cfg_attr(not(tokio_unstable), expect(unused_variables, reason = "tasks have no names"))]
pub(crate) fn spawn_blocking(pool: &Handle, name: &str, job: impl FnOnce() + Send + 'static) {
    #[cfg(tokio_unstable)]
    drop(task::Builder::new().name(name).spawn_blocking_on(job, pool).expect("a thread of the pool"));
    #[cfg(not(tokio_unstable))]
    drop(pool.spawn_blocking(job));
}
