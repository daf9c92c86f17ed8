//! The frame thread's CPU time while a stranger and a peer that is trusted flood this machine.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use control_panel::Peer;
use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};
use iroh::{
    Endpoint, EndpointAddr, PublicKey, RelayMode, SecretKey, TransportAddr,
    endpoint::{PortmapperConfig, presets},
};

use crate::{
    node::{Node, hex, key, members, peer},
    spent::thread_time,
};

const PAIRS: usize = 20;
const FRAMES: u32 = 240;
const COUNTED: usize = 5;
const SYNC: &[u8] = b"control-panel/sync/1";

/// Frames of 4 ms, each with an edit and work of some 0.3 ms: CPU seconds of this thread.
fn frames(node: &mut Node) -> f64 {
    let (began, mut next, mut work) = (thread_time(), Instant::now(), 1_u64);
    for _ in 0..FRAMES {
        counted_frame(node);
        for _ in 0..300_000 {
            work = std::hint::black_box(work.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(7));
        }
        next += Duration::from_millis(4);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    thread_time() - began
}

/// A frame with an edit. Callgrind counts it, by its name.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn counted_frame(node: &mut Node) {
    node.commit(1, 40);
}

fn flooder(folder: &Path, member: Peer, at: SocketAddr) -> Child {
    Command::new(std::env::current_exe().expect("a program"))
        .args(["floods", folder.to_str().expect("a path"), &hex(&member.0), &at.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

/// Under valgrind: as many frames, without the work between them; flooded or not.
pub fn counted(name: &str, flooded: bool) {
    let (folders, keys) = members(name, 2);
    let mut node = Node::start(&folders[0], &keys, Duration::from_secs(15), None);
    let at = node.address();
    let flood = flooded.then(|| {
        let flood = flooder(&folders[1], keys[0], at);
        node.until("it floods", |node| node.peers.status().refused > 20);
        flood
    });
    let before = node.peers.status().refused;
    for _ in 0..FRAMES {
        counted_frame(&mut node);
        thread::sleep(Duration::from_millis(4));
    }
    eprintln!("refused meanwhile: {}", node.peers.status().refused - before);
    if let Some(mut flood) = flood {
        flood.kill().expect("it runs");
        flood.wait().expect("it is gone");
    }
}

/// Instructions of a frame, and the handshakes that were refused meanwhile.
fn count(which: &str) -> Option<(f64, u64)> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-atstart=no",
            "--toggle-collect=counted_frame",
            "--fair-sched=yes",
        ])
        .args(["--callgrind-out-file=/dev/null", "--"])
        .arg(std::env::current_exe().ok()?)
        .args(["counted", which])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let after =
        |words: &str| text.lines().find_map(|line| line.split_once(words))?.1.trim().parse::<u64>().ok();
    Some((after("Collected : ")? as f64 / f64::from(FRAMES), after("refused meanwhile: ")?))
}

/// By callgrind, of the frame's thread alone.
pub fn instructions(bars: &mut Bars) {
    let mut table = Table::new(&["a frame with an edit", "quiet", "flooded", "×", "handshakes refused"]);
    let (mut ratios, mut quiet, mut flooded, mut refused) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..COUNTED {
        let (Some(calm), Some(under)) = (count("quiet"), count("flooded")) else {
            println!("It needs valgrind.");
            return;
        };
        ratios.push(under.0 / calm.0);
        quiet.push(calm.0);
        flooded.push(under.0);
        refused += under.1;
    }
    let ratio = Spread::of(ratios).median;
    bars.at_most("the frame thread's instructions while they flood", 1.01, ratio);
    table.row([
        format!("instructions, {COUNTED} pairs of {FRAMES} frames"),
        format!("{:.0}", Spread::of(quiet).median),
        format!("{:.0}", Spread::of(flooded).median),
        format!("{ratio:.4}"),
        refused.to_string(),
    ]);
    println!("{table}");
}

pub fn report(bars: &mut Bars) {
    let (folders, keys) = members("flood", 2);
    let mut node = Node::start(&folders[0], &keys, Duration::from_secs(15), None);
    let at = node.address();
    let (mut ratios, mut quiet, mut flooded) = (Vec::new(), Vec::new(), Vec::new());
    frames(&mut node);
    let mut refused = 0;
    for _ in 0..PAIRS {
        let calm = frames(&mut node);
        let before = node.peers.status().refused;
        let mut child = flooder(&folders[1], keys[0], at);
        node.until("it floods", |node| node.peers.status().refused > before + 20);
        let under = frames(&mut node);
        refused += node.peers.status().refused - before;
        child.kill().expect("it runs");
        child.wait().expect("it is gone");
        ratios.push(under / calm);
        quiet.push(1e3 * calm);
        flooded.push(1e3 * under);
    }
    let ratio = Spread::of(ratios).median;
    bars.at_most("the frame thread's CPU while a stranger and a trusted key flood", 1.05, ratio);
    let mut table =
        Table::new(&["frame thread, CPU ms of 240 frames", "quiet", "flooded", "×", "handshakes refused"]);
    table.row([
        "20 pairs".to_owned(),
        short(Spread::of(quiet).median),
        short(Spread::of(flooded).median),
        short(ratio),
        refused.to_string(),
    ]);
    println!("{table}");
}

/// Dials as fast as it can, until it is killed: four strangers, and a key that is trusted and sends what is no hello.
pub fn run(folder: &Path, member: &str, at: &str) {
    let own = key(folder);
    let text = std::fs::read_to_string(own.path()).expect("a key");
    let secret = SecretKey::from_bytes(&peer(text.lines().nth(1).expect("a line")).0);
    let at: SocketAddr = at.parse().expect("an address");
    let id = PublicKey::from_bytes(&peer(member).0).expect("a key");
    let place = EndpointAddr::from_parts(id, [TransportAddr::Ip(at)]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let floods = (0..5).map(|number| {
            let (place, secret) =
                (place.clone(), if number == 0 { secret.clone() } else { SecretKey::generate() });
            tokio::spawn(async move {
                let endpoint = Endpoint::builder(presets::Minimal)
                    .secret_key(secret)
                    .relay_mode(RelayMode::Disabled)
                    .clear_address_lookup()
                    .portmapper_config(PortmapperConfig::Disabled)
                    .clear_ip_transports()
                    .bind_addr(SocketAddr::from(([127, 0, 0, 1], 0)))
                    .expect("loopback")
                    .bind()
                    .await
                    .expect("a port");
                loop {
                    if let Ok(connection) = endpoint.connect(place.clone(), SYNC).await
                        && let Ok((mut send, _receive)) = connection.open_bi().await
                    {
                        while send.write_all(&[0xA5; 64 << 10]).await.is_ok() {}
                    }
                }
            })
        });
        for flood in floods.collect::<Vec<_>>() {
            flood.await.ok();
        }
    });
}
