use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest = tab)]
    Progress { tab: Vec<String>, percent: u8 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
