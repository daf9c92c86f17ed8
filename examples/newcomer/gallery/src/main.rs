//! The pictures of a folder: `gallery [FOLDER]`, or without a window `gallery --check FOLDER`.

mod host;
mod state;
mod window;
mod work;

use control_panel::{ControlPanel, ShutdownReport};
use host::Core;
use state::{Listing, Picture, Update};
use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

/// The frames of the window, without one; returns what was decoded.
fn check(folder: PathBuf) -> (Core, ShutdownReport) {
    let panel = ControlPanel::builder().name("gallery").capacity(64).build();
    let mut core = Core::new(panel, None);
    let mut user = vec![Update::Open(folder)];
    loop {
        core.frame(user.drain(..));
        if core.gallery.is_done() {
            break;
        }
        core.panel.wait_ready_timeout(Duration::from_secs(1));
    }
    let report = core.panel.shutdown_blocking();
    (core, report)
}

fn print(core: &Core) {
    let gallery = &core.gallery;
    if let Listing::Failed(why) = &gallery.listing {
        println!("{}: {why}", gallery.path.display());
    }
    for (name, picture) in gallery.names.iter().zip(&gallery.pictures) {
        match picture {
            Picture::Ready(thumbnail) => {
                let ((w, h), [x, y]) = (thumbnail.size, thumbnail.image.size);
                println!("{name}: {w} x {h}, thumbnail {x} x {y}");
            }
            Picture::Broken(why) => println!("{name}: broken: {why}"),
            Picture::Waits => println!("{name}: not decoded"),
        }
    }
    println!(
        "{} of {} pictures, {} more",
        gallery.done,
        gallery.pictures.len(),
        gallery.more
    );
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let first = args.next();
    if first.as_ref().is_some_and(|arg| arg == "--check") {
        let folder = args.next().ok_or("usage: gallery --check FOLDER")?;
        let (core, report) = check(folder.into());
        print(&core);
        println!("{report}");
        let is_listed = !matches!(core.gallery.listing, Listing::Failed(_));
        return Ok(if is_listed {
            report.verdict().into()
        } else {
            ExitCode::FAILURE
        });
    }
    let new = |context: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(window::Window::new(
            &context.egui_ctx,
            first.map(PathBuf::from),
        )))
    };
    eframe::run_native("gallery", eframe::NativeOptions::default(), Box::new(new))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
