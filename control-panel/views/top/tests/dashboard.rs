//! Against the real dashboard of a panel that has something to show.

use std::{process::Command, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, dashboard::Dashboard, worker};

#[derive(GraphIntent)]
enum Update {
    Found,
}

#[worker(source = IntentSource::Restore)]
async fn search(cx: Context<Update>) {
    while cx.send(Update::Found).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[worker(source = IntentSource::ModLoader, restart = on_failure, backoff = "60s")]
async fn feeds(_cx: Context<Update>) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    panic!("no such feed");
}

#[test]
fn a_panels_workers_and_their_panics_are_shown() {
    let mut panel = ControlPanel::<Update>::builder().name("shop").build();
    let server = Dashboard::new(panel.observer()).serve("127.0.0.1:0").expect("a port");
    let url = server.url();
    panel.spawn(server.into_worker(IntentSource::LocalUI));
    panel.spawn_search();
    panel.spawn_feeds();
    let top = |address: &str| {
        let program = env!("CARGO_BIN_EXE_control-panel");
        Command::new(program).args(["top", address, "--once"]).output().expect("it runs")
    };
    let mut text = String::new();
    for _ in 0..200 {
        panel.drain().for_each(drop);
        let output = top(&url);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text = String::from_utf8(output.stdout).expect("text");
        if text.contains("no such feed") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(text.starts_with("shop  live"), "{text}");
    let row = text.lines().find(|line| line.starts_with("! feeds")).expect("the worker in trouble");
    assert!(row.contains("tests/dashboard.rs:22:5: no such feed"), "{row}");
    assert!(text.lines().any(|line| line.contains("search") && line.contains("running")), "{text}");
    let closed = url.trim_end_matches('/').trim_start_matches("http://").to_owned();
    panel.shutdown_blocking();
    drop(panel);
    let output = top(&closed);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}
