//! A panel of which a test accounts for everything.

mod message;

use std::{
    collections::VecDeque,
    fmt::{self, Debug},
    future::Future,
    panic::Location,
    thread,
    time::Duration,
};

use crate::{
    frame::reducer::Reducer,
    intent::{Intent, order::QueuedIntent},
    panel::ControlPanel,
    testing,
};

/// A reducer and its panel under exhaustive assertion: the test says of every intent that comes, and of every change of the
/// state, or fails with what it left out. (As the `TestStore` of The Composable Architecture.)
///
/// - [`send`](Self::send) applies an intent of the program's own, and says what it changes, on a copy of the state before it.
/// - [`receive`](Self::receive) says which intent of a worker comes next, and what that changes. Workers run under the test's
///   [paused time](super::paused), which [`advance`](Self::advance) moves on.
/// - [`finish`](Self::finish) says which workers still run. Without it the test ends as with `finish([])`, when the
///   `TestPanel` is dropped.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
///     testing::{self, TestPanel},
///     worker,
/// };
/// use std::time::Duration;
///
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     Open(&'static str),
///     Loaded { lines: usize },
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn load(cx: Context<Update>, lines: usize) {
///     tokio::time::sleep(Duration::from_secs(2)).await;
///     cx.send(Update::Loaded { lines }).await.ok();
/// }
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Reader {
///     page: Option<&'static str>,
///     lines: usize,
/// }
///
/// impl Reducer for Reader {
///     type Intent = Update;
///
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         match queued.intent {
///             Update::Open(page) => (self.page, self.lines) = (Some(page), 0),
///             Update::Loaded { lines } => self.lines = lines,
///         }
///     }
/// }
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     let mut test = TestPanel::new(panel, Reader::default());
///     test.send(IntentSource::LocalUI, Update::Open("home"), |reader| {
///         reader.page = Some("home")
///     });
///     test.panel().spawn_load(12);
///     test.advance(Duration::from_secs(2)).await;
///     let loaded =
///         |update: &Update| matches!(update, Update::Loaded { lines: 12 });
///     test.receive(loaded, |reader| reader.lines = 12).await;
///     test.finish([]).await;
/// });
/// ```
///
/// An intent that no one asked for, a field that changed besides, a worker that goes on: each fails the test. Had the closure of
/// `receive` above been `|_| {}`, it would have said that the test leaves `lines: 12` out, where it expects `lines: 0`.
///
/// Intents need neither `Clone` nor `PartialEq`, but `Debug` for what a failure says. A state that cannot be cloned or compared is
/// [viewed](Self::viewing).
///
/// Each intent is a frame of its own: applied, then [settled](Reducer::settle). There is no host; where effects belong to the
/// test, reconcile a host with [`state`](Self::state). Intents that came between two looks at the queue are in causal order.
///
/// # Panics
/// On drop, unless finished or the test panics already, if something is unaccounted for: see [`finish`](Self::finish).
pub struct TestPanel<'a, R: Reducer<Intent: Debug>, P: Send + Sync + 'static = (), V: PartialEq + Debug = R> {
    panel: &'a mut ControlPanel<R::Intent, P>,
    state: R,
    view: Box<dyn Fn(&R) -> V + 'a>,
    /// Came, and was not applied yet.
    unread: VecDeque<QueuedIntent<R::Intent>>,
    finished: bool,
}

impl<'a, R, P> TestPanel<'a, R, P>
where
    R: Reducer<Intent: Debug> + Clone + PartialEq + Debug + 'a,
    P: Send + Sync + 'static,
{
    /// Begins with this state. All of it is compared.
    pub fn new(panel: &'a mut ControlPanel<R::Intent, P>, state: R) -> Self {
        Self::viewing(panel, state, R::clone)
    }
}

impl<'a, R, P, V> TestPanel<'a, R, P, V>
where
    R: Reducer<Intent: Debug>,
    P: Send + Sync + 'static,
    V: PartialEq + Debug,
{
    /// Begins with this state, of which the test sees what `view` makes of it: where the state is no `Clone`, or has a part that is
    /// none of the test's affair. What the view leaves out may change unseen.
    ///
    /// ```
    /// use control_panel::{
    ///     ControlPanel, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer,
    ///     Replica, Stamp, State,
    ///     testing::{self, TestPanel},
    /// };
    ///
    /// #[derive(Clone, Debug, PartialEq)]
    /// struct Words(Vec<String>);
    ///
    /// impl State for Words {
    ///     type Op = String;
    ///     fn apply(&mut self, word: &String, _: &Stamp) {
    ///         self.0.push(word.clone());
    ///     }
    /// }
    ///
    /// #[derive(Debug, GraphIntent)]
    /// enum Update {
    ///     Add(String),
    /// }
    ///
    /// struct App {
    ///     words: Replica<Words>,
    /// } // a replica is no `Clone`
    ///
    /// impl Reducer for App {
    ///     type Intent = Update;
    ///
    ///     fn apply(&mut self, queued: QueuedIntent<Update>) {
    ///         let Update::Add(word) = queued.intent;
    ///         self.words.commit(word);
    ///     }
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let app = App {
    ///         words: Replica::builder(Peer([1; 32]), Words(Vec::new())).build(),
    ///     };
    ///     let mut test =
    ///         TestPanel::viewing(panel, app, |app| app.words.state().clone());
    ///     test.send(IntentSource::LocalUI, Update::Add("gate".into()), |words| {
    ///         words.0.push("gate".into())
    ///     });
    ///     test.finish([]).await;
    /// });
    /// ```
    pub fn viewing(panel: &'a mut ControlPanel<R::Intent, P>, state: R, view: impl Fn(&R) -> V + 'a) -> Self {
        Self { panel, state, view: Box::new(view), unread: VecDeque::new(), finished: false }
    }

    /// The panel: to spawn workers, to set the policy, to stop a worker. What the test drains from it by hand is not accounted for.
    pub fn panel(&mut self) -> &mut ControlPanel<R::Intent, P> {
        self.panel
    }

    /// The state as it is.
    pub fn state(&self) -> &R {
        &self.state
    }

    /// Applies an intent of the program's own, as `run_frame` applies a local one. `change` makes of the state before it what the
    /// test expects after it.
    ///
    /// # Panics
    /// If intents came that the test did not [`receive`](Self::receive); if the state is not the expected one, with the path of the
    /// first difference. If the reducer does, or `change`.
    #[track_caller]
    pub fn send(
        &mut self,
        source: <R::Intent as Intent>::Source,
        intent: R::Intent,
        change: impl FnOnce(&mut V),
    ) {
        let place = Location::caller();
        self.look();
        assert!(
            self.unread.is_empty(),
            "{place}: before it sends `{}`, the test does not account for {}",
            message::short(&intent),
            message::intents(&self.unread),
        );
        self.apply(QueuedIntent::new(source, intent), change, place);
    }

    /// The next intent is the one that `expected` knows, and changes what `change` makes of a copy of the state before it.
    ///
    /// Where none is there yet, workers run until all of them wait; time does not pass for it (but for the 2 ms of
    /// [`testing::settle`](super::settle)): [`advance`](Self::advance) it to what they wait for. A worker on a thread of its own
    /// runs in real time: wait for its intent, as with `panel().wait_ready()`, first.
    ///
    /// # Panics
    /// If none comes, with what the workers do; if the next one is another; if the state is not the expected one, with the path of the
    /// first difference. If the reducer does, or one of the closures.
    ///
    /// # Cancel safety
    /// Dropped before it has an intent, it changed nothing.
    #[track_caller]
    pub fn receive(
        &mut self,
        expected: impl FnOnce(&R::Intent) -> bool,
        change: impl FnOnce(&mut V),
    ) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            self.look();
            if self.unread.is_empty() {
                testing::settle().await;
                self.look();
            }
            let Some(queued) = self.unread.pop_front() else {
                panic!(
                    "{place}: no intent came, and every worker waits; `advance` the time if one waits for a timer. {}",
                    message::workers(self.panel)
                );
            };
            if !expected(&queued.intent) {
                self.unread.push_front(queued);
                panic!(
                    "{place}: the next intent is not the expected one: {}",
                    message::intents(&self.unread)
                );
            }
            self.apply(queued, change, place);
        }
    }

    /// Lets time pass, every timer in between fire, and every worker that it wakes run until it waits again.
    pub async fn advance(&mut self, time: Duration) {
        testing::advance(time).await;
    }

    /// Ends the test: workers run until all of them wait, and every intent that came was received. Of the living workers each is
    /// named in `running`, a name for each, in any order: what goes on might send more, so the test says that it does.
    ///
    /// # Panics
    /// If an intent was not received; if a worker runs that is not named, or does not run that is.
    #[track_caller]
    pub fn finish<'n>(mut self, running: impl IntoIterator<Item = &'n str>) -> impl Future<Output = ()> {
        let place = Location::caller();
        let running: Vec<_> = running.into_iter().collect();
        async move {
            testing::settle().await;
            self.finished = true;
            if let Some(missing) = self.unaccounted(&running) {
                panic!("{place}: the test ends, and does not account for {missing}");
            }
        }
    }

    /// Takes what came; also what a budget kept back.
    fn look(&mut self) {
        loop {
            let mut frame = self.panel.drain();
            self.unread.extend(frame.by_ref());
            if frame.remaining() == 0 {
                return;
            }
        }
    }

    fn apply(&mut self, queued: QueuedIntent<R::Intent>, change: impl FnOnce(&mut V), place: &Location<'_>) {
        let what = format!("`{}` of {:?}", message::short(&queued.intent), queued.source);
        let before = (self.view)(&self.state);
        let mut expected = (self.view)(&self.state);
        debug_assert!(before == expected, "a view of one state is equal to itself");
        self.state.apply(queued);
        self.state.settle();
        change(&mut expected);
        let after = (self.view)(&self.state);
        assert!(after == expected, "{place}: {}", message::change(&what, &before, &expected, &after));
    }

    /// What the test leaves out, in words.
    fn unaccounted(&mut self, running: &[&str]) -> Option<String> {
        self.look();
        let mut missing = Vec::new();
        if !self.unread.is_empty() {
            missing.push(message::intents(&self.unread));
        }
        missing.extend(message::running(self.panel, running));
        (!missing.is_empty()).then(|| missing.join("; nor for "))
    }
}

impl<R: Reducer<Intent: Debug>, P: Send + Sync + 'static, V: PartialEq + Debug> Drop
    for TestPanel<'_, R, P, V>
{
    fn drop(&mut self) {
        if self.finished || thread::panicking() {
            return;
        }
        self.finished = true;
        if let Some(missing) = self.unaccounted(&[]) {
            panic!(
                "a `TestPanel` was dropped, and the test does not account for {missing}; end it with `finish`"
            );
        }
    }
}

impl<R, P, V> Debug for TestPanel<'_, R, P, V>
where
    R: Reducer<Intent: Debug>,
    P: Send + Sync + 'static,
    V: PartialEq + Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestPanel")
            .field("state", &(self.view)(&self.state))
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}
