//! A generator of random numbers that is the same everywhere.

/// A small generator of random numbers: one seed gives one sequence, on every machine and in every release of this crate.
///
/// `SplitMix64` (Steele, Lea and Flood, 2014), with Lemire's (2019) multiplication for a bound. It is for tests: anyone can compute its next
/// number.
///
/// ```
/// use control_panel::testing::Rng;
///
/// let mut rng = Rng::new(17);
/// let die = 1 + rng.below(6);
/// let suit = rng.pick(&["clubs", "diamonds", "hearts", "spades"]);
/// assert!(die <= 6 && suit.is_some());
/// assert_eq!(Rng::new(17).next_u64(), Rng::new(17).next_u64());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// A generator that begins with this seed. Any number is a good one.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, of all 64-bit numbers.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// If `bound` is 0.
    #[track_caller]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        let product = u128::from(self.next_u64()) * u128::from(bound);
        // The upper half of the product: below `bound`, which is a `u64`.
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// An index of a slice of this length.
    ///
    /// # Panics
    /// If `len` is 0.
    #[track_caller]
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// `true` in this percentage of cases: never for 0, always from 100.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items; `None` if there are none.
    ///
    /// ```
    /// use control_panel::testing::Rng;
    ///
    /// let mut rng = Rng::new(0);
    /// assert!(rng.pick(&[1, 2, 3]).is_some_and(|item| *item <= 3));
    /// assert!(rng.pick::<u8>(&[]).is_none());
    /// ```
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.index(items.len())) }
    }

    /// Puts the items in a random order (Fisher and Yates; Durstenfeld, 1964).
    ///
    /// ```
    /// # use control_panel::testing::Rng;
    /// let mut items = [1, 2, 3, 4];
    /// Rng::new(7).shuffle(&mut items);
    /// items.sort_unstable();
    /// assert_eq!(items, [1, 2, 3, 4]);
    /// ```
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// A generator of its own, which begins with the next number: what it is asked for leaves this one's sequence as it is.
    ///
    /// ```
    /// # use control_panel::testing::Rng;
    /// let (mut one, mut other) = (Rng::new(7), Rng::new(7));
    /// let mut forked = one.fork(); // for another part of the test
    /// assert_eq!(forked.below(100), other.fork().below(100));
    /// ```
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    /// The reference implementation's first numbers (Vigna, splitmix64.c).
    #[test]
    fn it_is_split_mix() {
        let mut rng = Rng::new(1_234_567);
        let first = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn bounds_hold_and_every_number_comes() {
        let mut rng = Rng::new(0);
        let mut seen = [0; 7];
        (0..7_000).for_each(|_| seen[rng.index(7)] += 1);
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert!((0..1_000).all(|_| !rng.chance(0) && rng.chance(100)));
        assert_eq!((rng.below(1), rng.pick::<u8>(&[])), (0, None));
        assert!(rng.below(u64::MAX) < u64::MAX);
    }

    #[test]
    fn shuffling_keeps_the_items_and_a_fork_leaves_the_sequence() {
        let mut items: Vec<u32> = (0..50).collect();
        Rng::new(3).shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        let (mut one, mut two) = (Rng::new(5), Rng::new(5));
        one.fork().next_u64();
        two.fork();
        assert_eq!(one, two);
    }
}
