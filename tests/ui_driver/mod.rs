//! Takes every fix that an expected message names, applies it, and compiles what comes out.
//!
//! A fix is what stands in backquotes behind "write", "add", "drop" or "did you mean". Where it goes follows from what it is and
//! from what is underlined; of the few places that come into question one has to make the case compile, without an error.

mod apply;
mod message;
mod rustc;

pub(crate) use self::{apply::candidates, message::Message, message::messages, rustc::Rustc};
