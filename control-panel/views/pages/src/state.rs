//! Where a person is in a console.

use control_panel::console::View;

use crate::{
    Key, Page,
    table::{Sort, Table},
};

/// Where a person is in a console: the page, the row on each page, the order, and what is open. Give it the [`Key`]s, and keep it
/// between two draws.
#[derive(Debug, Clone, Default)]
pub struct ConsoleState {
    page: Page,
    places: [Place; Page::ALL.len()],
    detail: Option<Detail>,
    /// Rows that were drawn at most: a screen.
    screen: usize,
}

/// Where one is on a page.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The row that the cursor is on, and where it was found last.
    id: Option<u64>,
    at: usize,
    /// The rows that were drawn last, in their order.
    rows: Vec<u64>,
    /// The first row that is drawn.
    first: usize,
    sort: Sort,
    columns: usize,
}

/// What is open.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Of which page.
    pub page: Page,
    /// Of which row.
    pub id: u64,
    /// What its title said last: a worker that is gone leaves it readable.
    pub title: String,
    /// Its text, of many lines.
    pub text: String,
    /// The first line that is drawn.
    pub scroll: usize,
    /// The greatest scroll that shows something, as it was drawn.
    pub most: usize,
}

impl ConsoleState {
    /// Moves by that key. Returns whether anything changed, so that a draw is worth it.
    pub fn handle(&mut self, key: Key) -> bool {
        if let Some(detail) = &mut self.detail {
            let screen = self.screen.max(1);
            let to = match key {
                Key::Close | Key::Open => {
                    self.detail = None;
                    return true;
                }
                Key::Up => detail.scroll.saturating_sub(1),
                Key::Down => detail.scroll + 1,
                Key::PageUp => detail.scroll.saturating_sub(screen),
                Key::PageDown => detail.scroll + screen,
                Key::First => 0,
                Key::Last => usize::MAX,
                _ => return false,
            };
            let before = std::mem::replace(&mut detail.scroll, to.min(detail.most));
            return before != detail.scroll;
        }
        let screen = self.screen.max(1);
        let place = &mut self.places[self.page.index()];
        let to = match key {
            Key::Up => place.at.saturating_sub(1),
            Key::Down => place.at + 1,
            Key::PageUp => place.at.saturating_sub(screen),
            Key::PageDown => place.at + screen,
            Key::First => 0,
            Key::Last => usize::MAX,
            Key::Next => return self.turn(1),
            Key::Previous => return self.turn(Page::ALL.len() - 1),
            Key::Page(number) => {
                let Some(page) = usize::from(number).checked_sub(1).and_then(|at| Page::ALL.get(at)) else {
                    return false;
                };
                return std::mem::replace(&mut self.page, *page) != *page;
            }
            Key::Sort => {
                let next = place.sort.column.map_or(0, |column| column + 1);
                place.sort = Sort { column: (next < place.columns).then_some(next), reversed: false };
                return place.columns > 0;
            }
            Key::Reverse => {
                place.sort.reversed = !place.sort.reversed;
                return true;
            }
            Key::Open => {
                let Some(id) = place.id else { return false };
                self.detail = Some(Detail {
                    page: self.page,
                    id,
                    title: String::new(),
                    text: String::new(),
                    scroll: 0,
                    most: 0,
                });
                return true;
            }
            Key::Close => return false,
        };
        let to = to.min(place.rows.len().saturating_sub(1));
        place.id = place.rows.get(to).copied();
        std::mem::replace(&mut place.at, to) != to
    }

    fn turn(&mut self, by: usize) -> bool {
        self.page = Page::ALL[(self.page.index() + by) % Page::ALL.len()];
        true
    }

    /// Which page is shown.
    pub fn page(&self) -> Page {
        self.page
    }

    /// Shows that page.
    pub fn set_page(&mut self, page: Page) {
        self.page = page;
    }

    /// Sorts by that column; the other way round where it is sorted by that already.
    pub fn sort_by(&mut self, column: usize) {
        let sort = &mut self.places[self.page.index()].sort;
        let reversed = sort.column == Some(column) && !sort.reversed;
        *sort = Sort { column: Some(column), reversed };
    }

    /// Opens what a row of the page says in full, or closes it.
    pub fn open_row(&mut self, id: Option<u64>) {
        let page = self.page;
        self.detail =
            id.map(|id| Detail { page, id, title: String::new(), text: String::new(), scroll: 0, most: 0 });
    }

    /// Whether something is open in full, so that Escape closes that and not the program.
    pub fn is_open(&self) -> bool {
        self.detail.is_some()
    }

    /// The row of the page that the cursor is on, as it was drawn last: a worker's instance, the number of an end.
    pub fn selected(&self) -> Option<u64> {
        self.places[self.page.index()].id
    }

    /// In which order the page is.
    pub fn sort(&self) -> Sort {
        self.places[self.page.index()].sort
    }

    /// Finds the cursor's row in this table, and what of it a screen of so many rows shows: the first row, and the cursor's.
    pub fn locate(&mut self, table: &Table, screen: usize) -> (usize, Option<usize>) {
        let screen = screen.max(1);
        self.screen = screen;
        let place = &mut self.places[self.page.index()];
        place.rows.clear();
        place.rows.extend(table.rows.iter().map(|row| row.id));
        place.columns = table.columns.len();
        let found = place.id.and_then(|id| table.rows.iter().position(|row| row.id == id));
        place.at = found.unwrap_or(place.at).min(place.rows.len().saturating_sub(1));
        place.id = table.rows.get(place.at).map(|row| row.id);
        place.first = place.first.clamp((place.at + 1).saturating_sub(screen), place.at);
        // No empty lines below while rows are hidden above.
        place.first = place.first.min(place.rows.len().saturating_sub(screen));
        (place.first, place.id.map(|_| place.at))
    }

    /// What is open, as the view has it now.
    pub fn open(&mut self, view: &View) -> Option<&mut Detail> {
        let detail = self.detail.as_mut()?;
        match detail.page.detail(view, detail.id) {
            Some((title, text)) => (detail.title, detail.text) = (title, text),
            None if detail.title.is_empty() => {
                self.detail = None;
                return None;
            }
            None => {}
        }
        self.detail.as_mut()
    }
}
