//! What it answers.

use std::{
    io::{BufRead, BufReader, Write},
    time::Duration,
};

use control_panel::{
    Context, Worker,
    console::{Console, History, View, WorkerState},
    dashboard::{Dashboard, DashboardError},
};

use super::{Count, IntentSource, MS, Panel, Served, TOKEN, Update, body, code, soon};

#[test]
fn the_page_and_what_it_loads_is_all_here() {
    let served = Served::new(|dashboard| dashboard);
    let page = served.get("/");
    assert_eq!(code(&page), "200");
    for needed in
        ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "text/html"]
    {
        assert!(page.contains(needed), "{needed} in {page}");
    }
    for file in ["/page.css", "/page.js"] {
        assert_eq!(code(&served.get(file)), "200", "{file}");
        assert!(page.contains(file));
    }
    let elsewhere = ["http://", "https://", "//cdn"].iter().any(|place| {
        let page = body(&page).replace("http://www.w3.org/2000/svg", "");
        page.contains(place)
    });
    assert!(!elsewhere, "nothing is loaded from elsewhere");
    assert_eq!(code(&served.get("/nothing")), "404");
    assert!(served.panel.shutdown_blocking().is_clean());
}

#[test]
fn the_status_is_what_a_console_shows() {
    let mut served = Served::new(|dashboard| dashboard);
    served.panel.spawn(Worker::new("stays", IntentSource::Restore, |cx: Context<Update, u32>| async move {
        cx.cancelled().await;
    }));
    served
        .panel
        .spawn(Worker::new("bug", IntentSource::Restore, |_: Context<Update, u32>| async {
            panic!("out of ink")
        }))
        .ended_blocking();
    served.panel.run_frame(&mut Count::default(), &mut (), []);
    let look = || {
        let status = served.status();
        let view: View = serde_json::from_value(status["view"].clone()).unwrap();
        (status, view)
    };
    soon("a look that has the frame, and both workers as they run", || {
        let (_, view) = look();
        view.frames.count > 0 && view.workers.iter().all(|worker| worker.state == WorkerState::Running)
    });
    let (status, view) = look();
    let _: History = serde_json::from_value(status["history"].clone()).unwrap();
    let own = Console::default().refresh(&served.panel.observer());
    assert_eq!((view.panel.as_str(), view.frames.count), ("under test", 1));
    let names = |view: &View| {
        view.workers.iter().map(|worker| (worker.name.clone(), worker.instance)).collect::<Vec<_>>()
    };
    assert_eq!(names(&view), names(&own));
    assert!(view.workers.iter().all(|worker| worker.state == WorkerState::Running), "{view:#?}");
    let panic = view.ends[0].panic.as_ref().unwrap();
    assert!(panic.place.contains("answers.rs:") && panic.message == "out of ink", "{panic:?}");
}

#[test]
fn events_begin_with_everything_and_go_on() {
    let served = Served::new(|dashboard| dashboard);
    let mut stream = served.connect();
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap).filter(|line| line.contains(": "));
    let mut event = |name: &str| {
        let head = format!("event: {name}");
        lines.by_ref().find(|line| line.ends_with(&head)).expect("the stream goes on");
        let data = lines.next().unwrap();
        serde_json::from_str::<serde_json::Value>(data.strip_prefix("data: ").unwrap()).unwrap()
    };
    let first = event("status");
    assert!(first["history"]["points"].is_array() && first["view"]["workers"].is_array());
    let before = event("view")["view"]["observed_for"].as_f64().unwrap();
    let after = event("view");
    assert!(after["view"]["observed_for"].as_f64().unwrap() > before, "at least once a second");
    assert_eq!(after["dashboard"]["viewers"], 1);
    assert!(after["points"].is_array() && after["sources"].is_array());
}

