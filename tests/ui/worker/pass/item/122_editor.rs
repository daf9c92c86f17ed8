//! What an editor is asked about in `.ci/editor`.

use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Line(String),
    #[intent(clock = lamport)]
    Edit { lamport: u64, text: String },
}

/// Reads lines, far away from the loop.
#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn lines(cx: Context<Update>, text: String, count: u32) -> Result<(), String> {
    for line in text.lines().take(count as usize) {
        cx.send(Update::Line(line.to_owned())).await.ok();
    }
    Ok(())
}

#[worker(source = IntentSource::ModLoader, name = feed)]
async fn rss(cx: Context<Update>, titles: Vec<String>) {
    for title in titles {
        cx.send(Update::Line(title)).await.ok();
    }
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    let handle = panel.spawn_lines(String::new(), 3);
    panel.spawn_feed(vec![]);
    let _ = handle.status().is_final();
    let _ = Update::Edit { lamport: 1, text: String::new() }.clock();
}
