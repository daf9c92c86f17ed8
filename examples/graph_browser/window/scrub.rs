//! The slider over what was recorded by the time that the program began.

use std::path::Path;

use control_panel::journal::{Recording, Timeline};
use eframe::egui::{Slider, Ui};

use crate::app::GraphBrowserApp;

/// The recorded past, and where in it one is.
#[derive(Debug)]
pub(super) struct Scrub {
    timeline: Timeline<GraphBrowserApp>,
    first: u64,
    last: u64,
    /// `None` is now.
    at: Option<u64>,
}

impl Scrub {
    /// Reads a journal that no process has open; none where there is nothing to see.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let recording = path.exists().then(|| Recording::open(path))?.ok()?;
        let timeline = Timeline::new(recording);
        let (first, last) = timeline.frames()?;
        Some(Self { timeline, first, last, at: None })
    }

    pub(super) fn show(&mut self, ui: &mut Ui) {
        if ui.selectable_label(self.at.is_none(), "Now").clicked() {
            self.at = None;
        }
        let mut at = self.at.unwrap_or(self.last);
        let wide = (ui.available_width() - 160.0).max(60.0);
        ui.spacing_mut().slider_width = wide;
        let slider = Slider::new(&mut at, self.first..=self.last).text("recorded frame");
        if ui.add(slider).changed() {
            self.at = Some(at);
        }
    }

    /// The state that was recorded, if one looks at the past.
    pub(super) fn state(&mut self) -> Option<&GraphBrowserApp> {
        self.timeline.at(self.at?)
    }
}
