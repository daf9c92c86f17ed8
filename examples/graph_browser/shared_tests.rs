//! Two browsers that share a graph: their panels are here, and what is between them is by hand.

use control_panel::{
    ControlPanel, FrameReport,
    replica::Grant,
    testing::{self, TestPanel},
};

use super::*;
use crate::{commands::Command, intent::GraphIntent, page::LinkCounts, skip::Skip};

const PEERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

struct Browser {
    panel: ControlPanel<GraphIntent, LifecyclePolicy>,
    app: GraphBrowserApp,
}

impl Browser {
    fn pair() -> [Self; 2] {
        PEERS.map(|peer| Self {
            panel: ControlPanel::new(),
            app: GraphBrowserApp::with(
                LifecyclePolicy::default(),
                GraphBrowserApp::builder(peer, PEERS).build(),
            ),
        })
    }

    fn frame(&mut self, source: IntentSource, intents: impl IntoIterator<Item = GraphIntent>) -> FrameReport {
        let local = intents.into_iter().map(|intent| (source, intent));
        self.panel.run_frame(&mut self.app, &mut (), local)
    }

    /// As a worker of the network would.
    fn hear(&mut self, other: &mut Self) -> FrameReport {
        let delta = other.app.shared.since(self.app.shared.version());
        self.frame(IntentSource::P2pSync, [delta.into()])
    }
}

fn found(keys: std::ops::Range<u32>) -> GraphIntent {
    GraphIntent::PagesFound(keys.map(|key| (NodeKey(key), format!("{key}.html").into())).collect())
}

fn read(key: u32, links: &[u32]) -> GraphIntent {
    read_part(key, 0, links, true)
}

fn read_part(key: u32, part: u32, links: &[u32], complete: bool) -> GraphIntent {
    let links: Vec<_> = links.iter().copied().map(NodeKey).collect();
    let counts = LinkCounts { internal: links.len() as u64, ..LinkCounts::default() };
    GraphIntent::PageRead { key: NodeKey(key), part, links, counts, broken: Vec::new(), complete }
}

#[test]
fn two_browsers_have_one_graph_whichever_of_them_read_a_page() {
    let [mut walks, mut helps] = Browser::pair();
    walks.frame(IntentSource::Restore, [found(0..4), read(0, &[1, 2])]);
    let report = helps.hear(&mut walks);
    assert_eq!((report.redo.merged, report.redo.redone), (2, 0));
    // At the same time, and each before it hears of the other's: one reads what the other skips.
    walks.frame(
        IntentSource::Restore,
        [read(1, &[0]), GraphIntent::PageSkipped { key: NodeKey(2), why: Skip::NotUtf8 }],
    );
    helps.frame(IntentSource::Restore, [read(2, &[3]), read(3, &[])]);
    let redone = [walks.hear(&mut helps).redo.redone, helps.hear(&mut walks).redo.redone];
    assert!(redone.iter().sum::<usize>() > 0, "one of them had to go back");
    assert_eq!(walks.app.graph(), helps.app.graph());
    let graph = walks.app.graph();
    assert_eq!((graph.len(), graph.read + graph.skipped), (4, 4), "each page once");
    for browser in [&walks, &helps] {
        testing::sync_test(&browser.app.shared, Graph::default).unwrap();
    }
}

/// What was typed before its invitation came is not lost, and a graph has room for so many notes.
#[test]
fn one_that_joins_makes_its_edits_when_it_is_invited() {
    let [owner, joins] = PEERS;
    let mut browsers = PEERS.map(|peer| Browser {
        panel: ControlPanel::new(),
        app: GraphBrowserApp::with(
            LifecyclePolicy::default(),
            GraphBrowserApp::builder(peer, [owner]).build(),
        ),
    });
    let [here, there] = &mut browsers;
    let note =
        |path: &str| GraphIntent::Command(Command::Note { path: path.to_owned(), words: "mine".to_owned() });
    there.frame(IntentSource::LocalUI, [note("a.html")]);
    assert!(there.app.graph().notes.is_empty(), "it may not yet");
    here.frame(
        IntentSource::P2pSync,
        [GraphIntent::MarkPeerOnline { peer: joins, invited: Some(Grant::Write) }],
    );
    there.hear(here);
    here.hear(there);
    for browser in [&mut *here, &mut *there] {
        assert_eq!(browser.app.graph().notes.len(), 1);
        assert_eq!(browser.app.contacts.offline().count(), 0);
    }
    there.frame(IntentSource::LocalUI, (0..300).map(|page| note(&format!("{page}.html"))));
    here.hear(there);
    assert_eq!((here.app.graph().notes.len(), here.app.graph()), (256, there.app.graph()));
}