#[test]
fn an_address_that_cannot_be_served_is_an_error_with_its_reason() {
    let panel = Panel::new();
    let open = |dashboard: Dashboard, address: &str| dashboard.serve(address);
    let first = open(Dashboard::new(panel.observer()), "127.0.0.1:0").unwrap();
    let taken = open(Dashboard::new(panel.observer()), &first.address().to_string()).unwrap_err();
    assert!(taken.to_string().contains("port is in use"), "{taken}");
    let wide = open(Dashboard::new(panel.observer()), "0.0.0.0:0");
    assert!(matches!(wide, Err(DashboardError::NotLoopback(_))), "{wide:?}");
    let named = open(Dashboard::new(panel.observer()).answer_to("panel.lan"), "0.0.0.0:0").unwrap();
    assert!(named.url().starts_with("http://localhost:"));
    let short = open(Dashboard::new(panel.observer()).token("short"), "127.0.0.1:0");
    assert!(matches!(short, Err(DashboardError::ShortToken)), "{short:?}");
    assert!(open(Dashboard::new(panel.observer()).token(TOKEN), "127.0.0.1:0").is_ok());
    for unsendable in ["sixteen letters, one of them ü", "0123456789abcdef\n", " 0123456789abcdef"] {
        let refused = open(Dashboard::new(panel.observer()).token(unsendable), "127.0.0.1:0");
        assert!(refused.is_err(), "{unsendable:?}: no header gives it");
    }
    // The port is free again once the server is dropped.
    let address = first.address();
    drop(first);
    assert!(open(Dashboard::new(panel.observer()), &address.to_string()).is_ok());
}

#[test]
fn it_stops_with_the_panel_whatever_viewers_do() {
    let deadline = Duration::from_secs(60);
    let panel = Panel::builder().name("under test").shutdown_timeout(deadline).build();
    let served = Served::of(panel, |dashboard| dashboard);
    let mut stream = served.connect();
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let report = served.panel.shutdown_blocking();
    assert!(report.is_clean(), "{report}");
    assert!(report.elapsed() < deadline / 2, "{report}");
    assert!(served.worker.status().is_final());
}

/// Frames that follow each other without a pause are no reason to send each.
#[test]
fn a_viewer_hears_something_four_times_a_second_at_most() {
    let mut served = Served::new(|dashboard| dashboard);
    let began = std::time::Instant::now();
    let mut stream = served.connect();
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let reads = std::thread::spawn(move || {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.filter(|line| line.starts_with("event: view")).take(8).count()
    });
    let mut frames = 0;
    while !reads.is_finished() {
        served.panel.run_frame(&mut Count::default(), &mut (), []);
        frames += 1;
        std::thread::sleep(MS);
    }
    // What it is sent when it comes is not paced, and the next may be due immediately.
    let (took, heard) = (began.elapsed(), reads.join().unwrap());
    assert_eq!(heard, 8);
    assert!(took >= 6 * 250 * MS && frames > 8, "{frames} frames in {took:?}");
}

/// Each address under which a program may serve is one that its own viewers can name.
#[test]
fn what_the_url_says_is_answered_on_every_address_of_this_machine() {
    let serve = |address: &str, name: Option<&str>| {
        let panel = Panel::builder().build();
        let dashboard = Dashboard::new(panel.observer());
        let dashboard = name.into_iter().fold(dashboard, Dashboard::answer_to);
        let server = dashboard.serve(address).unwrap();
        let (address, url) = (server.address(), server.url());
        let worker = panel.spawn(server.into_worker(IntentSource::LocalUI));
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        (Served { panel, address, worker }, host)
    };
    let answer = |served: &Served, host: &str| {
        code(&served.say(&format!("GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n"))).to_owned()
    };
    let (served, host) = serve("127.0.0.2:0", None);
    assert_eq!(answer(&served, &host), "200", "{host}");
    assert_eq!(answer(&served, "127.0.0.3"), "403");
    // As an address is written, and as a header has it.
    let (served, _) = serve("127.0.0.1:0", Some("FD00:0::5"));
    assert_eq!(answer(&served, "[fd00::5]:7878"), "200");
    assert_eq!(answer(&served, "fd00::5"), "403", "no header has it without brackets");
}

/// A patience without end is none that a clock has.
#[test]
fn any_patience_will_do() {
    let served = Served::new(|dashboard| dashboard.patience(Duration::MAX));
    assert_eq!(code(&served.get("/status.json")), "200");
}
