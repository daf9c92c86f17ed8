//! What is answered.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    control, metrics,
    refusals::Refused,
    server::Shared,
    stream::{Stream, Viewer},
};

/// The page loads nothing from elsewhere, and no other page shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let text = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", text("text/html; charset=utf-8", include_str!("page.html")))
        .route("/page.css", text("text/css; charset=utf-8", include_str!("page.css")))
        .route("/page.js", text("text/javascript; charset=utf-8", include_str!("page.js")))
        .route("/status.json", get(status))
        .route("/metrics", get(prometheus))
        .route("/events", get(events))
        .route("/control", get(control::offers))
        .route("/control/workers/{instance}/{action}", post(control::worker))
        .route("/control/frames/{action}", post(control::frames))
        .route("/control/policy", post(control::policy))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
        .with_state(Arc::clone(shared))
}

/// Refuses what does not come from a page or a program of this machine's.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = match shared.guard.admit(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => refuse(&shared, why),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Counts a refusal, and says why.
pub(super) fn refuse(shared: &Shared, why: Refused) -> Response {
    shared.refusals.count(why);
    let (status, text) = match why {
        Refused::Host => {
            (StatusCode::FORBIDDEN, "refused: the Host is not one that this dashboard answers to\n")
        }
        Refused::Origin => (StatusCode::FORBIDDEN, "refused: the Origin is another site's\n"),
        Refused::Token if shared.guard.token.is_none() => {
            (StatusCode::FORBIDDEN, "refused: this dashboard only reads\n")
        }
        Refused::Token => (StatusCode::UNAUTHORIZED, "refused: the token is missing or wrong\n"),
        Refused::Viewers => (StatusCode::SERVICE_UNAVAILABLE, "refused: too many viewers\n"),
        Refused::Connections => (StatusCode::SERVICE_UNAVAILABLE, "refused: too many connections\n"),
        Refused::Slow => (StatusCode::REQUEST_TIMEOUT, "refused: the request took too long\n"),
        Refused::Malformed => (StatusCode::PAYLOAD_TOO_LARGE, "refused: the request is too large, or none\n"),
    };
    (status, text).into_response()
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], shared.feed.status(&shared)).into_response()
}

async fn prometheus(State(shared): State<Arc<Shared>>) -> Response {
    let text = metrics::text(&shared.feed.view(&shared), &shared);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn events(State(shared): State<Arc<Shared>>) -> Response {
    match Viewer::enter(&shared) {
        Some(viewer) => {
            ([(header::CONTENT_TYPE, "text/event-stream")], Body::new(Stream::new(viewer))).into_response()
        }
        None => refuse(&shared, Refused::Viewers),
    }
}
