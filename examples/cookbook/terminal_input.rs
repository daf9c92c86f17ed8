//! Terminal input and the panel, awaited together: a plain thread that reads, and a loop that waits for the panel alone.
//!
//! A `read` of a terminal or a pipe cannot be called off. As a worker it would hold up the shutdown until the deadline, and be
//! named; in a runtime's blocking pool it would hold up the end of that runtime. A plain thread with a sender of the panel
//! holds up nothing: what it reads are intents like any other, so one wait of the loop is for both; once the panel has shut
//! down its next send is refused, and it ends; and where it sits in its `read` until the program ends, it ends with it.
//!
//! ```console
//! cargo run -p examples --example cookbook_terminal_input
//! ```
//!
//! What to look for: lines that you type and a clock's seconds arrive in one loop, which sleeps in between; it ends at `quit`.

use std::{
    io::{BufRead, BufReader, Read, stdin},
    thread::{self, JoinHandle},
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSender, IntentSource, QueuedIntent, Reducer, worker,
};

#[derive(GraphIntent)]
enum Update {
    #[intent(latest)]
    Seconds(u32),
    Line(String),
    /// The terminal is gone.
    InputEnded,
}

/// Reads until there is nothing more to read, or the panel is closed.
fn read_lines(input: impl Read + Send + 'static, lines: IntentSender<Update>) -> JoinHandle<()> {
    let read = move || {
        for line in BufReader::new(input).lines().map_while(Result::ok) {
            // Waits for room: a paste of a thousand lines is slowed down to what the loop takes.
            if lines.send_blocking(Update::Line(line)).is_err() {
                return;
            }
        }
        lines.send_blocking(Update::InputEnded).ok();
    };
    thread::Builder::new().name("input".into()).spawn(read).expect("a thread")
}

#[worker(source = IntentSource::Restore)]
async fn clock(cx: Context<Update>) {
    for seconds in 0.. {
        if cx.send(Update::Seconds(seconds)).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[derive(Default)]
struct App {
    seconds: Option<u32>,
    lines: Vec<String>,
    done: bool,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Seconds(seconds) => self.seconds = Some(seconds),
            Update::Line(line) if line == "quit" => self.done = true,
            Update::Line(line) => self.lines.push(line),
            Update::InputEnded => self.done = true,
        }
    }
}

/// Runs until `quit` or the end of the input.
fn run(input: impl Read + Send + 'static) -> (App, JoinHandle<()>) {
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn_clock();
    let reader = read_lines(input, panel.sender(IntentSource::LocalUI));
    let mut app = App::default();
    while !app.done {
        // For whatever comes first: a line, a tick.
        panel.wait_ready_timeout(Duration::MAX);
        panel.run_frame(&mut app, &mut (), []);
    }
    assert!(panel.shutdown_blocking().is_clean(), "the reader holds nothing up");
    (app, reader)
}

fn main() {
    println!("type lines, and `quit`");
    let (app, _reader) = run(stdin());
    println!("{} lines in {} s", app.lines.len(), app.seconds.unwrap_or_default());
}

#[test]
fn both_are_heard_and_a_reader_that_sits_in_its_read_holds_nothing_up() {
    use std::io::{Write, pipe};

    let (input, mut terminal) = pipe().unwrap();
    terminal.write_all(b"one\ntwo\nquit\n").unwrap();
    let (app, reader) = run(input);
    assert_eq!(app.lines, ["one", "two"]);
    assert!(!reader.is_finished(), "it reads on");
    terminal.write_all(b"three\n").unwrap();
    reader.join().expect("the next line finds no panel, and ends it");
}

#[test]
fn the_end_of_the_input_ends_the_loop() {
    let (app, reader) = run(&b"one"[..]);
    assert_eq!(app.lines, ["one"]);
    reader.join().unwrap();
}

/// The program itself, in a process of its own.
#[test]
fn a_process_ends_while_its_input_stays_open() {
    use std::{
        env,
        io::Write,
        process::{Command, Stdio},
    };

    const CHILD: &str = "COOKBOOK_TERMINAL_INPUT_CHILD";
    if env::var_os(CHILD).is_some() {
        return main();
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_process_ends_while_its_input_stays_open"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut terminal = child.stdin.take().unwrap();
    terminal.write_all(b"one\nquit\n").unwrap();
    assert!(child.wait().unwrap().success());
    drop(terminal);
}
