//! What a value that is written in another way was meant to be: a word in quotes, a variant of one of the public enums, a
//! number with a unit. An error then shows what to write, and the item is checked and expanded as if it had been written.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Lit, LitStr};

use crate::duration;
use crate::support::{nearest, readable};

/// What the quotes hold, if there are quotes.
pub(super) fn quoted(value: &TokenStream) -> Option<(LitStr, String)> {
    let literal = syn::parse2::<LitStr>(value.clone()).ok()?;
    let text = literal.value().trim().to_owned();
    Some((literal, text))
}

/// One of these words: `"on-failure"`, `OnFailure`, `Restart::OnFailure`, `control_panel::Restart::on_failure()`.
pub(super) fn word(value: &TokenStream, words: &[&'static str]) -> Option<&'static str> {
    let text = quoted(value).map_or_else(|| readable(value), |(_, text)| text);
    let text = text.trim_end_matches("()").trim_start_matches("Some(").trim_end_matches(')');
    let last = snake(text.rsplit("::").next().unwrap_or(text));
    let meant = match last.as_str() {
        "false" | "no" | "none" => "never",
        other => other,
    };
    words.iter().copied().find(|word| *word == meant).or_else(|| nearest(meant, words.iter().copied()))
}

/// `OnFailure` and `on-failure` become `on_failure`.
fn snake(text: &str) -> String {
    let mut snake = String::with_capacity(text.len() + 4);
    let mut lower_before = false;
    for letter in text.chars() {
        if letter.is_uppercase() && lower_before {
            snake.push('_');
        }
        lower_before = letter.is_lowercase();
        let letter = if matches!(letter, '-' | ' ') { '_' } else { letter };
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `3`, `"3"`, `3_usize`, `3.0`, `u16::MAX`.
pub(super) fn number(value: &TokenStream) -> Option<u32> {
    let text = quoted(value).map_or_else(|| readable(value), |(_, text)| text);
    match text.rsplit_once("::") {
        Some((start, "MAX")) => match start.rsplit("::").next()? {
            "u8" => Some(u8::MAX.into()),
            "u16" => Some(u16::MAX.into()),
            "i32" => i32::MAX.try_into().ok(),
            _ => Some(u32::MAX),
        },
        Some(_) => None,
        None => {
            let digits: String = text.chars().filter(|letter| *letter != '_').collect();
            let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
            let fraction = digits[end..].trim_start_matches('.').trim_start_matches('0');
            // A suffix says nothing more; the rest of a fraction does.
            let whole = !fraction.starts_with(|letter: char| letter.is_ascii_digit());
            digits[..end].parse().ok().filter(|number| whole && *number > 0)
        }
    }
}

/// `5s`, `5`, `"5 seconds"`, `Duration::from_secs(5)`.
pub(super) fn duration(value: &TokenStream) -> Option<Duration> {
    if let Some((_, text)) = quoted(value) {
        return spelt(&text);
    }
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Literal(literal)] => match Lit::new(literal.clone()) {
            Lit::Int(number) if number.suffix().is_empty() => spelt(&format!("{}s", number.base10_digits())),
            literal => spelt(&readable(&quote::quote!(#literal))),
        },
        [.., TokenTree::Ident(unit), TokenTree::Group(number)] => {
            let number = readable(&number.stream());
            let unit = match unit.to_string().strip_prefix("from_")? {
                "secs" | "secs_f64" | "secs_f32" => "s",
                "millis" => "ms",
                "micros" => "us",
                "mins" => "m",
                "hours" => "h",
                _ => return None,
            };
            spelt(&format!("{}{unit}", number.replace('_', "")))
        }
        _ => None,
    }
}

/// A number, perhaps a fraction, and a unit by any of its names; or several of them, as `1m30s`.
fn spelt(text: &str) -> Option<Duration> {
    let text = text.trim().replace('_', "");
    let unit = text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len());
    let second = text[unit..].find(|letter: char| letter.is_ascii_digit()).map(|at| unit + at);
    if let Some(second) = second {
        return spelt(&text[..second])?.checked_add(spelt(&text[second..])?);
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim().to_lowercase().as_str() {
        "us" | "µs" | "usec" | "usecs" | "micros" | "microsecond" | "microseconds" => 1,
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => 1_000,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000,
        "d" | "day" | "days" => 86_400_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits < 10)?;
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let micros = whole.checked_mul(unit)?.checked_add(fraction.checked_mul(unit)? / 10_u64.pow(digits))?;
    duration::parse(&format!("{micros}us"))
}
