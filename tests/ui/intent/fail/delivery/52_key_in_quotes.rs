use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest = "tab")]
    Progress { tab: u8, percent: u8 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
