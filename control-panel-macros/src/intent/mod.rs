//! `#[derive(GraphIntent)]`: parse, check, expand.

mod ast;
mod check;
mod expand;
mod field;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let mut intent = ast::Intent::read(&errors, &input);
    check::intent(&errors, &mut intent);
    let implementation = expand::intent(&intent);
    let errors = errors.into_tokens();
    let shown = intent.shown();
    quote!(#shown #implementation #errors)
}
