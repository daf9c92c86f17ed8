//! With the token it does what the page does: against a real dashboard, in a terminal.
#![cfg(unix)]

mod pty;

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Spawner, WorkerHandle,
    dashboard::{Dashboard, FramePause, PolicyField, PolicyForm},
    worker,
};
use pty::Session;

const TOKEN: &str = "0123456789abcdef-token";

#[derive(GraphIntent)]
enum Update {
    Found,
}

#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn search(cx: Context<Update, u32>) {
    while cx.send(Update::Found).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Nothing;

impl Reducer for Nothing {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {}
}

struct Form(Spawner<Update, u32>);

impl PolicyForm for Form {
    fn fields(&self) -> Vec<PolicyField> {
        vec![PolicyField::new("most", "Most pages", self.0.policy())]
    }

    fn submit(&self, values: &BTreeMap<String, String>) -> Result<(), String> {
        let most = values.get("most").ok_or("`most` is missing")?;
        self.0.set_policy(most.parse().map_err(|error| format!("most: {error}"))?);
        Ok(())
    }
}

/// A program that serves its dashboard, and whose frames run until it is dropped.
struct Program {
    address: String,
    spawner: Spawner<Update, u32>,
    search: WorkerHandle,
    pause: FramePause,
    frames: Arc<AtomicU64>,
    /// How often the loop asked whether it may run a frame.
    turns: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    looped: Option<thread::JoinHandle<()>>,
}

impl Program {
    fn start() -> Self {
        let mut panel = ControlPanel::<Update, u32>::builder().name("shop").build();
        let pause = FramePause::new();
        let dashboard = Dashboard::new(panel.observer()).token(TOKEN).pause(pause.clone());
        let server = dashboard.policy_form(Form(panel.spawner())).serve("127.0.0.1:0").expect("a port");
        let address = server.address().to_string();
        panel.spawn(server.into_worker(IntentSource::LocalUI));
        let (search, spawner) = (panel.spawn_search(), panel.spawner());
        let (frames, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let turns = Arc::new(AtomicU64::new(0));
        let (asked, count, end) = (Arc::clone(&turns), Arc::clone(&frames), Arc::clone(&ends));
        let admits = pause.clone();
        let looped = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                if admits.admits() {
                    panel.run_frame(&mut Nothing, &mut (), []);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                asked.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { address, spawner, search, pause, frames, turns, ends, looped: Some(looped) }
    }

    fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Waits until the loop has asked so often again.
    fn turns(&self, more: u64) {
        let before = self.turns.load(Ordering::Relaxed);
        soon("the loop turns", || self.turns.load(Ordering::Relaxed) >= before + more);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.looped.take().map(thread::JoinHandle::join);
    }
}

fn soon(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn with_the_token_workers_frames_and_the_policy_obey_what_is_typed() {
    let program = Program::start();
    let mut session = Session::start_with(&program.address, Some(TOKEN));
    session.until("search");
    let mut say = |command: &str| session.keys(format!(":{command}\r").as_bytes());
    say("suspend search");
    soon("it is suspended", || program.search.is_suspended());
    say("resume search");
    soon("it is resumed", || !program.search.is_suspended());
    soon("it runs", || program.search.generation() > 0);
    let before = program.search.generation();
    say("restart search");
    soon("it runs again", || program.search.generation() > before);

    say("pause");
    soon("it is paused", || program.pause.is_paused());
    // The turn in which it was paused may have had its frame.
    program.turns(2);
    let paused = program.frames();
    program.turns(20);
    assert_eq!(program.frames(), paused);
    say("step");
    soon("one frame", || program.frames() > paused);
    program.turns(20);
    assert_eq!(program.frames(), paused + 1, "one, and no more");
    say("unpause");
    soon("frames again", || program.frames() > paused + 1);

    session.keys(b":policy\r");
    // Only what changes is drawn: a word that is drawn whole.
    session.until("(Most");
    session.keys(b":policy most=7\r");
    soon("it is set", || *program.spawner.policy() == 7);
    session.keys(b":policy most=many\r");
    session.until("string");
    session.keys(b":policy least=1\r");
    session.until("least:");
    assert_eq!(*program.spawner.policy(), 7);

    // The cursor is on a worker. Escape takes a command back: then the last answer is there again. What is typed next must come after
    // it, as Escape and a letter in one piece are a letter with Alt.
    session.text.clear();
    session.keys(b":stop search");
    session.until("▏");
    session.text.clear();
    session.keys(b"\x1b");
    session.until("says");
    session.keys(b":suspend search\r");
    soon("it is suspended once more", || program.search.is_suspended());
    assert!(!program.search.status().is_final());
    session.keys(b":stop search\r");
    soon("it is stopped", || program.search.status().is_final());
    session.keys(b"q");
    assert_eq!(session.ended(), Some(0));
}

#[test]
fn without_the_token_nothing_is_typed_and_a_wrong_one_is_refused() {
    let program = Program::start();
    let mut session = Session::start(&program.address);
    session.until("search");
    session.keys(b":stop search\r");
    session.until("it only reads");
    // What was typed is no command: `s` sorts, and Enter opened a row. What is typed next is shown once all of that was read.
    session.text.clear();
    session.keys(b"\r3");
    session.until("blocked");
    assert!(!program.search.status().is_final());
    session.keys(b"\x1bq");
    assert_eq!(session.ended(), Some(0));

    let top = |token: &str, file: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_control-panel"));
        command.args(["top", &program.address, "--once"]).env("CONTROL_PANEL_TOKEN", token);
        let output = command.args(file.map(|file| format!("--token-file={file}"))).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = top("0123456789abcdef-wrong", None);
    assert_eq!(code, Some(4));
    assert!(said.contains("401: refused: the token is missing or wrong"), "{said}");
    assert_eq!(top(TOKEN, None), (Some(0), String::new()));
    let (code, said) = top(TOKEN, Some("/nowhere/token"));
    assert!(code == Some(2) && said.contains("/nowhere/token"), "{said}");
    assert!(!said.contains(TOKEN));
}
