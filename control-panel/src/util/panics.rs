//! Panics as data: where they arose and what they carried, recorded by one process-wide hook.
//!
//! The payload comes from `catch_unwind`, but only the hook learns the place. So the hook, installed once for all
//! panels, records the place for the catch on this thread, and then calls the previous hook: the user's, or the
//! standard one that prints.

mod report;

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::{self, AssertUnwindSafe, Location, PanicHookInfo},
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::util::Mutex;

pub use self::report::{PanicPlace, PanicReport};

/// Whether a panic ends the process, whatever is done here.
pub(crate) const ABORT: bool = cfg!(panic = "abort");

/// How many places are kept for one catch.
const PLACES_KEPT: usize = 8;

/// How this thread catches panics. Changed around every poll of a worker, so it is plain and small, and the recorded
/// places are stored separately.
#[derive(Debug, Clone, Copy)]
struct Catching {
    /// How many catches are nested; 0 if there is none.
    depth: u32,
    /// Whether the innermost catch reports nothing, because a panic is an answer to it and not a failure.
    quietly: bool,
    /// Whether the previous hook is skipped.
    silently: bool,
    /// Whether places were recorded for it.
    noted: bool,
}

/// The places of panics, each with the depth of the catch that it is recorded for and the panic's message. The latest
/// ones of each catch: a worker may catch some itself, or a destructor may while the worker's own panic unwinds.
type Places = VecDeque<(u32, Option<String>, PanicPlace)>;

thread_local! {
    static CATCHING: Cell<Catching> = const { Cell::new(Catching { depth: 0, quietly: false, silently: false, noted: false }) };
    static PLACES: RefCell<Places> = const { RefCell::new(VecDeque::new()) };
}

/// Installs the hook, once for the process. Later hooks that call the one before them keep it working.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    // Hooks cannot be changed while this thread panics (a worker spawned from a `Drop`): the next call installs it.
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

/// A panic hook, as [`std::panic::take_hook`] returns it.
type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// For a panic hook: whether a panel catches the panic of this thread. If so, it ends nothing but the worker, whose
/// status, events and report contain it; a hook that restores the screen, or ends the program, should leave it alone.
///
/// Also `true` for other code that a panel calls and catches: a waker, a function of
/// [`forward_events`](crate::PanelBuilder::forward_events), a drop. `false` for a panic that passes through a panel, as
/// a reducer's does, on a thread that a worker starts by itself, and outside a panic. Always `false` with `panic =
/// "abort"`, where nothing survives a panic. Takes no lock and costs a load or two.
///
/// ```
/// let before = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     if !control_panel::supervision::is_supervised_panic() {
///         // give the screen back
///     }
///     // It prints, and among the hooks before is the panels' own, which notes the
///     // place.
///     before(info);
/// }));
/// assert!(!control_panel::supervision::is_supervised_panic());
/// ```
///
/// To skip a hook entirely for these panics, wrap it by [`skip_supervised_panics`] (`examples/cookbook/panic_hook.rs`
/// in the repository).
#[must_use]
pub fn is_supervised_panic() -> bool {
    !ABORT && CATCHING.get().depth > 0 && thread::panicking()
}

/// Wraps the hook so that it is skipped if a panel [catches](is_supervised_panic) the panic: its place is only
/// recorded, for the panel to report. For programs that own the screen, and those whose log has the panics anyway.
///
/// By default the panels call the previous hooks, so that no panic is silent: the standard one prints, and one that
/// restores the screen does so in the middle of the program. ratatui's is such a hook. Wrap it after it was set;
/// whether the panel was made before or after does not matter:
///
/// ```
/// # mod ratatui { pub fn init() {} pub fn restore() {} }
/// // From here on a panic gives the screen back, and then the hook before prints.
/// let terminal = ratatui::init();
/// std::panic::set_hook(control_panel::supervision::skip_supervised_panics(
///     std::panic::take_hook(),
/// ));
/// // … the loop
/// ratatui::restore();
/// ```
#[must_use = "set it with `std::panic::set_hook`"]
pub fn skip_supervised_panics(hook: Hook) -> Hook {
    Box::new(move |info| {
        if is_supervised_panic() {
            note(info);
        } else {
            hook(info);
        }
    })
}

