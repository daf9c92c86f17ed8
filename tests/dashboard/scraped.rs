//! `/metrics`, read by Prometheus's own parser.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use control_panel::{Context, Worker};

use super::{Count, IntentSource, Served, Update, body, code};

const PARSE: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation, family.name
    assert family.type in ('gauge', 'counter'), family
    for sample in family.samples:
        assert sample.labels['panel'] == 'under test', sample
        print(sample.name, sample.labels.get('worker', sample.labels.get('source', sample.labels.get('reason', ''))), float(sample.value))
";

#[test]
fn prometheus_reads_what_is_exposed() {
    let python = || Command::new("python3");
    let there = python().args(["-c", "import prometheus_client"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: python3 has no prometheus_client (`pip install prometheus_client`)");
        return;
    }
    let mut served = Served::new(|dashboard| dashboard);
    // A name that has to be escaped.
    let name = "a \"quoted\" \\ name\nof two lines";
    served.panel.spawn(Worker::new(name, IntentSource::Restore, |cx: Context<Update, u32>| async move {
        cx.send(Update::Step).await.ok();
        cx.cancelled().await;
    }));
    while served.panel.run_frame(&mut Count::default(), &mut (), []).applied == 0 {
        std::thread::yield_now();
    }
    super::soon("a look that has the frame", || {
        served.get("/metrics").contains("control_panel_drained_total{panel=\"under test\"} 1")
    });
    served.say("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    let answer = served.get("/metrics");
    assert_eq!(code(&answer), "200");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    let mut parser =
        python().args(["-c", PARSE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    parser.stdin.take().unwrap().write_all(body(&answer).as_bytes()).unwrap();
    let parsed = parser.wait_with_output().unwrap();
    assert!(parsed.status.success(), "the parser refuses it");
    let parsed = String::from_utf8(parsed.stdout).unwrap();
    for sample in [
        "control_panel_up  1.0",
        "control_panel_accepted_total  1.0",
        "control_panel_drained_total  1.0",
        "control_panel_source_accepted_total Restore 1.0",
        "control_panel_worker_sent_total a \"quoted\" \\ name 1.0",
        "control_panel_dashboard_refused_total host 1.0",
        "control_panel_dashboard_refused_total slow 0.0",
    ] {
        assert!(parsed.lines().any(|line| line == sample), "no `{sample}` in\n{parsed}");
    }
}
