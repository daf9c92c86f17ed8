//! The protocol of this release, as bytes: a later version talks to it, or refuses it by name.
//!
//! `cargo test -p tests --features p2p --test p2p make_the_fixture -- --ignored` writes it, of what two programs said to each other. `>` came from the one that dialled.

use std::{
    fmt::Write as _,
    fs,
    ops::RangeInclusive,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Peer,
    replica::Grant,
    workers::p2p_sync::{OfflineReason, Ticket},
};
use iroh::SecretKey;

use crate::{
    hex::{bytes, hex},
    node::{LONG, Node, Seen, Setup, for_a_while, until},
    raw::{BYE, DELTA, Frame, HAVE, HELLO, Line, Raw, TOOK, frame},
};

/// Those of the fixture: for tests alone.
const SECRETS: [[u8; 32]; 2] = [[11; 32], [12; 32]];

fn path() -> PathBuf {
    named("protocol-4.txt")
}

fn named(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire").join(name)
}

fn members() -> [Peer; 2] {
    SECRETS.map(|secret| Peer(*SecretKey::from_bytes(&secret).public().as_bytes()))
}

/// A program with one of the keys.
fn setup(folder: &Path, which: usize) -> Setup {
    let public = members()[which].0;
    let text = format!("control-panel key v1\n{}\n{}\n", hex(&SECRETS[which]), hex(&public[..8]));
    let mut file = fs::OpenOptions::new();
    let path = folder.join("peer.key");
    std::io::Write::write_all(
        &mut file.write(true).create_new(true).mode(0o600).open(path).unwrap(),
        text.as_bytes(),
    )
    .unwrap();
    Setup::new(folder, &members())
}

fn raw(which: usize) -> Raw {
    Raw::new(SecretKey::from_bytes(&SECRETS[which]))
}

/// Two programs with a word each, and between them one that has the keys of both and passes on what they say, changed.
struct Between {
    nodes: [Node; 2],
    lines: [Line; 2],
    passed: [usize; 2],
    /// From which, and what.
    log: Vec<(usize, Frame)>,
    _raws: [Raw; 2],
    _folders: [tempfile::TempDir; 2],
}

impl Between {
    fn new() -> Self {
        let folders = [0, 1].map(|_| tempfile::tempdir().unwrap());
        // What stands in for the second towards the first, and the other way round.
        let raws = [raw(1), raw(0)];
        let first = Setup { known: vec![(members()[1], raws[0].address())], ..setup(folders[0].path(), 0) };
        let mut nodes = [first, setup(folders[1].path(), 1)].map(|setup| setup.start());
        for (node, word) in nodes.iter_mut().zip(["of the first", "of the second"]) {
            node.commit(word);
        }
        let dialled = raws[0].accept();
        let dials = raws[1].dial(members()[1], nodes[1].address());
        Self {
            nodes,
            lines: [dialled, dials],
            passed: [0; 2],
            log: Vec::new(),
            _raws: raws,
            _folders: folders,
        }
    }

    /// Passes on what came, frame by frame, and runs the programs' frames.
    fn until(
        &mut self,
        change: impl Fn(usize, &mut Frame),
        mut is: impl FnMut(&[(usize, Frame)], &[&mut Node]) -> bool,
    ) {
        let Self { nodes: [a, b], lines, passed, log, .. } = self;
        until(&mut [a, b], "it was said", |nodes| {
            for from in 0..2 {
                for mut said in lines[from].frames().split_off(passed[from]) {
                    passed[from] += 1;
                    change(from, &mut said);
                    lines[1 - from].send(said.0, &said.1);
                    log.push((from, said));
                }
            }
            is(log, nodes)
        });
    }
}

/// What is in it: hellos, what each has, a delta each, and that it was taken. What comes behind that depends on when frames run.
fn is_of_the_session(said: &(usize, Frame), log: &[(usize, Frame)]) -> bool {
    let (from, (kind, _)) = said;
    matches!(*kind, HELLO | HAVE | DELTA | TOOK)
        && log.iter().filter(|(of, (other, _))| of == from && other == kind).count() == 1
}

