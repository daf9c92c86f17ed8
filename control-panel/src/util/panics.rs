//! Panics as data: where they arose and what they carried, recorded by one process-wide hook.
//!
//! The payload comes from `catch_unwind`, but only the hook learns the place. So the hook, installed once for all
//! panels, records the place for the catch on this thread, and then calls the previous hook: the user's, or the
//! standard one that prints.

mod hook;
mod report;

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    thread,
};

pub(crate) use self::hook::install;
use self::hook::{CATCHING, Catching, Places, noted};
pub use self::{
    hook::{is_supervised_panic, skip_supervised_panics},
    report::{PanicPlace, PanicReport},
};

/// Whether a panic ends the process, whatever is done here.
pub(crate) const ABORT: bool = cfg!(panic = "abort");

/// The text of a payload, if it is text.
pub(crate) fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Runs `f`; a panic becomes a report.
#[inline]
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, PanicReport> {
    report(scope(Catching::default(), f))
}

/// The same, but skips the previous hook: for a panic that is expected, again and again.
pub(crate) fn catch_silently<T>(f: impl FnOnce() -> T) -> Result<T, PanicReport> {
    install();
    report(scope(Catching { silently: true, ..Catching::default() }, f))
}

#[inline]
fn report<T>((result, places): (thread::Result<T>, Option<Places>)) -> Result<T, PanicReport> {
    result.map_err(|payload| {
        let (text, mut places) = (message(&*payload), places.unwrap_or_default());
        // The latest with this payload's message; nothing else distinguishes them.
        let at = places.iter().rposition(|(_, message, _)| message.as_deref() == text);
        let place = at.and_then(|at| places.remove(at)).map(|(.., place)| place);
        PanicReport::new(payload, place)
    })
}

/// Runs `f`; a panic becomes its payload, to be resumed later. To the hook it is a panic that no panel catches.
#[inline]
pub(crate) fn hold<T>(f: impl FnOnce() -> T) -> thread::Result<T> {
    panic::catch_unwind(AssertUnwindSafe(f))
}

/// Runs `f`; a panic becomes `None`, and only the hook reports it. To the hook it is a panic that no panel catches.
#[inline]
pub(crate) fn survive<T>(f: impl FnOnce() -> T) -> Option<T> {
    hold(f).map_err(discard).ok()
}

/// Drops a foreign value. Its destructor may panic: the hook reports that, and the caller continues.
pub(crate) fn discard<T>(value: T) {
    let Err(panic) = catch(|| drop(value)) else { return };
    // The payload's destructor may panic too. What that panics with is leaked: it could go on without end.
    if let Err(panic) = catch(|| drop(panic)) {
        std::mem::forget(panic);
    }
}

/// Runs `f`; a panic becomes `None`, and is not reported, because it is an answer and not a failure.
pub(crate) fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_silently(f).ok()
}

/// Inlined: one frame less to unwind.
#[inline]
fn scope<T>(catching: Catching, f: impl FnOnce() -> T) -> (thread::Result<T>, Option<Places>) {
    let outer = CATCHING.get();
    let depth = outer.depth + 1;
    CATCHING.set(Catching { depth, ..catching });
    // The caller drops whatever `f` broke, or passes it on as a panic of its own.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    let places = CATCHING.replace(outer).noted.then(|| noted(depth));
    (result, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message_and_place() {
        install();
        let line = line!() + 1;
        let report = catch(|| panic!("the {} is gone", "peer")).unwrap_err();
        assert_eq!(report.message(), "the peer is gone");
        let place = report.place().unwrap();
        assert!(place.file.ends_with("panics.rs") && place.line == line && place.column > 1, "{place}");
        assert_eq!(report.to_string(), format!("at {place}: the peer is gone"));
    }

    #[test]
    fn a_payload_that_is_not_text_can_be_taken() {
        install();
        let report = catch(|| panic::panic_any(7_u32)).unwrap_err();
        assert_eq!(report.take_payload().unwrap().downcast_ref(), Some(&7_u32));
        assert!(report.take_payload().is_none());
    }

    #[test]
    fn the_inner_catch_does_not_take_the_outer_place() {
        install();
        let line = line!() + 3;
        let report = catch(|| {
            catch(|| panic!("inner")).unwrap_err();
            panic!("outer")
        });
        let report = report.map(|(): ()| ()).unwrap_err();
        assert_eq!((report.message(), report.place().unwrap().line), ("outer", line));
    }

    #[test]
    fn a_panic_that_a_destructor_catches_does_not_take_the_place() {
        struct Careless;
        impl Drop for Careless {
            fn drop(&mut self) {
                panic::catch_unwind(|| panic!("while dropping")).unwrap_err();
            }
        }
        install();
        let line = line!() + 3;
        let report = catch(|| {
            let _careless = Careless;
            panic!("the reason")
        });
        let report = report.map(|(): ()| ()).unwrap_err();
        assert_eq!((report.message(), report.place().unwrap().line), ("the reason", line));
    }

    #[test]
    fn a_value_is_discarded_whatever_its_destructor_panics_with() {
        /// Panics, when it is dropped, with another one, so many times.
        struct Grenade(u32);
        impl Drop for Grenade {
            fn drop(&mut self) {
                if let Some(left) = self.0.checked_sub(1) {
                    panic::panic_any(Grenade(left));
                }
            }
        }
        install();
        for nested in 0..4 {
            discard(Grenade(nested));
            assert!(survive(|| panic::panic_any(Grenade(nested))).is_none());
        }
        assert_eq!(survive(|| 1), Some(1));
    }

    #[test]
    fn quiet_panics_are_an_answer() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| -> u32 { panic!("not to be seen") }), None);
    }
}
