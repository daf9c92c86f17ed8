//! What a run begins with: a state, new or from a journal, and why there is none.

use std::{error::Error, fmt, path::Path};

use control_panel::PanelBuilder;

use crate::{Panel, app::GraphBrowserApp, cli::Cli, intent::GraphIntent, policy::LifecyclePolicy};
#[cfg(feature = "journal")]
use crate::{journal::Record, progress::say};

/// The journal cannot be used, and why.
#[derive(Debug)]
pub(crate) struct JournalUnusable(pub(crate) Box<dyn Error>);

impl fmt::Display for JournalUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for JournalUnusable {}

/// The graph cannot be shared, and why: the key, the trust store, the ticket.
#[derive(Debug)]
pub(crate) struct PeersUnusable(pub(crate) Box<dyn Error>);

impl fmt::Display for PeersUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for PeersUnusable {}

/// What a run begins with.
pub(crate) struct Beginning {
    pub(crate) app: GraphBrowserApp,
    pub(crate) policy: LifecyclePolicy,
    pub(crate) builder: PanelBuilder<GraphIntent, LifecyclePolicy>,
    #[cfg(feature = "journal")]
    pub(crate) record: Option<Record>,
    #[cfg(feature = "p2p")]
    pub(crate) share: Option<crate::share::Share>,
}

impl Beginning {
    #[cfg(feature = "journal")]
    pub(crate) fn of(cli: &Cli, root: &Path) -> Result<Self, Box<dyn Error>> {
        let Some(path) = &cli.journal else { return Self::anew(cli) };
        #[cfg(feature = "p2p")]
        if cli.is_shared() {
            let (share, record, app) = crate::share::Share::open(cli, path)?;
            return Self::from(cli, Panel::builder().record(&record.journal), record, app)
                .map(|began| Self { share: Some(share), ..began });
        }
        let (record, app) = Record::open(path, root).map_err(JournalUnusable)?;
        Self::from(cli, Panel::builder().record(&record.journal), record, app)
    }

    #[cfg(feature = "journal")]
    fn from(
        cli: &Cli,
        builder: PanelBuilder<GraphIntent, LifecyclePolicy>,
        record: Record,
        app: GraphBrowserApp,
    ) -> Result<Self, Box<dyn Error>> {
        if !cli.quiet {
            say(&record.words(&app));
        }
        let (policy, _) = cli.policy(app.policy()).checked()?;
        Ok(Self {
            app,
            policy,
            builder,
            record: Some(record),
            #[cfg(feature = "p2p")]
            share: None,
        })
    }

    #[cfg(not(feature = "journal"))]
    pub(crate) fn of(cli: &Cli, _: &Path) -> Result<Self, Box<dyn Error>> {
        Self::anew(cli)
    }

    fn anew(cli: &Cli) -> Result<Self, Box<dyn Error>> {
        let (policy, _) = cli.policy(LifecyclePolicy::default()).checked()?;
        Ok(Self {
            app: GraphBrowserApp::new(policy),
            policy,
            builder: Panel::builder(),
            #[cfg(feature = "journal")]
            record: None,
            #[cfg(feature = "p2p")]
            share: None,
        })
    }
}
