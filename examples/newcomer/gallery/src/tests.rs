use super::*;
use crate::{
    state::{Gallery, Source},
    window::Window,
    work::{decode, list},
};
use control_panel::{QueuedIntent, Reducer, testing};
use eframe::egui;
use std::fs;

struct Folder(PathBuf);

impl Folder {
    /// With so many pictures, and a broken one.
    fn new(name: &str, pictures: u32) -> Self {
        let path = std::env::temp_dir().join(format!("gallery-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for n in 0..pictures {
            let color = image::Rgb([n as u8, 100, 200]);
            image::RgbImage::from_pixel(200 + n, 100, color)
                .save(path.join(format!("p{n:02}.png")))
                .unwrap();
        }
        fs::write(path.join("x.png"), "this is none").unwrap();
        fs::write(path.join("text.txt"), "no picture").unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_folder_is_decoded_and_a_broken_file_says_why() {
    let folder = Folder::new("check", 20);
    let (core, report) = check(folder.0.clone());
    assert_eq!((core.gallery.pictures.len(), core.gallery.done), (21, 21));
    let ready = core
        .gallery
        .pictures
        .iter()
        .filter(|picture| matches!(picture, Picture::Ready(_)))
        .count();
    assert_eq!(ready, 20);
    let Picture::Broken(why) = &core.gallery.pictures[20] else {
        panic!("{core:?}", core = core.gallery)
    };
    assert!(why.contains("PNG") || why.contains("format"), "{why}");
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_folder_that_is_not_there_says_so() {
    let (core, _) = check("/nowhere/at/all".into());
    assert!(matches!(&core.gallery.listing, Listing::Failed(why) if why.contains("No such file")));
}

#[test]
fn what_comes_for_another_folder_comes_too_late() {
    let mut gallery = Gallery::default();
    let mut apply = |update| gallery.apply(QueuedIntent::new(Source::Decoder, update));
    apply(Update::Open("a".into()));
    apply(Update::Listed {
        folder: 1,
        names: vec!["a.png".into()],
        more: 0,
    });
    apply(Update::Open("b".into()));
    apply(Update::Listed {
        folder: 2,
        names: vec!["b.png".into()],
        more: 0,
    });
    apply(Update::Broken {
        folder: 1,
        index: 0,
        why: "late".into(),
    });
    assert_eq!((gallery.done, gallery.names[0].as_str()), (0, "b.png"));
}

#[test]
fn the_workers_alone() {
    let folder = Folder::new("alone", 2);
    let (cx, mut desk) = testing::context(Source::Decoder, ());
    list(cx.clone(), 7, folder.0.clone());
    decode(cx.clone(), 7, 0, folder.0.join("p00.png"));
    let intents = desk.intents();
    assert!(matches!(&intents[0], Update::Listed { folder: 7, names, more: 0 } if names.len() == 3));
    assert!(matches!(&intents[1], Update::Decoded { thumbnail, .. } if thumbnail.size == (200, 100)));
    desk.cancel();
    decode(cx, 7, 0, folder.0.join("p00.png"));
    assert!(desk.intents().is_empty(), "it was cancelled");
}

#[test]
fn another_folder_cancels_the_first() {
    let (many, few) = (Folder::new("many", 60), Folder::new("few", 3));
    let mut core = Core::new(ControlPanel::new(), None);
    core.frame([Update::Open(many.0.clone())]);
    while core.gallery.done < 5 {
        core.panel.wait_ready_timeout(Duration::from_secs(1));
        core.frame([]);
    }
    core.frame([Update::Open(few.0.clone())]);
    while !core.gallery.is_done() {
        core.panel.wait_ready_timeout(Duration::from_secs(1));
        core.frame([]);
    }
    assert_eq!((core.gallery.folder, core.gallery.done), (2, 4));
    let report = core.panel.shutdown_blocking();
    assert!(report.is_clean(), "{report}");
}

/// A whole window, but for the window: egui without a screen.
#[test]
fn the_window_is_woken_and_comes_to_rest() {
    let folder = Folder::new("window", 6);
    let context = egui::Context::default();
    let (wake, woken) = std::sync::mpsc::channel();
    context.set_request_repaint_callback(move |_| {
        let _ = wake.send(());
    });
    let mut window = Window::new(&context, Some(folder.0.clone()));
    let mut draws = 0;
    let mut draw = || {
        window.frame();
        let mut output = context.run_ui(egui::RawInput::default(), |ui| window.show(ui));
        output.textures_delta.clear(); // egui's: there is no screen to paint on
        window.is_done()
    };
    while !draw() {
        draws += 1;
        woken
            .recv_timeout(Duration::from_secs(5))
            .expect("woken for what is new");
        while woken.try_recv().is_ok() {}
    }
    assert!(draws < 60, "{draws}");
    let mut at_rest = false;
    for _ in 0..20 {
        at_rest = woken.recv_timeout(Duration::from_millis(300)).is_err();
        if at_rest {
            break;
        }
        while woken.try_recv().is_ok() {}
        draw();
    }
    assert!(at_rest, "nothing is new, and yet it is woken");
}
