//! What a subscriber writes, as text.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::{Level, subscriber};
use tracing_subscriber::fmt::MakeWriter;

/// Collects what is logged.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// What is logged on this thread meanwhile, down to `DEBUG`.
    pub(super) fn logged(act: impl FnOnce()) -> String {
        let lines = Self::default();
        let to_lines = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .without_time()
            .with_max_level(Level::DEBUG);
        subscriber::with_default(to_lines.finish(), act);
        lines.text()
    }

    /// What was logged so far.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
