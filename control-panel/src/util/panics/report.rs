//! A panic, as data.

use std::{any::Any, backtrace::Backtrace, fmt, sync::Arc};

use crate::util::Mutex;

/// A worker's panic, as data.
///
/// Its text puts the place first, so that a narrow table cuts off the message and not the place: `at src/sync.rs:40:13:
/// index out of bounds`.
#[derive(Clone)]
pub struct PanicReport(Arc<Panic>);

/// Behind a pointer, so that every [`Exit`](crate::Exit) that is no panic stays small: statuses, events and reports
/// hold one each.
struct Panic {
    message: Box<str>,
    place: Option<PanicPlace>,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where a panic arose.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct PanicPlace {
    /// The source file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The backtrace, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` requests one.
    pub backtrace: Option<Arc<Backtrace>>,
}

impl PanicReport {
    /// Runs `f`; a panic becomes a report, as a worker's does. For a worker that calls code which it cannot trust, such as a
    /// plugin's.
    ///
    /// Panic hooks see the panic as [supervised](crate::supervision::is_supervised_panic). The caller decides whether to use what `f` was
    /// changing when it panicked. With `panic = "abort"` nothing is caught.
    ///
    /// ```
    /// use control_panel::supervision::PanicReport;
    ///
    /// assert_eq!(PanicReport::catch(|| 1).unwrap(), 1);
    /// let panic = PanicReport::catch(|| panic!("out of ink")).unwrap_err();
    /// assert_eq!(panic.message(), "out of ink");
    /// assert!(panic.place().is_some());
    /// ```
    ///
    /// # Errors
    /// The report, if `f` panicked.
    pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Self> {
        super::install();
        super::catch(f)
    }

    /// Whether both are of one panic.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn new(payload: Box<dyn Any + Send>, place: Option<PanicPlace>) -> Self {
        let message = super::message(&*payload).unwrap_or("a payload that is not text").into();
        Self(Arc::new(Panic { message, place, payload: Mutex::new(Some(payload)) }))
    }

    /// The panic's message; a fixed text if the payload is neither `&str` nor `String`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it arose. `None` if the program replaced the panic hook without calling the previous one.
    pub fn place(&self) -> Option<&PanicPlace> {
        self.0.place.as_ref()
    }

    /// The payload itself, for the first caller: to downcast, or for [`std::panic::resume_unwind`].
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::Exit;
    /// #[worker(source = IntentSource::Restore)]
    /// async fn fails(_cx: Context<Update>) {
    ///     std::panic::panic_any(7_u32);
    /// }
    /// let panel = ControlPanel::<Update>::new();
    /// let Some(Exit::Panicked(report)) =
    ///     panel.spawn_fails().ended_blocking().exit().cloned()
    /// else {
    ///     panic!("it ends by a panic")
    /// };
    /// let payload = report.take_payload().unwrap(); // once
    /// assert_eq!(payload.downcast_ref(), Some(&7_u32));
    /// ```
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.0.payload.lock().take()
    }
}

impl fmt::Display for PanicPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Some(place) => write!(f, "at {place}: {}", self.message()),
            None => write!(f, "at an unknown place: {}", self.message()),
        }
    }
}

impl fmt::Debug for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panic({self})")
    }
}
