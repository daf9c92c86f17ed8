//! rustc itself, with the crates that the cases use.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

/// How the cases are compiled: against what this package was built with.
pub(crate) struct Rustc {
    externs: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Rustc {
    /// Asks cargo where the libraries are; they have been built for this test.
    pub(crate) fn new(name: &str) -> Self {
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "-p", "tests", "--lib", "--message-format=json", "--quiet"])
            .output()
            .expect("cargo runs");
        assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
        let mut externs = BTreeMap::new();
        for line in String::from_utf8_lossy(&cargo.stdout).lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let files = message["filenames"].as_array().into_iter().flatten();
            let library = files.filter_map(|file| file.as_str()).find(|file| file.ends_with(".rlib"));
            if let (Some(name), Some(library)) = (message["target"]["name"].as_str(), library) {
                externs.insert(name.replace('-', "_"), PathBuf::from(library));
            }
        }
        assert!(externs.contains_key("control_panel"), "{externs:?}");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { externs, folder }
    }

    /// What rustc says of this program; nothing if it compiles.
    pub(crate) fn errors(&self, program: &str) -> String {
        let file = self.folder.join("fixed.rs");
        fs::write(&file, program).unwrap();
        let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
        rustc.args(["--edition", "2024", "--crate-name", "fixed", "--emit=metadata", "--cap-lints", "allow"]);
        rustc.arg("-o").arg(self.folder.join("fixed.rmeta")).arg(&file);
        for (name, library) in &self.externs {
            if ["control_panel", "serde", "tokio"].contains(&name.as_str()) {
                rustc.arg("--extern").arg(format!("{name}={}", library.display()));
            }
        }
        let libraries = self.externs["control_panel"].parent().unwrap().to_owned();
        let deps = libraries.join("deps");
        for folder in [libraries, deps] {
            rustc.arg("-L").arg(format!("dependency={}", folder.display()));
        }
        let output = rustc.output().expect("rustc runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { String::new() } else { said }
    }
}
