use super::*;
use control_panel::{
    QueuedIntent, Reducer,
    testing::{self, TestPanel},
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("log-viewer-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn append(path: &str, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn app(paths: &[String]) -> App {
    App::new(
        paths,
        Bounds {
            lines: 3,
            bytes: 1000,
        },
    )
}

fn apply(app: &mut App, source: Source, update: Update) {
    app.apply(QueuedIntent::new(source, update));
}

#[test]
fn memory_is_bounded_by_lines_and_by_bytes() {
    let mut app = app(&["a".into()]);
    for n in 0..5 {
        apply(
            &mut app,
            Source::File,
            Update::Line {
                index: 0,
                text: n.to_string(),
            },
        );
    }
    assert_eq!((app.lines.len(), app.forgotten, app.files[0].lines), (3, 2, 5));
    apply(
        &mut app,
        Source::File,
        Update::Line {
            index: 0,
            text: "x".repeat(998),
        },
    );
    assert_eq!((app.lines.len(), app.bytes), (3, 1000));
}

#[test]
fn keys_filter_and_quit() {
    let mut app = app(&["a".into()]);
    for text in ["good", "bad"] {
        apply(
            &mut app,
            Source::File,
            Update::Line {
                index: 0,
                text: text.into(),
            },
        );
    }
    for press in [
        Press::Char('/'),
        Press::Char('b'),
        Press::Char('q'),
        Press::Backspace,
        Press::Enter,
    ] {
        apply(&mut app, Source::Key, Update::Key(press));
    }
    assert_eq!(
        app.shown().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["bad"]
    );
    assert!(!app.quit, "the q was typed into the filter");
    apply(&mut app, Source::Key, Update::Key(Press::Char('q')));
    assert!(app.quit);
}

#[test]
fn a_file_is_followed_and_each_line_comes_once() {
    let folder = Folder::new("follow");
    let path = folder.file("a.log");
    append(&path, "one\ntw");
    testing::paused_with(panel_builder(), async |panel: &mut ControlPanel<Update>| {
        let paths = [path.clone()];
        let workers = start(panel, &paths);
        let mut test = TestPanel::viewing(panel, app(&paths), |app| app.lines.clone());
        let line = |text: &str| app::Line {
            file: 0,
            text: text.into(),
        };
        test.receive(|update| *update == Update::Opened { index: 0 }, |_| {})
            .await;
        test.receive(
            |update| matches!(update, Update::Line { .. }),
            |lines| lines.push_back(line("one")),
        )
        .await;
        test.receive(|update| *update == Update::AtEnd { index: 0 }, |_| {})
            .await;
        append(&path, "o\n");
        test.advance(Duration::from_secs(1)).await;
        test.receive(
            |update| matches!(update, Update::Line { .. }),
            |lines| lines.push_back(line("two")),
        )
        .await;
        test.receive(|update| *update == Update::AtEnd { index: 0 }, |_| {})
            .await;
        workers.0[0].stop();
        test.finish([]).await;
    });
}

#[test]
fn a_vanished_file_is_shown_and_tried_again() {
    let folder = Folder::new("vanish");
    let path = folder.file("a.log");
    let paths = [path.clone()];
    testing::paused_with(panel_builder(), async |panel: &mut ControlPanel<Update>| {
        let mut workers = start(panel, &paths);
        let mut app = app(&paths);
        testing::advance(Duration::from_secs(30)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert!(
            app.files[0].failed.as_ref().unwrap().contains("No such file"),
            "{app:?}"
        );
        let tries = workers.0[0].generation();
        assert!((5..20).contains(&tries), "{tries} tries in 30 s");
        let mut terminal = Terminal::new(TestBackend::new(140, 4)).unwrap();
        terminal.draw(|frame| view::draw(frame, &app, &workers)).unwrap();
        assert!(terminal.backend().to_string().contains("! failed: No such file"));

        append(&path, "here\n");
        testing::advance(Duration::from_secs(10)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert_eq!((app.files[0].failed.clone(), app.lines.len()), (None, 1));

        fs::remove_file(&path).unwrap();
        testing::advance(Duration::from_secs(1)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert!(app.files[0].failed.is_some());
        append(&path, "again\n");
        testing::advance(Duration::from_secs(10)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert_eq!(app.lines.back().unwrap().text, "again");
        assert_eq!(app.lines.len(), 2);
    });
}

#[test]
fn a_pause_stops_reading_and_loses_nothing() {
    let folder = Folder::new("pause");
    let path = folder.file("a.log");
    let paths = [path.clone()];
    append(&path, "one\n");
    testing::paused_with(panel_builder(), async |panel: &mut ControlPanel<Update>| {
        let mut workers = start(panel, &paths);
        let mut app = app(&paths);
        testing::advance(Duration::from_secs(1)).await;
        panel.run_frame(
            &mut app,
            &mut workers,
            [(Source::Key, Update::Key(Press::Char('p')))],
        );
        append(&path, "two\n");
        testing::advance(Duration::from_secs(60)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert_eq!(app.lines.len(), 1);
        panel.run_frame(
            &mut app,
            &mut workers,
            [(Source::Key, Update::Key(Press::Char('p')))],
        );
        testing::advance(Duration::from_secs(1)).await;
        panel.run_frame(&mut app, &mut workers, []);
        assert_eq!(app.lines.len(), 2);
    });
}
