//! What a replica has: how many operations of each author.

#[cfg(any(feature = "p2p", feature = "testing"))]
use super::Peer;
use super::{Author, RunHash};

/// How many operations of each author a replica has (a version vector; Parker et al., 1983).
///
/// Sent to a peer that answers with [`Replica::since`](super::Replica::since): what is missing, and nothing else. A replica's
/// version also names the last run of each author by its hash, so that two replicas with as many operations of an author, but
/// others, find out.
///
/// ```
/// use control_panel::{Author, Peer, replica::Version};
///
/// let author = Author { peer: Peer([1; 32]), incarnation: 0 };
/// let (older, newer) =
///     (Version::from_iter([(author, 3)]), Version::from_iter([(author, 5)]));
/// assert!(newer.covers(&older) && !older.covers(&newer));
/// assert_eq!(newer.get(author), 5);
/// ```
///
/// Memory: 72 bytes an author, and 40 an end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version(Vec<(Author, Known)>);

/// Where no author is.
const NO_SLOT: usize = usize::MAX;

/// What is known of one author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    count: u64,
    /// The last run of each branch, sorted, as far as those are known.
    ends: Vec<End>,
}

/// The end of a run: the sequence number after it, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) next_seq: u64,
    pub(crate) hash: RunHash,
}

impl Version {
    /// A replica that has nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many of `author`'s operations, which is the sequence number of the next; 0 for an unknown author. Of an author that gave
    /// numbers twice, those of its longest branch.
    pub fn get(&self, author: Author) -> u64 {
        self.known(&author).map_or(0, |known| known.count)
    }

    /// Whether a replica of this version has all that one of `other` has, as far as that can be seen.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(author, theirs)| {
            let ours = self.known(author).map_or((0, &[][..]), |known| (known.count, &known.ends));
            let differs = |end: &End| {
                let mut same_place = ours.1.iter().filter(|our| our.next_seq == end.next_seq).peekable();
                same_place.peek().is_some() && same_place.all(|our| our.hash != end.hash)
            };
            ours.0 >= theirs.count && !theirs.ends.iter().any(differs)
        })
    }

    /// Authors and counts, in the order of authors.
    pub fn iter(&self) -> impl Iterator<Item = (Author, u64)> + '_ {
        self.0.iter().map(|(author, known)| (*author, known.count))
    }

    /// Raises an author's count; a lower one changes nothing.
    pub fn raise(&mut self, author: Author, count: u64) {
        self.raise_at(&mut NO_SLOT.clone(), author, count);
    }

    /// The same, with a guess where the author is, which is right after that until other authors come.
    pub(crate) fn raise_at(&mut self, slot: &mut usize, author: Author, count: u64) {
        let known = self.entry(slot, &author);
        known.count = known.count.max(count);
    }

    /// Goes from the end of one run to the end of the next; from one that has a successor, a branch begins. `slot`: as in `raise_at`.
    #[inline(always)]
    pub(crate) fn advance(&mut self, slot: &mut usize, author: &Author, previous: &RunHash, end: End) {
        let known = self.entry(slot, author);
        known.count = known.count.max(end.next_seq);
        match known.ends.iter_mut().find(|known| known.hash == *previous) {
            Some(known) => *known = end,
            None => known.ends.push(end),
        }
        if known.ends.len() > 1 {
            known.ends.sort_unstable();
        }
    }

    /// An end that is named in bytes, where the author's count is known.
    #[cfg(feature = "codec")]
    pub(crate) fn add_end(&mut self, author: Author, end: End) {
        self.entry(&mut NO_SLOT.clone(), &author).ends.push(end);
    }

    /// The last run of each branch of an author; none if only the count is known.
    pub(crate) fn ends(&self, author: Author) -> &[End] {
        self.known(&author).map_or(&[], |known| &known.ends)
    }

    /// Whether a replica of this version has that run, as far as that can be seen: another that ends there is not it.
    pub(crate) fn has(&self, author: Author, end: &End) -> bool {
        let mut same_place = self.ends(author).iter().filter(|our| our.next_seq == end.next_seq).peekable();
        let differs = same_place.peek().is_some() && same_place.all(|our| our.hash != end.hash);
        self.get(author) >= end.next_seq && !differs
    }

    /// What it says of one peer, in all its lives.
    #[cfg(any(feature = "p2p", feature = "testing"))]
    pub(crate) fn of(&self, peer: Peer) -> Self {
        Self(self.0.iter().filter(|(author, _)| author.peer == peer).cloned().collect())
    }

    /// Of a replica that has that run, and so all of its chain. A shorter branch may be forgotten: then it is sent once more.
    pub(crate) fn reach(&mut self, author: Author, previous: RunHash, end: End) {
        let known = self.entry(&mut NO_SLOT.clone(), &author);
        if end.next_seq > known.count {
            *known = Known { count: end.next_seq, ends: vec![end] };
        } else if let Some(ended) = known.ends.iter_mut().find(|known| known.hash == previous) {
            *ended = end;
            known.ends.sort_unstable();
        }
    }

    /// Of each author what the longer of the two says; of two as long, what `other` does.
    #[cfg(any(feature = "p2p", feature = "testing"))]
    pub(crate) fn include(&mut self, other: &Self) {
        let mut slot = NO_SLOT;
        for (author, theirs) in &other.0 {
            let ours = self.entry(&mut slot, author);
            if ours.count <= theirs.count {
                ours.clone_from(theirs);
            }
            slot += 1;
        }
    }

    /// How many operations of all authors.
    #[cfg(any(feature = "journal", feature = "p2p", feature = "testing"))]
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, (_, known)| total.saturating_add(known.count))
    }

    fn known(&self, author: &Author) -> Option<&Known> {
        let place = self.0.binary_search_by(|(known, _)| known.cmp(author)).ok()?;
        Some(&self.0[place].1)
    }

    #[inline(always)]
    fn entry(&mut self, slot: &mut usize, author: &Author) -> &mut Known {
        if self.0.get(*slot).is_none_or(|(known, _)| known != author) {
            *slot = self.place(author);
        }
        debug_assert!(
            self.0[slot.saturating_sub(1)..].iter().take(3).is_sorted_by_key(|(author, _)| *author)
        );
        &mut self.0[*slot].1
    }

    #[inline(never)]
    fn place(&mut self, author: &Author) -> usize {
        self.0.binary_search_by(|(known, _)| known.cmp(author)).unwrap_or_else(|place| {
            self.0.insert(place, (*author, Known::default()));
            place
        })
    }
}

/// Of two counts of one author, the greater counts; an author with 0 is left out.
impl FromIterator<(Author, u64)> for Version {
    fn from_iter<T: IntoIterator<Item = (Author, u64)>>(counts: T) -> Self {
        let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        // Of one author the greatest first, which is the one that stays.
        counts.sort_unstable_by_key(|(author, count)| (*author, std::cmp::Reverse(*count)));
        counts.dedup_by_key(|(author, _)| *author);
        Self(counts.into_iter().map(|(author, count)| (author, Known { count, ends: Vec::new() })).collect())
    }
}
