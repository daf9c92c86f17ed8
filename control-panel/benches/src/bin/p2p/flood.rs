//! The frame thread's CPU time while a stranger and a peer that is trusted flood this machine.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};
use iroh::{
    Endpoint, EndpointAddr, PublicKey, RelayMode, SecretKey, TransportAddr,
    endpoint::{PortmapperConfig, presets},
};
use rustix::time::{ClockId, clock_gettime};

use crate::node::{Node, hex, key, members, peer};

const PAIRS: usize = 20;
const FRAMES: u32 = 240;
const SYNC: &[u8] = b"control-panel/sync/1";

fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Frames of 4 ms, each with an edit and work of some 0.3 ms: CPU seconds of this thread.
fn frames(node: &mut Node) -> f64 {
    let (began, mut next, mut work) = (thread_time(), Instant::now(), 1_u64);
    for _ in 0..FRAMES {
        node.commit(1, 40);
        for _ in 0..300_000 {
            work = std::hint::black_box(work.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(7));
        }
        next += Duration::from_millis(4);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    thread_time() - began
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
        let mut child = Command::new(std::env::current_exe().expect("a program"))
            .args(["flood", folders[1].to_str().expect("a path"), &hex(&keys[0].0), &at.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("a process");
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
