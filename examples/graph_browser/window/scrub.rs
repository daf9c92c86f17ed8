//! The slider over what is recorded: of earlier runs, and of this one as far as it is on disk.

use std::time::{Duration, Instant};

use control_panel::journal::{Journal, Timeline};
use eframe::egui::{Slider, Ui};

use crate::app::GraphBrowserApp;

/// Between two readings of the journal; and so many times as long as one took, so that a long journal does not hold up the window.
const AGAIN: Duration = Duration::from_secs(1);
const SHARE: u32 = 50;

/// The recorded past, and where in it one is.
#[derive(Debug)]
pub(super) struct Scrub {
    journal: Journal,
    timeline: Option<Timeline<GraphBrowserApp>>,
    /// What was on disk when it was read last, and when to look again.
    read: u64,
    next: Instant,
    /// `None` is now.
    at: Option<u64>,
}

impl Scrub {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, timeline: None, read: 0, next: Instant::now(), at: None }
    }

    /// Takes in what was written since.
    fn look(&mut self) {
        let (now, durable) = (Instant::now(), self.journal.durable());
        if now < self.next || (self.timeline.is_some() && durable == self.read) {
            return;
        }
        if let Ok(recording) = self.journal.recording() {
            match &mut self.timeline {
                Some(timeline) => timeline.follow(recording),
                None => self.timeline = Some(Timeline::new(recording)),
            }
            self.read = durable;
        }
        self.next = now + AGAIN.max(now.elapsed() * SHARE);
    }

    pub(super) fn show(&mut self, ui: &mut Ui) {
        self.look();
        let Some((first, last)) = self.timeline.as_ref().and_then(Timeline::frames) else { return };
        if ui.selectable_label(self.at.is_none(), "Now").clicked() {
            self.at = None;
        }
        let mut at = self.at.unwrap_or(last);
        let wide = (ui.available_width() - 160.0).max(60.0);
        ui.spacing_mut().slider_width = wide;
        let slider = Slider::new(&mut at, first..=last).text("recorded frame");
        if ui.add(slider).changed() {
            self.at = Some(at);
        }
    }

    /// The state that was recorded, if one looks at the past.
    pub(super) fn state(&mut self) -> Option<&GraphBrowserApp> {
        self.timeline.as_mut()?.at(self.at?)
    }
}

#[cfg(test)]
mod tests {
    use control_panel::IntentSource;

    use super::*;
    use crate::{Panel, intent::GraphIntent, journal::Record, policy::LifecyclePolicy};

    #[test]
    fn what_is_written_while_it_runs_can_be_scrubbed_to() {
        let folder = tempfile::tempdir().unwrap();
        let (record, mut app) = Record::open(&folder.path().join("a.journal"), folder.path()).unwrap();
        let mut panel = Panel::builder().policy(LifecyclePolicy::default()).record(&record.journal).build();
        let mut scrub = Scrub::new(record.journal.clone());
        scrub.look();
        assert_eq!(scrub.timeline.as_ref().and_then(Timeline::frames), None);
        let mut set = |active| {
            let policy = LifecyclePolicy { active_webview_limit: active, ..LifecyclePolicy::default() };
            let folder = "/pages".into();
            panel.run_frame(
                &mut app,
                &mut (),
                [(IntentSource::LocalUI, GraphIntent::Started { folder, policy })],
            );
            record.journal.flush().unwrap();
        };
        (1..=3).for_each(&mut set);
        scrub.next = Instant::now();
        scrub.look();
        let (first, last) = scrub.timeline.as_ref().and_then(Timeline::frames).unwrap();
        scrub.at = Some(first + 1);
        assert_eq!(scrub.state().unwrap().policy().active_webview_limit, 2);
        // While one looks at the past more is written, and it is not read at each draw.
        set(9);
        scrub.look();
        assert_eq!(scrub.timeline.as_ref().and_then(Timeline::frames), Some((first, last)));
        scrub.next = Instant::now();
        scrub.look();
        assert_eq!(scrub.state().unwrap().policy().active_webview_limit, 2);
        scrub.at = scrub.timeline.as_ref().and_then(Timeline::frames).map(|(_, last)| last);
        assert_eq!(scrub.state().unwrap().policy().active_webview_limit, 9);
    }
}
