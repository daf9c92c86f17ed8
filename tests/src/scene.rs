//! Scenes that need a process of their own: the very test binary that asks for one, started again as a child.
//!
//! Such a binary has a test called `child`, which plays the scene it is [`asked`] for and is none where there is none.

use std::{
    env,
    io::{self, BufRead, BufReader, Lines, Read},
    process::{self, Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
};

use crate::PATIENCE;

const SCENE: &str = "CONTROL_PANEL_SCENE";

/// Which scene this process is to play, if it is a child.
#[must_use]
pub fn asked() -> Option<String> {
    let scene = env::var(SCENE).ok()?;
    // If the test gave it up, nothing else ends it.
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        process::exit(1);
    });
    Some(scene)
}

/// Waits, in the child, until the test lets it go on ([`Scene::goes_on`]).
///
/// # Panics
/// If it has no standard input.
pub fn waits() {
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// What a child tells the test.
pub fn say(what: &str) {
    println!("{what}");
}

/// A child that plays a scene.
#[derive(Debug)]
pub struct Scene {
    /// Its process.
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Scene {
    /// Starts the child and waits until it says that it is `ready`.
    ///
    /// # Panics
    /// If it ends without that.
    #[must_use]
    pub fn begin(name: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(SCENE, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut scene = Self { child, lines };
        scene.hears("ready");
        scene
    }

    /// Waits until the child says so, and skips what the test harness says.
    ///
    /// # Panics
    /// If it ends without that.
    pub fn hears(&mut self, what: &str) {
        assert!(self.lines.any(|line| line.unwrap().contains(what)), "the child ended without `{what}`");
    }

    /// Lets a child that [`waits`] go on.
    pub fn goes_on(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for its end: its status, and all that it said since.
    ///
    /// # Panics
    /// If it cannot be waited for.
    #[must_use]
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let said = self.lines.map(Result::unwrap).collect();
        (self.child.wait().unwrap(), said)
    }
}
