//! Where a link leads: `href` values resolved against the page that holds them, as a browser would
//! (WHATWG URL, for the part of it that a folder of pages needs).

use percent_encoding::percent_decode_str;

use crate::register::LinkHandlers;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// To a path inside the folder, `/`-separated, without a leading `/`. A trailing one means a folder.
    Inside(String),
    /// To the page that holds it.
    SamePage,
    /// To another server.
    External,
    /// To no page at all: `mailto:`, `javascript:`, `data:`, …
    Other,
}

/// What relative links are relative to: a page's own path unless it has a `<base href>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    Inside(String),
    External,
}

impl Base {
    /// The base that a `<base href>` on the page at `page` sets.
    pub(crate) fn of(page: &str, href: &str, handlers: &LinkHandlers) -> Self {
        match resolve(&Self::Inside(page.to_owned()), href, handlers) {
            Link::Inside(path) => Self::Inside(path),
            Link::External => Self::External,
            Link::SamePage | Link::Other => Self::Inside(page.to_owned()),
        }
    }
}

/// Resolves the `href` of a page with this base; one with a scheme leads where the handler of that says.
pub(crate) fn resolve(base: &Base, href: &str, handlers: &LinkHandlers) -> Link {
    // Tabs and newlines inside an address are dropped, and it may be written with backslashes.
    let href: String = href
        .trim_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .map(|c| if c == '\\' { '/' } else { c })
        .collect();
    let path = href.split(['#', '?']).next().unwrap_or_default();
    if let Some(scheme) = scheme(path) {
        return handlers.lead(scheme);
    }
    if path.starts_with("//") {
        return Link::External;
    }
    match base {
        _ if path.is_empty() => Link::SamePage,
        Base::External => Link::External,
        Base::Inside(base) => {
            let folder = if path.starts_with('/') { "" } else { folder_of(base) };
            Link::Inside(join(folder, path))
        }
    }
}

fn scheme(href: &str) -> Option<&str> {
    let (scheme, _) = href.split_once(':')?;
    let mut letters = scheme.chars();
    let valid = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    valid.then_some(scheme)
}

/// The folder of a path, with its trailing `/`; empty for the root.
fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

/// `path` seen from `folder`. `..` at the root stays at the root, so no link leads out of the folder.
fn join(folder: &str, path: &str) -> String {
    let mut joined = folder.to_owned();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match decode(segment).as_str() {
            "" | "." => {}
            ".." => {
                joined.pop();
                joined.truncate(folder_of(&joined).len());
            }
            name => {
                joined.push_str(name);
                if !is_last {
                    joined.push('/');
                }
            }
        }
    }
    joined
}

/// A segment with its percent signs resolved, or as it is where that gives no file name.
fn decode(segment: &str) -> String {
    match percent_decode_str(segment).decode_utf8() {
        Ok(name) if !name.contains(['/', '\0']) => name.into_owned(),
        _ => segment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(page: &str, href: &str) -> Link {
        resolve(&Base::Inside(page.to_owned()), href, &LinkHandlers::shipped())
    }

    fn inside(path: &str) -> Link {
        Link::Inside(path.to_owned())
    }

    #[test]
    fn relative_links_start_in_the_pages_folder() {
        for (page, href, path) in [
            ("index.html", "a.html", "a.html"),
            ("guide/index.html", "a.html", "guide/a.html"),
            ("guide/index.html", "./deep/a.html", "guide/deep/a.html"),
            ("guide/deep/a.html", "../b.html", "guide/b.html"),
            ("guide/deep/a.html", "../../index.html", "index.html"),
            ("guide/deep/a.html", "..", "guide/"),
            ("guide/deep/a.html", ".", "guide/deep/"),
            ("guide/a.html", "x/../y//z.html", "guide/y/z.html"),
        ] {
            assert_eq!(from(page, href), inside(path), "{href} on {page}");
        }
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        for href in
            ["../../../etc/passwd", "/../etc/passwd", "%2e%2e/%2E%2E/etc/passwd", "..\\..\\etc\\passwd"]
        {
            assert_eq!(from("a/b.html", href), inside("etc/passwd"), "{href}");
        }
    }

    #[test]
    fn absolute_links_start_at_the_root() {
        assert_eq!(from("guide/deep/a.html", "/index.html"), inside("index.html"));
        assert_eq!(from("guide/deep/a.html", "/"), inside(""));
        assert_eq!(from("a.html", "/guide/"), inside("guide/"));
    }

    #[test]
    fn fragments_and_queries_name_the_same_page() {
        for href in ["", "#top", "?page=2", "  #top ", "?a#b"] {
            assert_eq!(from("a.html", href), Link::SamePage, "{href:?}");
        }
        for href in ["b.html#top", "b.html?x=1", "b.html?x=/../y#z", "b.html#?"] {
            assert_eq!(from("a.html", href), inside("b.html"), "{href}");
        }
    }

    #[test]
    fn percent_signs_are_decoded_once_and_only_into_file_names() {
        assert_eq!(from("a.html", "two%20words.html"), inside("two words.html"));
        assert_eq!(from("a.html", "caf%C3%A9.html"), inside("café.html"));
        assert_eq!(from("a.html", "100%2525.html"), inside("100%25.html"));
        assert_eq!(from("a.html", "why%3F.html#x"), inside("why?.html"));
        for odd in ["a%2Fb.html", "a%00.html", "%ff.html", "100%.html"] {
            assert_eq!(from("x.html", odd), inside(odd), "stays as it is, and is found nowhere");
        }
    }

    #[test]
    fn other_servers_and_other_schemes_are_distinguished() {
        for href in
            ["https://example.org/a.html", "HTTP://example.org", "//example.org/a.html", "\\\\example.org"]
        {
            assert_eq!(from("a.html", href), Link::External, "{href}");
        }
        for href in
            ["mailto:a@example.org", "javascript:void(0)", "data:text/html,x", "tel:+1", "file:///etc"]
        {
            assert_eq!(from("a.html", href), Link::Other, "{href}");
        }
        assert_eq!(from("a.html", "./a:b.html"), inside("a:b.html"), "no scheme after a slash");
        assert_eq!(from("a.html", "b.html?back=http://x"), inside("b.html"), "nor in a query");
    }

    #[test]
    fn space_around_and_newlines_within_are_ignored() {
        assert_eq!(from("a.html", " \n b\n.html\t"), inside("b.html"));
    }

    #[test]
    fn a_base_element_moves_what_is_relative() {
        let handlers = LinkHandlers::shipped();
        let base = Base::of("deep/a.html", "../other/", &handlers);
        assert_eq!(base, Base::Inside("other/".into()));
        assert_eq!(resolve(&base, "b.html", &handlers), inside("other/b.html"));
        let elsewhere = Base::of("a.html", "https://example.org/", &handlers);
        assert_eq!(resolve(&elsewhere, "b.html", &handlers), Link::External);
        assert_eq!(resolve(&elsewhere, "#top", &handlers), Link::SamePage);
        assert_eq!(Base::of("a.html", "mailto:x", &handlers), Base::Inside("a.html".into()));
    }
}
