//! One function for each rule that the keys of a variant have to keep.

use std::collections::HashMap;

use quote::ToTokens;
use syn::{Attribute, Expr, Path};

use super::ast::{Intent, Variant};
use super::field::{self, CLOCK, ORIGIN, ROLES};
use crate::errors::Errors;
use crate::support::readable;

pub(crate) fn intent(errors: &Errors, intent: &mut Intent<'_>) {
    for variant in &mut intent.variants {
        fields(errors, variant);
        origin_beside_clock(errors, variant);
        one_delivery(errors, variant);
        nothing_replicated_is_replaced(errors, variant);
        nothing_replicated_is_skipped(errors, variant);
        from_takes_one(errors, variant);
    }
    from_is_unambiguous(errors, intent);
    serde_skips_come_last(errors, intent);
}

/// Each key that names a field names one that there is.
fn fields(errors: &Errors, variant: &mut Variant<'_>) {
    for role in &ROLES {
        let found = field::find(errors, variant, role);
        if let Some(named) = variant.named.iter_mut().find(|named| named.arg.name == role.key) {
            named.field = found;
        }
    }
}

/// Only what is replicated comes from a peer.
fn origin_beside_clock(errors: &Errors, variant: &mut Variant<'_>) {
    let Some(origin) = variant.named(&ORIGIN) else { return };
    if variant.named(&CLOCK).is_none() && !variant.unread {
        errors.at(
            &origin.arg.key,
            format_args!(
                "`origin` is the peer that a replicated intent comes from, and `{}` is local; add `clock = …`, or \
                 drop this",
                variant.ident
            ),
        );
    }
}

/// What may be dropped is not kept until something newer comes.
fn one_delivery(errors: &Errors, variant: &mut Variant<'_>) {
    let (Some(lossy), Some(latest)) = (&variant.lossy, &variant.latest) else { return };
    let second = if lossy.nth > latest.nth { lossy } else { latest };
    errors.at(
        &second.key,
        "`lossy` and `latest` cannot stand together: an intent is dropped when the queue is full, or takes the \
         place of an older one; keep one of the two",
    );
    variant.latest = None;
}

/// Every peer applies every operation: one that another replaced would be missing there.
fn nothing_replicated_is_replaced(errors: &Errors, variant: &mut Variant<'_>) {
    let (Some(clock), Some(latest)) = (variant.named(&CLOCK), &variant.latest) else { return };
    let second = if clock.arg.nth > latest.nth { &clock.arg.key } else { &latest.key };
    errors.at(
        second,
        "`clock` and `latest` cannot stand together: each replicated intent counts, and none replaces another; keep \
         one of the two",
    );
    variant.latest = None;
}

/// The operations of other peers are part of a journal in any case, and a replay without the intents that brought them would
/// give another state.
fn nothing_replicated_is_skipped(errors: &Errors, variant: &mut Variant<'_>) {
    let (Some(clock), Some(skip)) = (variant.named(&CLOCK), &variant.skip) else { return };
    let second = if clock.arg.nth > skip.nth { &clock.arg.key } else { &skip.key };
    errors.at(
        second,
        "`clock` and `skip` cannot stand together: a replay needs each replicated intent; keep one of the two",
    );
    variant.skip = None;
}

/// serde writes a variant's place among all, and reads its place among those that it does not skip: behind a skipped one a
/// journal would give back another variant than was recorded.
fn serde_skips_come_last(errors: &Errors, intent: &Intent<'_>) {
    let skip = |variant: &Variant<'_>| variant.attrs.iter().find_map(serde_skip);
    let last_kept = intent.variants.iter().rposition(|variant| skip(variant).is_none());
    for variant in intent.variants.iter().take(last_kept.unwrap_or(0)) {
        if let Some(skip) = skip(variant) {
            errors.at(
                skip,
                format_args!(
                    "serde numbers the variants behind a skipped one in two ways, so a journal would read another than it \
                     wrote; move `{}` behind all variants that are not skipped",
                    variant.ident
                ),
            );
        }
    }
}

/// The key by which `#[serde(…)]` skips a variant, if it does.
fn serde_skip(attr: &Attribute) -> Option<Path> {
    let mut found = None;
    if attr.path().is_ident("serde") {
        // What serde does not understand either is serde's to say.
        let _ = attr.parse_nested_meta(|meta| {
            if ["skip", "skip_serializing", "skip_deserializing"].iter().any(|skip| meta.path.is_ident(skip))
            {
                found = Some(meta.path.clone());
            }
            // A key with a value, which is no skip.
            if let Ok(value) = meta.value() {
                value.parse::<Expr>()?;
            }
            Ok(())
        });
    }
    found
}

/// `From` has one value to make the variant of.
fn from_takes_one(errors: &Errors, variant: &mut Variant<'_>) {
    let count = variant.fields.len();
    let Some(from) = variant.from.take_if(|_| count != 1) else { return };
    let count = match count {
        0 => "no field".to_owned(),
        count => format!("{count} fields"),
    };
    errors.at(
        from.key,
        format_args!(
            "`from` makes a variant of its one field, and `{}` has {count}; give it exactly one, or drop `from`",
            variant.ident
        ),
    );
}

/// One type can become one variant only. Types that are written differently and are the same are rustc's to find.
fn from_is_unambiguous(errors: &Errors, intent: &mut Intent<'_>) {
    let mut taken = HashMap::new();
    for variant in &mut intent.variants {
        let (Some(from), Some(field)) = (&variant.from, variant.fields.iter().next()) else { continue };
        let ty = readable(&field.ty.to_token_stream());
        if let Some(first) = taken.get(&ty) {
            errors.at(
                &from.key,
                format_args!(
                    "`{ty}` becomes `{first}` by its `from`; keep one of the two, or wrap one in a newtype"
                ),
            );
            variant.from = None;
        } else {
            taken.insert(ty, variant.ident);
        }
    }
}
