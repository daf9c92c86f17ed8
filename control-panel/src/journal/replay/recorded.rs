//! The trait that a program implements: a reducer that can be recorded and replayed.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::start::Start;
use crate::{frame::reducer::Reducer, intent::Intent, journal::JournalError};

/// A [`Reducer`] whose frames can be recorded, and replayed without the program around it.
///
/// A replay begins with [`begin`](Self::begin), applies the recorded intents and settles where the program did, and so reaches the
/// same states: `apply` and `settle` are pure, and their input is in the record. Only intents are recorded. So:
/// - A replica's [`outbox`](crate::Replica::outbox), and changes of its members, are called in `apply` or `settle`, not between frames.
/// - Its operations have a [codec](crate::replica::ReplicaBuilder::codec).
/// - The frames are those of [`run_frame`](crate::ControlPanel::run_frame): intents read from [`drain`](crate::ControlPanel::drain) are not recorded.
///
/// An intent needs serde's traits. A variant that is too large, too frequent or too private gets
/// [`#[intent(skip)]`](macro@crate::GraphIntent), and `#[serde(skip)]` if its fields do not have those traits. Such variants come
/// last, because serde counts the variants after them in two ways (the same holds for an enum inside an intent, and for an
/// operation). The record then has the variant's name, and a replay reports that it could not apply it. A
/// [`Reply`](crate::requests::Reply) comes back as one for which nothing waits.
///
/// ```
/// use control_panel::journal::{JournalError, Recorded, Start};
/// use control_panel::{GraphIntent, IntentSource, QueuedIntent, Reducer};
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
///         if self.0 < 1_000 {
///             Ok(())
///         } else {
///             Err("the total is too large".to_owned())
///         }
///     }
///
///     fn redact(intent: Update) -> Option<Update> {
///         match intent {
///             Update::Add(_) => Some(Update::Add(0)), // how often, not what
///             Update::MouseMoved(..) => None,
///         }
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
    /// The state with which a session begins, both in the program, which calls
    /// [`Journal::begin`](crate::journal::Journal::begin), and in a replay.
    ///
    /// A replica in it is made by [`Start::replica`], so that it has what earlier sessions committed. It reads no other input from outside.
    ///
    /// # Errors
    /// Those of [`Start::replica`], which a replay reports.
    fn begin(start: &Start<'_>) -> Result<Self, JournalError>;

    /// The version of this reducer: raise it with each change of what `apply` does. A journal notes it, and
    /// [`Journal::begin`](crate::journal::Journal::begin) refuses another reducer's journal; `refold` replays it. Default: 0.
    fn fingerprint() -> u64 {
        0
    }

    /// The invariant that must hold after each frame; the error says what does not. Replays check it, the program does not. `shrink`
    /// finds the few intents that break it. Default: nothing is checked.
    ///
    /// # Errors
    /// The text with which a test is to fail.
    fn invariant(&self) -> Result<(), String> {
        Ok(())
    }

    /// A copy of the state, if it can be copied: `Some(self.clone())`. A [`Timeline`](crate::journal::Timeline) keeps some, so that going
    /// back is fast. Default: none.
    fn copy(&self) -> Option<Self> {
        None
    }

    /// What an export shows of an intent: the same intent, a copy with its private parts blanked, or `None` for its variant alone. Only
    /// `export --redact` calls it. Default: the variant alone.
    fn redact(intent: Self::Intent) -> Option<Self::Intent> {
        drop(intent);
        None
    }
}
