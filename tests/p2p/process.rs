//! A program as a process of its own: this test binary again, which runs until it is killed, does what it is asked to on its input, and prints what it sees.

use std::{
    collections::hash_map::DefaultHasher,
    env,
    ffi::OsStr,
    hash::{Hash, Hasher},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use control_panel::{Peer, testing::Rng};

use crate::{
    hex::{bytes, hex},
    node::{LONG, Node, Seen, Setup, Update},
};

const SETUP: &str = "CONTROL_PANEL_P2P_PROCESS";

/// A UDP port of loopback that nothing has now: a process that comes back is where it was.
pub(crate) fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn peer(hex: &str) -> Peer {
    Peer(bytes(hex).try_into().unwrap())
}

/// A setup as lines, and back.
fn text_of(setup: &Setup) -> String {
    let Setup { folder, members, idle, journal, record, bind, known, .. } = setup;
    let members: Vec<_> = members.iter().map(|peer| hex(&peer.0)).collect();
    let known: Vec<_> = known.iter().map(|(peer, at)| format!("{}@{at}", hex(&peer.0))).collect();
    let [folder, idle] = [folder.to_str().unwrap().to_owned(), idle.as_millis().to_string()];
    let [journal, record] = [journal, record].map(bool::to_string);
    [folder, members.join(" "), idle, journal, record, bind.to_string(), known.join(" ")].join("\n")
}

fn setup_of(text: &str) -> Setup {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap();
    let folder = Path::new(next());
    let members: Vec<_> = next().split_whitespace().map(peer).collect();
    let idle = Duration::from_millis(next().parse().unwrap());
    let (journal, record) = (next().parse().unwrap(), next().parse().unwrap());
    let bind = next().parse().unwrap();
    let known = next().split_whitespace().map(|known| {
        let (of, at) = known.split_once('@').unwrap();
        (peer(of), at.parse().unwrap())
    });
    let known = known.collect();
    Setup { idle, journal, record, bind, known, ..Setup::new(folder, &members) }
}

/// What the process is.
#[test]
fn program() {
    let Ok(text) = env::var(SETUP) else { return };
    let mut node = setup_of(&text).start();
    let (asked, asks) = mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            asked.send(line).ok();
        }
    });
    let life = node.app.replica.author().incarnation;
    let mut rng = Rng::new(u64::from(std::process::id()));
    let (mut writes, mut number, mut reported, mut shown) = (false, 0_u64, 0, String::new());
    println!("\nruns {}", node.address());
    loop {
        let mut words = Vec::new();
        for asked in asks.try_iter() {
            match asked.split_once(' ') {
                Some(("word", word)) => words.push(word.to_owned()),
                _ if asked == "write" => writes = true,
                _ if asked == "rest" => writes = false,
                _ if asked == "wall" => {
                    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    println!("wall {}", wall.as_secs());
                }
                _ if asked == "list" => {
                    node.words().iter().for_each(|word| println!("has {word}"));
                    println!("listed");
                }
                _ => panic!("{asked}"),
            }
        }
        if writes && rng.chance(30) {
            for _ in 0..rng.below(4) {
                words.push(format!("{} {life} {number}", std::process::id()));
                number += 1;
            }
        }
        // They are durable when this returns.
        node.frame_of(words.iter().cloned().map(Update::Say));
        for word in &words {
            println!("kept {word}");
        }
        for (of, seen) in &node.app.seen[reported..] {
            match seen {
                Seen::Online => println!("seen {} online", hex(&of.0)),
                Seen::Offline(reason) => println!("seen {} offline: {reason}", hex(&of.0)),
            }
        }
        reported = node.app.seen.len();
        let state = state_of(&node);
        if !writes && state != shown {
            println!("state {state}");
            shown = state;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Its log, as the ends of all chains are in a version, and its state.
fn state_of(node: &Node) -> String {
    let (mut log, mut words) = (DefaultHasher::new(), DefaultHasher::new());
    node.app.replica.version().encode().hash(&mut log);
    node.words().hash(&mut words);
    format!("{:016x} {:016x} {}", log.finish(), words.finish(), node.words().len())
}

pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::start_by(Command::new(env::current_exe().unwrap()), setup)
    }

    /// With these in its environment.
    pub(crate) fn start_with(setup: &Setup, environment: &[(&str, &OsStr)]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.envs(environment.iter().copied());
        Self::start_by(command, setup)
    }

    /// As a host of its own: in that network namespace.
    pub(crate) fn start_in(namespace: &str, setup: &Setup) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(env::current_exe().unwrap());
        Self::start_by(command, setup)
    }

    /// One that cannot begin: whether it says that all is well, and what it printed.
    pub(crate) fn run_to_its_end(setup: &Setup) -> (bool, String) {
        let mut command = Command::new(env::current_exe().unwrap());
        let output = Self::ask(&mut command, setup).stdin(Stdio::null()).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    }

    fn ask<'a>(command: &'a mut Command, setup: &Setup) -> &'a mut Command {
        command.args(["process::program", "--exact", "--nocapture"]).env(SETUP, text_of(setup))
    }

    fn start_by(mut command: Command, setup: &Setup) -> Self {
        let mut child =
            Self::ask(&mut command, setup).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let said = Arc::<Mutex<Vec<String>>>::default();
        let shared = Arc::clone(&said);
        let reader = thread::spawn(move || {
            // What it was writing when it was killed is half a line.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                shared.lock().unwrap().push(line);
            }
        });
        let process = Self { child, input, said, reader: Some(reader) };
        process.wait_for("it runs", |process| process.last("runs").is_some());
        process
    }

    pub(crate) fn wait_for(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is(self) {
            let said = || self.said.lock().unwrap().clone();
            assert!(began.elapsed() < LONG, "it is not so: {what}: {:#?}", said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// What it said behind that word, in order.
    pub(crate) fn all(&self, word: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::to_owned).collect()
    }

    pub(crate) fn last(&self, word: &str) -> Option<String> {
        self.all(word).pop()
    }

    /// What it reported of a peer.
    pub(crate) fn seen_of(&self, peer: Peer) -> Vec<String> {
        self.all(&format!("seen {}", hex(&peer.0)))
    }

    pub(crate) fn is_online(&self, peer: Peer) -> bool {
        self.seen_of(peer).last().is_some_and(|seen| seen == "online")
    }

    /// All words that it has now.
    pub(crate) fn list(&mut self) -> Vec<String> {
        self.say("list");
        self.wait_for("it has listed", |process| {
            process.said.lock().unwrap().iter().any(|line| line == "listed")
        });
        self.all("has")
    }

    /// Its memory in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL. All that it said is here then.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
