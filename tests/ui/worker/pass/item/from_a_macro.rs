//! Workers written by a `macro_rules!`, whose captures come in groups without delimiters.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

macro_rules! ticker {
    ($vis:vis $name:ident, $source:path, $cx:ty, $argument:ident: $ty:ty, $output:ty, $body:block) => {
        #[control_panel::worker(source = $source)]
        $vis async fn $name(cx: $cx, $argument: $ty) -> $output {
            cx.send(Update::Tick).await.ok();
            $body
        }
    };
}

ticker!(pub ticks, IntentSource::Restore, Context<Update>, beats: Vec<u8>, (), { drop(beats) });
ticker!(tocks, IntentSource::P2pSync, Context<Update>, beats: u8, Result<(), String>, { drop(beats); Ok(()) });

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks(vec![1]);
    panel.spawn_tocks(1);
}
