//! What the macros expand to, byte for byte. `UPDATE_EXPECT=1 cargo test -p control-panel-macros` writes the
//! snapshots anew; read the difference before you commit it.

// `UPDATE_EXPECT=1` writes raw strings with hashes, needed or not.
#![allow(clippy::needless_raw_string_hashes)]

mod editor;
mod intents;
mod workers;

use expect_test::Expect;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

fn worker(args: &str, item: &str) -> String {
    pretty(&for_rustc(crate::worker::worker(tokens(args), &tokens(item))))
}

fn intent(input: &str) -> String {
    pretty(&for_rustc(crate::intent::derive(tokens(input))))
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap()
}

/// Without what comes first for editors alone, down to the end of its braces.
fn for_rustc(expansion: TokenStream) -> TokenStream {
    let mut rest: Vec<TokenTree> = expansion.into_iter().collect();
    if let [TokenTree::Punct(_), TokenTree::Group(allow), ..] = &rest[..]
        && allow.stream().to_string().contains("unexpected_cfgs")
    {
        let braces = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let end = rest.iter().position(braces).expect("it is a block");
        rest.drain(..=end);
        if matches!(&rest[..], [TokenTree::Punct(end), ..] if end.as_char() == ';') {
            rest.remove(0);
        }
    }
    line_by_line(rest.into_iter().collect())
}

/// With an attribute for each line of documentation, as a person writes it.
fn line_by_line(tokens: TokenStream) -> TokenStream {
    let mut all = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let attribute = match (&token, tokens.peek()) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group))) if hash.as_char() == '#' => {
                syn_full::parse2::<syn_full::MetaNameValue>(group.stream())
                    .ok()
                    .filter(|meta| meta.path.is_ident("doc"))
            }
            _ => None,
        };
        let text = attribute.and_then(|attribute| match attribute.value {
            syn_full::Expr::Lit(syn_full::ExprLit { lit: syn_full::Lit::Str(text), .. }) => {
                Some(text.value())
            }
            _ => None,
        });
        match (text, token) {
            (Some(text), _) => {
                tokens.next();
                for line in text.split('\n') {
                    all.extend(quote::quote!(#[doc = #line]));
                }
            }
            (None, TokenTree::Group(group)) => {
                let inner = line_by_line(group.stream());
                all.extend([TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))]);
            }
            (None, token) => all.extend([token]),
        }
    }
    all
}

/// What rustfmt would make of it, or the bare tokens where it is half typed.
fn pretty(tokens: &TokenStream) -> String {
    match syn_full::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => tokens.to_string(),
    }
}

/// The one method of that name, and what is said of it: for where the rest is as in every other expansion.
fn method(expansion: &str, name: &str) -> String {
    let lines: Vec<&str> = expansion.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let head = format!("fn {name}(");
    let at = lines.iter().position(|line| line.starts_with(&head)).expect("there is one");
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("///")).count();
    // A spawn method is declared in its trait, where its documentation is, and written in the impl.
    let body = lines.iter().rposition(|line| line.starts_with(&head)).expect("there is one");
    let length = lines[body..].iter().position(|line| *line == "}").expect("it ends");
    lines[at - above..at].iter().chain(&lines[body..=body + length]).flat_map(|line| [line, "\n"]).collect()
}

#[track_caller]
fn check(actual: &str, expected: &Expect) {
    expected.assert_eq(actual);
}
