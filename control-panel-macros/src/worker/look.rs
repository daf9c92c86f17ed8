//! One quick look at a type's tokens, which decides whether it is read at all: most types are of a common form, and to read
//! them costs each build.

use proc_macro2::{Ident, TokenStream, TokenTree};

use super::types;

/// Without a known size.
pub(super) const UNSIZED: [&str; 4] = ["str", "OsStr", "CStr", "Path"];

/// What is seen of a type token by token.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// It is made of names that have no flaw alone, in a form that rustc accepts.
    pub plain: bool,
    /// It may be something else than a value of a named type: a reference, an `impl`, a `str`.
    pub unusual: bool,
    /// Two words stand beside each other, or a comma has nothing before it.
    suspect: bool,
}

impl Look {
    pub(super) fn at(ty: &TokenStream) -> Self {
        let (mut plain, mut suspect) = (true, false);
        let (mut first, mut before): (Option<TokenTree>, Option<TokenTree>) = (None, None);
        for token in ty.clone() {
            plain &= match &token {
                TokenTree::Ident(word) => !has_flaw(word),
                TokenTree::Punct(sign) => "<>:,".contains(sign.as_char()),
                TokenTree::Group(_) | TokenTree::Literal(_) => false,
            };
            suspect |= match (&before, &token) {
                (None, TokenTree::Ident(word)) => word == "mut",
                (Some(TokenTree::Ident(_)), TokenTree::Ident(_)) => true,
                (Some(TokenTree::Punct(sign)), TokenTree::Punct(comma)) => {
                    comma.as_char() == ',' && matches!(sign.as_char(), ',' | '<')
                }
                _ => false,
            };
            if first.is_none() {
                first = Some(token.clone());
            }
            before = Some(token);
        }
        let is_unsized = |word: &Ident| UNSIZED.iter().any(|name| word == name);
        let unusual = match (&first, &before) {
            (Some(TokenTree::Ident(word)), _) if word == "impl" || word == "dyn" => true,
            (Some(TokenTree::Ident(_)), Some(TokenTree::Ident(last))) => is_unsized(last),
            (Some(TokenTree::Ident(_)), _) => false,
            _ => true,
        };
        Self { plain: plain && !suspect, unusual, suspect }
    }

    /// Whether rustc has refused the type for its form.
    pub(super) fn is_malformed(self, ty: &TokenStream) -> bool {
        self.suspect && types::read(ty).is_none()
    }
}

/// Words that a type has to be read for.
fn has_flaw(word: &Ident) -> bool {
    const OTHERS: [&str; 5] = ["impl", "dyn", "Rc", "Self", "_"];
    let word = word.to_string();
    UNSIZED.iter().chain(&OTHERS).any(|name| word == *name)
}

pub(super) fn is_plain(ty: &TokenStream) -> bool {
    Look::at(ty).plain
}
