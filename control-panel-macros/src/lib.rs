//! The macros of [control-panel](https://docs.rs/control-panel). Use them through that crate, which
//! exports them beside the traits that their expansions name.

mod args;
mod duration;
mod editor;
mod errors;
mod facade;
mod intent;
mod support;
mod worker;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes an `async fn`, or a plain `fn` with a thread to itself, a worker: the function stays as it is and gets a method that spawns it.
///
/// ```
/// # use control_panel::{Context, ControlPanel, GraphIntent, worker};
/// # #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] enum Feed { Rss }
/// # #[derive(GraphIntent)] #[intent(source = Feed)] enum Update { Article(String) }
/// # #[derive(Debug)] struct FeedDown;
/// # impl std::fmt::Display for FeedDown {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("the feed is down") }
/// # }
/// # impl std::error::Error for FeedDown {}
/// /// Fetches the headlines.
/// #[worker(source = Feed::Rss)]
/// async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {
///     for title in titles {
///         cx.send(Update::Article(title)).await.map_err(|_| FeedDown)?;
///     }
///     Ok(())
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let handle = panel.spawn_rss(vec!["the first".into()]);
/// assert_eq!(handle.name(), "rss");
/// ```
///
/// It adds a trait `SpawnRss`, as visible as the function and in the same module, with that one method.
/// Every panel and every spawner of that intent and policy has it where the trait is in scope.
///
/// # The function
///
/// - It is an `async fn` outside any `impl`, or a plain `fn` with `kind = blocking` or `kind = thread`. A `#[worker]` method that takes `self` gets an error that says so; one
///   without `self` looks like a free function to the macro, and rustc complains of a trait inside an `impl`.
/// - Its first argument is the `Context`, or an alias of one. The others are owned values with plain names;
///   they become the spawn method's arguments. They need not be `Clone` unless the worker is restarted.
/// - It may be generic in what its context's type names, such as its intent and policy, and in nothing else.
/// - Where its intent has a lifetime, even `'static`, it is `kind = local`, or a plain `fn`: rustc forgets which lifetime it was when it
///   looks whether a future is `Send`.
/// - It returns `()` or a `Result<(), E>` whose error converts into `Box<dyn Error + Send + Sync>`.
///
/// # Arguments
///
/// | key | value | without it |
/// |---|---|---|
/// | `source` | a path to a value of the intent's `Source` | is needed |
/// | `restart` | `never`, `on_failure` or `always` | `never` |
/// | `intensity` | so many restarts, at least 1, in a period; one more, and the worker is given up. Or `unlimited` | after errors without limit, after panics 5; with `escalate = panel`, 5 of either |
/// | `period` | the sliding window that `intensity` counts in, such as `"10s"` | `"10s"` |
/// | `backoff` | how long to wait before the first restart, such as `"10ms"`; each wait is twice the one before. `"0ms"`: not at all, before none | `"100ms"` |
/// | `max_backoff` | the longest such wait | `"30s"` |
/// | `cancel` | `drop` at the next `.await`, or `cooperative`: ask, and drop after the grace | `drop` |
/// | `grace` | how long a cooperative worker may take to stop | `"5s"` |
/// | `suspend` | `never`, or `on_idle`: its gate closes while the panel is idle | `never` |
/// | `inbox` | the type of its commands: `cx.inbox::<Type>()` takes what `send` of its handle, a `WorkerHandle<Type>`, puts in | it takes none |
/// | `inbox_capacity` | how many commands its inbox holds, at least 1 | 32 |
/// | `kind` | where it runs: `async` on a task of its own; `local` on the panel's thread for futures that are not `Send`; `blocking` in the runtime's pool and `thread` on a thread of its own, both for a plain `fn` | `async` |
/// | `after` | the name that a worker has when this one is spawned, and that a shutdown stops only after this one, such as `"store"`; several in brackets | none |
/// | `escalate` | `panel`: failing too often ends the panel; or `never` | `never` |
/// | `significant` | none: its group may end with it | it may not |
/// | `ready_within` | it says when it is ready, by `cx.ready()`, and within this time, such as `"5s"`: those after it in its group start only then | it is ready when it begins |
/// | `stuck_after` | how long one poll may last before it is called stuck, such as `"5s"` | `"10s"` |
/// | `heartbeat` | how often at least it calls `cx.heartbeat()`, or is called stuck | it promises none |
/// | `on_stuck` | what becomes of it when it is stuck: `warn`, `restart` or `escalate` | `warn` |
/// | `name` | a name for the trait, the method and the worker; one instance is named by `panel.configure(\|worker\| worker.name(…))` | the function's name |
/// | `crate` | where control-panel is, when it is renamed or re-exported: `::renamed` or `crate::module` | `::control_panel` |
///
/// Use `name` when a generated name is taken: two workers `rss` and `rss_` would both have a `SpawnRss`. Its examples stay with the
/// function, so that each is compiled once; the rest of its documentation is that of the spawn method too.
///
/// # Expands to
///
/// ```ignore
/// /// Fetches the headlines.
/// async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {
///     // … as it was
/// }
///
/// /// Spawns the worker [`rss`](fn@rss) on a panel, or with a spawner, of its
/// /// intent.
/// trait SpawnRss {
///     /// Fetches the headlines.
///     ///
///     /// Spawns the worker [`rss`](fn@rss) and returns its handle immediately.
///     ///
///     /// - Source: `Feed::Rss`
///     /// - Restart: never
///     /// - Shutdown: it is dropped at its next `.await`
///     /// - Ends with: `Result<(), FeedDown>`
///     fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle;
/// }
/// impl<__S: ::control_panel::__private::Spawns<Context<Update>> + ?::core::marker::Sized> SpawnRss for __S {
///     fn spawn_rss(&self, titles: Vec<String>) -> ::control_panel::WorkerHandle {
///         __S::once_1(rss, titles).spawn(self, "rss", Feed::Rss)
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn worker(args: TokenStream, item: TokenStream) -> TokenStream {
    worker::worker(args.into(), &item.into()).into()
}

