use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    time::{Duration, Instant},
};

use console_api::{
    field::{Name, Value},
    instrument::{InstrumentRequest, instrument_client::InstrumentClient},
    tasks::Task,
};

use crate::{Lines, serve, start};

/// A field of a task, as text.
fn field(task: &Task, wanted: &str) -> Option<String> {
    let is_wanted = |name: &Name| matches!(name, Name::StrName(name) if name == wanted);
    let field = task.fields.iter().find(|field| field.name.as_ref().is_some_and(is_wanted))?;
    match field.value.as_ref()? {
        Value::StrVal(text) | Value::DebugVal(text) => Some(text.clone()),
        _ => None,
    }
}

/// Attaches as tokio-console does, and counts tasks by kind and name until `enough`.
async fn look(
    address: &str,
    enough: impl Fn(&BTreeMap<(String, String), usize>) -> bool,
) -> BTreeMap<(String, String), usize> {
    let mut client = loop {
        // The server's thread has just begun.
        match InstrumentClient::connect(address.to_owned()).await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let mut updates = client.watch_updates(InstrumentRequest {}).await.unwrap().into_inner();
    let (mut ids, mut seen) = (BTreeSet::new(), BTreeMap::new());
    while !enough(&seen) {
        let update = updates.message().await.unwrap().expect("an update");
        for task in update.task_update.map(|update| update.new_tasks).unwrap_or_default() {
            // One that changed meanwhile comes again with the next update.
            if !ids.insert(task.id.as_ref().map(|id| id.id)) {
                continue;
            }
            let kind = field(&task, "kind").unwrap_or_default();
            let name = field(&task, "task.name").unwrap_or_default();
            *seen.entry((kind, name)).or_default() += 1;
        }
    }
    seen
}

#[test]
#[cfg_attr(not(tokio_unstable), ignore = "only tokio's unstable build keeps tasks' names")]
fn a_console_that_attaches_sees_the_workers_names() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    serve(address);
    let (mut panel, [follow, ..]) = start(Duration::from_millis(1));

    // By then it has run three times.
    let mut lines = Lines::default();
    let began = Instant::now();
    while follow.generation() < 3 {
        panel.run_frame(&mut lines, &mut (), []);
        panel.wait_ready_timeout(Duration::from_millis(10));
        assert!(began.elapsed() < Duration::from_mins(1), "it does not begin again: {:?}", follow.status());
    }

    let has =
        |seen: &BTreeMap<(String, String), usize>, wanted: &str| seen.keys().any(|(_, name)| name == wanted);
    let wanted = ["follow auth.log", "count", "draw"];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        let enough = |seen: &_| wanted.iter().all(|name| has(seen, name));
        tokio::time::timeout(Duration::from_mins(1), look(&format!("http://{address}"), enough)).await
    });
    let seen = seen.expect("each worker is seen");
    println!("{seen:#?}");
    let times = |kind: &str, name: &str| seen.get(&(kind.to_owned(), name.to_owned())).copied();
    assert_eq!(times("task", "follow auth.log"), Some(1), "one task for all its runs");
    assert_eq!(times("blocking", "count"), Some(1));
    drop(panel.shutdown_blocking());
}
