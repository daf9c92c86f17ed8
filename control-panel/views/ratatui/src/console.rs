//! An observer's console: all in one.

use std::{fmt, future::poll_fn};

use control_panel::console::{self, Observer};
use control_panel_pages::Watch;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{StatefulWidget, Widget},
};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{ConsoleState, ConsoleWidget, INTERVAL, Key, Palette, TICK};

/// A panel's console: what it read of an [`Observer`], and where a person is in it.
///
/// Drawing it reads the panel, without making its frame thread wait:
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent};
/// use control_panel_ratatui::Console;
/// # use ratatui::{Terminal, backend::TestBackend};
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let panel = ControlPanel::<Update>::builder().name("demo").build();
/// let mut console = Console::new(panel.observer());
/// # let mut terminal = Terminal::new(TestBackend::new(80, 24))?;
/// terminal.draw(|frame| frame.render_widget(&mut console, frame.area()))?;
/// # let screen = terminal.backend().to_string();
/// # assert!(screen.contains("demo") && screen.contains("no worker lives"), "{screen}");
/// # Ok(())
/// # }
/// ```
pub struct Console {
    watch: Watch,
    state: ConsoleState,
    palette: Palette,
}

impl Console {
    /// A console of this observer's panel, in the colours that the terminal has.
    pub fn new(observer: Observer) -> Self {
        Self { watch: Watch::new(observer), state: ConsoleState::default(), palette: Palette::detect() }
    }

    /// In these colours.
    pub fn palette(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// Keeps that much: see [`Limits`](console::Limits).
    pub fn limits(self, limits: console::Limits) -> Self {
        Self { watch: self.watch.limits(limits), ..self }
    }

    /// Moves by that key. Returns whether anything changed, so that a draw is worth it.
    pub fn handle(&mut self, key: Key) -> bool {
        self.state.handle(key)
    }

    /// Moves by that key of crossterm's, unless it is none of a console's. Returns whether anything changed.
    #[cfg(feature = "crossterm")]
    pub fn handle_event(&mut self, event: &ratatui::crossterm::event::KeyEvent) -> bool {
        crate::key(event).is_some_and(|key| self.handle(key))
    }

    /// Where the person is.
    pub fn state(&mut self) -> &mut ConsoleState {
        &mut self.state
    }

    /// Whether the panel has something that was not drawn yet. Takes no lock.
    pub fn has_changed(&self) -> bool {
        self.watch.has_changed()
    }

    /// Waits until a draw is worth it: until something happened in the panel, or [`TICK`] is over; never less than [`INTERVAL`], so that a
    /// loop which awaits this between two draws draws ten times a second at most. A frame that applies nothing is no reason. For a loop
    /// of its own beside the panel's; in the panel's own loop draw with its frames.
    ///
    /// # Cancel safety
    /// Cancel-safe: what happened is drawn next time.
    pub async fn changed(&mut self) {
        let end = Instant::now() + TICK;
        while Instant::now() < end {
            sleep_until(end.min(Instant::now() + INTERVAL)).await;
            let changed = poll_fn(|cx| self.watch.poll_changed(cx));
            if timeout_at(end, changed).await.is_err() || self.watch.look() {
                return;
            }
        }
    }
}

impl Widget for &mut Console {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        self.watch.look();
        let Some(view) = self.watch.view() else { return };
        let widget = ConsoleWidget::new(view, self.watch.history()).palette(self.palette);
        widget.render(area, buffer, &mut self.state);
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("panel", &self.watch.name())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
