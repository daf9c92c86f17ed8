//! The crawl: one worker walks the folder, a few others read its pages. Everything is bounded: files looked
//! at, bytes of one page, pages read at a time, links in one intent.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

use control_panel::{ControlPanel, IntentSource, WorkerHandle, worker};
use tokio::{fs, sync::SetOnce, task::spawn_blocking};

use crate::{
    graph::{Content, Graph},
    intent::{GraphIntent, NodeKey},
    page::{self, LinkCounts, Page},
    policy::LifecyclePolicy,
    register::LinkHandlers,
    site::Site,
    skip::{Skip, Skips},
};

type Context = control_panel::Context<GraphIntent, LifecyclePolicy>;

/// Pages in one intent of the walk.
const PAGES_AT_ONCE: usize = 64;
/// Links in one intent of a reader.
const LINKS_AT_ONCE: usize = 512;
/// Files that are no pages may outnumber the pages by so much before the walk stops.
const FILES_PER_PAGE: usize = 8;

/// What is crawled, within which limits, and how far it is.
#[derive(Debug)]
pub(crate) struct Crawl {
    root: PathBuf,
    max_pages: usize,
    max_page_size: u64,
    links: LinkHandlers,
    known: Known,
    /// Set when the walk is over: the readers wait for it, because only then is a missing link known.
    plan: SetOnce<Plan>,
    /// The page somebody looks at, to be read before its turn; `NO_PAGE` for none. The latest wish counts.
    wanted: AtomicU32,
    /// The next page to read.
    next: AtomicUsize,
}

const NO_PAGE: u32 = u32::MAX;

/// What the graph has of the folder when the crawl begins: pages keep their keys, whatever came into the folder or went since.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By key.
    paths: Vec<Arc<str>>,
    /// Whether it was read or skipped.
    done: Vec<bool>,
}

impl Known {
    pub(crate) fn of(graph: &Graph) -> Self {
        let nodes = &graph.nodes;
        Self {
            paths: nodes.iter().map(|node| Arc::clone(&node.path)).collect(),
            done: nodes.iter().map(|node| node.content != Content::Unread).collect(),
        }
    }
}

/// What there is to read.
#[derive(Debug)]
struct Plan {
    site: Site,
    /// By page: whether a reader has taken it.
    taken: Vec<AtomicBool>,
}

impl Crawl {
    pub(crate) fn new(
        root: PathBuf,
        max_pages: usize,
        max_page_size: u64,
        links: LinkHandlers,
        known: Known,
    ) -> Arc<Self> {
        Arc::new(Self {
            root,
            max_pages,
            max_page_size,
            links,
            known,
            plan: SetOnce::new(),
            wanted: AtomicU32::new(NO_PAGE),
            next: AtomicUsize::new(0),
        })
    }

    /// Starts the walk and as many readers as leave one core to the frame loop.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        panel: &ControlPanel<GraphIntent, LifecyclePolicy>,
    ) -> Vec<WorkerHandle> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut handles = vec![panel.spawn_walk(Arc::clone(self))];
        for _ in 0..cores.saturating_sub(1).clamp(1, 4) {
            handles.push(panel.spawn_reader(Arc::clone(self)));
        }
        handles
    }

    /// Asks for a page to be read next. Never waits.
    pub(crate) fn want(&self, key: NodeKey) {
        self.wanted.store(key.0, Ordering::Relaxed);
    }

    fn max_files(&self) -> usize {
        self.max_pages.saturating_add(1).saturating_mul(FILES_PER_PAGE)
    }

    /// The next page to read; each is given out once.
    fn next(&self, plan: &Plan) -> Option<NodeKey> {
        let wanted = NodeKey(self.wanted.swap(NO_PAGE, Ordering::Relaxed));
        if plan.take(wanted) {
            return Some(wanted);
        }
        loop {
            let key = plan.site.page(self.next.fetch_add(1, Ordering::Relaxed))?;
            if plan.take(key) {
                return Some(key);
            }
        }
    }

    /// Reads and parses a page: blocking.
    fn read(&self, key: NodeKey) -> Result<Page, Skip> {
        // Keys come from the plan, so it is there.
        let plan = self.plan.get().ok_or(Skip::Unreadable)?;
        let text = page::read(&self.root.join(plan.site.path(key)), self.max_page_size)?;
        Ok(page::parse(&text, key, &plan.site, &self.links))
    }
}

impl Plan {
    fn new(site: Site, known: &Known) -> Self {
        let taken = |page| AtomicBool::new(known.done.get(page).copied().unwrap_or(false));
        let taken = (0..site.pages()).map(taken).collect();
        Self { site, taken }
    }

    /// Takes a page, if it is one and none has.
    fn take(&self, key: NodeKey) -> bool {
        self.taken.get(key.index()).is_some_and(|taken| !taken.swap(true, Ordering::Relaxed))
    }
}

/// Why a crawl could not go on.
#[derive(Debug)]
pub(crate) enum CrawlError {
    /// The folder itself cannot be listed.
    Root(PathBuf, io::Error),
    /// The panel takes no more intents.
    Closed,
}

impl fmt::Display for CrawlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(root, error) => write!(f, "cannot read the folder {}: {error}", root.display()),
            Self::Closed => f.write_str("the panel was shut down"),
        }
    }
}

