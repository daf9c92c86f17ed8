//! How much is generated: lines as rustfmt sets them, without the documentation.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

use control_panel_benches::table::Table;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::samples;

pub fn report() -> io::Result<()> {
    let mut table = Table::new(&["generated", "lines"]);
    for (name, worker) in samples::workers() {
        let generated = lines(worker.expand())? - lines(worker.function)?;
        table.row([name.to_owned(), generated.to_string()]);
    }
    for (name, variant) in [
        ("a variant", "Added(String)"),
        ("… with `clock`", "#[intent(clock = 0)] Added(u64, u64, String)"),
        ("… with `clock` and `origin`", "#[intent(clock = 0, origin = 1)] Added(u64, u64, String)"),
        ("… with `from`", "#[intent(from)] Added(String)"),
    ] {
        // What the second of its kind adds: the first may bring a method with it, or an arm for the rest.
        let second = variant.replace("Added", "Second").replace("(String)", "(Vec<String>)");
        let one = format!("First, Another, OneMore, Last, {variant}");
        let two = format!("{one}, {second}");
        let derive = |variants: &str| lines(samples::derive(&samples::enumeration(variants)));
        table.row([name.to_owned(), (derive(&two)? - derive(&one)?).to_string()]);
    }
    println!("{table}");
    Ok(())
}

fn lines(tokens: TokenStream) -> io::Result<usize> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = rustfmt.stdin.take() {
        write!(input, "{}", undocumented(tokens))?;
    }
    let output = rustfmt.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter(|line| !line.trim().is_empty()).count())
}

/// The tokens without `#[doc = …]`.
fn undocumented(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_doc(&group) => drop(kept.pop()),
            TokenTree::Group(group) => {
                kept.push(Group::new(group.delimiter(), undocumented(group.stream())).into());
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

fn is_doc(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}
