//! An observer's console: all in one.

use std::{fmt, time::Duration};

use control_panel::console::{self, Observer, View};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{StatefulWidget, Widget},
};

use crate::{ConsoleState, ConsoleWidget, Key, Palette};

/// Between two looks at the panel at least: ten draws a second are enough for an eye, whatever the load.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Between two looks at most, while a console is shown: what only time changes is never older than that.
pub const TICK: Duration = Duration::from_secs(1);

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
    observer: Observer,
    model: console::Console,
    view: Option<View>,
    state: ConsoleState,
    palette: Palette,
}

impl Console {
    /// A console of this observer's panel, in the colours that the terminal has.
    pub fn new(observer: Observer) -> Self {
        Self {
            observer,
            model: console::Console::default(),
            view: None,
            state: ConsoleState::default(),
            palette: Palette::detect(),
        }
    }

    /// In these colours.
    pub fn palette(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// Keeps that much: see [`Limits`](console::Limits).
    pub fn limits(self, limits: console::Limits) -> Self {
        Self { model: console::Console::new(limits), view: None, ..self }
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
        self.view.is_none() || self.observer.has_changed(self.model.cursor())
    }

    /// Waits until a draw is worth it: until the panel has something new, or [`TICK`] is over; never less than [`INTERVAL`], so that a loop
    /// which awaits this between two draws draws ten times a second at most. For a loop of its own beside the panel's; in the panel's own
    /// loop draw with its frames.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only waits.
    pub async fn changed(&self) {
        tokio::time::sleep(INTERVAL).await;
        let changed = self.observer.changed(self.model.cursor());
        tokio::time::timeout(TICK.saturating_sub(INTERVAL), changed).await.ok();
    }
}

impl Widget for &mut Console {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let view = self.view.insert(self.model.refresh(&self.observer));
        let widget = ConsoleWidget::new(view, self.model.history()).palette(self.palette);
        widget.render(area, buffer, &mut self.state);
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("panel", &self.observer.name())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
