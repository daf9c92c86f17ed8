//! A table that fits: columns leave in the order of their rank, and what is in trouble stays readable.

use std::cmp::Ordering;

use crate::words::{fit, fit_end, width};

/// What a text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As any other.
    #[default]
    Text,
    /// Of less weight.
    Dim,
    /// A heading.
    Title,
    /// All is well.
    Good,
    /// Worth a look.
    Warn,
    /// Somebody should look.
    Trouble,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// Letters that it takes at least.
    pub least: u16,
    /// Letters for which others leave, where it has so much to say.
    pub good: u16,
    /// Letters that it takes at most.
    pub most: u16,
    /// The higher, the sooner it leaves a narrow table.
    pub rank: u8,
    /// Whether it is a figure.
    pub right: bool,
}

impl Column {
    /// A column of words.
    pub const fn text(title: &'static str, least: u16, most: u16, rank: u8) -> Self {
        Self { title, least, good: least, most, rank, right: false }
    }

    /// Other columns leave before this one is narrower.
    pub const fn good(self, good: u16) -> Self {
        Self { good, ..self }
    }

    /// A column of figures.
    pub const fn figure(title: &'static str, wide: u16, rank: u8) -> Self {
        Self { title, least: wide, good: wide, most: wide, rank, right: true }
    }
}

/// What is in a row's column.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// By what the column is sorted: a figure, where there is one, or the text.
    pub figure: Option<f64>,
    /// How many bytes at its beginning are a place in a file, of which the end counts.
    pub place: usize,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A figure, and the words for it.
    pub fn figure(text: String, figure: f64) -> Self {
        Self { text, tone: Tone::Text, figure: Some(figure), place: 0 }
    }

    /// A place in a file, and what happened there: what is too narrow for the place has its end, with the line.
    pub fn place(place: &str, what: &str) -> Self {
        Self { text: format!("{place}: {what}"), place: place.len(), ..Self::default() }
    }

    /// With that look.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// So much of it as fits. Where a place is too long its end is kept, which has the line.
    pub fn fitted(&self, wide: usize) -> String {
        let place = &self.text[..self.place.min(self.text.len())];
        if width(place) > wide { fit_end(place, wide) } else { fit(&self.text, wide) }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self.figure, other.figure) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => self.text.cmp(&other.text),
        }
    }
}

/// A row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What stays the same when the row moves: the cursor stays on it.
    pub id: u64,
    /// Whether somebody should look.
    pub trouble: bool,
    /// One for each column.
    pub cells: Vec<Cell>,
}

/// Rows in columns.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its columns.
    pub columns: &'static [Column],
    /// Its rows.
    pub rows: Vec<Row>,
    /// What is said where there are no rows.
    pub empty: &'static str,
    /// Rows that are not here.
    pub left_out: u64,
}

/// By which column a table is sorted, if by one, and whether the greatest comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sort {
    /// The column; `None` has those in trouble first.
    pub column: Option<usize>,
    /// Whether it is the other way round.
    pub reversed: bool,
}

impl Table {
    /// Sorts the rows; by no column means those in trouble first. Rows that are equal stay in their order.
    pub fn sort(&mut self, sort: Sort) {
        match sort.column {
            None => self.rows.sort_by_key(|row| row.trouble == sort.reversed),
            Some(column) => self.rows.sort_by(|one, other| {
                let order = match (one.cells.get(column), other.cells.get(column)) {
                    (Some(one), Some(other)) => one.order(other),
                    _ => Ordering::Equal,
                };
                // Of figures the greatest is what one looks for.
                let figures = self.columns.get(column).is_some_and(|column| column.right);
                if figures == sort.reversed { order } else { order.reverse() }
            }),
        }
    }

    /// How wide the longest text of a column is.
    fn says(&self, column: usize) -> u16 {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
        let says = cells.map(|cell| width(&cell.text)).max().unwrap_or(0);
        u16::try_from(says).unwrap_or(u16::MAX)
    }

    /// The columns that fit, in their order, and how wide each is.
    pub fn fitting(&self, wide: u16) -> Vec<(usize, u16)> {
        let mut by_rank: Vec<usize> = (0..self.columns.len()).collect();
        by_rank.sort_by_key(|index| self.columns[*index].rank);
        let mut chosen: Vec<(usize, u16)> = Vec::new();
        let mut left = wide;
        // A column that says nothing has its place only where nothing else wants it.
        let (speaking, silent): (Vec<usize>, Vec<usize>) =
            by_rank.into_iter().partition(|index| self.says(*index) > 0 || self.columns[*index].rank < 4);
        for index in speaking {
            let gap = u16::from(!chosen.is_empty());
            let Column { least, good, .. } = self.columns[index];
            if gap + least > left && !chosen.is_empty() {
                break;
            }
            let takes = good.min(self.says(index)).max(least).min(left.saturating_sub(gap)).max(1);
            left = left.saturating_sub(gap + takes);
            chosen.push((index, takes));
        }
        // What is left goes to those that have more to say, the most important first.
        for (index, wide) in &mut chosen {
            let says = self.says(*index).min(self.columns[*index].most);
            let more = says.saturating_sub(*wide).min(left);
            *wide += more;
            left -= more;
        }
        for index in silent {
            let least = self.columns[index].least;
            if least < left {
                left -= least + 1;
                chosen.push((index, least));
            }
        }
        chosen.sort_unstable();
        chosen
    }
}
