//! `key = value, …`, as both attributes take them: spans kept, duplicates and misspellings reported. `list` cuts it into
//! arguments, `entry` and `sign` take one apart, `value`, `number` and `path` read what follows a key, and `meant` is what a value that is written in
//! another way was meant to be.

mod entry;
mod list;
mod meant;
mod number;
mod path;
mod sign;
mod value;

use proc_macro2::{Ident, TokenStream};

pub(crate) use self::value::{Arg, Given};
use crate::errors::Errors;
use crate::support::{readable, see_through};

/// What may be written at one place: `#[worker(…)]`, `#[intent(…)]` on an enum or on a variant.
pub(crate) struct Place {
    /// As the user reads it: "`#[worker]`".
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Keys of another place, with the sentence that sends them there.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

/// A key that may be written at a place.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    /// How to write it: shown when it is written wrongly.
    pub form: &'static str,
    /// The words that are its values, if they are words.
    pub words: &'static [&'static str],
    value: Value,
}

#[derive(Clone, Copy, PartialEq)]
enum Value {
    Needed,
    /// The key alone says it all.
    Refused,
    /// The key alone is right, and so is a value.
    Welcome,
}

impl Key {
    /// `name = value`
    pub(crate) const fn valued(name: &'static str, form: &'static str) -> Self {
        Self { name, form, words: &[], value: Value::Needed }
    }

    /// `name = word`, or something else beside a few words.
    pub(crate) const fn worded(
        name: &'static str,
        form: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self { name, form, words, value: Value::Needed }
    }

    /// `name`
    pub(crate) const fn flag(name: &'static str) -> Self {
        Self { name, form: name, words: &[], value: Value::Refused }
    }

    /// `name` or `name = value`
    pub(crate) const fn perhaps_valued(name: &'static str, form: &'static str) -> Self {
        Self { name, form, words: &[], value: Value::Welcome }
    }
}

#[derive(Default)]
pub(crate) struct Arguments {
    pub list: Vec<Arg>,
    /// The keys that stand there without a value that could be read.
    without_value: Vec<&'static str>,
    /// Something was written that belongs to no key, so a key that seems to be missing may be there, misspelt.
    pub unread: bool,
}

impl Arguments {
    /// Whether the key stands there, or may: then no error asks for it.
    pub(crate) fn attempts(&self, key: &str) -> bool {
        self.unread || self.without_value.contains(&key) || self.list.iter().any(|arg| arg.name == key)
    }

    /// The keys that stand there, or may.
    pub(crate) fn attempted(&self, place: &Place) -> Vec<&'static str> {
        if self.unread {
            return place.keys.iter().map(|key| key.name).collect();
        }
        self.list.iter().map(|arg| arg.name).chain(self.without_value.iter().copied()).collect()
    }

    /// The same as if all of them had been written in one attribute.
    pub(crate) fn join(&mut self, errors: &Errors, more: Self) {
        self.unread |= more.unread;
        self.without_value.extend(more.without_value);
        for mut arg in more.list {
            arg.nth = self.list.len();
            if self.list.iter().any(|before| before.name == arg.name) {
                twice(errors, &arg.key);
            } else {
                self.list.push(arg);
            }
        }
    }
}

impl Key {
    fn twice(&self, errors: &Errors, written: &Ident, first: Option<&Arg>, rest: &TokenStream) {
        let Some(first) = first.filter(|_| self.name == "after") else { return twice(errors, written) };
        let second: TokenStream = rest.clone().into_iter().skip(1).collect();
        let (first, second) = (readable(&first.value), readable(&second));
        errors.at(
            written,
            format_args!(
                "`after` is given twice, but takes several names in brackets: drop `after = {first}` and write `after = [{first}, {second}]`"
            ),
        );
    }
}

fn twice(errors: &Errors, key: &Ident) {
    errors.at(key, format_args!("`{key}` is given twice; keep one of the two"));
}

/// What is shown for a key that has no value; `None` is the key's own form.
pub(crate) type Forms<'a> = &'a dyn Fn(&Key) -> Option<String>;

impl Place {
    /// The arguments that can be read further; everything else is reported. `whole` is the attribute, for
    /// mistakes that are about where it stands.
    pub(crate) fn parse(
        &self,
        errors: &Errors,
        tokens: TokenStream,
        whole: &TokenStream,
        forms: Forms<'_>,
    ) -> Arguments {
        let mut arguments = Arguments::default();
        self.read(errors, see_through(tokens), whole, forms, &mut arguments);
        arguments
    }

    fn read(
        &self,
        errors: &Errors,
        tokens: TokenStream,
        whole: &TokenStream,
        forms: Forms<'_>,
        arguments: &mut Arguments,
    ) {
        let first = &self.keys[0];
        let form = forms(first).unwrap_or_else(|| first.form.to_owned());
        let cut = list::cut(errors, self, tokens, &form);
        arguments.unread |= cut.is_empty();
        for part in cut {
            let part = entry::plain(errors, part);
            if part.is_empty() {
                continue;
            }
            if let Some(inner) = entry::nested(errors, &part) {
                self.read(errors, inner, whole, forms, arguments);
                continue;
            }
            if entry::continues(errors, &part, arguments.list.last_mut()) {
                continue;
            }
            let Some((written, rest)) = self.key(errors, part, &form) else {
                arguments.unread = true;
                continue;
            };
            let Some((key, rest)) = self.known(errors, &written, rest, whole, &form) else {
                arguments.unread = true;
                continue;
            };
            let seen = arguments.without_value.contains(&key.name)
                || arguments.list.iter().any(|arg| arg.name == key.name);
            if seen {
                if written == key.name {
                    key.twice(
                        errors,
                        &written,
                        arguments.list.iter().find(|arg| arg.name == key.name),
                        &rest,
                    );
                }
                continue;
            }
            let form = forms(&key).unwrap_or_else(|| key.form.to_owned());
            let nth = arguments.list.len();
            match key.value(errors, &written, rest, &form) {
                Some(value) => {
                    let name = Ident::new(key.name, written.span());
                    arguments.list.push(Arg {
                        key: name,
                        name: key.name,
                        value,
                        form,
                        words: key.words,
                        nth,
                    });
                }
                // A key without a value still takes its place, so that a second one is reported as the second.
                None => arguments.without_value.push(key.name),
            }
        }
    }
}
