//! What a frame did to replicated state: plain figures, which the replicas of a reducer add to while the frame runs.

use std::{cell::Cell, marker::PhantomData};

use super::stopwatch::{Clock, Measuring, SlowestApply};

thread_local! {
    /// The figures of the frame that runs on this thread; `None` outside a frame.
    static OF_FRAME: Cell<Option<RedoFigures>> = const { Cell::new(None) };
}

/// What the replicas of a reducer put in order during one frame, in operations; several replicas are added up.
///
/// Part of [`FrameReport`](crate::FrameReport). All zero for a reducer without a replica, and in a frame in which no operation
/// of another replica arrived.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State};
/// use control_panel::{Delta, frame::RedoFigures};
/// # #[derive(Clone, Default)] struct Words(Vec<String>);
/// # impl State for Words {
/// #     type Op = String;
/// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
/// # }
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Typed(String),
///     #[intent(clock = delta, origin = delta)]
///     ApplyRemoteDelta { delta: Delta<String> },
/// }
///
/// struct App { words: Replica<Words> }
///
/// impl Reducer for App {
///     type Intent = Update;
///
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         match queued.intent {
///             Update::Typed(word) => { self.words.commit(word); }
///             Update::ApplyRemoteDelta { delta } => { self.words.merge(delta); }
///         }
///     }
///
///     fn settle(&mut self) {
///         let _ = self.words.settle();
///     }
/// }
///
/// let peers = [Peer([1; 32]), Peer([2; 32])];
/// let mut elsewhere = Replica::new(peers[1], peers, Words::default());
/// elsewhere.commit("there".to_owned());
/// let delta = elsewhere.outbox().unwrap();
///
/// let mut panel = ControlPanel::<Update>::new();
/// let mut app = App { words: Replica::new(peers[0], peers, Words::default()) };
/// let local = [(IntentSource::LocalUI, Update::Typed("here".to_owned()))];
/// let report = panel.run_frame(&mut app, &mut (), local);
/// assert_eq!(report.redo, RedoFigures::default());
/// let remote = [(IntentSource::P2pSync, Update::ApplyRemoteDelta { delta })];
/// let report = panel.run_frame(&mut app, &mut (), remote);
/// assert_eq!(report.redo.merged, 1);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedoFigures {
    /// Operations of other replicas that became part of the state.
    pub merged: usize,
    /// Operations that were undone, so that those that sort before them could be applied.
    pub undone: usize,
    /// Operations that were applied again afterwards. Without undo records this includes those between the snapshot to which the
    /// state went back and the first late operation.
    pub redone: usize,
    /// Rollbacks that exceeded the budget of the frame, each handed out as a job to run elsewhere.
    pub jobs: usize,
}

impl RedoFigures {
    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Adds these figures to those of the frame that runs on this thread. Does nothing outside a frame.
    pub(crate) fn add(self) {
        OF_FRAME.with(|figures| {
            if let Some(before) = figures.get() {
                figures.set(Some(Self {
                    merged: before.merged + self.merged,
                    undone: before.undone + self.undone,
                    redone: before.redone + self.redone,
                    jobs: before.jobs + self.jobs,
                }));
            }
        });
    }
}

/// Collects the figures of one frame. A frame inside another one (of another panel, in a reducer) has figures of its own; when
/// it ends or panics, the outer frame continues with the figures that it had.
#[must_use = "the figures are those added until it ends"]
pub(crate) struct Collector {
    outer: Option<RedoFigures>,
    /// Ends with the frame.
    _measuring: Measuring,
    /// It belongs to the thread on which it began.
    not_send: PhantomData<*const ()>,
}

impl Collector {
    /// `clock` is read only for the report.
    pub(crate) fn begin(clock: Clock) -> Self {
        let outer = OF_FRAME.replace(Some(RedoFigures::default()));
        Self { outer, _measuring: Measuring::begin(Some(clock)), not_send: PhantomData }
    }

    /// The figures added since the frame began, and the operations that took longest.
    pub(crate) fn end(self) -> (RedoFigures, Option<SlowestApply>) {
        let figures = OF_FRAME.get();
        debug_assert!(figures.is_some(), "frames end in the reverse of the order in which they began");
        let slowest = Measuring::slowest();
        drop(self);
        (figures.unwrap_or_default(), slowest)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        OF_FRAME.set(self.outer);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{Collector, RedoFigures};

    fn merged(merged: usize) -> RedoFigures {
        RedoFigures { merged, ..RedoFigures::default() }
    }

    fn begin() -> Collector {
        Collector::begin(Instant::now)
    }

    fn figures(collector: Collector) -> RedoFigures {
        collector.end().0
    }

    #[test]
    fn outside_a_frame_nothing_is_collected() {
        merged(1).add();
        assert!(figures(begin()).is_zero());
    }

    #[test]
    fn several_add_up() {
        let collector = begin();
        RedoFigures { merged: 1, undone: 2, redone: 3, jobs: 0 }.add();
        RedoFigures { merged: 10, undone: 20, redone: 30, jobs: 1 }.add();
        assert_eq!(figures(collector), RedoFigures { merged: 11, undone: 22, redone: 33, jobs: 1 });
        assert!(figures(begin()).is_zero(), "the next frame begins with nothing");
    }

    #[test]
    fn an_inner_frame_has_its_own_also_where_it_panics() {
        let outer = begin();
        merged(1).add();
        let inner = begin();
        merged(2).add();
        assert_eq!(figures(inner), merged(2));
        let panicked = std::panic::catch_unwind(|| {
            let _inner = begin();
            merged(4).add();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicked.is_err());
        merged(8).add();
        assert_eq!(figures(outer), merged(9));
    }

    #[test]
    fn another_thread_adds_nothing() {
        let collector = begin();
        std::thread::spawn(|| merged(1).add()).join().unwrap();
        assert!(figures(collector).is_zero());
    }
}
