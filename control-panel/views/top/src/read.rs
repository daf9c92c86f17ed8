//! What a dashboard says, read.

use std::time::Duration;

use control_panel::console::{History, Point, View};
use serde::Deserialize;

use crate::{
    address::Address,
    http::{self, Event, HttpError, printable},
};

/// The most points of the history that are kept, whatever the dashboard sends.
const POINTS: usize = 600;
/// The most rows of workers, and of ends. A dashboard of this version sends 1,000 and 100.
const ROWS: usize = 10_000;

/// What there is to show.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) view: View,
    #[serde(default)]
    pub(crate) history: History,
}

/// What is new.
#[derive(Debug)]
pub(crate) enum News {
    /// All of it.
    Status(Box<Status>),
    /// What there is to show now, and points that the history has more.
    More(Box<More>),
}

/// See [`News::More`].
#[derive(Debug, Deserialize)]
pub(crate) struct More {
    view: View,
    #[serde(default)]
    points: Vec<Point>,
    #[serde(default)]
    sources: Vec<String>,
}

impl Status {
    /// Takes in what is new.
    pub(crate) fn take(&mut self, news: News) {
        match news {
            News::Status(status) => *self = *status,
            News::More(more) => {
                self.view = more.view;
                self.history.points.extend(more.points);
                if !more.sources.is_empty() {
                    self.history.sources = more.sources;
                }
            }
        }
        let points = &mut self.history.points;
        points.drain(..points.len().saturating_sub(POINTS));
    }
}

/// All that the dashboard has now.
///
/// # Errors
/// There is none, or what answers is none.
pub(crate) fn status(address: &Address, patience: Duration) -> Result<Status, HttpError> {
    let body = http::get(address, "/status.json", patience)?;
    let text =
        std::str::from_utf8(&body).map_err(|_| HttpError::NotADashboard("its answer is not UTF-8".into()))?;
    let status: Status = parse(text)?;
    checked(&status.view)?;
    Ok(status)
}

/// What an event says; `None` for one of another kind, which a later version may send.
///
/// # Errors
/// It is one of this kind, and makes no sense.
pub(crate) fn event(event: &Event) -> Result<Option<News>, HttpError> {
    let news = match event.name.as_str() {
        "status" => News::Status(parse(&event.data)?),
        "view" => News::More(parse(&event.data)?),
        _ => return Ok(None),
    };
    match &news {
        News::Status(status) => checked(&status.view)?,
        News::More(more) => checked(&more.view)?,
    }
    Ok(Some(news))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, HttpError> {
    serde_json::from_str(text)
        .map_err(|error| HttpError::NotADashboard(printable(error.to_string().as_bytes(), 160)))
}

/// Refuses what would take long to draw.
fn checked(view: &View) -> Result<(), HttpError> {
    let rows = view.workers.len().max(view.ends.len()).max(view.queue.sources.len());
    if rows > ROWS {
        return Err(HttpError::NotADashboard(format!("it has a list of {rows} rows")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = include_str!("../../fixtures/status.json");

    fn named(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn the_history_grows_by_what_comes_and_no_further() {
        let Some(News::Status(mut status)) = event(&named("status", STATUS)).expect("it is one") else {
            panic!("a status")
        };
        assert_eq!((status.view.panel.as_str(), status.history.points.len()), ("graph_browser", 120));
        let view = serde_json::from_str::<serde_json::Value>(STATUS).expect("JSON")["view"].clone();
        let mut at = 120.0;
        for _ in 0..1_000 {
            let point = serde_json::json!({"at": at, "depth": 1, "waiting": 0, "frames": 60.0, "frame_p50": 0.001, "frame_p99": 0.002, "intents": [1.0]});
            let more =
                serde_json::json!({"view": view, "points": [point], "sources": ["LocalUI", "Restore"]});
            let news = event(&named("view", &more.to_string())).expect("it is one").expect("news");
            status.take(news);
            at += 1.0;
        }
        assert_eq!((status.history.points.len(), status.history.sources.len()), (POINTS, 2));
        assert_eq!(status.history.points.back().map(|point| point.at.as_secs()), Some(1_119));
    }

    #[test]
    fn what_is_unknown_is_left_out_and_nonsense_is_refused() {
        assert!(event(&named("weather", "nice")).expect("no mistake").is_none());
        for nonsense in ["", "{}", "[", "{\"view\": 3}", &"[".repeat(100_000)] {
            let error = event(&named("view", nonsense)).expect_err("nonsense");
            assert_eq!(error.exit_code(), 4, "{error}");
        }
        // A duration that is none is a mistake in what was sent, not a panic here.
        for wrong in ["-1.0", "1e300", "null"] {
            let text = STATUS.replacen("\"age\": 0.2", &format!("\"age\": {wrong}"), 1);
            assert!(text.len() != STATUS.len() && event(&named("status", &text)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_that_would_take_long_to_draw_is_refused() {
        let mut value: serde_json::Value = serde_json::from_str(STATUS).expect("JSON");
        let worker = value["view"]["workers"][0].clone();
        value["view"]["workers"] = vec![worker; ROWS + 1].into();
        let error = event(&named("status", &value.to_string())).expect_err("too many");
        assert!(error.to_string().contains("10001 rows"), "{error}");
    }
}
