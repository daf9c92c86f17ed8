use control_panel::{Context, ControlPanel, GraphIntent};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

mod left {
    #[control_panel::worker(source = control_panel::IntentSource::Restore)]
    pub(crate) async fn ticks(cx: super::Context<super::Update>) {
        cx.send(super::Update::Tick).await.ok();
    }
}

mod right {
    pub mod inner {
        use control_panel::{Context, IntentSource, worker};

        use crate::Update;

        #[worker(source = IntentSource::P2pSync)]
        pub(in crate::right) async fn ticks(cx: Context<Update>, times: u32) {
            for _ in 0..times {
                cx.send(Update::Tick).await.ok();
            }
        }
    }

    pub fn spawn(panel: &control_panel::ControlPanel<crate::Update>) {
        use inner::SpawnTicks;
        panel.spawn_ticks(3);
    }
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    left::SpawnTicks::spawn_ticks(&panel);
    right::spawn(&panel);
}
