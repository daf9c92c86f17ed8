//! Draws the graph, and takes clicks and drags.

use eframe::egui::{
    Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::{
    Act,
    camera::Camera,
    layout::Vector,
    nodes::{Drawn, Nodes},
};
use crate::{graph::Content, host::RuntimeState, lifecycle::Lifecycle};

/// Nodes that can be reached one by one: more of them on a screen are dots.
const REACHABLE: usize = 400;
/// The least radius of a node, and the greatest.
const RADIUS: std::ops::RangeInclusive<f32> = 4.0..=15.0;
/// A node can be hit so far around it.
const REACH: f32 = 4.0;

/// The picture of the graph.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    camera: Camera,
    /// The node that is dragged, and where it is now.
    dragged: Option<(usize, Vector)>,
    hovered: Option<usize>,
}

/// The colours of the picture.
struct Paint {
    back: Color32,
    link: Color32,
    near: Color32,
    text: Color32,
    active: Color32,
    warm: Color32,
    cold: Color32,
    trouble: Color32,
}

impl Paint {
    fn of(ui: &Ui, is_past: bool) -> Self {
        let dark = ui.visuals().dark_mode;
        let rgb = Color32::from_rgb;
        let back = match (dark, is_past) {
            (true, false) => rgb(0x12, 0x16, 0x1d),
            (true, true) => rgb(0x1f, 0x1a, 0x12),
            (false, false) => rgb(0xfa, 0xfb, 0xfc),
            (false, true) => rgb(0xfb, 0xf5, 0xe8),
        };
        if dark {
            Self {
                back,
                link: rgb(0x2c, 0x35, 0x42),
                near: rgb(0x6b, 0x8f, 0xb8),
                text: rgb(0xc9, 0xd1, 0xd9),
                active: rgb(0x3f, 0xd0, 0x8f),
                warm: rgb(0xf0, 0xb4, 0x46),
                cold: rgb(0x5b, 0x6b, 0x80),
                trouble: rgb(0xff, 0x7b, 0x72),
            }
        } else {
            Self {
                back,
                link: rgb(0xdd, 0xe2, 0xe8),
                near: rgb(0x5a, 0x83, 0xb4),
                text: rgb(0x24, 0x2c, 0x36),
                active: rgb(0x16, 0x9c, 0x5c),
                warm: rgb(0xd9, 0x8e, 0x04),
                cold: rgb(0x9a, 0xa7, 0xb6),
                trouble: rgb(0xc4, 0x2b, 0x1c),
            }
        }
    }

    fn of_node(&self, node: &Drawn) -> Color32 {
        match (node.content, node.lifecycle) {
            (Content::Skipped, _) => self.trouble,
            (_, Lifecycle::Active) => self.active,
            (_, Lifecycle::Warm) => self.warm,
            (_, Lifecycle::Cold) => self.cold,
        }
    }
}

