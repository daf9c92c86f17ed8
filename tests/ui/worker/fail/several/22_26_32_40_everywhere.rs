use control_panel::{Context, ControlPanel, GraphIntent, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker]
async fn ticks<'a, T>(cx: Context<Update>, name: &'a str, beats: T) -> impl Sized {
    let _ = (cx, name, beats);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(String::from("tick"), 3);
}