/// Records the panic. Returns whether to call the previous hook.
fn note(info: &PanicHookInfo<'_>) -> bool {
    let catching = CATCHING.get();
    if catching.depth == 0 || catching.quietly {
        return !catching.quietly;
    }
    let Some(at) = info.location() else { return !catching.silently };
    let noted = (catching.depth, message(info.payload()).map(str::to_owned), place(at));
    PLACES
        .try_with(|places| {
            // A panic inside this very function would find the cell borrowed: then the place is not recorded.
            let Ok(mut places) = places.try_borrow_mut() else { return };
            // Those of the innermost catch are last.
            let own = places.iter().rev().take_while(|(depth, ..)| *depth == catching.depth).count();
            if own == PLACES_KEPT {
                let oldest = places.len() - own;
                places.remove(oldest);
            }
            places.push_back(noted);
            CATCHING.set(Catching { noted: true, ..catching });
        })
        .ok();
    !catching.silently
}

/// Takes the places recorded for the catch at this depth, oldest first.
fn noted(depth: u32) -> Places {
    let take = |places: &RefCell<Places>| {
        let mut places = places.borrow_mut();
        let others = places.iter().take_while(|(other, ..)| *other < depth).count();
        places.split_off(others)
    };
    PLACES.try_with(take).unwrap_or_default()
}

fn place(at: &Location<'_>) -> PanicPlace {
    PanicPlace { file: at.file().into(), line: at.line(), column: at.column(), backtrace: backtrace() }
}

/// The text of a payload, if it is text.
pub(crate) fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

fn backtrace() -> Option<Arc<Backtrace>> {
    let backtrace = Backtrace::capture();
    (backtrace.status() == BacktraceStatus::Captured).then(|| Arc::new(backtrace))
}

/// Runs `f`; a panic becomes a report.
#[inline]
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, PanicReport> {
    report(scope(Scope::default(), f))
}

/// The same, but skips the previous hook: for a panic that is expected, again and again.
#[cfg(feature = "journal")]
pub(crate) fn catch_silently<T>(f: impl FnOnce() -> T) -> Result<T, PanicReport> {
    install();
    report(scope(Scope { silently: true, ..Scope::default() }, f))
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

/// Runs `f`; a panic becomes `None`, and is not reported.
pub(crate) fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    install();
    scope(Scope { quietly: true, ..Scope::default() }, f).0.ok()
}

/// How a catch behaves.
#[derive(Clone, Copy, Default)]
struct Scope {
    quietly: bool,
    silently: bool,
}

/// Inlined: one frame less to unwind.
#[inline]
fn scope<T>(
    Scope { quietly, silently }: Scope,
    f: impl FnOnce() -> T,
) -> (thread::Result<T>, Option<Places>) {
    let outer = CATCHING.get();
    let depth = outer.depth + 1;
    CATCHING.set(Catching { depth, quietly, silently, noted: false });
    // The caller drops whatever `f` broke, or passes it on as a panic of its own.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    let places = CATCHING.replace(outer).noted.then(|| noted(depth));
    (result, places)
}

/// A panic that no return value can carry. Almost never set, and checked at every end.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    left: AtomicBool,
    panic: Mutex<Option<PanicReport>>,
}

impl LastWords {
    pub(crate) fn leave(&self, panic: PanicReport) {
        let before = self.panic.lock().replace(panic);
        self.left.store(true, Ordering::Release);
        discard(before);
    }

    pub(crate) fn take(&self) -> Option<PanicReport> {
        if self.left.load(Ordering::Acquire) { self.panic.lock().take() } else { None }
    }
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
