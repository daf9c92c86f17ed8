//! Draws a view.

use control_panel::console::{History, View};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    widgets::{Block, Clear, StatefulWidget, Widget},
};

use control_panel_pages::{
    ConsoleState, Detail, Page, Tone, head,
    words::{count, fit, width, wrap},
};

use crate::{Palette, plots, table};

/// Draws a [`View`]: for a program that gets its views elsewhere than from an observer. [`Console`](crate::Console) has all in one.
///
/// It draws into whatever area it gets: in a narrow one columns leave, and the place of a panic stays.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleWidget<'a> {
    view: &'a View,
    history: &'a History,
    palette: Palette,
    notice: Option<&'a str>,
}

impl<'a> ConsoleWidget<'a> {
    /// Of this view, with the plots of this history.
    pub fn new(view: &'a View, history: &'a History) -> Self {
        Self { view, history, palette: Palette::Colored, notice: None }
    }

    /// In these colours. [`Palette::detect`] says which the terminal has.
    pub fn palette(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// Says something above all else: that the connection is lost, say.
    pub fn notice(self, notice: Option<&'a str>) -> Self {
        Self { notice, ..self }
    }
}

impl StatefulWidget for ConsoleWidget<'_> {
    type State = ConsoleState;

    fn render(self, area: Rect, buffer: &mut Buffer, state: &mut ConsoleState) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let mut lines = Lines { buffer, area, palette: self.palette };
        self.head(&mut lines);
        tabs(&mut lines, self.view, state.page());
        let footer = lines.area.height > 6;
        let mut body = lines.area;
        if footer {
            body.height -= 1;
        }
        let page = state.page();
        let below = plots::draw(page, self.history, body, buffer, self.palette);
        let mut table = page.table(self.view);
        table.sort(state.sort());
        let screen = usize::from(below.height.saturating_sub(1));
        let (first, cursor) = state.locate(&table, screen);
        table::draw(&table, below, buffer, first, cursor, state.sort(), self.palette);
        if footer {
            let hidden = (table.rows.len().saturating_sub(first + screen)) as u64 + table.left_out;
            let area = Rect { y: body.bottom(), height: 1, ..body };
            foot(area, buffer, self.palette, hidden, table.left_out);
        }
        if let Some(detail) = state.open(self.view) {
            open(detail, body, buffer, self.palette);
        }
    }
}

impl ConsoleWidget<'_> {
    /// What there is to know at one look, in two lines, and warnings.
    fn head(&self, lines: &mut Lines<'_>) {
        for parts in head(self.view) {
            lines.put(&parts);
        }
        for warning in self.notice.into_iter().chain(self.view.warning.as_deref()) {
            lines.put(&[(format!("! {warning}"), Tone::Trouble)]);
        }
    }
}

/// Words, one line after the other.
struct Lines<'a> {
    buffer: &'a mut Buffer,
    /// What is left.
    area: Rect,
    palette: Palette,
}

impl Lines<'_> {
    fn put(&mut self, parts: &[(String, Tone)]) {
        let Rect { x, y, width: wide, height } = self.area;
        if height == 0 {
            return;
        }
        let mut at = x;
        for (number, (text, tone)) in parts.iter().enumerate() {
            let gap = if number == 0 { 0 } else { 2 };
            let left = (x + wide).saturating_sub(at + gap);
            // Half of a word says nothing, but for the first; a shorter one behind it may fit.
            if left == 0 || (number > 0 && usize::from(left) < width(text)) {
                continue;
            }
            let text = fit(text, usize::from(left));
            self.buffer.set_string(at + gap, y, &text, self.palette.style(*tone));
            at += gap + u16::try_from(width(&text)).unwrap_or(left);
        }
        self.area = Rect { y: y + 1, height: height - 1, ..self.area };
    }
}

fn tabs(lines: &mut Lines<'_>, view: &View, page: Page) {
    let names = Page::ALL.map(|of| of.name(view));
    let long = |(name, rows): (&str, Option<usize>)| match rows {
        Some(rows) => format!("{name} {rows}"),
        None => name.to_owned(),
    };
    let all: usize = names.iter().map(|name| width(&long(*name)) + 5).sum();
    let is_narrow = all > usize::from(lines.area.width);
    let Rect { x, y, width: wide, height } = lines.area;
    if height == 0 {
        return;
    }
    let mut at = x;
    for (of, name) in Page::ALL.into_iter().zip(names) {
        let number = of.index() + 1;
        let text = match is_narrow {
            // Only the one that is shown has its name.
            true if of == page => format!(" {number} {} ", long(name)),
            true => format!(" {number} "),
            false => format!(" {number} {} ", long(name)),
        };
        let style = if of == page { Palette::cursor() } else { lines.palette.style(Tone::Dim) };
        let left = usize::from((x + wide).saturating_sub(at));
        let text = fit(&text, left);
        lines.buffer.set_string(at, y, &text, style);
        at += u16::try_from(width(&text)).unwrap_or(wide) + u16::from(!is_narrow);
        if at >= x + wide {
            break;
        }
    }
    lines.area = Rect { y: y + 1, height: height - 1, ..lines.area };
}

fn foot(area: Rect, buffer: &mut Buffer, palette: Palette, hidden: u64, left_out: u64) {
    let keys = "↑↓ move  s sort  Enter open  Tab page";
    let mut words = String::new();
    if hidden > 0 {
        words = format!("{} more below", count(hidden));
        if left_out > 0 {
            words = format!("{words}, {} not listed", count(left_out));
        }
        words.push_str("  ");
    }
    let text = fit(&format!("{words}{keys}"), usize::from(area.width));
    buffer.set_string(area.x, area.y, text, palette.style(Tone::Dim));
}

/// What a row says in full, over the table.
fn open(detail: &mut Detail, area: Rect, buffer: &mut Buffer, palette: Palette) {
    if area.height < 3 || area.width < 8 {
        return;
    }
    Clear.render(area, buffer);
    let title = fit(&format!(" {} ", detail.title), usize::from(area.width - 4));
    let block =
        Block::bordered().title(title).title_style(palette.style(Tone::Title).add_modifier(Modifier::BOLD));
    let inside = block.inner(area);
    block.render(area, buffer);
    let lines = wrap(&detail.text, usize::from(inside.width));
    detail.most = lines.len().saturating_sub(usize::from(inside.height));
    detail.scroll = detail.scroll.min(detail.most);
    for (y, line) in (inside.y..inside.bottom()).zip(&lines[detail.scroll..]) {
        buffer.set_string(inside.x, y, line, palette.style(Tone::Text));
    }
    let below = match detail.most - detail.scroll {
        0 => " Esc closes ".to_owned(),
        more => format!(" {more} more lines below, Esc closes "),
    };
    let below = fit(&below, usize::from(area.width - 4));
    buffer.set_string(area.x + 2, area.bottom() - 1, below, palette.style(Tone::Dim));
}
