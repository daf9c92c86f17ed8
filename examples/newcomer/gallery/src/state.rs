//! The state: a folder, and what is known of its pictures.

use control_panel::{GraphIntent, QueuedIntent, Reducer};
use eframe::egui::ColorImage;
use std::{path::PathBuf, sync::Arc};

/// More pictures of a folder are counted, and not shown: so memory is bounded.
pub const MOST: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    User,
    Decoder,
    /// What happened to a worker: after what it sent.
    Worker,
}

#[derive(Debug, GraphIntent)]
#[intent(source = Source)]
pub enum Update {
    Open(PathBuf),
    Listed {
        folder: u64,
        names: Vec<String>,
        more: usize,
    },
    ListFailed {
        folder: u64,
        why: String,
    },
    Decoded {
        folder: u64,
        index: usize,
        thumbnail: Thumbnail,
    },
    Broken {
        folder: u64,
        index: usize,
        why: String,
    },
}

#[derive(Clone, Debug)]
pub struct Thumbnail {
    pub image: Arc<ColorImage>,
    /// The picture's own.
    pub size: (u32, u32),
}

#[derive(Debug)]
pub enum Picture {
    Waits,
    Ready(Thumbnail),
    Broken(String),
}

#[derive(Debug, Default, PartialEq)]
pub enum Listing {
    #[default]
    None,
    Runs,
    Done,
    Failed(String),
}

#[derive(Debug, Default)]
pub struct Gallery {
    pub path: PathBuf,
    /// Which folder: what comes for another one comes too late.
    pub folder: u64,
    pub listing: Listing,
    pub names: Vec<String>,
    pub pictures: Vec<Picture>,
    pub more: usize,
    pub done: usize,
}

impl Gallery {
    pub fn is_done(&self) -> bool {
        match self.listing {
            Listing::None | Listing::Failed(_) => true,
            Listing::Runs => false,
            Listing::Done => self.done == self.pictures.len(),
        }
    }

    pub fn progress(&self) -> f32 {
        if self.pictures.is_empty() {
            0.0
        } else {
            self.done as f32 / self.pictures.len() as f32
        }
    }

    fn set(&mut self, folder: u64, index: usize, to: Picture) {
        if folder == self.folder
            && let Some(picture @ Picture::Waits) = self.pictures.get_mut(index)
        {
            *picture = to;
            self.done += 1;
        }
    }
}

impl Reducer for Gallery {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Open(path) => {
                let folder = self.folder + 1;
                *self = Self {
                    path,
                    folder,
                    listing: Listing::Runs,
                    ..Self::default()
                };
            }
            Update::Listed { folder, names, more } if folder == self.folder => {
                self.pictures = names.iter().map(|_| Picture::Waits).collect();
                (self.names, self.more, self.listing) = (names, more, Listing::Done);
            }
            Update::ListFailed { folder, why } if folder == self.folder => {
                self.listing = Listing::Failed(why);
            }
            Update::Listed { .. } | Update::ListFailed { .. } => {}
            Update::Decoded {
                folder,
                index,
                thumbnail,
            } => {
                self.set(folder, index, Picture::Ready(thumbnail));
            }
            Update::Broken { folder, index, why } => self.set(folder, index, Picture::Broken(why)),
        }
    }
}
