use control_panel::{ControlPanel, GraphIntent};

fn main() {
    use control_panel::{Context, IntentSource, worker};

    #[derive(GraphIntent)]
    enum Update {
        Tick,
    }

    /// Ticks.
    #[worker(source = IntentSource::Restore)]
    async fn ticks(cx: Context<Update>) {
        cx.send(Update::Tick).await.ok();
    }

    ControlPanel::<Update>::new().spawn_ticks();
}
