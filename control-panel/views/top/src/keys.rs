//! The worker that reads the terminal.

use std::time::Duration;

use control_panel::{IntentSource, Worker};
use ratatui::crossterm::event;

use crate::app::Update;

/// How long one look waits: so long a stop takes at most.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn keys() -> Worker<Update> {
    Worker::blocking("keys", IntentSource::LocalUI, |cx| {
        while !cx.is_cancelled() {
            let came = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let is_blind = came.is_err();
            let update = came.map_or_else(|error| Update::Blind(error.to_string()), Update::Terminal);
            if cx.send_blocking(update).is_err() || is_blind {
                return;
            }
        }
    })
}
