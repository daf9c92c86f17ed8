mod facade {
    pub use control_panel::*;
}

mod inner {
    use control_panel::{Context, GraphIntent, IntentSource, worker};

    #[derive(GraphIntent)]
    pub enum Update {
        Tick,
    }

    #[worker(source = IntentSource::Restore, crate = super::facade)]
    pub async fn ticks(cx: Context<Update>) {
        cx.send(Update::Tick).await.ok();
    }
}

use inner::*;

fn main() {
    control_panel::ControlPanel::<Update>::new().spawn_ticks();
}
