//! The page that is looked at, as text.

use eframe::egui::{RichText, ScrollArea, Ui};
use html5gum::{Token, Tokenizer};

use super::Act;
use crate::{app::GraphBrowserApp, graph::Content, intent::NodeKey, lifecycle::Lifecycle};

/// Letters of a page that are shown at most: its first screens.
const MOST: usize = 4_000;
/// Links that are listed at most.
const LINKS: usize = 100;

/// A page's text, made once.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// Of which page, and how long its source was.
    of: Option<(NodeKey, usize)>,
    text: String,
}

impl Preview {
    pub(super) fn show<'a>(
        &mut self,
        app: &GraphBrowserApp,
        looked_at: Option<NodeKey>,
        source: impl Fn(NodeKey) -> Option<&'a str>,
        ui: &mut Ui,
        acts: &mut Vec<Act>,
    ) {
        let Some((key, node)) = looked_at.and_then(|key| Some((key, app.graph().node(key)?))) else {
            ui.weak("No page is looked at: click one.");
            return;
        };
        ui.add_space(4.0);
        ui.label(RichText::new(&*node.path).strong().size(15.0));
        let lifecycle = app.lifecycles.of(key);
        let runtime = app.runtime(key).name();
        ui.weak(format!(
            "{lifecycle}, {runtime}, {} links, linked from {}",
            node.links.len(),
            node.linked_from
        ));
        if let Some(note) = app.graph().notes.get(&node.path) {
            ui.label(RichText::new(&**note).italics());
        }
        ui.horizontal(|ui| {
            if ui.add_enabled(lifecycle != Lifecycle::Active, eframe::egui::Button::new("Open")).clicked() {
                acts.push(Act::Open(key));
            }
            if ui.add_enabled(lifecycle != Lifecycle::Cold, eframe::egui::Button::new("Close")).clicked() {
                acts.push(Act::Close(key));
            }
            if app.graph().places.contains_key(&node.path) && ui.button("Let go").clicked() {
                acts.push(Act::Place(key, None));
            }
        });
        ui.separator();
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            match source(key) {
                Some(source) => {
                    if self.of != Some((key, source.len())) {
                        self.of = Some((key, source.len()));
                        self.text = plain(source, MOST);
                    }
                    ui.label(&self.text);
                }
                None if node.content == Content::Skipped => _ = ui.weak("This page could not be read."),
                None => _ = ui.weak("It has no webview: open it to read it."),
            }
            ui.add_space(8.0);
            for to in node.links.iter().take(LINKS) {
                if let Some(target) = app.graph().node(*to)
                    && ui.link(&*target.path).clicked()
                {
                    acts.push(Act::Open(*to));
                }
            }
        });
    }
}

/// The words of a page, its paragraphs on lines of their own.
fn plain(html: &str, most: usize) -> String {
    let mut text = String::new();
    // Inside of what is no text: how many such elements are open.
    let mut hidden = 0_u32;
    for token in Tokenizer::new(html).flatten() {
        match token {
            Token::StartTag(tag) => match &**tag.name {
                b"script" | b"style" | b"head" if !tag.self_closing => hidden += 1,
                b"p" | b"br" | b"h1" | b"h2" | b"h3" | b"h4" | b"li" | b"tr" | b"div" | b"pre"
                | b"section" => {
                    end_line(&mut text);
                }
                _ => {}
            },
            Token::EndTag(tag) => match &**tag.name {
                b"script" | b"style" | b"head" => hidden = hidden.saturating_sub(1),
                b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"ul" | b"ol" | b"table" | b"pre" => {
                    end_line(&mut text);
                    if text.ends_with('\n') && !text.ends_with("\n\n") {
                        text.push('\n');
                    }
                }
                _ => {}
            },
            Token::String(words) if hidden == 0 => {
                let words = String::from_utf8_lossy(&words);
                for letter in words.chars() {
                    let letter = if letter.is_control() { ' ' } else { letter };
                    if !letter.is_whitespace() {
                        text.push(letter);
                    } else if text.chars().next_back().is_some_and(|last| !last.is_whitespace()) {
                        text.push(' ');
                    }
                }
            }
            _ => {}
        }
        if text.len() > most {
            let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
            text.push('…');
            break;
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_page_is_its_words() {
        let html = "<!doctype html><head><title>x</title><style>p { color: red }</style></head><body><h1>Frames</h1>\n\
            <p>A  <b>frame</b> is\nwhat was queued.</p><script>alert(1)</script><ul><li>one<li>two</ul>after";
        assert_eq!(plain(html, 1_000), "Frames\n\nA frame is what was queued.\n\none\ntwo\n\nafter");
        assert_eq!(plain("äöüß", 3), "ä…", "never within a letter");
        assert_eq!(plain("", 10), "");
        assert_eq!(plain("a\u{7}\u{1b}[2J", 10), "a [2J");
    }
}
