//! The workers, all of them on threads: they read files and decode.

use crate::state::{MOST, Source, Thumbnail, Update};
use control_panel::{Context, worker};
use eframe::egui::ColorImage;
use image::{ImageReader, Limits};
use std::{error::Error, fs, path::Path, path::PathBuf, sync::Arc};

const SIDE: u32 = 96;
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Lists the pictures of a folder.
#[worker(source = Source::Decoder, kind = blocking)]
pub fn list(cx: Context<Update>, folder: u64, path: PathBuf) {
    let update = match names(&cx, &path) {
        Ok((names, more)) => Update::Listed { folder, names, more },
        Err(error) => Update::ListFailed {
            folder,
            why: error.to_string(),
        },
    };
    cx.send_blocking(update).ok(); // refused where another folder was chosen
}

fn names(cx: &Context<Update>, path: &Path) -> std::io::Result<(Vec<String>, usize)> {
    let (mut names, mut more) = (Vec::new(), 0);
    for entry in fs::read_dir(path)? {
        if cx.is_cancelled() {
            break;
        }
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let ending = Path::new(&name).extension().map(|end| end.to_ascii_lowercase());
        if !ending.is_some_and(|end| ENDINGS.iter().any(|known| end == *known)) {
            continue;
        }
        if names.len() < MOST {
            names.push(name)
        } else {
            more += 1
        }
    }
    names.sort_unstable();
    Ok((names, more))
}

/// Decodes a picture, and makes a thumbnail of it. That a file is broken is a result, and no failure of the worker.
#[worker(source = Source::Decoder, kind = blocking)]
pub fn decode(cx: Context<Update>, folder: u64, index: usize, path: PathBuf) {
    let update = match thumbnail(&cx, &path) {
        Ok(Some(thumbnail)) => Update::Decoded {
            folder,
            index,
            thumbnail,
        },
        Ok(None) => return,
        Err(error) => Update::Broken {
            folder,
            index,
            why: error.to_string(),
        },
    };
    cx.send_blocking(update).ok(); // refused where another folder was chosen
}

fn thumbnail(cx: &Context<Update>, path: &Path) -> Result<Option<Thumbnail>, Box<dyn Error>> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(20_000);
    limits.max_image_height = Some(20_000);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    if cx.is_cancelled() {
        return Ok(None);
    }
    let picture = reader.decode()?;
    if cx.is_cancelled() {
        return Ok(None);
    }
    let size = (picture.width(), picture.height());
    let small = picture.thumbnail(SIDE, SIDE).into_rgba8();
    let sides = [small.width() as usize, small.height() as usize];
    let image = ColorImage::from_rgba_unmultiplied(sides, small.as_raw());
    Ok(Some(Thumbnail {
        image: Arc::new(image),
        size,
    }))
}
