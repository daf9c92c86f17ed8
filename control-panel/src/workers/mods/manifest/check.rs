//! What the values of a manifest may be. Pure.

use std::path::{Component, Path};

use toml::de::DeValue;

use super::LONGEST;

/// The type of a value, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a point or an exponent",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Ids and provided names: what is safe in a log, a file name and a terminal.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if first && name.len() <= LONGEST && name.chars().all(inner) {
        return Ok(());
    }
    Err(format!(
        "must be 1 to {LONGEST} of the characters a-z, 0-9, `-`, `_` and `.`, and begin with a letter or digit"
    ))
}

/// A name; a version after it is rejected with the message that there are none.
pub(super) fn check_required(name: &str) -> Result<(), String> {
    check_name(name).map_err(|problem| {
        let versioned = name.contains(|c: char| "<>=~^@*:".contains(c) || c.is_whitespace());
        let bare: String =
            name.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        if versioned && check_name(&bare).is_ok() {
            return format!("must be a name alone, `{bare}`: there are no version constraints");
        }
        problem
    })
}

/// A name, or two separated by a colon: `policy:warm_cache_limit`.
pub(super) fn check_capability(capability: &str) -> Result<(), String> {
    match capability.split_once(':') {
        Some((kind, what)) => check_name(kind).and_then(|()| check_name(what)),
        None => check_name(capability),
    }
}

pub(super) fn check_version(version: &str) -> Result<(), String> {
    let (numbers, suffix) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let three = numbers.split('.').filter(|number| {
        (1..=9).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    let plain_suffix = suffix.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'+' | b'.'));
    if three.count() == 3 && numbers.split('.').count() == 3 && plain_suffix && version.len() <= LONGEST {
        return Ok(());
    }
    Err("must be three numbers like `1.2.0`".to_owned())
}

pub(super) fn check_entry(entry: &str) -> Result<(), String> {
    let mut parts = Path::new(entry).components();
    if entry.is_empty() || entry.len() > LONGEST || !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(format!(
            "must be a path of at most {LONGEST} bytes below the mod's folder: no `..`, not absolute"
        ));
    }
    let kind = Path::new(entry).extension();
    if kind.is_some_and(|kind| kind == "wasm" || kind == "wat") {
        return Ok(());
    }
    Err("must end in `.wasm` or `.wat`".to_owned())
}
