//! A gallery in a window of eframe: pictures are made by workers, of those on screen first.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --features eframe --example eframe_gallery
//!
//! (It needs a display; `xvfb-run` will do.) What to look for: the window is drawn when something changed, and not otherwise.
//! `on_ready` asks for a repaint; eframe calls `logic`, which drains, and then `ui`, which draws. Scroll: what leaves the screen
//! is not computed any more, as its task is stopped. Closing the window ends the workers.

use std::{collections::BTreeMap, ops::Range};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, supervision::Tasks, worker,
};
use eframe::egui;

const PICTURES: usize = 400;
/// The width and height of a picture, in pixels and in points.
const SIDE: usize = 96;
const POINTS: f32 = 96.0;
const COLUMNS: usize = 6;

#[derive(GraphIntent)]
enum Update {
    // In a box: every slot of the queue is as large as the largest variant.
    Made { number: usize, picture: Box<egui::ColorImage> },
}

/// What was made and is not on the graphics card yet, and what is wanted.
#[derive(Default)]
struct Gallery {
    made: BTreeMap<usize, Box<egui::ColorImage>>,
}

impl Reducer for Gallery {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Made { number, picture } = queued.intent;
        self.made.insert(number, picture);
    }
}

/// Computes one picture; a blocking call, as computing is.
#[worker(source = IntentSource::PrefetchScheduler, kind = blocking)]
fn picture(cx: Context<Update>, number: usize) {
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        if cx.is_cancelled() {
            return; // it is not on screen any more
        }
        for x in 0..SIDE {
            let shade = |factor: usize| u8::try_from((x * y * factor + number * 37) % 256).unwrap_or(0);
            pixels.push(egui::Color32::from_rgb(shade(1), shade(number % 7 + 1), shade(3)));
        }
    }
    let picture = Box::new(egui::ColorImage::new([SIDE, SIDE], pixels));
    cx.send_blocking(Update::Made { number, picture }).ok();
}

struct App {
    panel: ControlPanel<Update>,
    pictures: Tasks<Update, (), usize>,
    gallery: Gallery,
    textures: BTreeMap<usize, egui::TextureHandle>,
    wanted: Range<usize>,
}

impl App {
    fn new(ctx: &egui::Context) -> Self {
        let repaint = ctx.clone();
        let panel = ControlPanel::builder().on_ready(move || repaint.request_repaint()).build();
        let pictures = panel.keyed_tasks().limit(2).backlog(PICTURES);
        let (gallery, textures) = (Gallery::default(), BTreeMap::new());
        Self { panel, pictures, gallery, textures, wanted: 0..0 }
    }

    /// Drains, and hands what was made to the graphics card.
    fn drain(&mut self, ctx: &egui::Context) {
        self.panel.run_frame(&mut self.gallery, &mut (), []);
        for (number, picture) in std::mem::take(&mut self.gallery.made) {
            let name = format!("picture {number}");
            let texture = ctx.load_texture(name, *picture, egui::TextureOptions::LINEAR);
            self.textures.insert(number, texture);
        }
    }

    /// Makes the pictures that are on screen. What is not any more is stopped.
    fn want(&mut self, wanted: Range<usize>) {
        if self.wanted == wanted {
            return;
        }
        self.wanted = wanted;
        self.pictures.stop_all();
        for number in self.wanted.clone().filter(|number| !self.textures.contains_key(number)) {
            self.pictures.keyed(number).spawn_picture(number);
        }
    }

    fn show(&mut self, ui: &mut egui::Ui) {
        ui.label(self.panel.status().to_string());
        let mut rows_on_screen = 0..0;
        let rows = PICTURES.div_ceil(COLUMNS);
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, POINTS, rows, |ui, rows| {
            rows_on_screen = rows.clone();
            for row in rows {
                ui.horizontal(|ui| {
                    for number in row * COLUMNS..((row + 1) * COLUMNS).min(PICTURES) {
                        match self.textures.get(&number) {
                            Some(texture) => drop(ui.image(texture)),
                            None => drop(ui.allocate_space(egui::vec2(POINTS, POINTS))),
                        }
                    }
                });
            }
        });
        let pictures = rows_on_screen.start * COLUMNS..(rows_on_screen.end * COLUMNS).min(PICTURES);
        self.want(pictures);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        self.drain(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        println!("{}", self.panel.shutdown_blocking());
    }
}

fn main() -> eframe::Result {
    let options = eframe::NativeOptions::default();
    eframe::run_native("gallery", options, Box::new(|cc| Ok(Box::new(App::new(&cc.egui_ctx)))))
}

#[test]
fn what_is_wanted_is_made_and_what_is_not_is_let_go_of() {
    let ctx = egui::Context::default();
    let mut app = App::new(&ctx);
    app.want(0..12);
    app.want(20..24);
    while app.textures.len() < 4 || !app.pictures.is_empty() {
        app.drain(&ctx);
        app.panel.wait_ready_timeout(std::time::Duration::from_millis(50));
    }
    app.drain(&ctx);
    assert!((20..24).all(|number| app.textures.contains_key(&number)));
    assert!(app.textures.len() < 16, "{:?}", app.textures.keys());
    app.panel.shutdown_blocking();
}