impl Canvas {
    /// Draws it into what is left of `ui`.
    pub(super) fn show(&mut self, nodes: &Nodes, is_past: bool, ui: &mut Ui, acts: &mut Vec<Act>) {
        let area = ui.available_rect_before_wrap();
        let back = ui.allocate_rect(area, Sense::click_and_drag());
        let said =
            format!("The graph: {} pages. Tab goes from page to page, Enter opens one.", nodes.drawn.len());
        back.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &said));
        self.look(nodes, &back, ui);
        let paint = Paint::of(ui, is_past);
        let painter = ui.painter_at(area);
        painter.rect_filled(area, 0.0, paint.back);

        let places: Vec<Pos2> = (0..nodes.drawn.len()).map(|index| self.place(nodes, index, area)).collect();
        let emphasised = self.hovered.or(nodes.looked_at.map(crate::intent::NodeKey::index));
        for &(from, to) in nodes.layout.links() {
            let (from, to) = (from as usize, to as usize);
            let is_near = emphasised.is_some_and(|node| node == from || node == to);
            let (Some(&a), Some(&b)) = (places.get(from), places.get(to)) else { continue };
            if !is_near && area.intersects(Rect::from_two_pos(a, b)) {
                painter.line_segment([a, b], Stroke::new(1.0, paint.link));
            }
        }
        for &(from, to) in nodes.layout.links() {
            let (from, to) = (from as usize, to as usize);
            if emphasised.is_some_and(|node| node == from || node == to)
                && let (Some(&a), Some(&b)) = (places.get(from), places.get(to))
            {
                painter.line_segment([a, b], Stroke::new(1.4, paint.near));
            }
        }

        self.hovered = None;
        let mut reachable = REACHABLE;
        let mut labels = Vec::new();
        for (index, (node, &at)) in nodes.drawn.iter().zip(&places).enumerate() {
            let radius = self.radius(node);
            if !area.expand(radius).contains(at) {
                continue;
            }
            let mut emphasis = false;
            if reachable > 0 {
                reachable -= 1;
                let hit = Rect::from_center_size(at, Vec2::splat(2.0 * (radius + REACH)));
                let response = ui.interact(hit, ui.scope_id().with(("node", index)), Sense::click_and_drag());
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, node.name()));
                emphasis = response.hovered() || response.has_focus();
                self.act(index, node, &response, area, acts);
            }
            if emphasis {
                self.hovered = Some(index);
            }
            let is_looked_at = nodes.looked_at == Some(node.key);
            draw_node(&painter, &paint, node, at, radius, is_looked_at, emphasis);
            // The least is what is always there: the pages that are open, and the hubs.
            let rank = match node.lifecycle {
                _ if emphasis || is_looked_at => 0,
                Lifecycle::Active => 1,
                Lifecycle::Warm => 2,
                Lifecycle::Cold => 3,
            };
            labels.push((rank, std::cmp::Reverse(node.linked_from), index));
        }
        labels.sort_unstable();
        self.draw_labels(nodes, &labels, &places, &painter, &paint);
        legend(&painter, &paint, area, is_past);
        if !nodes.layout.is_cold() || self.dragged.is_some() {
            ui.ctx().request_repaint();
        }
    }

    /// Moves the camera.
    fn look(&mut self, nodes: &Nodes, back: &Response, ui: &Ui) {
        let area = back.rect;
        if back.dragged() {
            let by = back.drag_delta();
            self.camera.pan(Vector::new(by.x, by.y));
        }
        if let Some(pointer) = back.hover_pos().or_else(|| ui.input(|input| input.pointer.hover_pos()))
            && area.contains(pointer)
        {
            let by = ui.input(|input| input.zoom_delta() * (input.smooth_scroll_delta().y / 300.0).exp());
            if (by - 1.0).abs() > 1e-4 {
                let at = pointer - area.center();
                self.camera.zoom_at(Vector::new(at.x, at.y), by);
            }
        }
        if back.double_clicked() {
            self.camera.follows = true;
        }
        if self.camera.follows
            && let Some(bounds) = nodes.layout.bounds()
        {
            self.camera.fit(bounds, Vector::new(area.width(), area.height()));
        }
    }

    fn place(&self, nodes: &Nodes, index: usize, area: Rect) -> Pos2 {
        let place = match self.dragged {
            Some((dragged, place)) if dragged == index => place,
            _ => nodes.layout.at(index).unwrap_or_default(),
        };
        let at = self.camera.to_picture(place);
        area.center() + vec2(at.x, at.y)
    }

    fn radius(&self, node: &Drawn) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a size on a screen")]
        let links = node.linked_from as f32;
        (3.5 + 1.6 * links.sqrt()).clamp(*RADIUS.start(), *RADIUS.end()) * self.camera.zoom.clamp(0.35, 1.4)
    }

    /// Clicking opens, the other button closes, dragging moves, a double click lets go.
    fn act(&mut self, index: usize, node: &Drawn, response: &Response, area: Rect, acts: &mut Vec<Act>) {
        if response.double_clicked() && node.placed {
            acts.push(Act::Place(node.key, None));
        } else if response.clicked() {
            acts.push(Act::Look(node.key));
            acts.push(Act::Open(node.key));
        } else if response.secondary_clicked() {
            acts.push(Act::Close(node.key));
        }
        if response.dragged()
            && let Some(pointer) = response.interact_pointer_pos()
        {
            let at = pointer - area.center();
            self.dragged = Some((index, self.camera.to_graph(Vector::new(at.x, at.y))));
            self.camera.follows = false;
        }
        if response.drag_stopped()
            && let Some((dragged, place)) = self.dragged.take()
            && dragged == index
        {
            #[expect(clippy::cast_possible_truncation, reason = "places are whole")]
            let place = (place.x.round() as i32, place.y.round() as i32);
            acts.push(Act::Place(node.key, Some(place)));
        }
    }

    /// The names of as many nodes as have room for theirs.
    fn draw_labels(
        &self,
        nodes: &Nodes,
        labels: &[(u8, std::cmp::Reverse<u32>, usize)],
        places: &[Pos2],
        painter: &eframe::egui::Painter,
        paint: &Paint,
    ) {
        let mut taken: Vec<Rect> = Vec::new();
        for &(rank, _, index) in labels.iter().take(if self.camera.zoom > 0.5 { 160 } else { 60 }) {
            let node = &nodes.drawn[index];
            let color = if rank < 3 { paint.text } else { paint.text.gamma_multiply(0.65) };
            let size = if rank == 0 { 13.0 } else { 11.5 };
            let galley = painter.layout_no_wrap(short(&node.path), FontId::proportional(size), color);
            let at = places[index] + vec2(self.radius(node) + 4.0, -galley.size().y / 2.0);
            let area = Rect::from_min_size(at, galley.size()).expand(1.0);
            if rank > 0 && taken.iter().any(|other| other.intersects(area)) {
                continue;
            }
            if rank == 0 {
                painter.rect_filled(area.expand(2.0), 3.0, paint.back.gamma_multiply(0.85));
            }
            painter.galley(at, galley, color);
            taken.push(area);
        }
    }
}

