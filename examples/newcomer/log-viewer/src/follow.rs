//! The worker that follows one file.

use crate::app::{Source, Update};
use control_panel::{Context, worker};
use std::{
    collections::VecDeque,
    error::Error,
    fs::Metadata,
    io::{self, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncSeekExt},
    time::sleep,
};

/// Of a file that is long already, so much is read.
const TAIL: u64 = 1 << 20;
/// A longer line comes in pieces.
const LONGEST_LINE: usize = 4096;
const POLL: Duration = Duration::from_millis(200);

/// How far which file was read: kept across restarts, so that no line comes twice.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Option<At>>>);

#[derive(Clone, Copy)]
struct At {
    file: (u64, u64),
    offset: u64,
}

impl Place {
    fn get(&self) -> Option<At> {
        *self.0.lock().unwrap()
    }

    fn set(&self, file: (u64, u64), offset: u64) {
        *self.0.lock().unwrap() = Some(At { file, offset });
    }

    /// What comes next under this name is another file, even with the same number: from its start.
    fn restart(&self) {
        self.set((0, 0), 0);
    }
}

/// Follows a file as `tail -F` does. Fails where it is not there, or no file; is tried again ever more rarely.
#[worker(source = Source::File, restart = on_failure, backoff = "200ms", max_backoff = "5s", suspend = never)]
pub async fn follow(
    cx: Context<Update>,
    index: usize,
    path: PathBuf,
    place: Place,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = cx.gate();
    loop {
        // Not opened first: to open a pipe waits for its writer.
        if !look(&path, &place).await?.is_file() {
            return Err("not a regular file".into());
        }
        let mut file = File::open(&path).await?;
        let meta = file.metadata().await?;
        let id = (meta.dev(), meta.ino());
        let mut offset = match place.get() {
            Some(at) if at.file == id && at.offset <= meta.len() => at.offset,
            Some(_) => 0,
            None => meta.len().saturating_sub(TAIL),
        };
        file.seek(SeekFrom::Start(offset)).await?;
        cx.send(Update::Opened { index })
            .await
            .map_err(|error| error.without_intent())?;
        cx.healthy();

        let mut carry = Vec::new();
        let mut lines = VecDeque::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            gate.opened().await;
            let read = file.read(&mut buffer).await?;
            if read == 0 {
                let now = look(&path, &place).await?; // fails where it has vanished
                if (now.dev(), now.ino()) != id || now.len() < offset {
                    place.restart(); // another file, or cut short
                    break;
                }
                cx.send(Update::AtEnd { index })
                    .await
                    .map_err(|error| error.without_intent())?;
                sleep(POLL).await;
                continue;
            }
            carry.extend_from_slice(&buffer[..read]);
            while let Some(end) = line_end(&carry) {
                offset += end as u64;
                let text = String::from_utf8_lossy(&carry[..end]).trim_end().to_owned();
                carry.drain(..end);
                lines.push_back(Update::Line { index, text });
            }
            cx.send_many(&mut lines).await?;
            place.set(id, offset);
        }
    }
}

async fn look(path: &Path, place: &Place) -> io::Result<Metadata> {
    let meta = fs::metadata(path).await;
    if meta
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    {
        place.restart();
    }
    meta
}

/// Where the first line ends, if it is there.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let line = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    line.map(|end| end.min(LONGEST_LINE))
        .or((bytes.len() >= LONGEST_LINE).then_some(LONGEST_LINE))
}
