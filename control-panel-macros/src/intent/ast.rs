//! The enum as the derive sees it: each value beside the attribute it came from.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, MacroDelimiter, Meta, Path, Type};

use super::field::{self, CLOCK, Role};
use crate::args::{Arg, Arguments, Forms, Given, Key, Place};
use crate::editor;
use crate::errors::Errors;
use crate::facade;
use crate::support::readable;

const ON_ENUM: Place = Place {
    name: "`#[intent]` on an enum",
    keys: &[
        Key::valued("source", "source = control_panel::IntentSource"),
        Key::valued("crate", "crate = ::control_panel"),
    ],
    elsewhere: &[
        ("clock", "`clock` names a field of a variant; move this attribute onto that variant"),
        ("origin", "`origin` names a field of a variant; move this attribute onto that variant"),
        ("from", "`from` is said of a variant; move this attribute onto that variant"),
        ("lossy", "`lossy` is said of a variant; move this attribute onto that variant"),
        ("latest", "`latest` is said of a variant; move this attribute onto that variant"),
        ("skip", "`skip` is said of a variant; move this attribute onto that variant"),
    ],
};

const ON_VARIANT: Place = Place {
    name: "`#[intent]` on a variant",
    keys: &[
        Key::valued("clock", "clock = field"),
        Key::valued("origin", "origin = field"),
        Key::flag("from"),
        Key::flag("lossy"),
        Key::perhaps_valued("latest", "latest` or `latest = field"),
        Key::flag("skip"),
    ],
    elsewhere: &[
        ("source", "`source` is said once for the whole enum; move this attribute above `enum`"),
        ("crate", "`crate` is said once for the whole enum; move this attribute above `enum`"),
    ],
};

pub(crate) struct Intent<'a> {
    pub input: &'a DeriveInput,
    pub source: Option<Given<Type>>,
    /// Where control-panel is.
    pub home: TokenStream,
    /// Whether `crate = …` says so.
    pub names_its_crate: bool,
    pub variants: Vec<Variant<'a>>,
}

pub(crate) struct Variant<'a> {
    pub ident: &'a Ident,
    pub attrs: &'a [Attribute],
    pub fields: &'a Fields,
    /// The keys that name a field: `clock = …`.
    pub named: Vec<Named>,
    /// The key `from`.
    pub from: Option<Given<()>>,
    /// The key `lossy`.
    pub lossy: Option<Given<()>>,
    /// The key `latest`, with or without a field, which is then among `named`.
    pub latest: Option<Given<()>>,
    /// The key `skip`.
    pub skip: Option<Given<()>>,
    /// One of its keys could not be read: what seems to be missing may be there.
    pub unread: bool,
}

/// A key whose value names a field of its variant: `clock = …`.
pub(crate) struct Named {
    pub arg: Arg,
    /// The field, once the value was held against the fields and is one.
    pub field: Option<usize>,
}

