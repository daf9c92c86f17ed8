//! What the macros expand to, byte for byte. `UPDATE_EXPECT=1 cargo test -p control-panel-macros` writes the
//! snapshots anew; read the difference before you commit it.

// `UPDATE_EXPECT=1` writes raw strings with hashes, needed or not.
#![allow(clippy::needless_raw_string_hashes)]

mod intents;
mod workers;

use expect_test::Expect;
use proc_macro2::TokenStream;

fn worker(args: &str, item: &str) -> String {
    pretty(&crate::worker::worker(tokens(args), &tokens(item)))
}

fn intent(input: &str) -> String {
    pretty(&crate::intent::derive(tokens(input)))
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap()
}

/// What rustfmt would make of it, or the bare tokens where it is half typed.
fn pretty(tokens: &TokenStream) -> String {
    match syn_full::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => tokens.to_string(),
    }
}

#[track_caller]
fn check(actual: &str, expected: &Expect) {
    expected.assert_eq(actual);
}
