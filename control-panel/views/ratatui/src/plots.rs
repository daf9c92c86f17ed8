//! The last minutes, as a line of bars.

use control_panel::console::{History, Point};
use control_panel_pages::{
    Page, Tone,
    words::{count, fit, rate, time},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Sparkline, Widget},
};

use crate::palette::Palette;

/// Rows that one plot takes: a line of words, and its bars.
const PLOT: u16 = 3;

/// Draws what the page has beside its table, and returns what is left for that.
pub(crate) fn draw(page: Page, history: &History, area: Rect, buffer: &mut Buffer, palette: Palette) -> Rect {
    match page {
        Page::Queue => queue(history, area, buffer, palette),
        Page::Frames => frames(history, area, buffer, palette),
        _ => area,
    }
}

/// The queue's depth, and intents by source; returns what is left of the area.
fn queue(history: &History, area: Rect, buffer: &mut Buffer, palette: Palette) -> Rect {
    let deepest = history.points.iter().map(|point| point.depth).max().unwrap_or(0);
    let title = format!("depth, up to {}", count(deepest as u64));
    let area = plot(history, area, buffer, palette, &title, |point| point.depth as u64);
    let all = |point: &Point| point.intents.iter().sum::<f64>();
    let most = history.points.iter().map(all).fold(0.0, f64::max);
    let title = format!("intents a second, up to {}", if most < 0.05 { "0".to_owned() } else { rate(most) });
    plot(history, area, buffer, palette, &title, |point| whole(all(point) * 10.0))
}

/// What frames took, and how many there were.
fn frames(history: &History, area: Rect, buffer: &mut Buffer, palette: Palette) -> Rect {
    let longest = history.points.iter().map(|point| point.frame_p99).max().unwrap_or_default();
    let title = format!("p99 of a frame, up to {}", time(longest));
    plot(history, area, buffer, palette, &title, |point| {
        u64::try_from(point.frame_p99.as_micros()).unwrap_or(u64::MAX)
    })
}

fn plot(
    history: &History,
    area: Rect,
    buffer: &mut Buffer,
    palette: Palette,
    title: &str,
    value: impl Fn(&Point) -> u64,
) -> Rect {
    // Where there is not even room for some rows of the table, it is better to read than the plot.
    if area.height < PLOT + 4 {
        return area;
    }
    let wide = usize::from(area.width.saturating_sub(2));
    buffer.set_string(area.x + 2, area.y, fit(title, wide), palette.style(Tone::Dim));
    let skipped = history.points.len().saturating_sub(wide);
    let values: Vec<u64> = history.points.iter().skip(skipped).map(value).collect();
    let bars = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(2), height: PLOT - 1 };
    Sparkline::default().data(&values).style(palette.style(Tone::Title)).render(bars, buffer);
    Rect { y: area.y + PLOT, height: area.height - PLOT, ..area }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a height, of what is not negative"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
