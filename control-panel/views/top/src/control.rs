//! Has the program do what was typed.

use std::{collections::BTreeMap, time::Duration};

use control_panel::{IntentSource, Worker};
use serde::Deserialize;

use crate::{
    address::Address,
    app::Update,
    command::Ask,
    http::{self, HttpError, printable},
    token::Token,
};

/// What a viewer with the token may do.
#[derive(Debug, Deserialize)]
struct Offers {
    /// `None`: the program gives no form.
    policy: Option<Vec<Field>>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    label: String,
    value: String,
}

/// Whether the dashboard takes the token.
///
/// # Errors
/// It does not, or does not answer.
pub(crate) fn check(address: &Address, token: &Token, patience: Duration) -> Result<(), HttpError> {
    offers(address, token, patience).map(drop)
}

fn offers(address: &Address, token: &Token, patience: Duration) -> Result<Offers, HttpError> {
    let body = http::get_with(address, "/control", token.text(), patience)?;
    serde_json::from_slice(&body)
        .map_err(|error| HttpError::NotADashboard(printable(error.to_string().as_bytes(), 160)))
}

/// The worker that asks, and sends what is said.
pub(crate) fn ask(address: Address, token: Token, patience: Duration, ask: Ask) -> Worker<Update> {
    let mut asked = Some(ask);
    Worker::blocking("control", IntentSource::LocalUI, move |cx| {
        let Some(ask) = asked.take() else { return };
        let said = match ask {
            Ask::Do(path) => http::post(&address, &path, token.text(), "", patience).unwrap_or_else(in_words),
            Ask::Policy(set) => policy(&address, &token, patience, set).unwrap_or_else(in_words),
        };
        cx.send_blocking(Update::Said(said)).ok();
    })
}

/// What a person who asked is to read of it.
fn in_words(error: HttpError) -> String {
    match error {
        HttpError::Refused { says, .. } if !says.is_empty() => says,
        error => error.to_string(),
    }
}

/// Sets these fields and leaves the others as they are; without any, says which there are.
fn policy(
    address: &Address,
    token: &Token,
    patience: Duration,
    set: BTreeMap<String, String>,
) -> Result<String, HttpError> {
    let Some(fields) = offers(address, token, patience)?.policy else {
        return Ok("this program's policy cannot be changed here".to_owned());
    };
    let words = |field: &Field| format!("{}={} ({})", field.name, field.value, field.label);
    if set.is_empty() {
        let all: Vec<_> = fields.iter().map(words).collect();
        return Ok(printable(all.join(", ").as_bytes(), 400));
    }
    if let Some(unknown) = set.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
        return Ok(format!("the policy has no {unknown}: `policy` says what it has"));
    }
    let mut values: BTreeMap<_, _> = fields.into_iter().map(|field| (field.name, field.value)).collect();
    values.extend(set);
    let body = serde_json::to_string(&values).unwrap_or_default();
    http::post(address, "/control/policy", token.text(), &body, patience)
}
