//! What only an editor looks at: the keys of an attribute as paths into `control_panel::expansion::keys`, so that they complete and
//! show what they mean, and the paths among its values as paths.
//!
//! rust-analyzer sets `cfg(rust_analyzer)`, rustc does not, and neither asks what is in a macro that is not expanded: so the arguments
//! may be as malformed as they are while they are typed. It all comes first in the output, because rust-analyzer compares what stands
//! before the cursor in two expansions. The technique is bon's.
//!
//! A compiler would parse all of it for each worker and drop it, so what it is known to expand has none of it.

use std::env;
use std::ffi::OsStr;
use std::sync::LazyLock;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// The keys whose value is a path to a value, a type, or a field of the variant: a key alone, or in its module.
const ITEMS: [&str; 1] = ["worker::source"];
const TYPES: [&str; 2] = ["intent::source", "worker::inbox"];
const FIELDS: [&str; 3] = ["variant::clock", "variant::origin", "variant::latest"];

/// Programs that set no `cfg(rust_analyzer)`. What is not among them is shown the keys, which harms none.
const COMPILERS: [&str; 4] = ["rustc", "rustdoc", "clippy-driver", "miri"];

/// Whether a compiler runs this.
static COMPILED: LazyLock<bool> = LazyLock::new(|| {
    let program = env::current_exe().unwrap_or_default();
    program.file_stem().and_then(OsStr::to_str).is_some_and(|name| COMPILERS.contains(&name))
});

/// Whether a compiler runs this: it alone reports errors.
pub(crate) fn is_compiler() -> bool {
    *COMPILED
}

/// For a worker's function, which is an item also where it should not stand: in an `impl`. So is this.
///
/// What allows the unknown `cfg` has to be around it.
pub(crate) fn beside(function: &str, shown: &TokenStream) -> TokenStream {
    if shown.is_empty() {
        return TokenStream::new();
    }
    let name = format_ident!("__keys_of_{function}");
    quote! {
        #[allow(unexpected_cfgs, dead_code, non_snake_case)]
        fn #name() { #shown }
    }
}

/// For what is derived, which is never in an `impl`.
pub(crate) fn alone(shown: &TokenStream) -> TokenStream {
    if shown.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[allow(unexpected_cfgs)]
        const _: () = { #shown };
    }
}

/// For the arguments of one attribute, or of several; `module` has the keys.
pub(crate) fn of(home: &TokenStream, module: &str, arguments: &[TokenStream]) -> TokenStream {
    if *COMPILED {
        return TokenStream::new();
    }
    let (mut keys, mut values) = (TokenStream::new(), TokenStream::new());
    for tokens in arguments {
        for (key, value) in entries(tokens.clone()) {
            let name = format!("{module}::{key}");
            keys.extend(key);
            match value {
                Some(value) if ITEMS.contains(&&*name) => values.extend(quote!(let _ = #value;)),
                Some(value) if TYPES.contains(&&*name) => values.extend(quote!(let _: #value;)),
                Some(value) if is_one_word(&value) && !FIELDS.contains(&&*name) => {
                    keys.extend(quote!(::#value));
                }
                _ => {}
            }
            keys.extend(quote!(,));
        }
    }
    if keys.is_empty() {
        return keys;
    }
    let module = Ident::new(module, Span::call_site());
    quote! {
        #[cfg(rust_analyzer)]
        #home::__private::editor! { const _: () = { use #home::__private::keys::#module::{#keys}; #values }; }
    }
}

/// Or none yet.
fn is_one_word(value: &TokenStream) -> bool {
    let mut tokens = value.clone().into_iter();
    matches!(tokens.next(), None | Some(TokenTree::Ident(_))) && tokens.next().is_none()
}

/// What stands before each `=` and, if there is one, behind it.
fn entries(tokens: TokenStream) -> Vec<(TokenStream, Option<TokenStream>)> {
    let mut entries = vec![(TokenStream::new(), None)];
    for token in tokens {
        let Some((key, value)) = entries.last_mut() else { break };
        match (&token, value) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => {
                entries.push((TokenStream::new(), None));
            }
            (TokenTree::Punct(equals), value @ None) if equals.as_char() == '=' => {
                *value = Some(TokenStream::new());
            }
            (_, Some(value)) => value.extend([token]),
            (_, None) => key.extend([token]),
        }
    }
    entries.retain(|(key, _)| !key.is_empty());
    entries
}
