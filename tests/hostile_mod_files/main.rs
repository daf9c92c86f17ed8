//! Folders and files that are broken or mean harm. Each is refused with a reason in plain words, a healthy mod beside it
//! ticks on, and the loader ends as it should.

mod files;
mod manifests;

use std::path::Path;

use tests::workshop::{FINE, Workshop, noting, write_file, write_mod};

fn open(fill: impl FnOnce(&Path)) -> Workshop {
    Workshop::open(
        |mods| {
            let ticking = noting("mod_tick", "", "alive");
            write_mod(mods, "healthy", "1.0.0", "capabilities = ['intent']", &ticking);
            fill(mods);
        },
        |loader| loader.grant("intent"),
    )
}

fn lives_on(mut workshop: Workshop) {
    workshop.forget();
    assert_eq!(workshop.note("healthy"), "alive");
    workshop.close();
}

/// A mod that is refused under this id, and why.
fn refused(id: &str, reason: &str, fill: impl FnOnce(&Path)) {
    let mut workshop = open(fill);
    assert_eq!(workshop.failed(id).0.to_string(), reason);
    lives_on(workshop);
}

/// A mod `bad` whose manifest is this.
fn bad_manifest(text: &str) -> impl FnOnce(&Path) {
    let text = text.to_owned();
    move |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        write_file(&mods.join("bad/mod.toml"), &text);
    }
}
