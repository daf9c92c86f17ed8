//! The last minutes, as a line.

use control_panel::console::{History, Point};
use control_panel_pages::{
    Page, Tone,
    words::{count, rate, time},
};
use egui::{Pos2, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2};

use crate::tones::color;

/// How high a plot is.
const HEIGHT: f32 = 44.0;

/// Draws what the page has beside its table.
pub(crate) fn show(page: Page, history: &History, ui: &mut Ui) {
    match page {
        Page::Queue => {
            plot(ui, history, "Queue depth", |point| whole(point.depth), |value| count(rounded(value)));
            plot(ui, history, "Intents a second", |point| point.intents.iter().sum(), rate_of);
        }
        Page::Frames => {
            let seconds = |point: &Point| point.frame_p99.as_secs_f64();
            plot(ui, history, "p99 of a frame", seconds, |value| {
                time(std::time::Duration::try_from_secs_f64(value).unwrap_or_default())
            });
            plot(ui, history, "Frames a second", |point| point.frames, rate_of);
        }
        _ => {}
    }
}

fn plot(
    ui: &mut Ui,
    history: &History,
    name: &str,
    value: impl Fn(&Point) -> f64,
    words: impl Fn(f64) -> String,
) {
    let values: Vec<f64> = history.points.iter().map(value).map(|value| value.max(0.0)).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    let now = values.last().copied().unwrap_or(0.0);
    let said =
        format!("{name}: {} now, up to {} in the last {} points", words(now), words(most), values.len());
    ui.weak(format!("{name}: {} now, up to {}", words(now), words(most)));
    let size = Vec2::new(ui.available_width(), HEIGHT);
    let (area, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let visuals = ui.visuals();
    let painter = ui.painter_at(area);
    painter.rect_filled(area, 2.0, visuals.extreme_bg_color);
    let line = color(Tone::Good, visuals);
    let steps = values.len().saturating_sub(1).max(1);
    let place = |(index, value): (usize, f64)| -> Pos2 {
        let across = whole(index) / whole(steps);
        let up = if most > 0.0 { value / most } else { 0.0 };
        pos2(
            area.left() + area.width() * narrow(across),
            area.bottom() - 2.0 - (area.height() - 4.0) * narrow(up),
        )
    };
    let points: Vec<Pos2> = values.into_iter().enumerate().map(place).collect();
    if points.len() > 1 {
        painter.add(Shape::line(points, Stroke::new(1.5, line)));
    }
}

fn rate_of(value: f64) -> String {
    if value < 0.05 { "none".to_owned() } else { rate(value) }
}

#[expect(clippy::cast_precision_loss, reason = "a place on the screen")]
fn whole(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}
