//! What a viewer with the token may do.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::{self, Body},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{refusals::Refused, routes::refuse, server::Shared};
use crate::{WorkerHandle, util::panics};

/// The largest body.
const BODY: usize = 16 * 1024;

/// What there is to do, for a viewer with the token.
pub(super) async fn offers(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Err(why) = shared.guard.authorize(&headers) {
        return refuse(&shared, why);
    }
    let fields = match shared.form.as_ref().map(|form| panics::catch(|| form.fields())) {
        Some(Ok(fields)) => Some(fields),
        Some(Err(_)) | None => None,
    };
    let offers = json!({
        "workers": ["stop", "restart", "suspend", "resume"],
        "frames": shared.pause.is_some().then_some(["pause", "resume", "step"]),
        "policy": fields,
    });
    ([(header::CONTENT_TYPE, "application/json")], offers.to_string()).into_response()
}

pub(super) async fn worker(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path((instance, action)): Path<(u64, String)>,
) -> Response {
    if let Err(why) = shared.guard.authorize(&headers) {
        return refuse(&shared, why);
    }
    let Some(worker) = shared.observer.worker(instance) else {
        return answer(StatusCode::NOT_FOUND, &format!("no worker #{instance} lives"));
    };
    match act(&worker, &action) {
        Some(Ok(())) => answer(StatusCode::OK, &format!("{}: {action}", worker.name())),
        Some(Err(error)) => answer(StatusCode::CONFLICT, &format!("{}: {error}", worker.name())),
        None => answer(StatusCode::NOT_FOUND, "unknown action"),
    }
}

fn act(worker: &WorkerHandle, action: &str) -> Option<Result<(), String>> {
    match action {
        "stop" => worker.stop(),
        "restart" => return Some(worker.restart().map_err(|error| error.to_string())),
        "suspend" => worker.suspend(),
        "resume" => worker.resume(),
        _ => return None,
    }
    Some(Ok(()))
}

pub(super) async fn frames(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(action): Path<String>,
) -> Response {
    if let Err(why) = shared.guard.authorize(&headers) {
        return refuse(&shared, why);
    }
    let Some(pause) = &shared.pause else {
        return answer(StatusCode::NOT_FOUND, "this program's frames cannot be paused");
    };
    match action.as_str() {
        "pause" => pause.pause(),
        "resume" => pause.resume(),
        "step" => pause.step(),
        _ => return answer(StatusCode::NOT_FOUND, "unknown action"),
    }
    // A loop that sleeps looks again.
    shared.observer.wake_loop();
    answer(StatusCode::OK, &action)
}

pub(super) async fn policy(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    if let Err(why) = shared.guard.authorize(&headers) {
        return refuse(&shared, why);
    }
    let Some(form) = shared.form.clone() else {
        return answer(StatusCode::NOT_FOUND, "this program's policy cannot be changed here");
    };
    let Ok(read) = tokio::time::timeout(shared.patience, body::to_bytes(body, BODY)).await else {
        return refuse(&shared, Refused::Slow);
    };
    let Ok(read) = read else { return refuse(&shared, Refused::Malformed) };
    let Ok(values) = serde_json::from_slice::<BTreeMap<String, String>>(&read) else {
        return answer(StatusCode::BAD_REQUEST, "not an object of texts");
    };
    match panics::catch(|| form.submit(&values)) {
        Ok(Ok(())) => answer(StatusCode::OK, "the policy is set"),
        Ok(Err(error)) => answer(StatusCode::UNPROCESSABLE_ENTITY, &error),
        Err(panic) => answer(StatusCode::INTERNAL_SERVER_ERROR, &format!("the form panicked {panic}")),
    }
}

fn answer(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}