impl Intent<'_> {
    /// What only an editor looks at.
    pub(super) fn shown(&self) -> TokenStream {
        let of_enum = lists(of_ours(&self.input.attrs));
        let of_variants = lists(self.variants.iter().flat_map(|variant| of_ours(variant.attrs)));
        let (intent, variant) =
            (editor::of(&self.home, "intent", &of_enum), editor::of(&self.home, "variant", &of_variants));
        editor::alone(&quote!(#intent #variant))
    }
}

impl<'a> Intent<'a> {
    pub(crate) fn read(errors: &Errors, input: &'a DeriveInput) -> Self {
        let mut intent = Self {
            input,
            source: None,
            home: TokenStream::new(),
            names_its_crate: false,
            variants: Vec::new(),
        };
        let arguments = arguments(errors, &ON_ENUM, &input.attrs, &|_| None);
        let mut krate: Option<Path> = None;
        for arg in &arguments.list {
            if arg.name == "source" {
                intent.source = arg.given(arg.source_type(errors));
            } else {
                krate = arg.crate_path(errors);
            }
        }
        intent.names_its_crate = krate.is_some();
        intent.home = match krate {
            Some(krate) => krate.into_token_stream(),
            None if arguments.attempts("crate") => quote!(::control_panel),
            None => facade::path(errors, |key| format!("`#[intent({key})]`")),
        };
        match &input.data {
            Data::Enum(data) => {
                intent.variants =
                    data.variants.iter().map(|variant| Variant::read(errors, variant)).collect();
            }
            Data::Struct(data) => not_an_enum(errors, data.struct_token, input, &data.fields),
            Data::Union(data) => not_an_enum(errors, data.union_token, input, &data.fields),
        }
        intent
    }
}

impl<'a> Variant<'a> {
    fn read(errors: &Errors, variant: &'a syn::Variant) -> Self {
        let (mut named, mut from, mut lossy, mut latest, mut skip) = (Vec::new(), None, None, None, None);
        let form = |key: &Key| field::form(&variant.fields, key.name);
        let arguments = arguments(errors, &ON_VARIANT, &variant.attrs, &form);
        for arg in arguments.list {
            match arg.name {
                "from" => from = arg.given(Some(())),
                "lossy" => lossy = arg.given(Some(())),
                "skip" => skip = arg.given(Some(())),
                "latest" => {
                    latest = arg.given(Some(()));
                    if !arg.value.is_empty() {
                        named.push(Named { arg, field: None });
                    }
                }
                _ => named.push(Named { arg, field: None }),
            }
        }
        for (nth, field) in variant.fields.iter().enumerate() {
            let name = field.ident.as_ref().map_or_else(|| nth.to_string(), ToString::to_string);
            for attr in of_ours(&field.attrs) {
                let keys = match &attr.meta {
                    Meta::List(list) => readable(&list.tokens),
                    _ => String::new(),
                };
                let keys = match keys.as_str() {
                    "from" | "lossy" | "skip" => keys,
                    "origin" | "latest" => format!("{keys} = {name}"),
                    _ => format!("clock = {name}"),
                };
                errors.at(
                    attr,
                    format_args!(
                        "`#[intent]` goes on the variant; write `#[intent({keys})]` above `{}`",
                        variant.ident
                    ),
                );
            }
        }
        let syn::Variant { ident, attrs, fields, .. } = variant;
        Self { ident, attrs, fields, named, from, lossy, latest, skip, unread: arguments.unread }
    }

    /// Whether it has a clock, so that peers see it.
    pub(crate) fn is_replicated(&self) -> bool {
        self.named(&CLOCK).is_some_and(|clock| clock.field.is_some())
    }

    pub(crate) fn named(&self, role: &Role) -> Option<&Named> {
        self.named.iter().find(|named| named.arg.name == role.key)
    }
}

fn not_an_enum(errors: &Errors, keyword: impl ToTokens, input: &DeriveInput, fields: &impl ToTokens) {
    let (name, generics) = (&input.ident, readable(&input.generics.to_token_stream()));
    let fields = readable(&fields.to_token_stream());
    let space = if fields.starts_with('{') { " " } else { "" };
    errors.at(
        keyword,
        format_args!(
            "an intent is an enum, with a variant for each thing that can happen; write `enum {name}{generics} {{ \
             Changed{space}{fields} }}`"
        ),
    );
}

/// The arguments as they stand in a list: what an editor is shown.
fn lists<'a>(attrs: impl Iterator<Item = &'a Attribute>) -> Vec<TokenStream> {
    let tokens = |attr: &Attribute| attr.meta.require_list().ok().map(|list| list.tokens.clone());
    attrs.filter_map(tokens).collect()
}

fn of_ours(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("intent"))
}

/// The arguments of all `#[intent(…)]` together: `cfg_attr` may bring one of its own.
fn arguments(errors: &Errors, place: &Place, attrs: &[Attribute], forms: Forms<'_>) -> Arguments {
    let mut arguments = Arguments::default();
    for attr in of_ours(attrs) {
        if let Some(more) = one(errors, place, attr, forms) {
            arguments.join(errors, more);
        } else {
            arguments.unread = true;
        }
    }
    arguments
}

fn one(errors: &Errors, place: &Place, attr: &Attribute, forms: Forms<'_>) -> Option<Arguments> {
    let form = || forms(&place.keys[0]).unwrap_or_else(|| place.keys[0].form.to_owned());
    if matches!(&attr.meta, Meta::NameValue(meta) if !matches!(meta.value, Expr::Lit(_))) {
        // rustc refuses anything but a literal there, before us.
        return None;
    }
    let Meta::List(list) = &attr.meta else {
        errors.at(attr, format_args!("`#[intent]` takes keys in parentheses; write `#[intent({})]`", form()));
        return None;
    };
    let MacroDelimiter::Paren(parens) = &list.delimiter else {
        let keys = readable(&list.tokens);
        errors.at(attr, format_args!("`#[intent]` takes parentheses; write `#[intent({keys})]`"));
        return None;
    };
    if list.tokens.is_empty() {
        errors.at_span(
            parens.span.join(),
            format_args!("empty parentheses say nothing; write `({})` or drop the attribute", form()),
        );
        return None;
    }
    Some(place.parse(errors, list.tokens.clone(), &attr.to_token_stream(), forms))
}
