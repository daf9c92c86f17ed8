//! The console without a window: what can be found by name, reached by keyboard, and when it asks for a repaint.

use std::time::Duration;

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource,
    console::{History, View},
    worker,
};
use control_panel_egui::{Console, ConsoleState, ConsoleWidget, INTERVAL, Page, TICK};
use egui::{Key, ViewportId, accesskit::Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};

/// What a dashboard serves.
#[derive(serde::Deserialize)]
struct Status {
    view: View,
    history: History,
}

fn status() -> Status {
    serde_json::from_str(include_str!("../../fixtures/status.json")).expect("the fixture")
}

fn shown(wide: f32) -> Harness<'static, ConsoleState> {
    let status = status();
    let draw = move |ui: &mut egui::Ui, state: &mut ConsoleState| {
        ConsoleWidget::new(&status.view, &status.history).show(ui, state);
    };
    Harness::builder()
        .with_size(egui::vec2(wide, 600.0))
        .with_accessibility_check(true)
        .build_ui_state(draw, ConsoleState::default())
}

const PANICKED: &str = "in trouble: fetch_feeds";

#[test]
fn a_panic_is_found_by_name_opened_read_and_closed() {
    let mut harness = shown(900.0);
    harness.run();
    let row = harness.get_by_label_contains(PANICKED);
    let label = row.accesskit_node().label().expect("a name");
    assert!(label.contains("last panic or error src/feeds/fetch.rs:88:17: index out of bounds"), "{label}");
    row.click();
    harness.run();
    assert!(harness.query_by_label_contains("while it read https://example.org/feed.xml").is_some());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label_contains("while it read").is_none());
    assert!(!harness.state().is_open());
}

#[test]
fn everything_is_reached_by_keyboard() {
    let mut harness = shown(900.0);
    harness.run();
    let mut names = Vec::new();
    for _ in 0..60 {
        harness.key_press(Key::Tab);
        harness.run();
        let mut focused = harness.query_all(
            egui_kittest::kittest::By::new().predicate(|node| node.is_focused() && node.label().is_some()),
        );
        let name = focused.find_map(|node| node.accesskit_node().label());
        names.extend(name);
        if names.last().is_some_and(|name| name.starts_with(PANICKED)) {
            break;
        }
    }
    for wanted in ["Workers 7", "Ends 3", "Beside 7", "Sort by worker", "Sort by state", PANICKED] {
        assert!(names.iter().any(|name| name.starts_with(wanted)), "{wanted}: {names:?}");
    }
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.state().is_open());
}

#[test]
fn each_page_has_a_tab_and_rows_with_names() {
    let mut harness = shown(900.0);
    for (tab, page, row) in [
        ("Ends 3", Page::Ends, "sync, "),
        ("Queue", Page::Queue, "Restore, slots 120"),
        ("Frames", Page::Frames, "apply and settle, p50 600µs"),
        ("Beside 7", Page::Beside, "a1b2c3"),
        ("Workers 7", Page::Workers, "memory_monitor, state quiet"),
    ] {
        harness.get_by_label(tab).click();
        harness.run();
        assert_eq!(harness.state().page(), page);
        assert!(harness.query_by_label_contains(row).is_some(), "{row}");
    }
    harness.get_by_label("Queue").click();
    harness.run();
    let plots = harness.query_all_by_label_contains("points");
    let plots: Vec<_> = plots.filter_map(|node| node.accesskit_node().label()).collect();
    assert_eq!(plots.len(), 2, "each plot says what it shows: {plots:?}");
    assert!(plots[0].starts_with("Queue depth: 106 now") && plots[0].contains("up to 129"), "{plots:?}");
}

#[test]
fn a_column_sorts_both_ways() {
    let mut harness = shown(1_400.0);
    let first = |harness: &Harness<'_, ConsoleState>| {
        let mut rows =
            harness.query_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label());
        rows.find(|label| label.contains(", state ")).expect("a row")
    };
    harness.run();
    assert!(first(&harness).starts_with("in trouble: reader#3"), "{}", first(&harness));
    harness.get_by_label("Sort by rate").click();
    harness.run();
    assert!(first(&harness).starts_with("reader#2"), "{}", first(&harness));
    harness.get_by_label("Sort by rate").click();
    harness.run();
    assert!(!first(&harness).starts_with("reader#2"));
}

