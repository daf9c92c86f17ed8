//! What is drawn, against what was drawn: `UPDATE_SNAPSHOTS=1 cargo test --test snapshots` renews it.

use std::{env, fs, path::PathBuf};

use control_panel::console::{History, View};
use control_panel_ratatui::{ConsoleState, ConsoleWidget, Key, Page, Palette};
use ratatui::{Terminal, backend::TestBackend, style::Color};

/// What a dashboard serves.
#[derive(serde::Deserialize)]
struct Status {
    view: View,
    history: History,
}

fn status() -> Status {
    serde_json::from_str(include_str!("../../fixtures/status.json")).expect("the fixture")
}

fn terminal(wide: u16, high: u16) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(wide, high)).expect("a terminal")
}

fn draw(
    terminal: &mut Terminal<TestBackend>,
    status: &Status,
    state: &mut ConsoleState,
    palette: Palette,
) -> String {
    terminal
        .draw(|frame| {
            let widget = ConsoleWidget::new(&status.view, &status.history).palette(palette);
            frame.render_stateful_widget(widget, frame.area(), state);
        })
        .expect("drawn");
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(buffer.area.width).max(1));
    let text = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    text.map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// Draws after these keys.
fn drawn(wide: u16, high: u16, status: &Status, keys: &[Key]) -> String {
    let mut state = ConsoleState::default();
    let mut terminal = terminal(wide, high);
    let mut text = draw(&mut terminal, status, &mut state, Palette::Plain);
    for key in keys {
        state.handle(*key);
        text = draw(&mut terminal, status, &mut state, Palette::Plain);
    }
    text
}

fn same(name: &str, text: &str) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name).with_extension("txt");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).expect("written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "{name} is drawn otherwise.\nbefore:\n{known}\nnow:\n{text}");
}

#[test]
fn each_page_fits_a_terminal_of_80_columns() {
    let status = status();
    for page in Page::ALL {
        let number = u8::try_from(page as usize + 1).expect("small");
        let name = format!("{page:?}-80x24").to_lowercase();
        same(&name, &drawn(80, 24, &status, &[Key::Page(number)]));
    }
    same("workers-132x24", &drawn(132, 24, &status, &[]));
}

#[test]
fn a_narrow_terminal_keeps_the_place_of_a_panic_first() {
    let status = status();
    let text = drawn(40, 16, &status, &[]);
    same("workers-40x16", &text);
    let row = text.lines().find(|line| line.contains("fetch_fe")).expect("the worker");
    assert!(row.contains("fetch.rs:88:17"), "the line, rather than the folder: {row}");
    let row =
        drawn(60, 16, &status, &[]).lines().find(|line| line.contains("fetch_fe")).expect("it").to_owned();
    assert!(row.contains("src/feeds/fetch.rs:88:17"), "the place, whole: {row}");
    let text = drawn(40, 16, &status, &[Key::Page(2)]);
    same("ends-40x16", &text);
    assert!(text.lines().any(|line| line.contains("fetch.rs:88:17")), "{text}");
    same("beside-40x16", &drawn(40, 16, &status, &[Key::Page(5)]));
}

#[test]
fn a_panic_is_opened_scrolled_and_closed() {
    let status = status();
    // Those in trouble come first: the one that is stuck, then the one that panicked.
    let opened = [Key::Down, Key::Open];
    let text = drawn(80, 24, &status, &opened);
    same("panic-80x24", &text);
    let place = text.find("panicked at src/feeds/fetch.rs:88:17").expect("its place");
    assert!(place < text.find("while it read https://example.org/feed.xml").expect("its whole text"));
    let text = drawn(80, 24, &status, &[&opened[..], &[Key::Last]].concat());
    assert!(text.contains("23: feeds::fetch::part_23") && text.contains(" Esc closes "), "{text}");
    assert!(!text.contains("more lines below"), "{text}");
    let text = drawn(80, 24, &status, &[&opened[..], &[Key::Close]].concat());
    assert!(!text.contains("part_0") && text.contains("fetch_feeds"), "{text}");
}

#[test]
fn what_is_open_stays_readable_when_its_worker_is_gone() {
    let mut status = status();
    let (mut terminal, mut state) = (terminal(80, 24), ConsoleState::default());
    draw(&mut terminal, &status, &mut state, Palette::Plain);
    state.handle(Key::Down);
    state.handle(Key::Open);
    draw(&mut terminal, &status, &mut state, Palette::Plain);
    status.view.workers.clear();
    let text = draw(&mut terminal, &status, &mut state, Palette::Plain);
    assert!(text.contains("panicked at src/feeds/fetch.rs:88:17"), "{text}");
    assert!(state.handle(Key::Close) && !state.is_open());
    assert!(draw(&mut terminal, &status, &mut state, Palette::Plain).contains("no worker lives"));
}

