//! The window.

use crate::{
    host::Core,
    state::{Listing, Picture, Update},
};
use control_panel::ControlPanel;
use control_panel_egui::Console;
use eframe::egui::{self, Color32, ProgressBar, ScrollArea, Ui};
use std::path::PathBuf;

pub struct Window {
    core: Core,
    console: Console,
    shows_console: bool,
    typed: String,
    user: Vec<Update>,
}

impl Window {
    pub fn new(context: &egui::Context, folder: Option<PathBuf>) -> Self {
        let wake = context.clone();
        let panel = ControlPanel::builder()
            .name("gallery")
            .capacity(64)
            .shutdown_timeout(std::time::Duration::from_secs(2))
            .on_ready(move || wake.request_repaint())
            .build();
        let console = Console::new(panel.observer());
        let typed = folder
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        Self {
            core: Core::new(panel, Some(context.clone())),
            console,
            shows_console: false,
            typed,
            user: folder.map(Update::Open).into_iter().collect(),
        }
    }

    pub fn frame(&mut self) {
        self.core.frame(self.user.drain(..));
    }

    #[cfg(test)]
    pub fn is_done(&self) -> bool {
        self.core.gallery.is_done()
    }

    pub fn show(&mut self, ui: &mut Ui) {
        let gallery = &self.core.gallery;
        ui.horizontal(|ui| {
            let typing = ui.text_edit_singleline(&mut self.typed);
            let entered = typing.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if ui.button("Open").clicked() || entered {
                self.user.push(Update::Open(self.typed.trim().into()));
                ui.ctx().request_repaint(); // the frame that takes it
            }
            ui.checkbox(&mut self.shows_console, "Workers");
            let text = format!("{} of {}", gallery.done, gallery.pictures.len());
            ui.add(ProgressBar::new(gallery.progress()).text(text));
        });
        match &gallery.listing {
            Listing::Failed(why) => drop(ui.colored_label(Color32::RED, why)),
            Listing::Runs => drop(ui.label("lists …")),
            Listing::Done if gallery.more > 0 => drop(ui.label(format!("and {} more", gallery.more))),
            Listing::None | Listing::Done => {}
        }
        if self.shows_console {
            ui.add(&mut self.console);
            return;
        }
        ScrollArea::vertical().show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                for (index, picture) in gallery.pictures.iter().enumerate() {
                    ui.allocate_ui(egui::vec2(110.0, 130.0), |ui| {
                        ui.vertical(|ui| {
                            match (picture, self.core.host.shown.get(index)) {
                                (Picture::Broken(why), _) => drop(ui.colored_label(Color32::RED, why)),
                                (Picture::Ready(_), Some(Some(texture))) => drop(ui.image(texture)),
                                _ => drop(ui.label("…")),
                            }
                            ui.label(&gallery.names[index]);
                        });
                    });
                }
            });
        });
    }
}

impl eframe::App for Window {
    fn logic(&mut self, _: &egui::Context, _: &mut eframe::Frame) {
        self.frame();
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        println!("{}", self.core.panel.shutdown_blocking());
    }
}
