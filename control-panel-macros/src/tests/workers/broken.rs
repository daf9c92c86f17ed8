//! What is half typed or wrong: all mistakes are reported together, and the editor keeps the function.

use expect_test::expect;
use proc_macro2::TokenStream;

use super::super::{check, for_rustc, tokens, worker};

/// As an editor sends it: the function comes first and is not touched, so completion works in it.
#[test]
fn a_half_typed_body_is_not_touched() {
    let actual = worker("source = S", "async fn ticks(cx: Cx) { let next = cx.; }");
    assert!(actual.starts_with("async fn ticks (cx : Cx) { let next = cx .; }"), "{actual}");
    assert!(actual.contains("fn spawn_ticks (& self)"), "{actual}");
    assert!(!actual.contains("compile_error"), "{actual}");
}

#[test]
fn half_typed_arguments_of_the_attribute_keep_the_function_and_its_spawn_method() {
    for half_typed in [
        "",
        "sou",
        "source",
        "source =",
        "source = Feed::",
        "source = Feed::Rss, res",
        "source = S, inbox",
        "source = S, inbox =",
    ] {
        let actual = worker(half_typed, "async fn ticks(cx: Cx, beats: u32) {}");
        assert!(
            actual.starts_with("#[allow(warnings)]\nasync fn ticks(cx: Cx, beats: u32) {}"),
            "{half_typed}: {actual}"
        );
        assert!(actual.contains("fn spawn_ticks(&self, beats: u32)"), "{half_typed}: {actual}");
        assert_eq!(actual.matches("compile_error!").count(), 1, "{half_typed}: {actual}");
    }
}

#[test]
fn a_half_typed_signature_keeps_what_can_be_kept() {
    let actual = worker("source = S", "async fn ticks(cx: Cx, beats) { body }");
    check(
        &actual,
        &expect![
            "async fn ticks (cx : Cx , beats) { body } # [allow (warnings)] trait SpawnTicks : :: control_panel :: Spawn { fn spawn_ticks (& self) -> :: control_panel :: WorkerHandle { let _ = S ; :: core :: unimplemented ! () } } # [allow (warnings)] impl < __S : ? :: core :: marker :: Sized + :: control_panel :: Spawn > SpawnTicks for __S { }"
        ],
    );
    // Nothing that could be called a function yet: it comes back as it went, and rustc says what is missing.
    for item in ["async fn", "async fn ticks", "async fn ticks(", "async fn ticks(cx: Cx) ->"] {
        let Ok(item) = item.parse::<TokenStream>() else { continue };
        assert_eq!(
            for_rustc(crate::worker::worker(tokens("source = S"), &item)).to_string(),
            item.to_string()
        );
    }
}

#[test]
fn mistakes_are_reported_together_and_the_spawn_method_stays() {
    let actual = worker(
        "sorce = S, restart = sometimes",
        "#[test] fn ticks<'a, T>(cx: Cx, (a, b): (u8, u8), name: &'a str, t: T) -> impl Future { body }",
    );
    check(
        &actual,
        &expect![[r##"
            #[allow(warnings)]
            fn ticks<'a, T>(cx: Cx, (a, b): (u8, u8), name: &'a str, t: T) -> impl Future {
                body
            }
            ::core::compile_error! {
                "unknown argument `sorce`; did you mean `source`?"
            }
            ::core::compile_error! {
                "`restart` is `never`, `on_failure` or `always`, not `sometimes`; write `restart = on_failure`"
            }
            ::core::compile_error! {
                "`#[test]` and `#[worker]` cannot share a function; drop `#[test]` here, and call the worker's spawn method from a function that has it"
            }
            ::core::compile_error! {
                "a worker outlives its caller, so it cannot borrow for `'a`; write `ticks<T>(cx: Cx, (a, b): (u8, u8), name: String, t: T)`"
            }
            ::core::compile_error! {
                "a worker can be generic in what its context's type names only; replace `T` by a concrete type"
            }
            ::core::compile_error! {
                "a worker's argument needs a plain name, which its spawn method takes over; write `argument`, and in the body `let (a, b) = argument;`"
            }
            #[allow(warnings)]
            trait SpawnTicks: ::control_panel::Spawn {
                fn spawn_ticks(
                    &self,
                    argument_1: (u8, u8),
                    name: impl ::core::marker::Sized,
                    t: impl ::core::marker::Sized,
                ) -> ::control_panel::WorkerHandle {
                    let _ = S;
                    ::core::unimplemented!()
                }
            }
            #[allow(warnings)]
            impl<__S: ?::core::marker::Sized + ::control_panel::Spawn> SpawnTicks for __S {}
        "##]],
    );
}

/// rustc has reported each of these before. The spawn method is what it would be if all was well, so that nothing else is reported.
#[test]
fn a_signature_with_a_mistake_in_its_form_is_read_as_it_is_meant() {
    for written in [
        "cx: Cx; beats: u32",
        "cx: Cx beats: u32",
        "cx: Cx, beats u32",
        "cx: Cx, beats = u32",
        "cx: Cx, u32 beats",
        "let cx: Cx, beats: u32",
        "cx: Cx>, beats: u32",
        "cx: Context<Update, beats: u32",
        "cx Cx, beats: u32",
    ] {
        let actual = worker("source = S", &format!("async fn ticks({written}) {{}}"));
        assert!(actual.contains("fn spawn_ticks(&self, beats: u32)"), "{written}: {actual}");
        assert!(actual.contains("trait SpawnTicks: ::control_panel::Spawn"), "{written}: {actual}");
        assert!(!actual.contains("compile_error"), "{written}: {actual}");
    }
}

/// Nothing else reports these, so none of them may be taken for one of those.
#[test]
fn a_signature_that_rustc_accepts_is_not_mended() {
    for written in [
        "cx: Cx, text: &'static str",
        "cx: Cx, #[allow(unused)] #[allow(dead_code)] beats: u32",
        "cx: Cx, call: fn(u8, &str) -> u8",
        "cx: Cx, call: Box<dyn for<'a> FnMut(&'a str) -> u8 + Send + 'static>",
        "cx: Cx, place: [u8; 1 << 2]",
        "cx: Cx, mut place: <Vec<u8> as IntoIterator>::IntoIter",
        "cx: Cx, r#type: ::std::vec::Vec<u8>, _: *const u8",
        "cx: <<A as B>::C as D>::E, size: Sized<{ 1 > 2 }>",
        "mut cx: Context<Update, (), >, size: Option<fn() -> Vec<u8>>,",
    ] {
        let actual = worker("source = S", &format!("async fn ticks({written}) {{}}"));
        assert!(actual.contains("::control_panel::__private::Spawns<"), "{written}: {actual}");
    }
}