impl std::error::Error for CrawlError {}

impl<I> From<control_panel::SendError<I>> for CrawlError {
    fn from(_: control_panel::SendError<I>) -> Self {
        Self::Closed
    }
}

/// Walks the folder, in the order of the names, and tells which pages there are.
#[worker(source = IntentSource::Restore)]
async fn walk(cx: Context, crawl: Arc<Crawl>) -> Result<(), CrawlError> {
    let mut site = Site::default();
    for path in &crawl.known.paths {
        site.add_page(Arc::clone(path));
    }
    let mut skips = Skips::default();
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut entries = match list(&crawl.root.join(&folder), crawl.max_files()).await {
            Ok(entries) => entries,
            Err(error) if folder.is_empty() => return Err(CrawlError::Root(crawl.root.clone(), error)),
            Err(_) => {
                skips.add(Skip::Unreadable, &folder);
                continue;
            }
        };
        site.cut_short |= entries.len() > crawl.max_files();
        // The system lists names in any order; sorted, one folder always gives one graph.
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut inner = Vec::new();
        for entry in entries {
            let path = format!("{folder}{}", entry.name);
            match entry.kind {
                Kind::Folder => inner.push(path + "/"),
                Kind::Skipped(why) => skips.add(why, &path),
                Kind::File if !is_page(&path) => {
                    skips.add(Skip::OtherKind, &path);
                    site.add_file(path.into());
                }
                Kind::File if site.has_page(&path) => {}
                Kind::File if site.pages() < crawl.max_pages => {
                    let path: Arc<str> = path.into();
                    if let Some(key) = site.add_page(Arc::clone(&path)) {
                        found.push((key, path));
                    }
                }
                Kind::File => site.cut_short = true,
            }
            if found.len() == PAGES_AT_ONCE {
                cx.send(GraphIntent::PagesFound(std::mem::take(&mut found))).await?;
            }
        }
        folders.extend(inner.into_iter().rev());
        if site.cut_short || site.files() + folders.len() > crawl.max_files() {
            site.cut_short = true;
            break;
        }
    }
    if !found.is_empty() {
        cx.send(GraphIntent::PagesFound(found)).await?;
    }
    cx.send(GraphIntent::WalkFinished { skips, cut_short: site.cut_short }).await?;
    // Nothing else sets it.
    crawl.plan.set(Plan::new(site, &crawl.known)).ok();
    Ok(())
}

/// Reads pages, one at a time, until there are no more.
#[worker(source = IntentSource::Restore)]
async fn reader(cx: Context, crawl: Arc<Crawl>) -> Result<(), CrawlError> {
    let plan = crawl.plan.wait().await;
    while let Some(key) = crawl.next(plan) {
        let for_parser = Arc::clone(&crawl);
        let parsed = spawn_blocking(move || for_parser.read(key)).await;
        match parsed {
            Ok(Ok(page)) => tell(&cx, key, page).await?,
            Ok(Err(why)) => cx.send(GraphIntent::PageSkipped { key, why }).await?,
            // The parser panicked: this page is lost, the crawl is not.
            Err(_) => cx.send(GraphIntent::PageSkipped { key, why: Skip::Unparsable }).await?,
        }
    }
    Ok(())
}

/// Tells what a page links to, in intents of bounded size.
async fn tell(cx: &Context, key: NodeKey, page: Page) -> Result<(), CrawlError> {
    let Page { mut links, counts, broken } = page;
    let mut part = 0;
    while links.len() > LINKS_AT_ONCE {
        let some = GraphIntent::PageRead {
            key,
            part,
            links: links.split_off(links.len() - LINKS_AT_ONCE),
            counts: LinkCounts::default(),
            broken: Vec::new(),
            complete: false,
        };
        cx.send(some).await?;
        part += 1;
    }
    cx.send(GraphIntent::PageRead { key, part, links, counts, broken, complete: true }).await?;
    Ok(())
}

struct Entry {
    name: String,
    kind: Kind,
}

enum Kind {
    File,
    Folder,
    Skipped(Skip),
}

/// Lists a folder, at most one entry more than `most`.
async fn list(folder: &Path, most: usize) -> io::Result<Vec<Entry>> {
    let mut listing = fs::read_dir(folder).await?;
    let mut entries = Vec::new();
    while entries.len() <= most
        && let Some(entry) = listing.next_entry().await?
    {
        let kind = match entry.file_type().await {
            Ok(kind) if kind.is_symlink() => Kind::Skipped(Skip::SymbolicLink),
            Ok(kind) if kind.is_dir() => Kind::Folder,
            Ok(kind) if kind.is_file() => Kind::File,
            Ok(_) => Kind::Skipped(Skip::SpecialFile),
            Err(_) => Kind::Skipped(Skip::Unreadable),
        };
        entries.push(match entry.file_name().into_string() {
            Ok(name) => Entry { name, kind },
            Err(name) => {
                Entry { name: name.to_string_lossy().into_owned(), kind: Kind::Skipped(Skip::NameNotUtf8) }
            }
        });
    }
    Ok(entries)
}

fn is_page(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| {
        ["html", "htm", "xhtml"].iter().any(|page| extension.eq_ignore_ascii_case(page))
    })
}

#[cfg(test)]
#[path = "crawl_tests.rs"]
mod tests;
