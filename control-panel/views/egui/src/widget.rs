//! Draws a view.

use control_panel::console::{History, View};
use control_panel_pages::{Page, Tone, head};
use egui::{Key, Response, RichText, ScrollArea, Ui, Vec2};

use crate::{ConsoleState, plot, table, tones::color};

/// Draws a [`View`]: for a program that gets its views elsewhere than from an observer. [`Console`](crate::Console) has all in one.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleWidget<'a> {
    view: &'a View,
    history: &'a History,
}

impl<'a> ConsoleWidget<'a> {
    /// Of this view, with the plots of this history.
    pub fn new(view: &'a View, history: &'a History) -> Self {
        Self { view, history }
    }

    /// Draws it into what is left of `ui`.
    pub fn show(self, ui: &mut Ui, state: &mut ConsoleState) -> Response {
        let Self { view, history } = self;
        let shown = ui.vertical(|ui| {
            for parts in head(view) {
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing.x = 12.0;
                    for (text, tone) in parts {
                        ui.label(RichText::new(text).color(color(tone, ui.visuals())));
                    }
                });
            }
            if let Some(warning) = &view.warning {
                ui.label(RichText::new(format!("! {warning}")).color(color(Tone::Trouble, ui.visuals())));
            }
            ui.horizontal_wrapped(|ui| {
                for page in Page::ALL {
                    let text = match page.name(view) {
                        (name, Some(rows)) => format!("{name} {rows}"),
                        (name, None) => name.to_owned(),
                    };
                    if ui.selectable_label(state.page() == page, text).clicked() {
                        state.set_page(page);
                    }
                }
            });
            let page = state.page();
            plot::show(page, history, ui);
            let mut rows = page.table(view);
            rows.sort(state.sort());
            table::show(&rows, page.has_details(), ui, state);
        });
        detail(view, ui, state);
        shown.response
    }
}

/// What a row says in full, in a window of its own.
fn detail(view: &View, ui: &Ui, state: &mut ConsoleState) {
    let Some(open) = state.open(view) else { return };
    let mut stays = true;
    let title = open.title.clone();
    egui::Window::new(&title)
        .id(ui.scope_id().with("detail"))
        .open(&mut stays)
        .default_size(Vec2::new(560.0, 320.0))
        .collapsible(false)
        .show(ui.ctx(), |ui| {
            ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
                ui.label(RichText::new(&open.text).monospace());
            });
        });
    // Only where nothing else takes it, such as a text that is typed.
    let escaped =
        ui.ctx().memory(|memory| memory.focused().is_none()) || !ui.ctx().egui_wants_keyboard_input();
    if !stays
        || (escaped && ui.ctx().input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)))
    {
        state.open_row(None);
    }
}
