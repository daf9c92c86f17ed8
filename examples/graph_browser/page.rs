//! One page: read within bounds, and its links found. Blocking and CPU-bound, so it runs off the runtime's
//! threads and far from the frame's.

use std::{fs::File, io::Read, ops::AddAssign, path::Path};

use html5gum::{
    Span, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
};

use serde::{Deserialize, Serialize};

use crate::{
    intent::NodeKey,
    link::{Base, Link, resolve},
    register::LinkHandlers,
    site::{Site, Target},
    skip::Skip,
};

/// Broken links kept of one page.
const BROKEN_KEPT: usize = 3;
/// Characters kept of a broken link.
const BROKEN_LENGTH: usize = 80;

/// How many links there are of each kind; a link that occurs twice counts twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkCounts {
    /// To a page of the folder, the page itself included.
    pub(crate) internal: u64,
    /// To another server.
    pub(crate) external: u64,
    /// To something the folder does not have.
    pub(crate) broken: u64,
    /// To a file of the folder that is no page, or to no page at all (`mailto:` and the like).
    pub(crate) other: u64,
}

impl AddAssign for LinkCounts {
    fn add_assign(&mut self, more: Self) {
        self.internal += more.internal;
        self.external += more.external;
        self.broken += more.broken;
        self.other += more.other;
    }
}

/// What a page links to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The pages it links to, each once, in the order of their keys.
    pub(crate) links: Vec<NodeKey>,
    pub(crate) counts: LinkCounts,
    /// The first few broken links, as written.
    pub(crate) broken: Vec<String>,
}

/// Reads a page's text, at most `most` bytes of it.
pub(crate) fn read(file: &Path, most: u64) -> Result<String, Skip> {
    let file = File::open(file).map_err(|_| Skip::Unreadable)?;
    let length = file.metadata().map_err(|_| Skip::Unreadable)?.len();
    if length > most {
        return Err(Skip::TooLarge);
    }
    let mut bytes = Vec::new();
    let expected = usize::try_from(length).map_err(|_| Skip::TooLarge)?;
    bytes.try_reserve(expected.saturating_add(1)).map_err(|_| Skip::TooLarge)?;
    // One more than allowed tells a file that grew meanwhile.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| Skip::Unreadable)?;
    if bytes.len() as u64 > most {
        return Err(Skip::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| Skip::NotUtf8)?;
    if text.contains('\0') || !text.contains('<') {
        return Err(Skip::NotHtml);
    }
    Ok(text)
}

/// Finds the links of the page `key`.
pub(crate) fn parse(text: &str, key: NodeKey, site: &Site, handlers: &LinkHandlers) -> Page {
    let mut page = Page::default();
    let mut base = Base::Inside(site.path(key).to_owned());
    let mut based = false;
    for Address { of_base, href } in addresses(text) {
        if !of_base {
            page.add(&resolve(&base, &href, handlers), &href, key, site);
        } else if !based {
            // Only the first one counts.
            base = Base::of(site.path(key), &href, handlers);
            based = true;
        }
    }
    page.links.sort_unstable();
    page.links.dedup();
    page
}

/// The `href` of an `a`, an `area` or a `base`, its character references resolved.
struct Address {
    of_base: bool,
    href: String,
}

/// Goes through the tags of a page and keeps nothing of them but addresses.
fn addresses(text: &str) -> impl Iterator<Item = Address> {
    let mut linking: Option<bool> = None;
    let mut is_href = false;
    let mut href: Option<String> = None;
    let mut emitter = CallbackEmitter::new(move |event: CallbackEvent<'_>, _: Span<()>| {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                linking = match name {
                    b"a" | b"area" => Some(false),
                    b"base" => Some(true),
                    _ => None,
                };
                href = None;
            }
            CallbackEvent::AttributeName { name } => {
                // The first of two counts, and an empty one has only a name event.
                is_href = name == b"href" && linking.is_some() && href.is_none();
                if is_href {
                    href = Some(String::new());
                }
            }
            CallbackEvent::AttributeValue { value } if is_href => {
                href = Some(String::from_utf8_lossy(value).into_owned());
            }
            CallbackEvent::CloseStartTag { .. } => {
                return linking.zip(href.take()).map(|(of_base, href)| Address { of_base, href });
            }
            _ => {}
        }
        None
    });
    // What stands in scripts and styles is no markup.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(text, emitter).flatten()
}

