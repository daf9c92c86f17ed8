//! rustc itself, with the crates that the cases use.

use std::{
    collections::BTreeMap,
    env, fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::message::Message;

/// How the cases are compiled: as far as their types, against what this package is checked with.
pub(crate) struct Rustc {
    externs: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Rustc {
    /// Asks cargo where the libraries are.
    pub(crate) fn new(folder: &str) -> Self {
        let cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["check", "-p", "tests", "--lib", "--message-format=json", "--quiet"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
        let mut externs = BTreeMap::new();
        for line in String::from_utf8_lossy(&cargo.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
            let mut files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            if let (Some(name), Some(library)) = (
                message["target"]["name"].as_str(),
                files.find(|file| Path::new(file).extension().is_some_and(|end| end == "rmeta")),
            ) {
                externs.insert(name.replace('-', "_"), PathBuf::from(library));
            }
        }
        assert!(externs.contains_key("control_panel"), "{externs:?}");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        Self { externs, folder }
    }

    /// What rustc says of this program; nothing if it compiles.
    pub(crate) fn errors(&self, thread: usize, program: &str) -> Vec<Message> {
        let names =
            ["control_panel", "serde", "tokio"].into_iter().filter(|name| self.externs.contains_key(*name));
        let externs: Vec<_> = names.map(|name| (name, &*self.externs[name])).collect();
        self.run(&format!("fixed_{thread}"), program, &externs, |_| {})
    }

    /// The same for a crate of this manifest and lock file, which depends on `facade` alone: that re-exports all of control-panel.
    pub(crate) fn errors_behind_a_facade(&self, program: &str, manifest: &str, lock: &str) -> Vec<Message> {
        let library = |rustc: &mut Command| {
            rustc.args(["--crate-type", "lib"]);
        };
        let externs = [("control_panel", &*self.externs["control_panel"])];
        let facade = self.run("libfacade", "pub use control_panel::*;", &externs, library);
        assert!(facade.is_empty(), "{facade:?}");
        fs::write(self.folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(self.folder.join("Cargo.lock"), lock).unwrap();
        self.run("behind", program, &[("facade", &self.folder.join("libfacade.rmeta"))], |rustc| {
            rustc.env("CARGO_MANIFEST_DIR", &self.folder);
        })
    }

    fn run(
        &self,
        name: &str,
        program: &str,
        externs: &[(&str, &Path)],
        more: impl FnOnce(&mut Command),
    ) -> Vec<Message> {
        let file = self.folder.join(format!("{name}.rs"));
        fs::write(&file, program).unwrap();
        let krate = name.trim_start_matches("lib");
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition", "2024", "--crate-name", krate, "--emit=metadata", "-A", "warnings"]);
        rustc.args(["--error-format", "json", "--diagnostic-width", "1000"]);
        rustc.arg("-o").arg(file.with_extension("rmeta")).arg(&file);
        for (name, library) in externs {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        }
        let deps = self.externs["control_panel"].parent().unwrap();
        rustc.arg("-L").arg(format!("dependency={}", deps.display()));
        more(&mut rustc);
        let output = rustc.output().expect("rustc runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<Message> = said.lines().filter_map(message).collect();
        assert_eq!(output.status.success(), errors.is_empty(), "{said}");
        errors
    }
}

fn message(line: &str) -> Option<Message> {
    let said: Value = serde_json::from_str(line).ok()?;
    let text = said["message"].as_str()?.to_owned();
    if said["level"] != "error" || text.starts_with("aborting due to") {
        return None;
    }
    let children = || said["children"].as_array().into_iter().flatten();
    let notes = children().filter_map(|child| child["message"].as_str());
    let spans = |of: &Value| of["spans"].as_array().cloned().unwrap_or_default();
    let suggested = children().filter_map(|child| {
        let parts: Vec<_> = spans(child)
            .iter()
            .filter_map(|span| Some((range(span)?, span["suggested_replacement"].as_str()?.to_owned())))
            .collect();
        (!parts.is_empty()).then_some(parts)
    });
    let place = spans(&said).iter().find(|span| span["is_primary"] == true).and_then(range);
    Some(Message {
        code: said["code"]["code"].as_str().map(str::to_owned),
        notes: notes.map(str::to_owned).collect(),
        place: place.unwrap_or(0..0),
        suggested: suggested.collect(),
        text,
    })
}

/// What a span covers of the program.
fn range(span: &Value) -> Option<Range<usize>> {
    let at = |key: &str| span[key].as_u64().and_then(|at| usize::try_from(at).ok());
    Some(at("byte_start")?..at("byte_end")?)
}
