//! Colours, of the theme.

use control_panel_pages::Tone;
use egui::{Color32, Visuals};

/// Readable on the theme's background. Nothing is said by a colour alone.
pub(crate) fn color(tone: Tone, visuals: &Visuals) -> Color32 {
    let dark = visuals.dark_mode;
    match tone {
        Tone::Text => visuals.text_color(),
        Tone::Dim => visuals.weak_text_color(),
        Tone::Title => visuals.strong_text_color(),
        Tone::Good if dark => Color32::from_rgb(0x6f, 0xcf, 0x97),
        Tone::Good => Color32::from_rgb(0x1b, 0x70, 0x3f),
        Tone::Warn if dark => Color32::from_rgb(0xf2, 0xc1, 0x4e),
        Tone::Warn => Color32::from_rgb(0x8a, 0x5a, 0x00),
        Tone::Trouble if dark => Color32::from_rgb(0xff, 0x7b, 0x72),
        Tone::Trouble => Color32::from_rgb(0xb4, 0x23, 0x18),
    }
}
