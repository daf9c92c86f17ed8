//! A crate that has the macros from another, which re-exports them: there `::control_panel` is nothing.

use super::rustc::Rustc;

const MANIFEST: &str = "[package]\nname = \"app\"\n\n[dependencies]\nserde = \"1\"\nfacade = \"0.1\"\n";
const LOCK: &str = "[[package]]\nname = \"serde\"\n\n[[package]]\nname = \"facade\"\ndependencies = [\n \"control-panel\",\n]\n";

const PROGRAM: &str = "\
use facade::{Context, ControlPanel, GraphIntent, IntentSource, worker};
#[derive(GraphIntent)]
enum Update { Tick }
#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) { cx.send(Update::Tick).await.ok(); }
fn main() { ControlPanel::<Update>::new().spawn_ticks(); }
";

/// One error for each of the two macros, with what to write; and with that written it compiles.
#[test]
fn a_facade_is_named_with_what_to_write() {
    let rustc = Rustc::new("facade");
    let errors = |program: &str, manifest: &str| {
        let said = rustc.errors_behind_a_facade(program, manifest, LOCK);
        said.into_iter().map(|error| error.text).collect::<Vec<_>>()
    };
    let named = errors(PROGRAM, MANIFEST);
    assert_eq!(named.len(), 2, "{named:#?}");
    assert!(named.iter().any(|text| text.contains("write `#[intent(crate = ::facade)]`")), "{named:#?}");
    assert!(named.iter().any(|text| text.contains("write `crate = ::facade`")), "{named:#?}");

    let written = PROGRAM
        .replace("enum Update", "#[intent(crate = ::facade)] enum Update")
        .replace("Restore)", "Restore, crate = ::facade)");
    assert_eq!(errors(&written, MANIFEST), Vec::<String>::new());
    // Where no dependency has it the macros have nothing to say.
    let unknown = errors(PROGRAM, "[dependencies]\nserde = \"1\"\n");
    assert!(!unknown.iter().any(|text| text.contains("crate = ")), "{unknown:#?}");
}
