//! Where mistakes collect, so that an item with three of them gets three errors in one build.

use std::cell::RefCell;
use std::fmt::Display;
use std::thread;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Every error found so far in one item.
///
/// It must end in [`Errors::into_tokens`]: dropping it unreported panics, because a forgotten error is a
/// macro that silently does something else than what was written.
pub(crate) struct Errors {
    collected: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { collected: RefCell::new(Some(Vec::new())) }
    }

    /// Underlines all of `tokens`, from the first to the last.
    pub(crate) fn at(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn at_span(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        if let Some(collected) = self.collected.borrow_mut().as_mut() {
            collected.push(error);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub(crate) fn count(&self) -> usize {
        self.collected.borrow().as_ref().map_or(0, Vec::len)
    }

    /// One `compile_error!` for each mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let collected = self.collected.take().unwrap_or_default();
        collected.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let reported = self.collected.borrow().is_none();
        assert!(reported || thread::panicking(), "the errors of this expansion were never reported");
    }
}
