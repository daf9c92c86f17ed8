//! What `#[worker]` expands to.

use expect_test::expect;

use super::*;

/// The generated lines: all but the function that was there and the documentation.
fn generated_lines(args: &str, item: &str) -> usize {
    let all = worker(args, item);
    let own = pretty(&tokens(item)).lines().count();
    all.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("///")).count() - own
}

#[test]
fn a_worker() {
    let actual = worker(
        "source = Feed::Rss",
        "/// Fetches the headlines.
        async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {
            for title in titles {
                cx.send(Update::Article(title)).await.map_err(|_| FeedDown)?;
            }
            Ok(())
        }",
    );
    check(
        &actual,
        &expect![[r#"
            /// Fetches the headlines.
            async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {
                for title in titles {
                    cx.send(Update::Article(title)).await.map_err(|_| FeedDown)?;
                }
                Ok(())
            }
            /// Spawns the worker [`rss`](fn@rss) on a panel, or with a spawner, of its intent.
            trait SpawnRss: ::control_panel::__private::Spawns<Context<Update>> {
                /// Fetches the headlines.
                ///
                /// Spawns the worker [`rss`](fn@rss) and returns its handle at once.
                ///
                /// - Source: `Feed::Rss`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `Result<(), FeedDown>`
                fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle {
                    ::control_panel::__private::Run::once(move |cx| rss(cx, titles))
                        .spawn(self, "rss", Feed::Rss)
                }
            }
            impl<
                __S: ?::core::marker::Sized + ::control_panel::__private::Spawns<Context<Update>>,
            > SpawnRss for __S {}
        "#]],
    );
}

#[test]
fn a_worker_with_every_option() {
    let actual = worker(
        "source = Feed::Rss, name = headlines, crate = ::renamed, restart = on_failure, intensity = 3,
         period = \"1m\", backoff = \"10ms\", max_backoff = \"1500ms\", cancel = cooperative, grace = \"2s\",
         suspend = on_idle, inbox_capacity = 64",
        "pub(crate) async fn rss(cx: Cx, mut titles: Vec<String>, _: u8) {}",
    );
    check(
        &actual,
        &expect![[r#"
            pub(crate) async fn rss(cx: Cx, mut titles: Vec<String>, _: u8) {}
            /// Spawns the worker [`rss`](fn@rss) on a panel, or with a spawner, of its intent.
            pub(crate) trait SpawnHeadlines: ::renamed::__private::Spawns<Cx> {
                /// Spawns the worker [`rss`](fn@rss) and returns its handle at once.
                ///
                /// - Source: `Feed::Rss`
                /// - Restart: when it fails or panics, at most 3 times in 60 s, first after 10 ms, later after 1500 ms at most
                /// - Shutdown: it is asked to stop, and dropped after 2 s
                /// - Inbox: holds 64 commands
                /// - Suspended: while the panel is idle
                /// - Ends with: `()`
                fn spawn_headlines(
                    &self,
                    titles: Vec<String>,
                    argument_2: u8,
                ) -> ::renamed::WorkerHandle {
                    use ::renamed::__private as __cp;
                    __cp::Run::on_failure(move |cx| rss(
                            cx,
                            __cp::again(&titles),
                            __cp::again(&argument_2),
                        ))
                        .intensity(3, __cp::ms(60000))
                        .backoff(__cp::ms(10), __cp::ms(1500))
                        .grace(__cp::ms(2000))
                        .suspend_on_idle()
                        .inbox_capacity(64)
                        .spawn(self, "headlines", Feed::Rss)
                }
            }
            impl<__S: ?::core::marker::Sized + ::renamed::__private::Spawns<Cx>> SpawnHeadlines
            for __S {}
        "#]],
    );
}

#[test]
fn a_worker_with_a_thread_of_its_own() {
    let actual = worker(
        "source = Feed::Rss, kind = thread, restart = on_failure, escalate = panel, after = [\"store\", \"log\"], significant,
         heartbeat = \"1s\", on_stuck = restart",
        "fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}",
    );
    check(
        &method(&actual, "spawn_rss"),
        &expect![[r#"
            /// Spawns the worker [`rss`](fn@rss) and returns its handle at once.
            ///
            /// - Source: `Feed::Rss`
            /// - Runs on: a thread of its own
            /// - Restart: when it fails or panics, failing too often ends the panel
            /// - Stuck: after 1 s without a heartbeat, then it is restarted
            /// - Shutdown: before `store` and `log`; it is told to stop, and named if it does not
            /// - Ends with: `Result<(), FeedDown>`
            fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle {
                use ::control_panel::__private as __cp;
                __cp::Run::thread(move |cx| rss(cx, __cp::again(&titles)))
                    .restart_on_failure()
                    .after("store")
                    .after("log")
                    .escalate()
                    .significant()
                    .heartbeat(__cp::ms(1000))
                    .restart_when_stuck()
                    .spawn(self, "rss", Feed::Rss)
            }
        "#]],
    );
}

#[test]
fn a_local_worker_that_runs_once() {
    let actual = worker(
        "source = Feed::Rss, kind = local, stuck_after = \"250ms\", on_stuck = escalate",
        "async fn rss(cx: Context<Update>, titles: Rc<str>) {}",
    );
    check(
        &method(&actual, "spawn_rss"),
        &expect![[r#"
            /// Spawns the worker [`rss`](fn@rss) and returns its handle at once.
            ///
            /// - Source: `Feed::Rss`
            /// - Runs on: the panel's thread for futures that are not `Send`
            /// - Restart: never
            /// - Stuck: after 250 ms in one poll, then the panel ends
            /// - Shutdown: it is dropped at its next `.await`
            /// - Ends with: `()`
            fn spawn_rss(&self, titles: Rc<str>) -> ::control_panel::WorkerHandle {
                use ::control_panel::__private as __cp;
                __cp::Run::local_once(move |cx| rss(cx, titles))
                    .stuck_after(__cp::ms(250))
                    .escalate_when_stuck()
                    .spawn(self, "rss", Feed::Rss)
            }
        "#]],
    );
}

#[test]
fn a_worker_generic_in_its_context() {
    let actual = worker(
        "source = IntentSource::Restore",
        "pub async fn load<I: Intent<Source = IntentSource> + From<Loaded>, P: Send + Sync + 'static>(
            cx: Context<I, P>,
        ) {}",
    );
    check(
        &actual,
        &expect![[r#"
            pub async fn load<
                I: Intent<Source = IntentSource> + From<Loaded>,
                P: Send + Sync + 'static,
            >(cx: Context<I, P>) {}
            /// Spawns the worker [`load`](fn@load) on a panel, or with a spawner, of its intent.
            pub trait SpawnLoad<
                I: Intent<Source = IntentSource> + From<Loaded>,
                P: Send + Sync + 'static,
            >: ::control_panel::__private::Spawns<Context<I, P>> {
                /// Spawns the worker [`load`](fn@load) and returns its handle at once.
                ///
                /// - Source: `IntentSource::Restore`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `()`
                fn spawn_load(&self) -> ::control_panel::WorkerHandle {
                    ::control_panel::__private::Run::once(move |cx| load(cx))
                        .spawn(self, "load", IntentSource::Restore)
                }
            }
            impl<
                I: Intent<Source = IntentSource> + From<Loaded>,
                P: Send + Sync + 'static,
                __S: ?::core::marker::Sized + ::control_panel::__private::Spawns<Context<I, P>>,
            > SpawnLoad<I, P> for __S {}
        "#]],
    );
}

#[test]
fn attributes_go_where_they_make_sense() {
    let actual = worker(
        "source = S",
        "/// Ticks.
        #[doc(hidden)]
        #[deprecated = \"use `tock`\"]
        #[expect(clippy::unused_async)]
        #[allow(dead_code)]
        #[cfg(unix)]
        #[tracing::instrument]
        async fn r#type(cx: Cx) {}",
    );
    check(
        &actual,
        &expect![[r#"
            /// Ticks.
            #[doc(hidden)]
            #[deprecated = "use `tock`"]
            #[expect(clippy::unused_async)]
            #[allow(dead_code)]
            #[cfg(unix)]
            #[tracing::instrument]
            async fn r#type(cx: Cx) {}
            #[doc(hidden)]
            #[allow(deprecated)]
            #[allow(clippy::unused_async)]
            #[allow(dead_code)]
            #[cfg(unix)]
            /// Spawns the worker [`type`](fn@type) on a panel, or with a spawner, of its intent.
            trait SpawnType: ::control_panel::__private::Spawns<Cx> {
                #[deprecated = "use `tock`"]
                /// Ticks.
                ///
                /// Spawns the worker [`type`](fn@type) and returns its handle at once.
                ///
                /// - Source: `S`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `()`
                fn spawn_type(&self) -> ::control_panel::WorkerHandle {
                    ::control_panel::__private::Run::once(move |cx| r#type(cx))
                        .spawn(self, "type", S)
                }
            }
            #[doc(hidden)]
            #[allow(deprecated)]
            #[allow(clippy::unused_async)]
            #[allow(dead_code)]
            #[cfg(unix)]
            impl<__S: ?::core::marker::Sized + ::control_panel::__private::Spawns<Cx>> SpawnType
            for __S {}
        "#]],
    );
}

#[test]
fn arguments_cannot_meet_what_is_generated() {
    let actual = worker(
        "source = S",
        "async fn run(_: Cx, cx: u8, run: u8, panel: u8, __cp: u8, self_: u8, r#type: u8) {}",
    );
    check(
        &actual,
        &expect![[r#"
            async fn run(_: Cx, cx: u8, run: u8, panel: u8, __cp: u8, self_: u8, r#type: u8) {}
            /// Spawns the worker [`run`](fn@run) on a panel, or with a spawner, of its intent.
            trait SpawnRun: ::control_panel::__private::Spawns<Cx> {
                /// Spawns the worker [`run`](fn@run) and returns its handle at once.
                ///
                /// - Source: `S`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `()`
                fn spawn_run(
                    &self,
                    cx: u8,
                    run: u8,
                    panel: u8,
                    __cp: u8,
                    self_: u8,
                    r#type: u8,
                ) -> ::control_panel::WorkerHandle {
                    ::control_panel::__private::Run::once(move |cx_| run(
                            cx_,
                            cx,
                            run,
                            panel,
                            __cp,
                            self_,
                            r#type,
                        ))
                        .spawn(self, "run", S)
                }
            }
            impl<__S: ?::core::marker::Sized + ::control_panel::__private::Spawns<Cx>> SpawnRun
            for __S {}
        "#]],
    );
}

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
    for half_typed in ["", "sou", "source", "source =", "source = Feed::", "source = Feed::Rss, res"] {
        let actual = worker(half_typed, "async fn ticks(cx: Cx, beats: u32) {}");
        assert!(actual.starts_with("async fn ticks(cx: Cx, beats: u32) {}"), "{half_typed}: {actual}");
        assert!(actual.contains("fn spawn_ticks(&self, beats: u32)"), "{half_typed}: {actual}");
        assert_eq!(actual.matches("compile_error!").count(), 1, "{half_typed}: {actual}");
    }
}

#[test]
fn a_half_typed_signature_keeps_what_can_be_kept() {
    let actual = worker("source = S", "async fn ticks(cx: Cx, beats) { body }");
    check(
        &actual,
        &expect![[r#"
            async fn ticks(cx: Cx, _: impl ::core::marker::Sized) {
                body
            }
            #[allow(warnings)]
            trait SpawnTicks: ::control_panel::Spawn {
                fn spawn_ticks(&self) -> ::control_panel::WorkerHandle {
                    let _ = S;
                    ::core::unimplemented!()
                }
            }
            #[allow(warnings)]
            impl<__S: ?::core::marker::Sized + ::control_panel::Spawn> SpawnTicks for __S {}
        "#]],
    );
    // Nothing that could be called a function yet: it comes back as it went, and rustc says what is missing.
    for item in ["async fn", "async fn ticks", "async fn ticks(", "async fn ticks(cx: Cx) ->"] {
        let Ok(item) = item.parse::<TokenStream>() else { continue };
        assert_eq!(crate::worker::worker(tokens("source = S"), &item).to_string(), item.to_string());
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
        &expect![[r#"
            fn ticks<'a, T>(cx: Cx, (a, b): (u8, u8), name: &'a str, t: T) -> impl Future {
                body
            }
            ::core::compile_error! {
                "unknown argument `sorce`; did you mean `source`?"
            }
            ::core::compile_error! {
                "`restart` is `never`, `on_failure` or `always`, not `sometimes`"
            }
            ::core::compile_error! {
                "`#[test]` and `#[worker]` cannot share a function; keep one, and call the worker's spawn method from the other"
            }
            ::core::compile_error! {
                "a worker must be an `async fn`; write `async fn`, or add `kind = blocking` for one that blocks a thread"
            }
            ::core::compile_error! {
                "a worker outlives its caller, so it cannot borrow for `'a`; drop `'a` and own the data"
            }
            ::core::compile_error! {
                "a worker can be generic in its context's intent and policy only; replace `T` by a concrete type"
            }
            ::core::compile_error! {
                "a worker's argument needs a plain name, which its spawn method takes over; take it apart in the body"
            }
            ::core::compile_error! {
                "an `async fn` is a future already; return `()` or `Result<(), E>` instead of an `impl` type"
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
        "#]],
    );
}

#[test]
fn a_worker_is_at_most_twelve_lines() {
    for (args, item) in [
        ("source = Feed::Mail", "async fn mail(cx: Context<Update>) {}"),
        (
            "source = Feed::Rss",
            "async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}",
        ),
        ("source = IntentSource::MemoryMonitor", "async fn memory_monitor(cx: Cx, key: u64) {}"),
        (
            "source = IntentSource::PrefetchScheduler",
            "async fn prefetch_scheduler(cx: Context<GraphIntent, LifecyclePolicy>) {}",
        ),
        (
            "source = Feed::Rss, restart = on_failure, intensity = 5, period = \"1m\"",
            "async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}",
        ),
    ] {
        let lines = generated_lines(args, item);
        assert!(lines <= 12, "{lines} lines:\n{}", worker(args, item));
    }
}

/// Each option that is given costs one line more.
#[test]
fn an_option_is_one_line() {
    let item = "async fn rss(cx: Cx, titles: Vec<String>) {}";
    let options = [
        "",
        ", intensity = 3, period = \"1m\"",
        ", backoff = \"10ms\"",
        ", cancel = cooperative, grace = \"2s\"",
    ];
    let mut args = "source = Feed::Rss, restart = always".to_owned();
    let lines = options.map(|option| {
        args.push_str(option);
        generated_lines(&args, item)
    });
    assert_eq!(lines, [9, 10, 11, 12]);
}

/// The expansion is a copy of the body and something that does not depend on it.
#[test]
fn a_longer_body_changes_nothing_that_is_generated() {
    let short = generated_lines("source = S", "async fn ticks(cx: Cx) {}");
    let body = "cx.send(Update::Tick).await.ok();\n".repeat(300);
    assert_eq!(generated_lines("source = S", &format!("async fn ticks(cx: Cx) {{ {body} }}")), short);
}
