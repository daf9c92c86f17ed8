use control_panel::{ControlPanel, GraphIntent};

#[derive(GraphIntent)]
enum Update {}

fn main() {
    let panel = ControlPanel::<Update>::new();
    if let Some(search) = panel.worker("search") {
        search.send(String::from("needle")).ok();
    }
}
