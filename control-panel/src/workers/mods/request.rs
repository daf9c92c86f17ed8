//! What a mod requests from the host's intent and policy, and the error numbers that it gets back.

use super::{event::ModEvent, manifest::ModManifest};
use crate::Intent;

/// An intent that a mod emitted and that is not accepted yet. Nothing about it can be trusted except that it is UTF-8 and at
/// most 16 KiB long.
#[derive(Debug, Clone, Copy)]
pub struct ModRequest<'a> {
    manifest: &'a ModManifest,
    json: &'a str,
}

impl<'a> ModRequest<'a> {
    pub(super) fn new(manifest: &'a ModManifest, json: &'a str) -> Self {
        Self { manifest, json }
    }

    /// Returns the id of the mod that emitted it.
    pub fn mod_id(&self) -> &'a str {
        self.manifest.id()
    }

    /// Returns the emitted text: by convention JSON, `{"kind": …, …}`, but it may be anything.
    pub fn json(&self) -> &'a str {
        self.json
    }

    /// Returns whether the mod asked for this capability and was granted it, so that a host can require one for each kind.
    pub fn may(&self, capability: &str) -> bool {
        // A mod that asks for a capability that it is not granted is not loaded.
        self.manifest.has_capability(capability)
    }
}

/// An intent that mods can cause: their events, and what they emit.
///
/// ```
/// use control_panel::GraphIntent;
/// use control_panel::workers::mods::{ModEvent, ModIntent, ModRequest};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(from)]
///     Mod(ModEvent),
///     Annotate {
///         page: u32,
///         text: String,
///     },
/// }
///
/// impl ModIntent for Update {
///     fn from_mod(request: &ModRequest<'_>) -> Result<Self, String> {
///         if !request.may("annotate") {
///             return Err("it may not annotate".to_owned());
///         }
///         // A real host deserializes a type of its own here, with serde_json.
///         let number =
///             request.json().trim().strip_prefix(r#"{"kind":"annotate","page":"#);
///         let page = number.and_then(|rest| rest.strip_suffix('}')?.parse().ok());
///         let page = page.ok_or("not an annotation")?;
///         Ok(Self::Annotate { page, text: format!("by {}", request.mod_id()) })
///     }
/// }
/// ```
pub trait ModIntent: Intent + From<ModEvent> {
    /// Creates an intent from what a mod emitted, or returns why not: the mod then gets the error number −4, and its log a
    /// line.
    ///
    /// Called on a blocking thread, within the mod's time. By default every request is refused.
    ///
    /// # Errors
    /// Why it is not accepted. Check it like anything written by a stranger: kind, fields, ranges, and whether this mod
    /// [may](ModRequest::may).
    fn from_mod(request: &ModRequest<'_>) -> Result<Self, String> {
        let _ = request;
        Err("this host takes no intents from mods".to_owned())
    }
}

/// A policy whose values mods may read, one capability per value: `policy:KEY`. `()` has none.
///
/// ```
/// use control_panel::workers::mods::ModPolicy;
///
/// struct Limits {
///     warm_pages: usize,
/// }
///
/// impl ModPolicy for Limits {
///     /// Granted as `policy:warm_pages`.
///     fn mod_value(&self, key: &str) -> Option<String> {
///         (key == "warm_pages").then(|| self.warm_pages.to_string())
///     }
/// }
///
/// let limits = Limits { warm_pages: 8 };
/// assert_eq!(limits.mod_value("warm_pages").as_deref(), Some("8"));
/// ```
pub trait ModPolicy {
    /// Returns the value for a key, as text; `None` if there is none. Called for each read, so a mod sees a new policy
    /// immediately.
    fn mod_value(&self, key: &str) -> Option<String> {
        let _ = key;
        None
    }
}

impl ModPolicy for () {}

/// The error numbers of the host's functions: all negative.
pub(super) mod refusal {
    /// The address and length are not within the mod's memory.
    pub(in super::super) const MEMORY: i32 = -1;
    /// The text is not UTF-8.
    pub(in super::super) const TEXT: i32 = -2;
    /// The text is too long.
    pub(in super::super) const LENGTH: i32 = -3;
    /// The host does not accept the intent.
    pub(in super::super) const REFUSED: i32 = -4;
    /// This call of the mod has emitted as many intents as it may.
    pub(in super::super) const MANY: i32 = -5;
    /// There is no such value.
    pub(in super::super) const UNKNOWN: i32 = -6;
    /// The mod is not granted it.
    pub(in super::super) const DENIED: i32 = -7;
}
