//! What `#[derive(GraphIntent)]` expands to.

use expect_test::expect;

use super::*;

#[test]
fn an_intent() {
    let actual = intent(
        "#[intent(source = Feed)]
        enum Update {
            Refresh,
            Article(String),
            #[intent(clock = lamport)]
            Replicated { lamport: u64, text: String },
            #[intent(clock = 1)]
            Merged(String, Option<Lamport>),
        }",
    );
    check(
        &actual,
        &expect![[r##"
            #[automatically_derived]
            impl ::control_panel::Intent for Update {
                type Source = Feed;
                const VARIANTS: &'static [::control_panel::Variant] = {
                    use ::control_panel::__private as __cp;
                    &[
                        __cp::local("Refresh"),
                        __cp::local("Article"),
                        __cp::replicated("Replicated"),
                        __cp::replicated("Merged"),
                    ]
                };
                fn variant(&self) -> ::core::primitive::usize {
                    match self {
                        Self::Refresh { .. } => 0,
                        Self::Article { .. } => 1,
                        Self::Replicated { .. } => 2,
                        Self::Merged { .. } => 3,
                    }
                }
                fn clock(&self) -> ::core::option::Option<::core::primitive::u64> {
                    match self {
                        Self::Replicated { lamport: __field, .. } => {
                            <u64 as ::control_panel::LogicalClock>::time(__field)
                        }
                        Self::Merged { 1: __field, .. } => {
                            <Option<Lamport> as ::control_panel::LogicalClock>::time(__field)
                        }
                        _ => ::core::option::Option::None,
                    }
                }
            }
        "##]],
    );
}

#[test]
fn an_intent_without_clocks() {
    check(
        &intent("enum Update { Refresh }"),
        &expect![[r##"
            #[automatically_derived]
            impl ::control_panel::Intent for Update {
                type Source = ::control_panel::IntentSource;
                const VARIANTS: &'static [::control_panel::Variant] = {
                    use ::control_panel::__private as __cp;
                    &[__cp::local("Refresh")]
                };
                fn variant(&self) -> ::core::primitive::usize {
                    match self {
                        Self::Refresh { .. } => 0,
                    }
                }
            }
        "##]],
    );
}

#[test]
fn a_generic_intent() {
    let actual = intent(
        "enum Update<'a, T: Clone, const N: usize> where T: Send {
            #[intent(clock = 0)]
            Stamped(T, &'a [u8; N]),
        }",
    );
    check(
        &actual,
        &expect![[r##"
            #[automatically_derived]
            impl<'a, T: Clone, const N: usize> ::control_panel::Intent for Update<'a, T, N>
            where
                T: Send,
                Self: ::core::marker::Send + 'static,
                T: ::control_panel::LogicalClock,
            {
                type Source = ::control_panel::IntentSource;
                const VARIANTS: &'static [::control_panel::Variant] = {
                    use ::control_panel::__private as __cp;
                    &[__cp::replicated("Stamped")]
                };
                fn variant(&self) -> ::core::primitive::usize {
                    match self {
                        Self::Stamped { .. } => 0,
                    }
                }
                fn clock(&self) -> ::core::option::Option<::core::primitive::u64> {
                    match self {
                        Self::Stamped { 0: __field, .. } => {
                            <T as ::control_panel::LogicalClock>::time(__field)
                        }
                    }
                }
            }
        "##]],
    );
}

#[test]
fn an_intent_with_every_key() {
    let actual = intent(
        "#[intent(crate = ::renamed)]
        enum Update<T> where T: Send {
            #[intent(from)]
            Pressure(MemoryPressure),
            #[deprecated]
            #[intent(clock = clock, origin = from)]
            Remote { clock: u64, from: PeerKey },
            #[intent(from, clock = 0, origin = 0)]
            r#Raw(T),
        }",
    );
    check(
        &actual,
        &expect![[r##"
            #[allow(deprecated)]
            #[automatically_derived]
            impl<T> ::renamed::Intent for Update<T>
            where
                T: Send,
                Self: ::core::marker::Send + 'static,
                T: ::renamed::LogicalClock,
                T: ::renamed::PeerId,
            {
                type Source = ::renamed::IntentSource;
                const VARIANTS: &'static [::renamed::Variant] = {
                    &[
                        ::renamed::__private::local("Pressure"),
                        ::renamed::__private::replicated("Remote"),
                        ::renamed::__private::replicated("Raw"),
                    ]
                };
                fn variant(&self) -> ::core::primitive::usize {
                    match self {
                        Self::Pressure { .. } => 0,
                        Self::Remote { .. } => 1,
                        Self::r#Raw { .. } => 2,
                    }
                }
                fn clock(&self) -> ::core::option::Option<::core::primitive::u64> {
                    match self {
                        Self::Remote { clock: __field, .. } => {
                            <u64 as ::renamed::LogicalClock>::time(__field)
                        }
                        Self::r#Raw { 0: __field, .. } => {
                            <T as ::renamed::LogicalClock>::time(__field)
                        }
                        _ => ::core::option::Option::None,
                    }
                }
                fn peer(&self) -> ::core::option::Option<::core::primitive::u64> {
                    match self {
                        Self::Remote { from: __field, .. } => {
                            <PeerKey as ::renamed::PeerId>::peer(__field)
                        }
                        Self::r#Raw { 0: __field, .. } => <T as ::renamed::PeerId>::peer(__field),
                        _ => ::core::option::Option::None,
                    }
                }
            }
            #[automatically_derived]
            impl<T> ::core::convert::From<MemoryPressure> for Update<T>
            where
                T: Send,
            {
                fn from(value: MemoryPressure) -> Self {
                    Self::Pressure(value)
                }
            }
            #[automatically_derived]
            impl<T> ::core::convert::From<T> for Update<T>
            where
                T: Send,
            {
                fn from(value: T) -> Self {
                    Self::r#Raw(value)
                }
            }
        "##]],
    );
}

#[test]
fn an_intent_that_may_be_dropped_or_replaced() {
    let actual = intent(
        "enum Update {
            Refresh,
            #[intent(lossy)]
            Sample(f64),
            #[intent(latest)]
            Level { percent: u8 },
            #[intent(latest = tab)]
            Progress { tab: TabId, percent: u8 },
        }",
    );
    check(
        &method(&actual, "delivery"),
        &expect![[r#"
            fn delivery(&self) -> ::control_panel::Delivery {
                use ::control_panel::__private as __cp;
                match self {
                    Self::Sample { .. } => __cp::Delivery::Lossy,
                    Self::Level { .. } => __cp::latest(2, 0),
                    Self::Progress { tab: __field, .. } => {
                        __cp::latest(3, <TabId as ::control_panel::CoalesceKey>::key(__field))
                    }
                    _ => __cp::Delivery::Reliable,
                }
            }
        "#]],
    );
}

#[test]
fn an_intent_that_a_journal_has_the_name_of_only() {
    let actual = intent(
        "enum Update {
            Refresh,
            #[intent(skip)]
            Password(String),
        }",
    );
    assert!(actual.contains(r#"&[__cp::local("Refresh"), __cp::skipped("Password")]"#), "{actual}");
}

/// A name, a place, and what each key adds.
#[test]
fn a_variant_is_two_lines_and_a_few_for_each_key() {
    let lines = |variants: &str| {
        intent(&format!("enum Update {{ Alpha, Beta, Gamma, Delta, {variants} }}")).lines().count()
    };
    let more = |variant: &str| {
        let one = lines(variant);
        lines(&format!("{variant}, {}", variant.replace("Added", "Another"))) - one
    };
    assert_eq!(more("Added"), 2);
    assert_eq!(more("Added { text: String, number: u64 }"), 2);
    assert_eq!(more("#[intent(clock = 0)] Added(u64)"), 5);
    assert_eq!(more("#[intent(clock = 0, origin = 1)] Added(u64, u64)"), 8);
    assert_eq!(more("#[intent(lossy)] Added"), 3);
    assert_eq!(more("#[intent(skip)] Added(f32)"), 2);
    assert_eq!(more("#[intent(latest)] Added"), 3);
    assert_eq!(more("#[intent(latest = 0)] Added(u64)"), 5);
    let from = |ty: &str| lines(&format!("#[intent(from)] Added({ty})"));
    assert_eq!(from("u8") - lines("Added(u8)"), 6);
}

#[test]
fn an_intent_with_mistakes_is_still_one() {
    let actual = intent(
        "#[intent(source = \"Feed\")]
        enum Update {
            #[intent(clock = clok)]
            Named { clock: u64 },
            #[intent(clock = 0)]
            Right(u64),
        }",
    );
    check(
        &actual,
        &expect![[r##"
            #[automatically_derived]
            impl ::control_panel::Intent for Update {
                type Source = Feed;
                const VARIANTS: &'static [::control_panel::Variant] = {
                    use ::control_panel::__private as __cp;
                    &[__cp::local("Named"), __cp::replicated("Right")]
                };
                fn variant(&self) -> ::core::primitive::usize {
                    match self {
                        Self::Named { .. } => 0,
                        Self::Right { .. } => 1,
                    }
                }
                fn clock(&self) -> ::core::option::Option<::core::primitive::u64> {
                    match self {
                        Self::Right { 0: __field, .. } => {
                            <u64 as ::control_panel::LogicalClock>::time(__field)
                        }
                        _ => ::core::option::Option::None,
                    }
                }
            }
            ::core::compile_error! {
                "drop the quotes: write `source = Feed`"
            }
            ::core::compile_error! {
                "variant `Named` has no field `clok`; did you mean `clock`?"
            }
        "##]],
    );
}
