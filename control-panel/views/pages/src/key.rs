//! What a person does in a console: a view makes it of its keys.

/// What a person does in a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// One row up: the up arrow, `k`.
    Up,
    /// One row down: the down arrow, `j`.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// The first row: Home, `g`.
    First,
    /// The last row: End, `G`.
    Last,
    /// The page to the left: the left arrow, Shift and Tab, `h`.
    Previous,
    /// The page to the right: the right arrow, Tab, `l`.
    Next,
    /// A page by its number from 1: a digit.
    Page(u8),
    /// Sorts by the next column: `s`.
    Sort,
    /// Sorts the other way round: `S`, `r`.
    Reverse,
    /// Opens what belongs to a row, or closes it: Enter.
    Open,
    /// Closes it: Escape.
    Close,
}
