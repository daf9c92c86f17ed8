//! How much is generated.

use super::super::{pretty, tokens, worker};

/// The generated lines: all but the function that was there and the documentation.
fn generated_lines(args: &str, item: &str) -> usize {
    let all = worker(args, item);
    let own = pretty(&tokens(item)).lines().count();
    all.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("///")).count() - own
}

#[test]
fn a_worker_is_at_most_twelve_lines() {
    for (args, item) in [
        ("source = Feed::Mail", "async fn mail(cx: Context<Update>) {}"),
        (
            "source = Feed::Rss",
            "async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}",
        ),
        ("source = IntentSource::MemoryMonitor", "async fn memory_monitor(cx: Cx, key: u64) {}"),
        (
            "source = IntentSource::PrefetchScheduler",
            "async fn prefetch_scheduler(cx: Context<GraphIntent, LifecyclePolicy>) {}",
        ),
        (
            "source = Feed::Rss, restart = on_failure, intensity = 5, period = \"1m\"",
            "async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}",
        ),
    ] {
        let lines = generated_lines(args, item);
        assert!(lines <= 12, "{lines} lines:\n{}", worker(args, item));
    }
}

/// Each option that is given costs one line more.
#[test]
fn an_option_is_one_line() {
    let item = "async fn rss(cx: Cx, titles: Vec<String>) {}";
    let options = [
        "",
        ", intensity = 3, period = \"1m\"",
        ", backoff = \"10ms\"",
        ", cancel = cooperative, grace = \"2s\"",
        ", inbox = Ask",
    ];
    let mut args = "source = Feed::Rss, restart = always".to_owned();
    let lines = options.map(|option| {
        args.push_str(option);
        generated_lines(&args, item)
    });
    // The first breaks the chain of calls, which is a line more.
    assert_eq!(lines, [9, 11, 12, 13, 14]);
}

/// The expansion is a copy of the body and something that does not depend on it.
#[test]
fn a_longer_body_changes_nothing_that_is_generated() {
    let short = generated_lines("source = S", "async fn ticks(cx: Cx) {}");
    let body = "cx.send(Update::Tick).await.ok();\n".repeat(300);
    assert_eq!(generated_lines("source = S", &format!("async fn ticks(cx: Cx) {{ {body} }}")), short);
}
