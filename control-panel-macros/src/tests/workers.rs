//! What `#[worker]` expands to.

mod broken;
mod lines;

use expect_test::expect;

use super::{check, method, worker};

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
            trait SpawnRss {
                /// Fetches the headlines.
                ///
                /// Spawns the worker [`rss`](fn@rss) and returns its handle immediately.
                ///
                /// - Source: `Feed::Rss`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `Result<(), FeedDown>`
                fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle;
            }
            impl<
                __S: ::control_panel::__private::Spawns<Context<Update>> + ?::core::marker::Sized,
            > SpawnRss for __S {
                fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle {
                    __S::once_1(rss, titles).spawn(self, "rss", Feed::Rss)
                }
            }
        "#]],
    );
}

#[test]
fn a_worker_with_every_option() {
    let actual = worker(
        "source = Feed::Rss, name = headlines, crate = ::renamed, restart = on_failure, intensity = 3,
         period = \"1m\", backoff = \"10ms\", max_backoff = \"1500ms\", cancel = cooperative, grace = \"2s\",
         suspend = on_idle, inbox = Vec<Ask>, inbox_capacity = 64",
        "pub(crate) async fn rss(cx: Cx, mut titles: Vec<String>, _: u8) {}",
    );
    check(
        &actual,
        &expect![[r#"
            pub(crate) async fn rss(cx: Cx, mut titles: Vec<String>, _: u8) {}
            /// Spawns the worker [`rss`](fn@rss) on a panel, or with a spawner, of its intent.
            pub(crate) trait SpawnHeadlines {
                /// Spawns the worker [`rss`](fn@rss) and returns its handle immediately.
                ///
                /// - Source: `Feed::Rss`
                /// - Restart: when it fails or panics, at most 3 times in 60 s, first after 10 ms, later after 1500 ms at most
                /// - Shutdown: it is asked to stop, and dropped after 2 s
                /// - Inbox: commands of type `Vec<Ask>`, holds 64
                /// - Suspended: while the panel is idle
                /// - Ends with: `()`
                fn spawn_headlines(
                    &self,
                    titles: Vec<String>,
                    argument_2: u8,
                ) -> ::renamed::WorkerHandle<Vec<Ask>>;
            }
            impl<__S: ::renamed::__private::Spawns<Cx> + ?::core::marker::Sized> SpawnHeadlines
            for __S {
                fn spawn_headlines(
                    &self,
                    titles: Vec<String>,
                    argument_2: u8,
                ) -> ::renamed::WorkerHandle<Vec<Ask>> {
                    __S::on_failure(move |cx| rss(cx, __S::again(&titles), __S::again(&argument_2)))
                        .intensity(3, __S::ms(60000))
                        .backoff(__S::ms(10), __S::ms(1500))
                        .grace(__S::ms(2000))
                        .suspend_on_idle()
                        .inbox::<Vec<Ask>>()
                        .inbox_capacity(64)
                        .spawn(self, "headlines", Feed::Rss)
                }
            }
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
            /// Spawns the worker [`rss`](fn@rss) and returns its handle immediately.
            ///
            /// - Source: `Feed::Rss`
            /// - Runs on: a thread of its own
            /// - Restart: when it fails or panics, failing too often ends the panel
            /// - Stuck: after 1 s without a heartbeat, then it is restarted
            /// - Shutdown: before `store` and `log`; it is asked to stop, and named if it does not
            /// - Ends with: `Result<(), FeedDown>`
            fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle {
                __S::thread(move |cx| rss(cx, __S::again(&titles)))
                    .restart_on_failure()
                    .after("store")
                    .after("log")
                    .escalate()
                    .significant()
                    .heartbeat(__S::ms(1000))
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
        "async fn rss(cx: Context<Update>, titles: Arc<str>) {}",
    );
    check(
        &method(&actual, "spawn_rss"),
        &expect![[r#"
            /// Spawns the worker [`rss`](fn@rss) and returns its handle immediately.
            ///
            /// - Source: `Feed::Rss`
            /// - Runs on: the panel's thread for futures that are not `Send`
            /// - Restart: never
            /// - Stuck: after 250 ms in one poll, then the panel ends
            /// - Shutdown: it is dropped at its next `.await`
            /// - Ends with: `()`
            fn spawn_rss(&self, titles: Arc<str>) -> ::control_panel::WorkerHandle {
                __S::local_once(move |cx| rss(cx, titles))
                    .stuck_after(__S::ms(250))
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
            > {
                /// Spawns the worker [`load`](fn@load) and returns its handle immediately.
                ///
                /// - Source: `IntentSource::Restore`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `()`
                fn spawn_load(&self) -> ::control_panel::WorkerHandle;
            }
            impl<
                __S: ::control_panel::__private::Spawns<Context<I, P>> + ?::core::marker::Sized,
                I: Intent<Source = IntentSource> + From<Loaded>,
                P: Send + Sync + 'static,
            > SpawnLoad<I, P> for __S {
                fn spawn_load(&self) -> ::control_panel::WorkerHandle {
                    __S::once(load).spawn(self, "load", IntentSource::Restore)
                }
            }
        "#]],
    );
}

#[test]
fn an_inbox_types_the_handle() {
    let actual = worker(
        "source = S, inbox = Ask<I, u8>",
        "async fn search<I: Intent, P: Send + Sync + 'static>(cx: Context<I, P>) {}",
    );
    check(
        &method(&actual, "spawn_search"),
        &expect![[r#"
            /// Spawns the worker [`search`](fn@search) and returns its handle immediately.
            ///
            /// - Source: `S`
            /// - Restart: never
            /// - Shutdown: it is dropped at its next `.await`
            /// - Inbox: commands of type `Ask<I, u8>`
            /// - Ends with: `()`
            fn spawn_search(&self) -> ::control_panel::WorkerHandle<Ask<I, u8>> {
                __S::once(search).inbox::<Ask<I, u8>>().spawn(self, "search", S)
            }
        "#]],
    );
    // What is wrong elsewhere leaves the handle its type, so that no `send` is reported besides.
    let broken = worker("source = S, inbox = Ask, grace = \"1s\"", "async fn search(cx: Cx) {}");
    assert!(broken.contains("fn spawn_search(&self) -> ::control_panel::WorkerHandle<Ask>"), "{broken}");
    assert_eq!(broken.matches("compile_error!").count(), 1, "{broken}");
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
            trait SpawnType {
                #[deprecated = "use `tock`"]
                /// Ticks.
                ///
                /// Spawns the worker [`type`](fn@type) and returns its handle immediately.
                ///
                /// - Source: `S`
                /// - Restart: never
                /// - Shutdown: it is dropped at its next `.await`
                /// - Ends with: `()`
                fn spawn_type(&self) -> ::control_panel::WorkerHandle;
            }
            #[doc(hidden)]
            #[allow(deprecated)]
            #[allow(clippy::unused_async)]
            #[allow(dead_code)]
            #[cfg(unix)]
            impl<__S: ::control_panel::__private::Spawns<Cx> + ?::core::marker::Sized> SpawnType
            for __S {
                fn spawn_type(&self) -> ::control_panel::WorkerHandle {
                    __S::once(r#type).spawn(self, "type", S)
                }
            }
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
            trait SpawnRun {
                #[allow(clippy::too_many_arguments)]
                /// Spawns the worker [`run`](fn@run) and returns its handle immediately.
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
                ) -> ::control_panel::WorkerHandle;
            }
            impl<__S: ::control_panel::__private::Spawns<Cx> + ?::core::marker::Sized> SpawnRun
            for __S {
                fn spawn_run(
                    &self,
                    cx: u8,
                    run: u8,
                    panel: u8,
                    __cp: u8,
                    self_: u8,
                    r#type: u8,
                ) -> ::control_panel::WorkerHandle {
                    __S::once(move |cx_| run(cx_, cx, run, panel, __cp, self_, r#type))
                        .spawn(self, "run", S)
                }
            }
        "#]],
    );
}
