//! A worker generic in what its intent is made of.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Wrap<T> {
    One(T),
}

#[derive(GraphIntent)]
enum Many<const N: usize> {
    All([u8; N]),
}

#[worker(source = IntentSource::Restore)]
async fn ticks<T: Send + Default + 'static>(cx: Context<Wrap<T>>) {
    cx.send(Wrap::One(T::default())).await.ok();
}

#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn tocks<const N: usize>(cx: Context<Many<N>>, first: u8) {
    cx.send(Many::All([first; N])).await.ok();
}

fn main() {
    ControlPanel::<Wrap<u8>>::new().spawn_ticks();
    ControlPanel::<Many<3>>::new().spawn_tocks(1);
}
