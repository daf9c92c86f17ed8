//! The registries, and what is announced of them.

use control_panel::workers::prefetch::{Candidate, Neighbourhood};

use super::{
    capability::{Capability, CapabilityKind},
    heuristics::{NEAREST, known},
    *,
};
use crate::{intent::NodeKey, link::Link};

#[test]
fn a_scheme_leads_where_its_handler_says() {
    let links = LinkHandlers::shipped();
    for (scheme, link) in [
        ("http", Link::External),
        ("HTTPS", Link::External),
        ("mailto", Link::Other),
        ("gopher", Link::Other), // no one handles it
    ] {
        assert_eq!(links.lead(scheme), link, "{scheme}");
    }
}

#[test]
fn heuristics_are_chosen_by_name() {
    let candidate =
        |node, distance, degree| Candidate { node: NodeKey(node), distance, degree, last_used: None };
    let around = Neighbourhood::new(None, [candidate(1, 1, 0), candidate(2, 2, 9), candidate(3, 1, 9)]);
    let mut heuristics = Heuristics::shipped();
    let mut choose = |name| heuristics.take(name).expect("it is registered")(&around, 2);
    assert_eq!(choose(NEAREST), [NodeKey(3), NodeKey(1)]);
    assert_eq!(choose("linked"), [NodeKey(3), NodeKey(2)]);
    assert!(known(NEAREST).is_ok() && known("magic").is_err_and(|why| why.contains("linked, nearest")));
}

#[test]
fn capabilities_come_and_go_and_are_listed_in_order() {
    let links = LinkHandlers::shipped();
    let heuristics = Heuristics::shipped();
    let mut all = Capabilities::of(links.capabilities().chain(heuristics.capabilities(NEAREST)));
    assert_eq!(all.lines().len(), 6);
    assert!(all.lines().iter().any(|line| line.contains("nearest") && line.ends_with("(in use)")));
    let reader = |version| Capability::new(CapabilityKind::Mod, "reader", version);
    let line = all.apply(&CapabilityChange::Came(reader("1.0.0")), 7);
    assert_eq!(line, "capability came in frame 7: mod reader: 1.0.0");
    all.apply(&CapabilityChange::Came(reader("1.1.0")), 8);
    assert_eq!(all.lines().last().map(String::as_str), Some("  mod reader: 1.1.0"));
    all.apply(&CapabilityChange::Went(reader("1.1.0")), 9);
    assert_eq!(all.lines().len(), 6);
    all.replace_mods([("a\u{1b}".to_owned(), "1".to_owned())].into_iter());
    assert!(all.lines().concat().contains("mod a\\u{1b}: 1"), "a name cannot command the terminal");
}

/// Else a command that is typed before the first frame would come before it, and be undone.
#[test]
fn what_the_program_was_started_with_is_applied_before_anything_else_can_be() {
    use clap::Parser;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
    let policy = LifecyclePolicy { active_webview_limit: 9, ..LifecyclePolicy::default() };
    let cli = Cli::parse_from(["graph_browser"]);
    let root = folder.path().to_owned();
    let register =
        RegistryRuntime::compose(&cli, Panel::builder(), &mut app, policy, root).expect("composed");
    assert_eq!(app.policy(), policy);
    assert!(app.folder().is_some_and(|known| **known == *folder.path().to_string_lossy()));
    assert!(register.panel.shutdown_blocking().is_clean());
}

/// From the loader's intent to the list, with nothing between them that knows the other.
#[cfg(feature = "mods")]
#[test]
fn a_mod_that_comes_or_goes_is_a_signal() {
    use control_panel::{ControlPanel, QueuedIntent, Reducer, workers::mods::ModEvent};

    use crate::intent::GraphIntent;

    let panel = ControlPanel::<GraphIntent, LifecyclePolicy>::new();
    let mut changes = panel.subscribe::<CapabilityChange>();
    let mut announcer = Announcer::new(panel.bus(IntentSource::ModLoader));
    let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
    let mut frame = |version: &str| {
        let event = ModEvent::Activated { mod_id: "reader".into(), version: version.into() };
        app.apply(QueuedIntent::new(IntentSource::ModLoader, event.into()));
        announcer.reconcile(&app);
        announcer.reconcile(&app); // the same state announces nothing
        changes.drain().count()
    };
    assert_eq!((frame("1.0.0"), frame("1.0.0"), frame("1.1.0")), (1, 0, 1));
}