/// The row that the cursor is on.
fn at_cursor(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let reversed = |row: &&[ratatui::buffer::Cell]| {
        row.iter().all(|cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED))
    };
    rows.filter(reversed)
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
        .next()
        .unwrap_or_default()
}

#[test]
fn the_cursor_stays_on_its_worker_when_rows_move() {
    let mut status = status();
    let (mut terminal, mut state) = (terminal(80, 24), ConsoleState::default());
    draw(&mut terminal, &status, &mut state, Palette::Plain);
    for _ in 0..3 {
        state.handle(Key::Down);
        draw(&mut terminal, &status, &mut state, Palette::Plain);
    }
    let before = at_cursor(&terminal);
    assert!(before.contains("reader#2"), "{before}");
    status.view.workers.rotate_left(3);
    draw(&mut terminal, &status, &mut state, Palette::Plain);
    assert!(at_cursor(&terminal).contains("reader#2"), "{}", at_cursor(&terminal));
    state.handle(Key::Last);
    draw(&mut terminal, &status, &mut state, Palette::Plain);
    assert!(!state.handle(Key::Down), "there is no row below the last");
}

#[test]
fn any_column_sorts_both_ways() {
    let status = status();
    let first = |keys: &[Key]| {
        let text = drawn(160, 24, &status, keys);
        let header = text.lines().position(|line| line.contains("last panic or error")).expect("a header");
        text.lines().nth(header + 1).expect("a row").to_owned()
    };
    assert!(first(&[]).starts_with("! reader#3"), "trouble first: {}", first(&[]));
    assert!(first(&[Key::Sort]).contains("fetch_feeds"), "by name: {}", first(&[Key::Sort]));
    assert!(first(&[Key::Sort, Key::Reverse]).contains("walk"));
    let by_rate = [Key::Sort; 7];
    assert!(first(&by_rate).contains("reader#2"), "the fastest: {}", first(&by_rate));
    assert!(first(&[Key::Sort; 15]).starts_with("! reader#3"), "and round: {}", first(&[Key::Sort; 15]));
}

#[test]
fn colours_are_drawn_where_the_terminal_has_them_and_never_say_it_alone() {
    let status = status();
    let colors = |palette| {
        let (mut terminal, mut state) = (terminal(80, 24), ConsoleState::default());
        let text = draw(&mut terminal, &status, &mut state, palette);
        let buffer = terminal.backend().buffer();
        (
            text,
            buffer.content.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count(),
        )
    };
    let ((plain, none), (colored, some)) = (colors(Palette::Plain), colors(Palette::Colored));
    assert_eq!((none, plain), (0, colored), "the same words");
    assert!(some > 20, "{some}");
}

#[test]
fn every_size_is_drawn() {
    let status = status();
    for wide in (0..90).chain([200, 400]) {
        for high in [0, 1, 2, 3, 4, 5, 7, 11, 24, 60] {
            let mut state = ConsoleState::default();
            let mut terminal = terminal(wide, high);
            for key in [Key::Next; 5].into_iter().chain([Key::Last, Key::Open, Key::PageDown, Key::Last]) {
                draw(&mut terminal, &status, &mut state, Palette::Colored);
                state.handle(key);
            }
            draw(&mut terminal, &status, &mut state, Palette::Colored);
        }
    }
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let mut status = status();
    let nasty = "\x1b[2J\x1b]0;owned\x07\u{202e}\n\r日本".repeat(40);
    status.view.panel.clone_from(&nasty);
    status.view.warning = Some(nasty.clone());
    for worker in &mut status.view.workers {
        worker.name.clone_from(&nasty);
        worker.last_error = Some(nasty.clone());
        if let Some(panic) = &mut worker.last_panic {
            panic.place.clone_from(&nasty);
            panic.full.clone_from(&nasty);
        }
    }
    for keys in [&[][..], &[Key::Down, Key::Open]] {
        let text = drawn(80, 24, &status, keys);
        let bad = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert!(!text.chars().any(bad), "{text:?}");
    }
}

#[test]
fn a_thousand_workers_are_drawn_and_walked_through() {
    let mut status = status();
    let worker = status.view.workers[1].clone();
    status.view.workers = (0..1_000)
        .map(|instance| {
            let mut worker = worker.clone();
            worker.instance = instance;
            worker
        })
        .collect();
    let text = drawn(80, 24, &status, &[Key::Last]);
    assert!(text.contains("reader#999"), "{text}");
    let text = drawn(80, 24, &status, &[Key::PageDown, Key::PageDown]);
    assert!(text.contains("reader#36") && text.contains("more below"), "{text}");
}
