//! How much one frame hands out.

use std::time::Duration;

use tokio::time::Instant;

/// How much of the queue one frame hands out at most. Unlimited by default.
///
/// The next frame hands out the rest, together with what other sources sent meanwhile: see [`Frame`](crate::Frame). At least
/// one intent is handed out whatever the budget, so that a loop always makes progress; local intents given to `run_frame`
/// are never cut off.
///
/// If there is more than the budget allows, the order decides what waits: give the user's own input the first source.
///
/// With any budget the frame checks before each intent, which takes longer than handing out a frame as a whole.
///
/// Without one, which is the default, a frame hands out what every producer has queued, however many there are: each adds less
/// than a microsecond to the frame, and none waits for a later frame so that this one is shorter.
///
/// ```
/// use std::time::Duration;
/// use control_panel::{ControlPanel, FrameBudget, GraphIntent, IntentSource};
///
/// #[derive(GraphIntent)]
/// enum Update { Tick }
///
/// let budget = FrameBudget::default().intents(2).time(Duration::from_millis(4));
/// let mut panel = ControlPanel::<Update>::builder().frame_budget(budget).build();
/// let ui = panel.sender(IntentSource::LocalUI);
/// for _ in 0..3 {
///     ui.try_send(Update::Tick)?;
/// }
/// assert!(panel.drain().count() <= 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameBudget {
    intents: Option<usize>,
    time: Option<Duration>,
}

impl FrameBudget {
    /// At most this many intents a frame (at least 1).
    #[must_use]
    pub fn intents(mut self, most: usize) -> Self {
        self.intents = Some(most);
        self
    }

    /// No further intent once this much time has passed since the drain. Where the frame is cut depends on the machine, so a
    /// session with a time budget is repeatable only if its frame borders are recorded. Reads the clock for each intent.
    #[must_use]
    pub fn time(mut self, most: Duration) -> Self {
        self.time = Some(most);
        self
    }
}

/// What is left of a budget.
#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) unlimited: bool,
    first: bool,
    left: usize,
    until: Option<Instant>,
}

impl Allowance {
    #[inline]
    pub(super) fn new(budget: FrameBudget) -> Self {
        let FrameBudget { intents, time } = budget;
        let until = time.and_then(|time| Instant::now().checked_add(time));
        Self {
            unlimited: intents.is_none() && until.is_none(),
            first: true,
            // No machine has memory for so many.
            left: intents.unwrap_or(usize::MAX),
            until,
        }
    }

    #[inline]
    pub(super) fn one_more(&mut self) -> bool {
        if self.unlimited {
            return true;
        }
        let first = std::mem::replace(&mut self.first, false);
        let allowed = first || (self.left > 0 && self.until.is_none_or(|until| Instant::now() < until));
        self.left = if allowed { self.left.saturating_sub(1) } else { 0 };
        allowed
    }
}