impl Page {
    fn add(&mut self, link: &Link, href: &str, page: NodeKey, site: &Site) {
        let target = match link {
            Link::Inside(path) => site.find(path),
            Link::SamePage => Target::Page(page),
            Link::External => {
                self.counts.external += 1;
                return;
            }
            Link::Other => Target::File,
        };
        match target {
            Target::Page(key) => {
                self.counts.internal += 1;
                self.links.push(key);
            }
            Target::File => self.counts.other += 1,
            Target::Missing => {
                self.counts.broken += 1;
                if self.broken.len() < BROKEN_KEPT {
                    self.broken.push(href.chars().take(BROKEN_LENGTH).collect());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let mut site = Site::default();
        for path in ["index.html", "a b.html", "guide/index.html", "guide/one.html"] {
            site.add_page(path.into()).expect("room for four");
        }
        site.add_file("style.css".into());
        site
    }

    fn links(text: &str) -> Page {
        parse(text, NodeKey(3), &site(), &LinkHandlers::shipped())
    }

    #[test]
    fn every_kind_of_link_is_found_and_counted() {
        let page = links(
            r##"<!doctype html><title>One</title>
            <A HREF='../index.html#top'>up</A> <a href=../a%20b.html>b</a> <a href="#here">here</a>
            <a href="./">index</a> <a href="../index.html">again</a> <map><area href="/guide/"></map>
            <a href="//example.org">out</a> <a href="mailto:a@example.org">mail</a> <a href="../style.css">css</a>
            <a href="gone.html">gone</a> <a name="no link">no link</a> <!-- <a href="x">x</a> -->
            <script>'<a href="y">y</a>'</script> <link rel="stylesheet" href="z.css">"##,
        );
        assert_eq!(page.links, [NodeKey(0), NodeKey(1), NodeKey(2), NodeKey(3)]);
        assert_eq!(page.counts, LinkCounts { internal: 6, external: 1, broken: 1, other: 2 });
        assert_eq!(page.broken, ["gone.html"]);
    }

    #[test]
    fn the_first_base_counts() {
        let page = links(r#"<base href="/"><base href="/guide/"><a href="index.html">x</a>"#);
        assert_eq!(page.links, [NodeKey(0)]);
    }

    #[test]
    fn broken_markup_gives_what_it_gives() {
        let page = links("<p><a href=one.html<b></p></a></a><<<a href=");
        assert_eq!(page.counts.internal + page.counts.broken, 1);
        let many = "<a href=gone>".repeat(1_000);
        let page = links(&many);
        assert_eq!((page.counts.broken, page.broken.len()), (1_000, BROKEN_KEPT));
    }

    #[test]
    fn a_tag_without_end_is_no_link() {
        assert_eq!(links(&format!("<a href=\"{}", "x".repeat(1 << 20))), Page::default());
    }

    #[test]
    fn character_references_are_resolved() {
        let found = |text| addresses(text).map(|address| address.href).collect::<Vec<_>>();
        assert_eq!(found(r#"<a href="q&amp;a.html"><a href='&#x2e;&#46;/b'>"#), ["q&a.html", "../b"]);
        assert_eq!(found("<a href><a href=''><a href=a href=b>"), ["", "", "a"]);
        assert_eq!(found("<a href=caf&eacute;><a href='?a&b'>"), ["caf\u{e9}", "?a&b"]);
    }

    #[test]
    fn a_file_that_is_no_page_gets_a_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let read_as = |bytes: &[u8], most| {
            let file = folder.path().join("x.html");
            std::fs::write(&file, bytes).expect("written");
            read(&file, most)
        };
        assert_eq!(read_as(b"<p>caf\xc3\xa9", 100), Ok("<p>café".into()));
        assert_eq!(read_as(b"<p>caf\xe9", 100), Err(Skip::NotUtf8));
        assert_eq!(read_as(b"\xff\xfe<\0p\0>\0", 100), Err(Skip::NotUtf8));
        assert_eq!(read_as(b"just text", 100), Err(Skip::NotHtml));
        assert_eq!(read_as(b"", 100), Err(Skip::NotHtml));
        assert_eq!(read_as(b"<p>\0", 100), Err(Skip::NotHtml));
        assert_eq!(read_as(b"<p>12345", 8), Ok("<p>12345".into()));
        assert_eq!(read_as(b"<p>12345", 7), Err(Skip::TooLarge));
        assert_eq!(read(&folder.path().join("none.html"), 100), Err(Skip::Unreadable));
    }
}
