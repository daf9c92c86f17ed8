//! The crawl's workers, called as the functions they are.

use std::fs;

use control_panel::{IntentSource, QueuedIntent};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;

type Panel = ControlPanel<GraphIntent, LifecyclePolicy>;

fn panel() -> (Runtime, Panel) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    (runtime, panel)
}

fn folder(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in names {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("inside the folder")).expect("made");
        fs::write(file, "<p>").expect("written");
    }
    folder
}

fn crawl_of(folder: &TempDir, max_pages: usize) -> Arc<Crawl> {
    Crawl::new(folder.path().to_owned(), max_pages, 1_000, LinkHandlers::shipped(), Known::default())
}

fn pages_found(panel: &mut Panel) -> Vec<String> {
    let mut found = Vec::new();
    for QueuedIntent { intent, .. } in panel.drain() {
        if let GraphIntent::PagesFound(pages) = intent {
            for (key, path) in pages {
                assert_eq!(key.index(), found.len(), "keys count up");
                found.push(path.to_string());
            }
        }
    }
    found
}

#[test]
fn a_walk_goes_by_name_files_before_folders() {
    let folder = folder(&["b.html", "a/z.html", "a/a/x.htm", "c.HTML", "a.html", "b/y.xhtml", "b/y.txt"]);
    let (runtime, mut panel) = panel();
    let crawl = crawl_of(&folder, 100);
    runtime.block_on(walk(panel.context(IntentSource::Restore), Arc::clone(&crawl))).expect("walked");
    let found = pages_found(&mut panel);
    assert_eq!(found, ["a.html", "b.html", "c.HTML", "a/z.html", "a/a/x.htm", "b/y.xhtml"]);
}

#[test]
fn a_root_that_cannot_be_listed_ends_the_walk() {
    let folder = folder(&[]);
    let gone = Crawl::new(folder.path().join("gone"), 100, 1_000, LinkHandlers::shipped(), Known::default());
    let (runtime, panel) = panel();
    let walked = runtime.block_on(walk(panel.context(IntentSource::Restore), gone));
    assert!(matches!(&walked, Err(CrawlError::Root(root, _)) if root.ends_with("gone")), "{walked:?}");
}

#[test]
fn a_walk_stops_at_its_limits_and_remembers_that_there_is_more() {
    let files = |extension: &str| (0..40).map(|n| format!("{n:02}.{extension}")).collect::<Vec<_>>();
    for (names, most_pages, pages, cut_short) in [
        (files("html"), 100, 40, false),
        (files("html"), 40, 40, false),
        (files("html"), 7, 7, true),
        (files("css"), 100, 0, false),
        (files("css"), 1, 0, true),
    ] {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let folder = folder(&names);
        let (runtime, mut panel) = panel();
        let crawl = crawl_of(&folder, most_pages);
        runtime.block_on(walk(panel.context(IntentSource::Restore), Arc::clone(&crawl))).expect("walked");
        let plan = crawl.plan.get().expect("set by the walk");
        assert_eq!(
            (plan.site.pages(), plan.site.cut_short),
            (pages, cut_short),
            "{} at {most_pages}",
            names[0]
        );
        assert_eq!(pages_found(&mut panel).len(), pages);
    }
}

#[test]
fn a_wanted_page_is_read_before_its_turn_and_none_twice() {
    let crawl = Crawl::new(PathBuf::new(), 100, 1_000, LinkHandlers::shipped(), Known::default());
    let mut site = Site::default();
    for page in 0..5 {
        site.add_page(page.to_string().into()).expect("room");
    }
    let plan = Plan::new(site, &Known::default());
    let mut order = Vec::new();
    let mut wishes = [Some(3), None, Some(3), Some(0), Some(99), None].into_iter();
    loop {
        if let Some(wish) = wishes.next().flatten() {
            crawl.want(NodeKey(wish));
        }
        match crawl.next(&plan) {
            Some(key) => order.push(key.0),
            None => break,
        }
    }
    assert_eq!(order, [3, 0, 1, 2, 4]);
}

#[test]
fn a_page_of_many_links_comes_in_bounded_parts() {
    let (runtime, mut panel) = panel();
    let all: Vec<_> = (0..=u32::try_from(3 * LINKS_AT_ONCE).expect("small")).map(NodeKey).collect();
    let page = Page { links: all.clone(), ..Page::default() };
    runtime.block_on(tell(&panel.context(IntentSource::Restore), NodeKey(0), page)).expect("sent");
    let (mut links_sent, mut ends) = (Vec::new(), Vec::new());
    for queued in panel.drain() {
        if let GraphIntent::PageRead { links, complete, .. } = queued.intent {
            assert!(links.len() <= LINKS_AT_ONCE);
            links_sent.extend(links);
            ends.push(complete);
        }
    }
    links_sent.sort_unstable();
    assert_eq!((links_sent, ends), (all, vec![false, false, false, true]));
}

/// What was read in an earlier run is not read again, and a folder that changed since moves no key.
#[test]
fn pages_that_are_known_keep_their_keys_and_are_not_read_again() {
    let folder = folder(&["a.html", "b.html", "new.html"]);
    let known = Known { paths: ["gone.html", "b.html"].map(Arc::from).into(), done: vec![true, false] };
    let crawl = Crawl::new(folder.path().to_owned(), 100, 1_000, LinkHandlers::shipped(), known);
    let (runtime, mut panel) = panel();
    runtime.block_on(walk(panel.context(IntentSource::Restore), Arc::clone(&crawl))).expect("walked");
    let intents = panel.drain().filter_map(|queued| match queued.intent {
        GraphIntent::PagesFound(pages) => Some(pages),
        _ => None,
    });
    let found: Vec<_> = intents.flatten().map(|(key, path)| (key.0, path.to_string())).collect();
    assert_eq!(found, [(2, "a.html".to_owned()), (3, "new.html".to_owned())]);
    let plan = crawl.plan.get().expect("set by the walk");
    let read: Vec<_> = std::iter::from_fn(|| crawl.next(plan)).map(|key| key.0).collect();
    assert_eq!(read, [1, 2, 3]);
}