#[test]
#[ignore = "it writes the fixture"]
fn make_the_fixture() {
    let mut between = Between::new();
    between.until(|_, _| (), |_, nodes| nodes.iter().all(|node| node.words().len() == 2));
    between.until(
        |_, _| (),
        |log, _| (0..2).all(|from| log.iter().any(|(of, (kind, _))| *of == from && *kind == TOOK)),
    );
    let mut text =
        "# control-panel: a session of protocol 4, frame by frame. `>`: from the one that dialled.\n"
            .to_owned();
    let mut session = Vec::new();
    for said in between.log {
        session.push(said.clone());
        if !is_of_the_session(&said, &session) {
            continue;
        }
        let (from, (kind, body)) = said;
        writeln!(text, "{} {}", ['>', '<'][from], hex(&frame(kind, &body))).unwrap();
    }
    writeln!(text, "> {}", hex(&frame(BYE, &[0]))).unwrap();
    let ticket = between.nodes[0].peers.ticket(Grant::Write, Duration::from_secs(1)).unwrap();
    writeln!(text, "# A ticket of the first: its key, and where it was.\nticket {}", ticket.text()).unwrap();
    writeln!(text, "at {}", between.nodes[0].address()).unwrap();
    fs::create_dir_all(path().parent().unwrap()).unwrap();
    fs::write(path(), text).unwrap();
}

/// What was written then, from which of the two.
fn fixture(path: &Path) -> Vec<(usize, Frame)> {
    let text = fs::read_to_string(path).unwrap();
    let frames = text.lines().filter_map(|line| {
        let (from, hex) = line.split_once(' ').filter(|(from, _)| [">", "<"].contains(from))?;
        let bytes = bytes(hex);
        Some((usize::from(from == "<"), (bytes[0], bytes[5..].to_vec())))
    });
    frames.collect()
}

/// A program of the release that wrote the fixture talks to this one, whichever dials: it gets what it said then, and this one has its word.
#[test]
fn a_session_of_protocol_4_is_understood() {
    for old in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let new = 1 - old;
        let raw = raw(old);
        let setup = setup(folder.path(), new);
        let known = if new == 0 { vec![(members()[1], raw.address())] } else { Vec::new() };
        let mut node = Setup { known, ..setup }.start();
        node.commit(["of the first", "of the second"][new]);
        let line = if old == 0 { raw.dial(members()[1], node.address()) } else { raw.accept() };
        let first = |kind: u8| line.frames().into_iter().find(|(of, _)| *of == kind);
        for (from, (kind, body)) in fixture(&path()) {
            if kind == BYE && from != old {
                continue;
            }
            if from == old && kind != DELTA {
                line.send(kind, &body);
                continue;
            }
            // Its delta is made before it hears the other's: then it says what it said then.
            until(&mut [&mut node], "it says the same", |_| first(kind).is_some());
            let said = first(kind).unwrap();
            if from == old {
                line.send(kind, &body);
            } else if kind == HELLO {
                assert_same_hello(&said, &body);
            } else {
                assert_eq!(hex(&said.1), hex(&body), "frame {kind} is not what it was then");
            }
        }
        until(&mut [&mut node], "it has the other's word", |nodes| nodes[0].words().len() == 2);
        assert!(node.app.misbehaved.is_empty(), "{:?}", node.app.misbehaved);
        let seen = node.seen_since_online(members()[old]);
        assert_eq!(seen.first(), Some(&Seen::Online), "{seen:?}");
    }
}

/// A program of an earlier release says what it said then, and is refused by name: in protocols 1 and 2 runs have other names, and in 3 pieces are shorter. It reads the answer, as a hello's layout is the same.
#[test]
fn programs_of_earlier_protocols_are_refused_by_name() {
    for (name, spoken) in [("protocol-1.txt", 1..=1), ("protocol-2.txt", 2..=2), ("protocol-3.txt", 3..=3)] {
        earlier_is_refused(name, spoken);
    }
}

