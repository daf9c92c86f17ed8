//! The worker that follows the dashboard, and tries again where it is lost.

use std::time::Duration;

use control_panel::{Context, IntentSource, Worker};

use crate::{
    address::Address,
    app::Update,
    http::{self, HttpError, Next},
    read::{self, News},
};

/// Between two attempts: at first, and at most.
const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(8);
/// How long a dashboard may be silent: it sends a sign of life every few seconds.
const SILENCE: u32 = 15 * 4;

/// Follows `address` until it is stopped.
pub(crate) fn follow(address: Address, patience: Duration) -> Worker<Update> {
    Worker::blocking("follow", IntentSource::P2pSync, move |cx| {
        let mut wait = FIRST;
        while !cx.is_cancelled() {
            let mut came = false;
            match once(&cx, &address, patience, &mut came) {
                Ok(()) => return,
                Err(error) => {
                    if cx.send_blocking(Update::Lost(error.to_string())).is_err() {
                        return;
                    }
                }
            }
            wait = if came { FIRST } else { (wait * 2).min(LAST) };
            cx.cancelled_timeout(wait);
        }
    })
}

/// Follows one connection. `Ok` once its reader is gone.
fn once(
    cx: &Context<Update>,
    address: &Address,
    patience: Duration,
    came: &mut bool,
) -> Result<(), HttpError> {
    let now = read::status(address, patience)?;
    *came = true;
    if cx.send_blocking(Update::News(News::Status(Box::new(now)))).is_err() {
        return Ok(());
    }
    let mut events = http::events(address, "/events", patience)?;
    let mut silent = 0;
    while !cx.is_cancelled() {
        match events.next()? {
            Next::Event(event) => {
                silent = 0;
                if let Some(news) = read::event(&event)?
                    && cx.send_blocking(Update::News(news)).is_err()
                {
                    return Ok(());
                }
            }
            Next::Alive => silent = 0,
            Next::Silence => {
                silent += 1;
                if silent == SILENCE {
                    return Err(HttpError::Slow("a sign of life"));
                }
            }
            Next::End => return Err(HttpError::Cut("the events")),
        }
    }
    Ok(())
}
