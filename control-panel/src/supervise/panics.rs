//! Panics as data: where they arose and what they carried, by one process-wide hook.
//!
//! The payload comes from `catch_unwind`, but the place is told only to the hook. So the hook, installed
//! once and for all panels, notes the place for whoever is catching on this thread, and then calls the hook
//! that was there before: the user's, or the standard one that prints.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{Arc, Once},
    thread,
};

use super::exit::{PanicPlace, PanicReport};

/// What this thread wants to know of a panic.
enum Catching {
    Nothing,
    /// The place, once there is one.
    Place(Option<PanicPlace>),
    /// That nobody is told: the panic is an answer, not a failure.
    Quietly,
}

thread_local! {
    static CATCHING: RefCell<Catching> = const { RefCell::new(Catching::Nothing) };
}

/// Installs the hook, once for the process. Later hooks that call the one before them keep it working.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    // Hooks cannot be changed while this thread panics (a worker spawned from a `Drop`): the next call does it.
    if !thread::panicking() {
        ONCE.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if note(info) {
                    before(info);
                }
            }));
        });
    }
}

/// Whether the hook before is to be called.
fn note(info: &PanicHookInfo<'_>) -> bool {
    CATCHING
        .try_with(|catching| {
            // A panic inside this very function would find the cell borrowed: then just report it.
            let Ok(mut catching) = catching.try_borrow_mut() else { return true };
            match &mut *catching {
                Catching::Nothing => true,
                Catching::Quietly => false,
                Catching::Place(place) => {
                    *place = info.location().map(|at| PanicPlace {
                        file: at.file().into(),
                        line: at.line(),
                        column: at.column(),
                        backtrace: backtrace(),
                    });
                    true
                }
            }
        })
        .unwrap_or(true)
}

fn backtrace() -> Option<Arc<Backtrace>> {
    let backtrace = Backtrace::capture();
    (backtrace.status() == BacktraceStatus::Captured).then(|| Arc::new(backtrace))
}

/// Runs `f`; a panic becomes a report.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, PanicReport> {
    let (result, caught) = scope(Catching::Place(None), f);
    let place = if let Catching::Place(place) = caught { place } else { None };
    result.map_err(|payload| PanicReport::new(payload, place))
}

/// Runs `f`; a panic is `None` and nobody is told.
pub(crate) fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    install();
    scope(Catching::Quietly, f).0.ok()
}

fn scope<T>(catching: Catching, f: impl FnOnce() -> T) -> (thread::Result<T>, Catching) {
    let outer = CATCHING.replace(catching);
    // The caller drops whatever `f` broke, or hands it on as a panic of its own.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    (result, CATCHING.replace(outer))
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
    fn quiet_panics_are_an_answer() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| -> u32 { panic!("not to be seen") }), None);
    }
}
