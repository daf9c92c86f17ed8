//! Lengths of time: as the user writes them, as an expression, and in prose.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

/// `"250ms"`, `"5 s"`: a whole number and a unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    match unit.trim_start() {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(60 * 60).map(Duration::from_secs),
        _ => None,
    }
}

/// As a call of the runtime's `ms` or `us`, which keeps an option on one line.
pub(crate) fn tokens(duration: Duration) -> TokenStream {
    let (unit, number) = match duration.as_micros() {
        micros if micros % 1_000 == 0 => ("ms", micros / 1_000),
        micros => ("us", micros),
    };
    let unit = format_ident!("{unit}");
    // Only absurd lengths do not fit: 584 million years of milliseconds.
    let number = Literal::u64_unsuffixed(u64::try_from(number).unwrap_or(u64::MAX));
    quote!(__S::#unit(#number))
}

/// As the user writes it, in the largest unit that leaves a whole number: "90s", "250ms".
pub(crate) fn text(duration: Duration) -> String {
    let micros = duration.as_micros();
    let units = [(3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"), (1, "us")];
    let unit = units.into_iter().find(|(unit, _)| micros > 0 && micros % unit == 0);
    let (unit, name) = unit.unwrap_or((1_000, "ms"));
    format!("{}{name}", micros / unit)
}

/// As a sentence says it: "250 ms".
pub(crate) fn spoken(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        return format!("{} s", duration.as_secs());
    }
    match duration.as_micros() {
        micros if micros % 1_000 == 0 => format!("{} ms", micros / 1_000),
        micros => format!("{micros} µs"),
    }
}
