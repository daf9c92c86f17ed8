//! A recording as a test of the program that made it.

use std::fmt::Write;

use super::shrink::Shrunk;

/// Bytes on one line of the test.
const A_LINE: usize = 24;

impl Shrunk {
    /// A `#[test]` that replays it, fails as it does, and passes once the reducer is mended: for the crate that has the reducer, with `journal`
    /// among the features of its `control-panel`. `state` is the path of the reducer's type there: `crate::App`.
    ///
    /// The intents are in it as bytes, and as comments for its reader.
    pub fn test_source(&self, name: &str, state: &str) -> String {
        let mut source = String::new();
        let mut line = |line: &str| {
            source.push_str(line);
            source.push('\n');
        };
        line(&format!("/// {}", one_line(&self.failure.kind.to_string())));
        line("#[test]");
        line(&format!("fn {name}() {{"));
        for intent in &self.intents {
            line(&format!("    // {}", one_line(intent)));
        }
        line("    #[rustfmt::skip]");
        line("    const RECORDING: &[u8] = &[");
        for bytes in self.recording.to_bytes().chunks(A_LINE) {
            let mut numbers = String::new();
            for byte in bytes {
                let _ = write!(numbers, "{byte}, ");
            }
            line(&format!("        {}", numbers.trim_end()));
        }
        line("    ];");
        line("    let recording = control_panel::journal::Recording::from_bytes(RECORDING).unwrap();");
        line(&format!("    let failure = recording.failure::<{state}>();"));
        line("    assert!(failure.is_none(), \"{}\", failure.unwrap());");
        line("}");
        source
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