/// A peer comes back with more edits than a frame redoes.
#[test]
fn what_a_frame_has_no_time_for_a_worker_does() {
    let [mut walks, mut helps] = Browser::pair();
    walks.frame(IntentSource::Restore, [found(0..4)]);
    helps.hear(&mut walks);
    helps.frame(IntentSource::Restore, (0..6_000).map(|part| read_part(1, part, &[2], false)));
    walks.frame(IntentSource::Restore, [read(0, &[1, 2])]);
    let report = walks.hear(&mut helps);
    assert_eq!(report.redo.jobs, 1);
    assert_eq!(walks.app.graph().edges, 2, "the frame goes on with the graph as it was");
    // As the other sees it, one edit comes before 6,000 of its own.
    assert_eq!(helps.hear(&mut walks).redo.jobs, 1);
    for browser in [&mut walks, &mut helps] {
        browser.panel.spawn(crate::edit::redo(browser.app.take_redo().expect("a job")));
        while browser.app.graph().edges < 6_002 {
            browser.panel.wait_ready_timeout(std::time::Duration::from_secs(10));
            browser.frame(IntentSource::Restore, []);
        }
    }
    assert!(walks.app.graph() == helps.app.graph());
}

#[test]
fn what_is_observed_here_is_not_shared() {
    let [mut here, mut there] = Browser::pair();
    here.frame(
        IntentSource::Restore,
        [found(0..2), GraphIntent::WalkFinished { skips: Skips::default(), cut_short: false }],
    );
    let visit = GraphIntent::PromoteNodeToActive { key: NodeKey(0), cause: LifecycleCause::UserSelected };
    let observed = GraphIntent::WebviewObserved { key: NodeKey(0), state: RuntimeState::Mapped };
    let gone = GraphIntent::from((PEERS[1], Arc::from("timed out")));
    here.frame(IntentSource::LocalUI, [visit, observed, gone]);
    assert_eq!(here.app.operations(), 1, "the pages");
    there.hear(&mut here);
    assert_eq!(there.app.graph(), here.app.graph());
    assert_eq!((here.app.walked(), there.app.walked()), (Some(false), None));
    assert_eq!((here.app.focus(), there.app.focus()), (Some(NodeKey(0)), None));
    assert_eq!(there.app.runtime(NodeKey(0)), RuntimeState::Unmapped);
    let offline =
        |browser: &Browser| browser.app.contacts.offline().map(|(_, why)| why.to_owned()).collect::<Vec<_>>();
    assert_eq!(offline(&here), ["timed out"]);
    assert!(offline(&there).is_empty());
}

/// Every intent and every change accounted for: a delta adds pages, and nothing but pages.
#[test]
fn a_delta_adds_pages_and_leaves_all_else_as_it_was() {
    let [here, mut there] = Browser::pair();
    there.frame(IntentSource::Restore, [found(0..3)]);
    let delta = there.app.shared.since(here.app.shared.version());
    let test = async |panel: &mut ControlPanel<GraphIntent, LifecyclePolicy>| {
        let view = |app: &GraphBrowserApp| {
            (
                app.graph().len(),
                app.lifecycles.version(),
                app.focus(),
                app.contacts.offline().count(),
                app.walked(),
            )
        };
        let mut test = TestPanel::viewing(panel, here.app, view);
        test.panel().sender(IntentSource::P2pSync).try_send(delta.into()).expect("room");
        let is_delta =
            |intent: &GraphIntent| matches!(intent, GraphIntent::ApplyRemoteDelta { lamport_clock: 1, .. });
        test.receive(is_delta, |(pages, ..)| *pages = 3).await;
        let gone = GraphIntent::MarkPeerOffline { peer: PEERS[1], reason: "closed".into() };
        test.send(IntentSource::P2pSync, gone, |(.., offline, _)| *offline = 1);
        test.finish([]).await;
    };
    testing::paused(test);
    here.panel.shutdown_blocking();
}
