//! The effects: tasks that decode, and textures.

use crate::{
    state::{Gallery, Listing, Picture, Source, Update},
    work::{SpawnDecode, SpawnList},
};
use control_panel::{
    ControlPanel, Exit, FrameReport, Reconcile, WorkerHandle, WorkerStatus, supervision::Tasks,
};
use eframe::egui::{self, TextureHandle, TextureOptions};

/// Pictures that are decoded at a time; as many tasks again wait their turn.
const AT_A_TIME: usize = 2;

pub struct Host {
    tasks: Tasks<Update>,
    /// None without a window.
    textures: Option<egui::Context>,
    pub shown: Vec<Option<TextureHandle>>,
    folder: u64,
    next: usize,
    running: Vec<(usize, WorkerHandle)>,
    panicked: Vec<Update>,
}

impl Reconcile<Gallery> for Host {
    fn reconcile(&mut self, gallery: &Gallery) {
        if self.folder != gallery.folder {
            self.folder = gallery.folder;
            self.tasks.stop_all(); // of the folder before
            self.running.clear();
            self.shown.clear();
            self.next = 0;
            self.tasks.spawn_list(gallery.folder, gallery.path.clone());
        }
        let Self {
            running,
            panicked,
            folder,
            ..
        } = self;
        running.retain(|(index, worker)| match worker.status() {
            WorkerStatus::Ended(Exit::Panicked(panic)) => {
                let why = format!("the decoder panicked: {}", panic.message());
                panicked.push(Update::Broken {
                    folder: *folder,
                    index: *index,
                    why,
                });
                false
            }
            status => !status.is_final(),
        });
        while gallery.listing == Listing::Done
            && self.running.len() < 2 * AT_A_TIME
            && self.next < gallery.pictures.len()
        {
            let path = gallery.path.join(&gallery.names[self.next]);
            let worker = self.tasks.spawn_decode(gallery.folder, self.next, path);
            self.running.push((self.next, worker));
            self.next += 1;
        }
        if let Some(context) = &self.textures {
            self.shown.resize_with(gallery.pictures.len(), || None);
            for (index, picture) in gallery.pictures.iter().enumerate() {
                if let (Picture::Ready(thumbnail), None) = (picture, &self.shown[index]) {
                    let image = thumbnail.image.clone();
                    let name = &gallery.names[index];
                    self.shown[index] = Some(context.load_texture(name, image, TextureOptions::LINEAR));
                }
            }
        }
    }
}

/// The panel, the state and the host: the frames of the window, and of the check.
pub struct Core {
    pub panel: ControlPanel<Update>,
    pub gallery: Gallery,
    pub host: Host,
}

impl Core {
    pub fn new(panel: ControlPanel<Update>, textures: Option<egui::Context>) -> Self {
        let host = Host {
            tasks: panel.tasks().limit(AT_A_TIME),
            textures,
            shown: Vec::new(),
            folder: 0,
            next: 0,
            running: Vec::new(),
            panicked: Vec::new(),
        };
        Self {
            panel,
            gallery: Gallery::default(),
            host,
        }
    }

    pub fn frame(&mut self, user: impl IntoIterator<Item = Update>) -> FrameReport {
        let user = user.into_iter().map(|update| (Source::User, update));
        let report = self.panel.run_frame(&mut self.gallery, &mut self.host, user);
        if self.host.panicked.is_empty() {
            return report;
        }
        let panicked: Vec<_> = self
            .host
            .panicked
            .drain(..)
            .map(|update| (Source::Worker, update))
            .collect();
        self.panel.run_frame(&mut self.gallery, &mut self.host, panicked)
    }
}