#[test]
fn every_size_is_drawn() {
    for wide in [1.0, 40.0, 120.0, 300.0, 900.0] {
        for page in Page::ALL {
            let mut harness = shown(wide);
            harness.state_mut().set_page(page);
            harness.run();
        }
    }
}

#[derive(GraphIntent)]
enum Update {
    Found(u32),
}

#[worker(source = IntentSource::Restore)]
async fn search(cx: Context<Update>) {
    cx.cancelled().await;
}

/// When the next repaint is asked for.
fn delay<T>(harness: &Harness<'_, T>) -> Duration {
    harness.output().viewport_output.get(&ViewportId::ROOT).expect("a window").repaint_delay
}

#[test]
fn an_idle_panel_asks_for_one_look_a_second_and_a_busy_one_for_ten() {
    let panel = ControlPanel::<Update>::builder().name("shop").build();
    panel.spawn_search();
    // The panel's frames run with the window's, as in most programs.
    let state = (Console::new(panel.observer()), panel, Vec::<Update>::new());
    let mut harness = Harness::builder().with_step_dt(0.25).build_ui_state(
        |ui, (console, panel, seen): &mut (Console, ControlPanel<Update>, Vec<Update>)| {
            seen.extend(panel.drain().map(|queued| queued.intent));
            ui.add(&mut *console);
        },
        state,
    );
    // Until the worker runs.
    for _ in 0..100 {
        harness.step();
        if harness.query_by_label_contains("search, state running").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    harness.get_by_label_contains("search, state running");
    harness.run_steps(4);
    assert!(harness.query_by_label_contains("shop").is_some());
    let idle = delay(&harness);
    assert!(idle > INTERVAL && idle <= TICK, "its own frames are no news: {idle:?}");

    let (_, panel, _) = harness.state_mut();
    panel.sender(IntentSource::LocalUI).try_send(Update::Found(7)).expect("room");
    harness.step();
    assert!(matches!(harness.state().2[..], [Update::Found(7)]));
    harness.step();
    let busy = delay(&harness);
    assert!(busy <= INTERVAL, "what happened is followed: {busy:?}");
    assert!(busy > Duration::ZERO, "and not immediately: {busy:?}");
}

#[test]
fn a_window_that_is_drawn_all_the_time_does_not_look_all_the_time() {
    let panel = ControlPanel::<Update>::builder().name("shop").build();
    let observer = panel.observer();
    let looks = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&looks);
    observer.attach(move |_: &mut control_panel::console::Board| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let mut console = Console::new(observer);
    let mut harness = Harness::builder().with_step_dt(0.01).build_ui(|ui| {
        ui.add(&mut console);
    });
    harness.run_steps(100);
    let looked = looks.load(std::sync::atomic::Ordering::Relaxed);
    assert!((9..=13).contains(&looked), "ten a second: {looked} in a second of a hundred frames");
}

#[test]
fn a_thousand_frames_wake_a_window_once_and_a_tenth_of_a_second_later() {
    let mut panel = ControlPanel::<Update>::builder().name("shop").build();
    let console = Console::new(panel.observer());
    let mut harness = Harness::builder()
        .with_step_dt(0.25)
        .build_ui_state(|ui, console: &mut Console| _ = ui.add(&mut *console), console);
    // Something happened, so the next look follows the panel.
    panel.sender(IntentSource::LocalUI).try_send(Update::Found(7)).expect("room");
    panel.drain().for_each(drop);
    harness.step();
    let woken = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let delays = std::sync::Arc::clone(&woken);
    harness.ctx.set_request_repaint_callback(move |info| delays.lock().expect("sane").push(info.delay));
    for number in 0..1_000 {
        panel.sender(IntentSource::LocalUI).try_send(Update::Found(number)).expect("room");
        panel.drain().for_each(drop);
    }
    assert_eq!(*woken.lock().expect("sane"), [INTERVAL]);
}
