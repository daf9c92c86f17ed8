//! control-panel under another name: as a re-export, and hidden behind a module. The name `control_panel` is
//! taken by something else.

extern crate control_panel as renamed;

mod facade {
    pub mod deep {
        pub use ::renamed::*;
    }
}

mod control_panel {}

use facade::deep::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
#[intent(crate = crate::facade::deep)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote(u64),
}

#[worker(source = IntentSource::Restore, crate = crate::facade::deep)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore, crate = ::renamed, restart = always)]
async fn tocks(cx: Context<Update>, times: u32) {
    cx.send(Update::Remote(times.into())).await.ok();
}

macro_rules! ticker {
    ($name:ident, $command:ty) => {
        #[worker(source = IntentSource::Restore, crate = $crate::facade::deep, inbox = $command)]
        async fn $name(cx: Context<Update>) {
            cx.send(Update::Tick).await.ok();
        }
    };
}

ticker!(written, Result<u8, &'static str>);

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks();
    panel.spawn_tocks(3);
    // It may have ended by now.
    let _ = panel.spawn_written().send(Ok(5));
}
