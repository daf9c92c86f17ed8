//! What a replica has: how many operations of each author.

use std::collections::BTreeMap;

use super::Author;

/// How many operations of each author a replica has (a version vector; Parker et al., 1983).
///
/// Sent to a peer that answers with [`Replica::since`](super::Replica::since): what is missing, and nothing else.
///
/// ```
/// use control_panel::{Author, Peer, replica::Version};
///
/// let author = Author { peer: Peer([1; 32]), incarnation: 0 };
/// let (older, newer) = (Version::from_iter([(author, 3)]), Version::from_iter([(author, 5)]));
/// assert!(newer.covers(&older) && !older.covers(&newer));
/// assert_eq!(newer.get(author), 5);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version(BTreeMap<Author, u64>);

impl Version {
    /// A replica that has nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many of `author`'s operations, which is the sequence number of the next; 0 for an unknown author.
    pub fn get(&self, author: Author) -> u64 {
        self.0.get(&author).copied().unwrap_or(0)
    }

    /// Whether a replica of this version has all that one of `other` has.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(author, count)| self.get(author) >= count)
    }

    /// Authors and counts, in the order of authors.
    pub fn iter(&self) -> impl Iterator<Item = (Author, u64)> + '_ {
        self.0.iter().map(|(author, count)| (*author, *count))
    }

    /// Raises an author's count; a lower one changes nothing.
    pub fn raise(&mut self, author: Author, count: u64) {
        let entry = self.0.entry(author).or_default();
        *entry = count.max(*entry);
    }
}

/// Of two counts of one author, the greater counts; an author with 0 is left out.
impl FromIterator<(Author, u64)> for Version {
    fn from_iter<T: IntoIterator<Item = (Author, u64)>>(counts: T) -> Self {
        let mut version = Self::new();
        counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .for_each(|(author, count)| version.raise(author, count));
        version
    }
}
