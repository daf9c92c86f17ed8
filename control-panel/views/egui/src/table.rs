//! Draws a table: each row is one thing that can be focused, has a name, and opens.

use control_panel_pages::{ConsoleState, Row, Table, Tone, words::fit};
use egui::{Align2, FontId, Rect, Role, ScrollArea, Sense, TextStyle, Ui, Vec2, WidgetInfo, pos2};

use crate::tones::color;

/// Draws it, and opens the row that is clicked.
pub(crate) fn show(table: &Table, opens: bool, ui: &mut Ui, state: &mut ConsoleState) {
    let font = TextStyle::Monospace.resolve(ui.style());
    let letter = ui.ctx().fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
    let columns = Columns::of(table, ui.available_width(), letter, font);
    columns.header(table, ui, state);
    if table.rows.is_empty() {
        ui.weak(table.empty);
        return;
    }
    let height = ui.text_style_height(&TextStyle::Monospace) + 4.0;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink([false, true]).show_rows(ui, height, table.rows.len(), |ui, range| {
        for row in &table.rows[range] {
            if columns.row(table, row, opens, height, ui) {
                state.open_row(Some(row.id));
            }
        }
        if table.left_out > 0 {
            ui.weak(format!("{} more are not listed", table.left_out));
        }
    });
}

/// Where the columns are.
struct Columns {
    /// Each column's index, where it begins, and its letters.
    at: Vec<(usize, f32, u16)>,
    letter: f32,
    font: FontId,
}

impl Columns {
    fn of(table: &Table, wide: f32, letter: f32, font: FontId) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
        let letters = (wide / letter).clamp(3.0, 1_000.0) as u16;
        let mut begins = 2_u16;
        let fitting = table.fitting(letters - 2).into_iter().map(|(index, wide)| {
            let at = (index, f32::from(begins) * letter, wide);
            begins += wide + 1;
            at
        });
        Self { at: fitting.collect(), letter, font }
    }

    /// The titles: buttons that sort.
    fn header(&self, table: &Table, ui: &mut Ui, state: &mut ConsoleState) {
        let height = ui.text_style_height(&TextStyle::Monospace) + 4.0;
        let (area, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
        let sort = state.sort();
        for &(index, at, wide) in &self.at {
            let column = table.columns[index];
            let cell = Rect::from_min_size(
                pos2(area.left() + at, area.top()),
                Vec2::new(f32::from(wide) * self.letter, height),
            );
            let response =
                ui.interact(cell, ui.scope_id().with(("sort", state.page(), index)), Sense::click());
            let sorted = sort.column == Some(index);
            let order = match (sorted, sort.reversed) {
                (false, _) => "",
                (true, false) => "▾",
                (true, true) => "▴",
            };
            response.widget_info(|| {
                WidgetInfo::selected(Role::Button, true, sorted, format!("Sort by {}", column.title))
            });
            if response.clicked() {
                state.sort_by(index);
            }
            let tone =
                if sorted || response.hovered() || response.has_focus() { Tone::Title } else { Tone::Dim };
            let text = fit(&format!("{}{order}", column.title), usize::from(wide));
            self.text(ui, cell, &text, column.right, tone);
            if response.has_focus() {
                ui.painter().rect_stroke(cell, 2.0, ui.visuals().selection.stroke, egui::StrokeKind::Inside);
            }
        }
        let line = area.bottom() - 1.0;
        ui.painter().hline(area.x_range(), line, ui.visuals().widgets.noninteractive.bg_stroke);
    }

    /// Draws a row; whether it was clicked.
    fn row(&self, table: &Table, row: &Row, opens: bool, height: f32, ui: &mut Ui) -> bool {
        let sense = if opens { Sense::click() } else { Sense::hover() };
        let (area, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), sense);
        response.widget_info(|| {
            WidgetInfo::labeled(if opens { Role::Button } else { Role::Row }, true, name(table, row))
        });
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        let visuals = ui.visuals();
        if response.hovered() && opens {
            ui.painter().rect_filled(area, 2.0, visuals.widgets.hovered.weak_bg_fill);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(area, 2.0, visuals.selection.stroke, egui::StrokeKind::Inside);
        }
        if row.trouble {
            self.text(
                ui,
                Rect::from_min_size(area.min, Vec2::new(self.letter, height)),
                "!",
                false,
                Tone::Trouble,
            );
        }
        for &(index, at, wide) in &self.at {
            let Some(cell) = row.cells.get(index) else { continue };
            let place = Rect::from_min_size(
                pos2(area.left() + at, area.top()),
                Vec2::new(f32::from(wide) * self.letter, height),
            );
            self.text(ui, place, &cell.fitted(usize::from(wide)), table.columns[index].right, cell.tone);
        }
        response.clicked()
    }

    fn text(&self, ui: &Ui, area: Rect, text: &str, right: bool, tone: Tone) {
        let (at, align) = if right {
            (area.right_center(), Align2::RIGHT_CENTER)
        } else {
            (area.left_center(), Align2::LEFT_CENTER)
        };
        ui.painter().text(at, align, text, self.font.clone(), color(tone, ui.visuals()));
    }
}

/// What a row is called: all that it says.
fn name(table: &Table, row: &Row) -> String {
    let cells = row.cells.iter().zip(table.columns).filter(|(cell, _)| !cell.text.is_empty());
    let said = cells.enumerate().map(|(number, (cell, column))| match number {
        0 => cell.text.clone(),
        _ => format!("{} {}", column.title, cell.text),
    });
    let said: Vec<String> = said.collect();
    let trouble = if row.trouble { "in trouble: " } else { "" };
    format!("{trouble}{}", said.join(", "))
}
