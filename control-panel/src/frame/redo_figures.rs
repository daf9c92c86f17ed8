//! What a frame did to replicated state: plain figures, which the replicas of a reducer add to while the frame runs.

use super::collector;

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
        collector::measure(|frame| {
            frame.redo.merged += self.merged;
            frame.redo.undone += self.undone;
            frame.redo.redone += self.redone;
            frame.redo.jobs += self.jobs;
        });
    }
}
