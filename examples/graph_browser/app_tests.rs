//! The state, one intent after another.

use control_panel::{QueuedIntent, Reducer};

use super::*;
use crate::{
    commands::{Change, Command},
    intent::GraphIntent,
};

fn app(pages: u32) -> GraphBrowserApp {
    let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
    let pages = (0..pages).map(|key| (NodeKey(key), format!("{key}.html").into())).collect();
    apply(&mut app, GraphIntent::PagesFound(pages));
    app
}

fn apply(app: &mut GraphBrowserApp, intent: GraphIntent) {
    app.apply(QueuedIntent::new(IntentSource::Restore, intent));
}

fn visit(key: u32) -> GraphIntent {
    GraphIntent::PromoteNodeToActive { key: NodeKey(key), cause: LifecycleCause::UserSelected }
}

#[test]
fn the_limits_hold_after_every_intent() {
    let mut app = app(40);
    for key in (0..40).chain([3, 3, 39, 7]) {
        apply(&mut app, visit(key));
        assert!(app.lifecycles.within(app.limits()), "after a visit to {key}");
    }
    assert_eq!((app.lifecycles.active().len(), app.lifecycles.warm().len()), (4, 8));
}

#[test]
fn a_page_that_does_not_exist_cannot_be_visited() {
    let mut app = app(1);
    apply(&mut app, visit(1));
    assert_eq!(app.lifecycles.active().len(), 0);
}

fn guess(key: u32) -> GraphIntent {
    GraphIntent::PromoteNodeToActive { key: NodeKey(key), cause: LifecycleCause::SelectedPrewarm }
}

#[test]
fn a_guess_never_displaces_what_is_looked_at_and_is_counted_when_it_was_right() {
    let mut app = app(40);
    apply(&mut app, visit(0));
    for key in 1..40 {
        apply(&mut app, guess(key));
        assert!(app.lifecycles.within(app.limits()), "after a guess of {key}");
        assert_eq!(app.lifecycles.of(NodeKey(0)), Lifecycle::Active);
        assert_eq!(app.focus(), Some(NodeKey(0)));
    }
    assert!(app.guesses.len() <= 12, "{} are remembered", app.guesses.len());
    apply(&mut app, guess(39));
    apply(&mut app, visit(39));
    apply(&mut app, visit(39));
    apply(&mut app, visit(1));
    assert_eq!(app.prefetch, PrefetchTally { promoted: 39, declined: 1, visited: 1 });
    assert_eq!(app.focus(), Some(NodeKey(1)));
}

#[test]
fn there_are_no_guesses_where_only_one_page_may_be_active() {
    let mut app = app(9);
    apply(&mut app, GraphIntent::Command(Command::Change(Change::Active(1))));
    apply(&mut app, visit(0));
    apply(&mut app, guess(1));
    apply(&mut app, guess(99));
    assert_eq!(app.prefetch, PrefetchTally { promoted: 0, declined: 1, visited: 0 });
    assert_eq!(app.lifecycles.active().collect::<Vec<_>>(), [NodeKey(0)]);
}

#[test]
fn a_changed_policy_is_enforced_in_the_same_frame() {
    let mut app = app(40);
    (0..20).for_each(|key| apply(&mut app, visit(key)));
    for change in
        [Change::Active(2), Change::Warm(3), Change::Active(0), Change::Memory(0.5), Change::Memory(7.0)]
    {
        apply(&mut app, GraphIntent::Command(Command::Change(change)));
    }
    assert_eq!((app.lifecycles.active().len(), app.lifecycles.warm().len()), (2, 3));
    let expected =
        LifecyclePolicy { active_webview_limit: 2, warm_cache_limit: 3, memory_pressure_threshold: 0.5 };
    assert_eq!((app.policy(), app.commands.policies), (expected, 3), "nonsense changes nothing");
    apply(&mut app, GraphIntent::Command(Command::Status));
    apply(&mut app, GraphIntent::Command(Command::Quit));
    assert_eq!((app.commands.questions, app.commands.quit), (1, true));
}

#[test]
fn observations_never_touch_the_lifecycle() {
    let mut app = app(2);
    apply(&mut app, visit(0));
    for key in [NodeKey(0), NodeKey(1)] {
        apply(&mut app, GraphIntent::WebviewObserved { key, state: RuntimeState::Mapped });
    }
    assert_eq!(app.lifecycles.of(NodeKey(0)), Lifecycle::Active);
    assert_eq!(app.lifecycles.of(NodeKey(1)), Lifecycle::Cold);
    let census: Vec<_> = app.census().into_iter().collect();
    let expected = [
        ((Lifecycle::Active, "mapped"), 1),
        ((Lifecycle::Cold, "mapped"), 1),
        ((Lifecycle::Cold, "unmapped"), 0),
    ];
    assert_eq!(census, expected);
}

#[test]
fn the_census_counts_every_node_once() {
    let mut app = app(30);
    (0..20).for_each(|key| apply(&mut app, visit(key)));
    apply(&mut app, GraphIntent::WebviewObserved { key: NodeKey(19), state: RuntimeState::PendingCreate });
    apply(&mut app, GraphIntent::WebviewObserved { key: NodeKey(2), state: RuntimeState::Mapped });
    apply(&mut app, GraphIntent::WebviewObserved { key: NodeKey(2), state: RuntimeState::Unmapped });
    assert_eq!(app.census().values().sum::<usize>(), 30);
    assert_eq!(app.census().get(&(Lifecycle::Active, "unmapped")), Some(&3));
}
