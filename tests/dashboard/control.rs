//! What a viewer with the token may do, and one without may not.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use control_panel::{
    Context, Restart, Spawner, Worker, WorkerHandle,
    dashboard::{FramePause, PolicyField, PolicyForm},
};

use super::{IntentSource, Panel, Served, TOKEN, Update, body, code, soon};

fn stays(panel: &Panel) -> WorkerHandle {
    let stays = Worker::new("stays", IntentSource::Restore, |cx: Context<Update, u32>| async move {
        cx.cancelled().await;
    });
    panel.spawn(stays.restart(Restart::OnFailure))
}

#[test]
fn without_a_token_it_only_reads() {
    let served = Served::new(|dashboard| dashboard);
    let worker = stays(&served.panel);
    let path = format!("/control/workers/{}/stop", instance(&served, "stays"));
    for token in ["", TOKEN] {
        let answer = served.post(&path, token, "");
        assert_eq!((code(&answer), body(&answer)), ("403", "refused: this dashboard only reads\n"));
    }
    assert!(!worker.status().is_final());
    assert_eq!(served.refused("token"), 2);
}

fn instance(served: &Served, name: &str) -> u64 {
    let mut found = None;
    soon("the worker is shown", || {
        let status = served.status();
        let workers = status["view"]["workers"].as_array().unwrap();
        found = workers
            .iter()
            .find(|worker| worker["name"] == name)
            .map(|worker| worker["instance"].as_u64().unwrap());
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_wrong_token_does_nothing_and_the_right_one_does() {
    let served = Served::new(|dashboard| dashboard.token(TOKEN));
    let worker = stays(&served.panel);
    let path = |action: &str| format!("/control/workers/{}/{action}", worker_number(&worker));
    instance(&served, "stays");
    for wrong in ["", "0123456789abcdef-tokeN", &TOKEN[1..], &format!("{TOKEN}x")] {
        assert_eq!(code(&served.post(&path("stop"), wrong, "")), "401", "{wrong}");
    }
    assert_eq!(code(&served.get("/control")), "401");
    // By another method, or in the address, it counts for nothing.
    assert_eq!(code(&served.get(&path("stop"))), "405");
    assert_eq!(code(&served.request(&format!("POST {}?token={TOKEN}", path("stop")), "", "")), "401");
    assert!(!worker.status().is_final());
    assert_eq!(served.refused("token"), 6);

    assert_eq!(code(&served.post(&path("suspend"), TOKEN, "")), "200");
    assert!(worker.is_suspended());
    assert_eq!(code(&served.post(&path("resume"), TOKEN, "")), "200");
    assert!(!worker.is_suspended());
    soon("it runs", || worker.generation() == 1);
    assert_eq!(code(&served.post(&path("restart"), TOKEN, "")), "200");
    soon("it is restarted", || worker.generation() == 2);
    assert_eq!(code(&served.post(&path("explode"), TOKEN, "")), "404");
    assert_eq!(code(&served.post(&path("stop"), TOKEN, "")), "200");
    worker.ended_blocking();
    soon("it is gone", || code(&served.post(&path("stop"), TOKEN, "")) == "404");
}

fn worker_number(worker: &WorkerHandle) -> String {
    worker.origin().to_string().trim_start_matches('#').to_owned()
}

pub(super) struct Form(pub(super) Spawner<Update, u32>);

impl PolicyForm for Form {
    fn fields(&self) -> Vec<PolicyField> {
        vec![PolicyField::new("most", "Most", self.0.policy())]
    }

    fn submit(&self, values: &BTreeMap<String, String>) -> Result<(), String> {
        let most = values.get("most").ok_or("`most` is missing")?;
        self.0.set_policy(most.parse().map_err(|error| format!("most: {error}"))?);
        Ok(())
    }
}

#[test]
fn the_policy_is_set_by_the_form_that_the_program_gives() {
    let panel = Panel::new();
    let form = Form(panel.spawner());
    let served = Served::of(panel, |dashboard| dashboard.token(TOKEN).policy_form(form));
    let offers = served.request("GET /control", &format!("Authorization: Bearer {TOKEN}\r\n"), "");
    assert!(offers.contains(r#"{"label":"Most","name":"most","value":"0"}"#), "{offers}");
    let set = |text: &str| {
        let answer = served.post("/control/policy", TOKEN, text);
        (code(&answer).to_owned(), body(&answer).trim().to_owned())
    };
    assert_eq!(set(r#"{"most":"7"}"#).0, "200");
    assert_eq!(*served.panel.policy(), 7);
    assert_eq!(set(r#"{"most":"many"}"#), ("422".into(), "most: invalid digit found in string".into()));
    assert_eq!(set(r#"{"most":7}"#).0, "400");
    assert_eq!(set("{").0, "400");
    assert_eq!(set(&"x".repeat(20_000)).0, "413");
    assert_eq!(code(&served.post("/control/policy", "", r#"{"most":"9"}"#)), "401");
    assert_eq!(*served.panel.policy(), 7);
}

#[test]
fn frames_are_paused_and_stepped_and_a_sleeping_loop_is_woken_for_it() {
    let pause = FramePause::new();
    let served = Served::new(|dashboard| dashboard.token(TOKEN).pause(pause.clone()));
    let Served { panel, address, worker: _worker } = served;
    let frames = Arc::new(AtomicU64::new(0));
    let refused = Arc::new(AtomicU64::new(0));
    let (seen, held_back) = (Arc::clone(&frames), Arc::clone(&refused));
    let spawner = panel.spawner();
    let looped = std::thread::spawn(move || {
        let mut panel = panel;
        while !panel.is_shutting_down() {
            panel.wait_ready_timeout(std::time::Duration::from_secs(60));
            if pause.admits() {
                panel.run_frame(&mut super::Count::default(), &mut (), []);
                seen.fetch_add(1, Ordering::Relaxed);
            } else {
                // The wake is used up: what is queued stays queued.
                drop(panel.status());
                held_back.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(super::MS);
            }
        }
    });
    let post = |action: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        std::io::Write::write_all(&mut stream, format!("POST /control/frames/{action} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(code(&super::read(&mut stream)), "200");
    };
    let count = || frames.load(Ordering::Relaxed);
    post("pause");
    let looks = |what: &str, step: &dyn Fn()| {
        let before = refused.load(Ordering::Relaxed);
        step();
        soon(what, || refused.load(Ordering::Relaxed) > before);
    };
    soon("it is paused", || refused.load(Ordering::Relaxed) > 0);
    let paused = count();
    let sender = spawner.sender(IntentSource::LocalUI);
    looks("an intent wakes it", &|| sender.try_send(Update::Step).unwrap());
    assert_eq!(count(), paused, "no frame while it is paused");
    post("step");
    soon("one frame", || count() > paused);
    looks("the next intent wakes it", &|| sender.try_send(Update::Step).unwrap());
    assert_eq!(count(), paused + 1);
    post("resume");
    soon("it goes on", || count() > paused + 1);
    spawner.request_shutdown();
    looped.join().unwrap();
}