/// Implements `Intent` for an enum. `control_panel` exports it as `Intent` too, beside the trait of that name.
///
/// ```
/// # use control_panel::{GraphIntent, Intent};
/// # #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] enum Feed { Rss }
/// #[derive(GraphIntent)]
/// #[intent(source = Feed)]
/// enum Update {
///     Refresh,
///     #[intent(from)]
///     Article(String),
///     #[intent(clock = lamport)]
///     Replicated {
///         lamport: u64,
///         text: String,
///     },
/// }
///
/// assert_eq!(
///     Update::Replicated { lamport: 7, text: "hi".into() }.clock(),
///     Some(7)
/// );
/// assert_eq!(Update::from(String::from("news")).variant_name(), "Article");
/// # let _ = (Feed::Rss, Update::Refresh);
/// ```
///
/// # Arguments
///
/// On the enum:
///
/// | key | value | without it |
/// |---|---|---|
/// | `source` | the type of its sources | `control_panel::IntentSource` |
/// | `crate` | where control-panel is, when it is renamed or re-exported: `::renamed` or `crate::module` | `::control_panel` |
///
/// On a variant:
///
/// | key | value | without it |
/// |---|---|---|
/// | `clock` | the field, by name or by index, that is the variant's logical clock: any `LogicalClock` | the variant is local |
/// | `origin` | the field that names the peer it comes from: any `PeerId`. Beside `clock` only | it names no peer |
/// | `lossy` | none: the intent is dropped, and counted, when the queue is full | it waits for a slot |
/// | `latest` | none, or the field that tells what it is about: any `CoalesceKey`. It replaces one of the same producer, variant and key that no frame has taken yet, and comes at its own place. Not beside `clock` or `lossy` | each is queued |
/// | `skip` | none: a journal has the variant's name and its place in the frame, and none of its fields, for what is too much or too private; a replay cannot apply it. Not beside `clock` | a journal has all of it |
/// | `from` | none: the variant's one field becomes the variant by `From` | no `From` |
///
/// A variant that `#[serde(skip)]` skips stands behind all that it does not: serde counts those behind it in two ways.
///
/// A key that takes a field also bounds a generic enum: the field's type has to implement the key's trait.
///
/// # Expands to
///
/// ```ignore
/// impl ::control_panel::Intent for Update {
///     type Source = Feed;
///     const VARIANTS: &'static [::control_panel::Variant] = {
///         use ::control_panel::__private as __cp;
///         &[__cp::local("Refresh"), __cp::local("Article"), __cp::replicated("Replicated")]
///     };
///     fn variant(&self) -> ::core::primitive::usize {
///         match self {
///             Self::Refresh { .. } => 0,
///             Self::Article { .. } => 1,
///             Self::Replicated { .. } => 2,
///         }
///     }
///     fn clock(&self) -> ::core::option::Option<::core::primitive::u64> {
///         match self {
///             Self::Replicated { lamport: __field, .. } => {
///                 <u64 as ::control_panel::LogicalClock>::time(__field)
///             }
///             _ => ::core::option::Option::None,
///         }
///     }
/// }
/// impl ::core::convert::From<String> for Update {
///     fn from(value: String) -> Self {
///         Self::Article(value)
///     }
/// }
/// ```
#[proc_macro_derive(GraphIntent, attributes(intent))]
pub fn derive_graph_intent(input: TokenStream) -> TokenStream {
    intent::derive(input.into()).into()
}