fn earlier_is_refused(name: &str, theirs: RangeInclusive<u16>) {
    let folder = tempfile::tempdir().unwrap();
    let (old, raw) = (members()[0], raw(0));
    let mut node = setup(folder.path(), 1).start();
    node.commit("of the second");
    let line = raw.dial(members()[1], node.address());
    let said = fixture(&named(name));
    let hello = |of: usize| said.iter().find(|(from, (kind, _))| *from == of && *kind == HELLO).unwrap();
    line.send(HELLO, &hello(0).1.1);
    let reason = OfflineReason::Version { ours: 4..=4, theirs };
    until(&mut [&mut node], "it is refused", |nodes| {
        nodes[0].seen_of(old).contains(&Seen::Offline(reason.clone()))
    });
    assert!(node.app.misbehaved.is_empty() && node.words().len() == 1);
    let answer = line.frames().into_iter().find(|(kind, _)| *kind == HELLO).unwrap().1;
    let then = &hello(1).1.1;
    assert_eq!(answer[..4], [4, 0, 4, 0]);
    assert_eq!(hex(&answer[4..]), hex(&then[4..]), "but for the versions it is the hello of then");
}

/// Someone has it in a letter.
#[test]
fn a_ticket_of_each_protocol_is_read() {
    for name in ["protocol-1.txt", "protocol-2.txt", "protocol-3.txt", "protocol-4.txt"] {
        ticket_is_read(&fs::read_to_string(named(name)).unwrap());
    }
}

fn ticket_is_read(text: &str) {
    let line = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)).unwrap().to_owned();
    let ticket: Ticket = line("ticket ").parse().unwrap();
    assert_eq!(ticket.peer(), members()[0]);
    assert_eq!(ticket.addresses(), [line("at ").parse().unwrap()]);
    assert_eq!(ticket.text(), line("ticket "));
}

/// A later version may speak more, and be able to do more; the group has the same name, and the layout is the same.
fn assert_same_hello(said: &Frame, then: &[u8]) {
    assert_eq!(said.0, HELLO);
    let number = |at: usize| u16::from_le_bytes([said.1[at], said.1[at + 1]]);
    assert!(
        number(0) <= 4 && number(2) >= 4,
        "protocol 4 is not spoken any more: refuse it by name, and begin another fixture"
    );
    assert_eq!(said.1[4..8], then[4..8], "what is required");
    assert_eq!(hex(&said.1[12..]), hex(&then[12..]));
}

/// Two programs of which each takes the other for one of another version: both say so by name, with both ranges, once.
#[test]
fn a_changed_version_is_refused_by_name_on_both_ends() {
    let mut between = Between::new();
    let newer = |from: usize, (kind, body): &mut Frame| {
        if *kind == HELLO {
            // The first hears of a version that is gone, the second of one that is to come.
            let versions = [[5, 0, 7, 0], [0; 4]][from];
            body[..4].copy_from_slice(&versions);
        }
    };
    let peers = members();
    let refused = |node: &Node, peer: Peer, theirs| {
        let reason = OfflineReason::Version { ours: 4..=4, theirs };
        node.seen_of(peer).iter().filter(|seen| **seen == Seen::Offline(reason.clone())).count()
    };
    between.until(newer, |_, nodes| {
        refused(nodes[0], peers[1], 0..=0) > 0 && refused(nodes[1], peers[0], 5..=7) > 0
    });
    let [first, second] = &mut between.nodes;
    for_a_while(&mut [first, second], Duration::from_secs(1));
    assert_eq!((refused(first, peers[1], 0..=0), refused(second, peers[0], 5..=7)), (1, 1));
    assert!(first.words().len() == 1 && second.words().len() == 1, "nothing was exchanged");
    assert!(first.app.misbehaved.is_empty() && second.app.misbehaved.is_empty());
    let began = Instant::now();
    while between.lines.iter().any(|line| line.closed().is_none()) {
        assert!(began.elapsed() < LONG, "the connection is closed");
        thread::sleep(Duration::from_millis(5));
    }
}