fn draw_node(
    painter: &eframe::egui::Painter,
    paint: &Paint,
    node: &Drawn,
    at: Pos2,
    radius: f32,
    is_looked_at: bool,
    emphasis: bool,
) {
    let color = paint.of_node(node);
    if node.content == Content::Read {
        painter.circle_filled(at, radius, color);
    } else {
        // What was not read is a ring.
        painter.circle(at, radius, paint.back, Stroke::new(1.5, color));
    }
    let around = match node.runtime {
        RuntimeState::Blocked { .. } => Some(Stroke::new(2.0, paint.trouble)),
        RuntimeState::PendingCreate => Some(Stroke::new(1.0, color)),
        _ => None,
    };
    if let Some(stroke) = around {
        painter.circle_stroke(at, radius + 2.5, stroke);
    }
    if is_looked_at || emphasis {
        painter.circle_stroke(
            at,
            radius + 4.5,
            Stroke::new(if is_looked_at { 2.0 } else { 1.0 }, paint.text),
        );
    }
    if node.noted {
        painter.circle_filled(at + vec2(radius, -radius) * 0.8, 3.0, paint.near);
    }
    if node.placed {
        painter.rect_filled(Rect::from_center_size(at, Vec2::splat(3.0)), 0.0, paint.back);
    }
}

fn legend(painter: &eframe::egui::Painter, paint: &Paint, area: Rect, is_past: bool) {
    let mut at = pos2(area.left() + 14.0, area.bottom() - 16.0);
    let kinds = [
        ("active", paint.active, true),
        ("warm", paint.warm, true),
        ("cold", paint.cold, true),
        ("not read", paint.cold, false),
    ];
    for (name, color, filled) in kinds {
        if filled {
            painter.circle_filled(at, 5.0, color);
        } else {
            painter.circle_stroke(at, 4.5, Stroke::new(1.5, color));
        }
        let text = painter.text(
            at + vec2(10.0, 0.0),
            Align2::LEFT_CENTER,
            name,
            FontId::proportional(11.5),
            paint.text,
        );
        at.x = text.right() + 18.0;
    }
    if is_past {
        let text = "what was recorded: nothing can be changed here";
        let at = pos2(area.center().x, area.top() + 18.0);
        painter.text(at, Align2::CENTER_CENTER, text, FontId::proportional(13.0), paint.warm);
        painter.rect_stroke(area, 0.0, Stroke::new(2.0, paint.warm), StrokeKind::Inside);
    }
}

/// The end of a path: what distinguishes it from its neighbours.
fn short(path: &str) -> String {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    // A folder's own page has the folder's name.
    match (last, parts.next()) {
        ("index.html", Some(folder)) => format!("{folder}/"),
        _ => last.strip_suffix(".html").unwrap_or(last).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_label_is_the_end_of_a_path() {
        let labels = [
            ("index.html", "index"),
            ("frames/index.html", "frames/"),
            ("frames/budget.html", "budget"),
            ("notes.txt", "notes.txt"),
            ("", ""),
        ];
        for (path, label) in labels {
            assert_eq!(short(path), label);
        }
    }
}
