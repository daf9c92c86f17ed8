//! A page that shows a panel: its workers, its queue, its frames, and what lies above them.
//!
//! [`Dashboard::serve`] opens a port, on this machine alone, and returns a server that is a worker like any other:
//!
//! ```
//! use control_panel::{
//!     ControlPanel, GraphIntent, IntentSource,
//!     dashboard::{Dashboard, DashboardError, Server},
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! fn main() -> Result<(), DashboardError> {
//!     let panel = ControlPanel::<Update>::new();
//!     let dashboard = Dashboard::new(panel.observer());
//!     let server: Server = dashboard.serve("127.0.0.1:0")?;
//!     println!("{}", server.url()); // http://127.0.0.1:40123/
//!     panel.spawn(server.into_worker(IntentSource::LocalUI));
//! #   assert!(panel.shutdown_blocking().is_clean());
//!     Ok(())
//! }
//! ```
//!
//! | path | what |
//! |---|---|
//! | `/` | the page |
//! | `/status.json` | `{"view": …, "history": …, "dashboard": …}`: [`View`](crate::console::View), [`History`](crate::console::History) |
//! | `/events` | the same as server-sent events: `status` first, then `view` when something changes, once a second at least |
//! | `/metrics` | for Prometheus |
//!
//! From another machine: `ssh -L 7878:127.0.0.1:7878 host`, and open `http://127.0.0.1:7878/`.
//!
//! # What it lets in
//! It reads, and changes nothing, unless the program gives it a [token](Dashboard::token). A request must name this machine, the address
//! that is served, or a name that the program [answers to](Dashboard::answer_to), as its `Host`; a page of another origin gets nothing. Viewers, connections, the
//! size of a request and the time that it may take are bounded. What is refused is counted, and shown.
//!
//! The server runs on a thread of its own with its own runtime: a viewer takes no time of the panel's workers, and still sees them when
//! they hold up theirs. A viewer that reads slowly gets the newest state when it comes to it, and one that does not read is dropped.

// | file | what |
// |---|---|
// | `server` | the port, the connections and their bounds; the worker |
// | `patient` | a connection that gives up on a peer which neither reads nor writes |
// | `guard` | which requests are answered: `Host`, `Origin`, token |
// | `routes`, `control` | what is answered, and what is done |
// | `feed`, `stream` | one console for all viewers, and what each of them reads of it |
// | `metrics` | Prometheus's text |
// | `refusals` | what was refused, counted |
// | `pause`, `form` | what a program lets the page do beside its workers |
// | `page.html`, `page.css`, `page.js` | the page |

mod control;
mod error;
mod feed;
mod form;
mod guard;
mod metrics;
mod patient;
mod pause;
mod refusals;
mod routes;
mod server;
mod stream;

use std::{net::ToSocketAddrs, sync::Arc, time::Duration};

pub use self::{
    error::DashboardError,
    form::{PolicyField, PolicyForm},
    pause::FramePause,
    server::Server,
};
use crate::console::Observer;

/// The shortest token, in bytes.
const SHORTEST_TOKEN: usize = 16;

/// A page that shows a panel. Configure it, then [`serve`](Self::serve) it.
pub struct Dashboard {
    observer: Observer,
    viewers: usize,
    hosts: Vec<String>,
    token: Option<String>,
    pause: Option<FramePause>,
    form: Option<Arc<dyn PolicyForm>>,
    patience: Duration,
}

impl Dashboard {
    /// Creates a dashboard of this panel, which reads alone.
    #[must_use]
    pub fn new(observer: Observer) -> Self {
        let patience = Duration::from_secs(10);
        Self { observer, viewers: 16, hosts: Vec::new(), token: None, pause: None, form: None, patience }
    }

    /// How many viewers may watch at a time (`/events`): 16 by default. One more is refused.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// # let panel = ControlPanel::<Update>::new();
    /// # use control_panel::dashboard::Dashboard;
    /// # use std::time::Duration;
    /// let dashboard = Dashboard::new(panel.observer())
    ///     .viewers(4)
    ///     .patience(Duration::from_secs(2))
    ///     .token("a secret of 16 bytes or more");
    /// let server = dashboard.serve("127.0.0.1:0")?;
    /// assert!(server.address().ip().is_loopback());
    /// # Ok::<(), control_panel::dashboard::DashboardError>(())
    /// ```
    #[must_use]
    pub fn viewers(self, most: usize) -> Self {
        Self { viewers: most, ..self }
    }

    /// For how long a viewer may send a request, or not read what is sent to it, before it is dropped: 10 s by default.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Answers to requests for this host name or address, beside those of this machine. Without one, [`serve`](Self::serve) refuses an
    /// address that other machines reach. The connection is not encrypted: let a proxy or a tunnel do that.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// # let panel = ControlPanel::<Update>::new();
    /// # use control_panel::dashboard::Dashboard;
    /// // Behind a proxy that asks for it by this name.
    /// let dashboard = Dashboard::new(panel.observer()).answer_to("panel.local");
    /// # let _ = dashboard;
    /// ```
    #[must_use]
    pub fn answer_to(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(guard::host_named(&host.into()));
        self
    }

    /// Lets a viewer that has this token stop, restart, suspend and resume workers, and use what else the program gives: a
    /// [pause](Self::pause), a [form](Self::policy_form). At least 16 bytes of visible ASCII, as a header has to hold it, and of
    /// spaces between them; make it anew at each start, and show it to the user alone.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Lets a viewer with the token pause the frame loop, and step it one frame at a time.
    #[must_use]
    pub fn pause(self, pause: FramePause) -> Self {
        Self { pause: Some(pause), ..self }
    }

    /// Lets a viewer with the token change the policy.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # use control_panel::dashboard::{Dashboard, PolicyField, PolicyForm};
    /// # use std::collections::BTreeMap;
    /// # #[derive(GraphIntent)] enum Update {}
    /// struct Nothing; // what a form has: see `PolicyForm`
    ///
    /// impl PolicyForm for Nothing {
    ///     fn fields(&self) -> Vec<PolicyField> {
    ///         Vec::new()
    ///     }
    ///     fn submit(&self, _: &BTreeMap<String, String>) -> Result<(), String> {
    ///         Ok(())
    ///     }
    /// }
    /// # let panel = ControlPanel::<Update>::new();
    /// let dashboard = Dashboard::new(panel.observer()).policy_form(Nothing);
    /// # let _ = dashboard;
    /// ```
    #[must_use]
    pub fn policy_form(self, form: impl PolicyForm) -> Self {
        Self { form: Some(Arc::new(form)), ..self }
    }

    /// Opens the port. Port 0 takes any free one: [`Server::url`] says which.
    ///
    /// # Errors
    /// [`DashboardError`]: the port is in use, other machines reach the address and no [name](Self::answer_to) was given, or the
    /// token is too short or fits in no header.
    pub fn serve(self, address: impl ToSocketAddrs) -> Result<Server, DashboardError> {
        if self.token.as_ref().is_some_and(|token| token.len() < SHORTEST_TOKEN) {
            return Err(DashboardError::ShortToken);
        }
        if self.token.as_ref().is_some_and(|token| !guard::is_sendable(token)) {
            return Err(DashboardError::UnsendableToken);
        }
        Server::open(self, address)
    }
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dashboard")
            .field("observer", &self.observer)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}
