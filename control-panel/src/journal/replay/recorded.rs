//! What a user implements: a reducer that can be recorded and replayed.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::start::Start;
use crate::{frame::reducer::Reducer, intent::Intent, journal::JournalError};

/// A [`Reducer`] whose frames can be recorded, and replayed without the program around it.
///
/// A replay begins with [`begin`](Self::begin), applies the recorded intents, settles where the program did, and so comes to the
/// same states: `apply` and `settle` are pure, and what they read is in the record. What is **not** an intent is not in it. So:
/// - A replica's [`outbox`](crate::Replica::outbox), and what changes its members, is called in `apply` or `settle`, not between frames.
/// - Its operations have a [codec](crate::replica::ReplicaBuilder::codec).
/// - The frames are those of [`run_frame`](crate::ControlPanel::run_frame): what [`drain`](crate::ControlPanel::drain) hands out by hand is not recorded.
///
/// An intent needs serde's traits. A variant that is too large, too frequent or too private has
/// [`#[intent(skip)]`](macro@crate::GraphIntent), and `#[serde(skip)]` where its fields have not those traits, behind all others (serde counts those behind it in
/// two ways; an enum inside an intent, or an operation, needs the same): then the record has its name, and a replay
/// says that it could not apply it. A [`Reply`](crate::Reply) comes back as one that no one waits for.
///
/// ```
/// use control_panel::{GraphIntent, IntentSource, QueuedIntent, Reducer};
/// use control_panel::journal::{JournalError, Recorded, Start};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, GraphIntent, Serialize, Deserialize)]
/// enum Update {
///     Add(u32),
///     #[intent(skip)]
///     MouseMoved(f32, f32),
/// }
///
/// #[derive(Debug, Default)]
/// struct Total(u32);
///
/// impl Reducer for Total {
///     type Intent = Update;
///
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         if let Update::Add(n) = queued.intent {
///             self.0 += n;
///         }
///     }
/// }
///
/// impl Recorded for Total {
///     fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
///         Ok(Self::default())
///     }
///
///     fn invariant(&self) -> Result<(), String> {
///         if self.0 < 1_000 { Ok(()) } else { Err("the total is too large".to_owned()) }
///     }
/// }
/// # let _ = (Update::MouseMoved(0.0, 0.0), IntentSource::LocalUI, Update::Add(1));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be replayed from a journal",
    note = "implement `control_panel::journal::Recorded` for `{Self}`; its intents derive `Debug`, `Serialize` and `Deserialize`"
)]
pub trait Recorded:
    Reducer<Intent: Intent<Source: Serialize + DeserializeOwned> + Serialize + DeserializeOwned + Debug>
    + Debug
    + Sized
{
    /// The state that a session begins with: in the program, which calls [`Journal::begin`](crate::journal::Journal::begin), and in a replay.
    ///
    /// A replica in it is made by [`Start::replica`], so that it has what earlier sessions promised. Nothing else of the outside is read.
    ///
    /// # Errors
    /// Those of [`Start::replica`], which a replay reports.
    fn begin(start: &Start<'_>) -> Result<Self, JournalError>;

    /// Which reducer this is: raised with each change of what `apply` does. A journal notes it, and
    /// [`Journal::begin`](crate::journal::Journal::begin) refuses another's; `refold` replays that. Default: 0.
    fn fingerprint() -> u64 {
        0
    }

    /// What must hold after each frame; the error says what does not. Replays look, the program does not. `shrink` finds the few
    /// intents that break it. Default: nothing.
    ///
    /// # Errors
    /// In the words that a test is to fail with.
    fn invariant(&self) -> Result<(), String> {
        Ok(())
    }

    /// A copy of the state, where it can have one: `Some(self.clone())`. A [`Timeline`](crate::journal::Timeline) keeps some, to go back
    /// fast. Default: none.
    fn copy(&self) -> Option<Self> {
        None
    }

    /// What an export shows of an intent: the same, another with its private parts blanked, or `None` for its variant alone. Called by
    /// `export --redact` only. Default: the variant alone.
    fn redact(intent: Self::Intent) -> Option<Self::Intent> {
        drop(intent);
        None
    }
}
