//! The program in a terminal of its own.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// The program on a terminal of 100 by 30.
pub(crate) struct Session {
    pub(crate) child: Child,
    master: File,
    slave: OwnedFd,
    seen: std::sync::mpsc::Receiver<Vec<u8>>,
    pub(crate) text: String,
}

impl Session {
    pub(crate) fn start(address: &str) -> Self {
        Self::start_with(address, None)
    }

    pub(crate) fn start_with(address: &str, token: Option<&str>) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let open = || {
            let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
            rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).expect("its other side")
        };
        let slave = open();
        tcsetwinsize(&slave, Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("a size");
        let child = Command::new(env!("CARGO_BIN_EXE_control-panel"))
            .args(["top", address])
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("CONTROL_PANEL_TOKEN")
            .envs(token.map(|token| ("CONTROL_PANEL_TOKEN", token)))
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .expect("it runs");
        let master = File::from(master);
        let (send, seen) = std::sync::mpsc::channel();
        let mut reader = master.try_clone().expect("a clone");
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                if send.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, master, slave, seen, text: String::new() }
    }

    /// Waits until the terminal has been given this text.
    pub(crate) fn until(&mut self, wanted: &str) {
        let began = Instant::now();
        while !self.text.contains(wanted) {
            assert!(began.elapsed() < Duration::from_secs(30), "{wanted:?}: {:?}", self.text);
            if let Ok(piece) = self.seen.recv_timeout(Duration::from_millis(100)) {
                self.text.push_str(&String::from_utf8_lossy(&piece));
            }
        }
    }

    pub(crate) fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).expect("its modes").local_modes.contains(LocalModes::ICANON)
    }

    pub(crate) fn keys(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("typed");
    }

    /// Waits for the end: the code, and the terminal given back.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.until("\x1b[?1049l");
        let status = self.child.wait().expect("it ended");
        assert!(!self.is_raw(), "the terminal is given back");
        status.code()
    }
}
