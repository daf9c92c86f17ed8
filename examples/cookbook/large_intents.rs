//! Box what is large in an intent.
//!
//! An enum is as large as its largest variant, and every send, slot and frame copies the whole of it: one variant of 4 KiB
//! makes each of 256 slots 4 KiB and every small intent as slow as the large one. A box costs that variant one allocation.
//! (`clippy::large_enum_variant` finds most of them; a constant keeps the size from growing back.)
//!
//! ```console
//! cargo run -p examples --example cookbook_large_intents
//! ```
//!
//! What to look for: an intent has a few bytes, though one of its variants has a picture of 4 KiB.

use std::mem::size_of;

use control_panel::{ControlPanel, GraphIntent, IntentSource};

struct Thumbnail {
    pixels: [u8; 4096],
}

#[derive(GraphIntent)]
enum Update {
    Scrolled(i32),
    Drawn { page: u32, thumbnail: Box<Thumbnail> },
}

const _: () = assert!(size_of::<Update>() <= 32, "box what is large");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut panel = ControlPanel::<Update>::new();
    let sender = panel.sender(IntentSource::LocalUI);
    sender.try_send(Update::Scrolled(-3))?;
    sender.try_send(Update::Drawn { page: 7, thumbnail: Box::new(Thumbnail { pixels: [255; 4096] }) })?;
    let mut shown = Vec::new();
    for queued in panel.drain() {
        match queued.intent {
            Update::Scrolled(lines) => shown.push(format!("{lines} lines")),
            Update::Drawn { page, thumbnail } => {
                shown.push(format!("page {page}: {} bytes", thumbnail.pixels.len()));
            }
        }
    }
    println!("{} bytes an intent: {}", size_of::<Update>(), shown.join(", "));
    assert_eq!(shown, ["-3 lines", "page 7: 4096 bytes"]);
    Ok(())
}

#[test]
fn both_arrive() {
    main().unwrap();
}
