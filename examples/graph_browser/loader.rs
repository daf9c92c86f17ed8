//! Loading a webview's text, each in a short-lived supervised worker of its own.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use control_panel::{IntentSource, Spawner, WorkerHandle, worker};
use tokio::{fs::File, io::AsyncReadExt, time::timeout};

use crate::{intent::GraphIntent, policy::LifecyclePolicy};

/// Bytes of text a webview holds: the first screens of a page.
const VIEW_BYTES: usize = 64 << 10;
/// The longest that a load may take: a file system that hangs must not hang the host.
const LOAD_TIME: Duration = Duration::from_secs(10);

/// What became of a load, once something did.
pub(crate) type Outcome = Arc<OnceLock<Result<String, Unloadable>>>;

/// A page's text could not be had: it cannot be read, or not in time, it is not UTF-8, or its worker
/// panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unloadable;

/// A load under way.
#[derive(Debug)]
pub(crate) struct Loading {
    pub(crate) outcome: Outcome,
    /// Its worker; a worker that ended without an outcome (it panicked) has failed too.
    pub(crate) worker: Option<WorkerHandle>,
}

impl Loading {
    /// `None` while it goes on.
    pub(crate) fn poll(&self) -> Option<Result<String, Unloadable>> {
        // Asked before the outcome, which is set before the worker ends.
        let ended = self.worker.as_ref().is_some_and(|worker| worker.status().is_final());
        match self.outcome.get() {
            Some(outcome) => Some(outcome.clone()),
            None => ended.then_some(Err(Unloadable)),
        }
    }

    pub(crate) fn cancel(&self) {
        if let Some(worker) = &self.worker {
            worker.stop();
        }
    }
}

/// What starts a load. The tests have one of their own.
pub(crate) trait Loader {
    fn load(&mut self, path: &str) -> Loading;
}

/// Loads each page in a supervised worker of its own.
#[derive(Debug)]
pub(crate) struct WorkerLoader {
    pub(crate) spawner: Spawner<GraphIntent, LifecyclePolicy>,
    pub(crate) root: PathBuf,
}

impl Loader for WorkerLoader {
    fn load(&mut self, path: &str) -> Loading {
        let outcome = Outcome::default();
        let worker = self.spawner.spawn_load_page(self.root.join(path), Arc::clone(&outcome));
        Loading { outcome, worker: Some(worker) }
    }
}

/// Reads the beginning of a page.
#[worker(source = IntentSource::ServoDelegate)]
async fn load_page(
    _cx: control_panel::Context<GraphIntent, LifecyclePolicy>,
    file: PathBuf,
    outcome: Outcome,
) {
    // Set once: the outcome belongs to this load alone.
    let text = timeout(LOAD_TIME, read_view(file)).await.unwrap_or(Err(Unloadable));
    outcome.set(text).ok();
}

async fn read_view(file: PathBuf) -> Result<String, Unloadable> {
    let mut bytes = Vec::new();
    let file = File::open(file).await.map_err(|_| Unloadable)?;
    file.take(VIEW_BYTES as u64).read_to_end(&mut bytes).await.map_err(|_| Unloadable)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // Cut inside a character is fine; bytes that are no UTF-8 cannot be shown.
        Err(error) if error.utf8_error().error_len().is_none() => {
            let end = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(end);
            String::from_utf8(bytes).map_err(|_| Unloadable)
        }
        Err(_) => Err(Unloadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_the_beginning_of_a_page_cut_between_characters() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let view = |bytes: &[u8]| {
            let file = folder.path().join("x.html");
            std::fs::write(&file, bytes).expect("written");
            runtime.block_on(read_view(file))
        };
        assert_eq!(view("<p>café".as_bytes()), Ok("<p>café".to_owned()));
        assert_eq!(view(b"<p>caf\xe9 au lait"), Err(Unloadable));
        let long = format!("{}é and more", "x".repeat(VIEW_BYTES - 1));
        assert_eq!(view(long.as_bytes()), Ok("x".repeat(VIEW_BYTES - 1)));
        assert_eq!(runtime.block_on(read_view(folder.path().join("gone.html"))), Err(Unloadable));
    }
}
