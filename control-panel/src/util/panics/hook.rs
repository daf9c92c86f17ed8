//! The hook, and what it records on its thread for the catch that follows.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::{self, Location, PanicHookInfo},
    sync::{Arc, Once},
    thread,
};

use super::{ABORT, PanicPlace, message};

/// How many places are kept for one catch.
const PLACES_KEPT: usize = 8;

/// How this thread catches panics. Changed around every poll of a worker, so it is plain and small, and the recorded
/// places are stored separately.
#[derive(Clone, Copy, Default)]
pub(super) struct Catching {
    /// How many catches are nested; 0 if there is none.
    pub(super) depth: u32,
    /// Whether the previous hook is skipped.
    pub(super) silently: bool,
    /// Whether places were recorded for it.
    pub(super) noted: bool,
}

/// The places of panics, each with the depth of the catch that it is recorded for and the panic's message. The latest
/// ones of each catch: a worker may catch some itself, or a destructor may while the worker's own panic unwinds.
pub(super) type Places = VecDeque<(u32, Option<String>, PanicPlace)>;

thread_local! {
    pub(super) static CATCHING: Cell<Catching> = const { Cell::new(Catching { depth: 0, silently: false, noted: false }) };
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
    if catching.depth == 0 {
        return true;
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
pub(super) fn noted(depth: u32) -> Places {
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

fn backtrace() -> Option<Arc<Backtrace>> {
    let backtrace = Backtrace::capture();
    (backtrace.status() == BacktraceStatus::Captured).then(|| Arc::new(backtrace))
}
