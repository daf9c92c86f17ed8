//! Draws a table.

use control_panel_pages::{
    Sort, Table, Tone,
    words::{fit, width},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use crate::palette::Palette;

/// Draws the header and the rows from `first` on.
pub(crate) fn draw(
    table: &Table,
    area: Rect,
    buffer: &mut Buffer,
    first: usize,
    cursor: Option<usize>,
    sort: Sort,
    palette: Palette,
) {
    if area.height == 0 || area.width < 3 {
        return;
    }
    // One column on the left for the sign of trouble.
    let columns = table.fitting(area.width - 2);
    let mut x = area.x + 2;
    for &(index, wide) in &columns {
        let column = table.columns[index];
        let sorted = if sort.column == Some(index) { if sort.reversed { "▴" } else { "▾" } } else { "" };
        let title = format!("{}{sorted}", column.title);
        let style = palette.style(Tone::Dim).add_modifier(Modifier::UNDERLINED);
        cell(buffer, x, area.y, wide, &title, column.right, style);
        x += wide + 1;
    }
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if table.rows.is_empty() && below.height > 0 {
        let text = fit(table.empty, usize::from(below.width.saturating_sub(2)));
        buffer.set_string(below.x + 2, below.y, text, palette.style(Tone::Dim));
    }
    for (y, (index, row)) in (below.y..below.bottom()).zip(table.rows.iter().enumerate().skip(first)) {
        if row.trouble {
            buffer.set_string(area.x, y, "!", palette.style(Tone::Trouble));
        }
        let mut x = area.x + 2;
        for &(index, wide) in &columns {
            if let Some(of) = row.cells.get(index) {
                let text = of.fitted(usize::from(wide));
                cell(buffer, x, y, wide, &text, table.columns[index].right, palette.style(of.tone));
            }
            x += wide + 1;
        }
        if cursor == Some(index) {
            buffer.set_style(Rect { y, height: 1, ..area }, Palette::cursor());
        }
    }
}

fn cell(buffer: &mut Buffer, x: u16, y: u16, wide: u16, text: &str, right: bool, style: Style) {
    let text = fit(text, usize::from(wide));
    let used = u16::try_from(width(&text)).unwrap_or(wide);
    let x = if right { x + wide.saturating_sub(used) } else { x };
    buffer.set_string(x, y, text, style);
}
