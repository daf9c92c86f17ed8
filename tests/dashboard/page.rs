//! The page in headless Chromium: `page.js`, where node, playwright-core, axe-core and Chromium are installed.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use control_panel::{Backoff, Context, Restart, Worker, dashboard::FramePause};

use super::{Count, IntentSource, Panel, Served, TOKEN, Update};

/// The program that the page shows: a process of its own, which is paused.
#[test]
#[ignore = "run by `the_page_in_a_browser`"]
fn program() {
    let panel = Panel::builder().name("shown").build();
    let stays = |name: &'static str| {
        Worker::new(name, IntentSource::Restore, |cx: Context<Update, u32>| async move {
            while cx.send(Update::Step).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
    };
    panel.spawn(stays("stays"));
    panel.spawn(stays("goes"));
    let bug = Worker::new("bug", IntentSource::ModLoader, |_: Context<Update, u32>| async {
        panic!("out of ink\nand paper")
    });
    let wait = Duration::from_secs(3600);
    panel.spawn(bug.restart(Restart::OnFailure).backoff(Backoff::new(wait, wait)));
    let pause = FramePause::new();
    let form = super::control::Form(panel.spawner());
    let Served { mut panel, address, .. } =
        Served::of(panel, |dashboard| dashboard.token(TOKEN).pause(pause.clone()).policy_form(form));
    println!("\nserves http://{address}/");
    for _ in 0..60 * 180 {
        if pause.admits() {
            panel.run_frame(&mut Count::default(), &mut (), []);
        }
        std::thread::sleep(Duration::from_millis(16));
    }
}

/// Ends it also where the test panics.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_page_in_a_browser() {
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    let needs = "require('playwright-core'), require('axe-core')";
    let there = Command::new("node").args(["-e", needs]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) || !std::path::Path::new(&browser).exists() {
        println!(
            "skipped: needs node, npm's playwright-core and axe-core (NODE_PATH), and {browser}: `.ci/page` installs them"
        );
        return;
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    program
        .args(["--exact", "page::program", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut program = Ends(program.spawn().unwrap());
    let lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let url = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("serves ").map(str::to_owned));
    let url = url.expect("the program serves its dashboard");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard/page.js");
    let pictures = std::env::var("PICTURES").ok();
    let looked = Command::new("node")
        .args([script, &url, &program.0.id().to_string(), TOKEN])
        .args(pictures)
        .status()
        .unwrap();
    assert!(looked.success(), "see above");
}
