use control_panel::GraphIntent;

#[derive(GraphIntent)]
union Update {
    title: u64,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
