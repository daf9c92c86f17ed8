//! One kind of plot: lines over a logarithmic axis, as an SVG that reads on light and dark pages.

use std::fmt::Write;

pub struct Plot<'a> {
    pub title: &'a str,
    pub across: &'a str,
    pub up: &'a str,
    /// By contestant; the first is drawn bold.
    pub lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

const SIZE: (f64, f64) = (900.0, 470.0);
/// Left, top, right, bottom: of the plot itself.
const AREA: (f64, f64, f64, f64) = (70.0, 46.0, 600.0, 415.0);
/// Readable on white and on black; Okabe and Ito's, which colour-blind readers can tell apart, and two greys.
const COLOURS: [&str; 8] =
    ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f"];

impl Plot<'_> {
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points.iter().copied());
        let x = Axis::around(points().map(|point| point.0), (AREA.0, AREA.2), 2.0);
        let y = Axis::around(points().map(|point| point.1), (AREA.3, AREA.1), 10.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
             font-size=\"13\">\n<style>text{{fill:#24292f}}.g{{stroke:#d0d7de}}.b{{fill:#fff}}\
             @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.g{{stroke:#3d444d}}.b{{fill:#0d1117}}}}</style>\n\
             <rect class=\"b\" width=\"100%\" height=\"100%\"/>\n",
            SIZE.0, SIZE.1
        );
        let middle = (AREA.0 + AREA.2) / 2.0;
        text(&mut svg, (middle, 24.0), "middle", self.title);
        text(&mut svg, (middle, SIZE.1 - 14.0), "middle", self.across);
        let turn = format!("middle\" transform=\"rotate(-90 18 {})", (AREA.1 + AREA.3) / 2.0);
        text(&mut svg, (18.0, (AREA.1 + AREA.3) / 2.0), &turn, self.up);
        for tick in x.ticks(4.0) {
            line(&mut svg, (x.at(tick), AREA.1), (x.at(tick), AREA.3));
            text(&mut svg, (x.at(tick), AREA.3 + 18.0), "middle", &label(tick, 1024.0));
        }
        for tick in y.ticks(10.0) {
            line(&mut svg, (AREA.0, y.at(tick)), (AREA.2, y.at(tick)));
            text(&mut svg, (AREA.0 - 6.0, y.at(tick) + 4.0), "end", &label(tick, 1000.0));
        }
        for (at, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let dash = if at < COLOURS.len() { "" } else { " stroke-dasharray=\"6 4\"" };
            let wide = if at == 0 { 3.5 } else { 1.6 };
            let path: Vec<String> =
                points.iter().map(|&(px, py)| format!("{:.1},{:.1}", x.at(px), y.at(py))).collect();
            let path = path.join(" ");
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"{wide}\"{dash}");
            let _ = writeln!(svg, "<polyline fill=\"none\" {stroke} points=\"{path}\"/>");
            let row = AREA.1 + 12.0 + 24.0 * at as f64;
            let _ = writeln!(svg, "<path {stroke} d=\"M{},{row}h26\"/>", AREA.2 + 14.0);
            text(&mut svg, (AREA.2 + 46.0, row + 4.0), "start", name);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A logarithmic axis from one power of its base to another.
struct Axis {
    low: f64,
    high: f64,
    pixels: (f64, f64),
}

impl Axis {
    fn around(values: impl Iterator<Item = f64>, pixels: (f64, f64), base: f64) -> Self {
        let (low, high) = values
            .filter(|value| *value > 0.0)
            .fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (1.0, base) } else { (low, high) };
        let power = |exponent: f64| base.powf(exponent);
        let floor = power((low.log(base) + 1e-9).floor());
        Self { low: floor, high: power((high.log(base) - 1e-9).ceil()).max(floor * base), pixels }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    fn ticks(&self, step: f64) -> impl Iterator<Item = f64> {
        let high = self.high * 1.001;
        std::iter::successors(Some(self.low), move |tick| Some(tick * step))
            .take_while(move |tick| *tick <= high)
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(svg, "<path class=\"g\" d=\"M{:.1},{:.1}L{:.1},{:.1}\"/>", from.0, from.1, to.0, to.1);
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>", at.0, at.1);
}

fn label(value: f64, kilo: f64) -> String {
    match value {
        v if v >= kilo * kilo => format!("{} M", v / (kilo * kilo)),
        v if v >= kilo => format!("{} k", v / kilo),
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{}", (v * 1e6).round() / 1e6),
    }
}
