//! A hash that costs one multiplication a word: for keys in memory, where a collision costs time and nothing else.

use std::hash::Hasher;

/// Spreads a key over all bits, the highest best.
pub(super) const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash so far. The same everywhere for the same bytes, in the same order of calls; not for keys that an opponent chooses, where more than
/// time depends on them.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.write_u64(u64::from_le_bytes(word.try_into().expect("eight")));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            // With its length, or zeros at the end would not count.
            self.write_u64(u64::from_le_bytes(word) ^ (rest.len() as u64) << 56);
        }
    }

    fn write_u8(&mut self, key: u8) {
        self.write_u64(u64::from(key));
    }

    fn write_u32(&mut self, key: u32) {
        self.write_u64(u64::from(key));
    }

    fn write_u64(&mut self, key: u64) {
        let spread = (self.0 ^ key).wrapping_mul(SPREAD);
        self.0 = spread ^ (spread >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, hash::Hash};

    use super::*;

    fn of(key: impl Hash) -> u64 {
        let mut mix = Mix::default();
        key.hash(&mut mix);
        mix.finish()
    }

    #[test]
    fn keys_that_are_alike_do_not_collide() {
        let count = |hashes: Vec<u64>| (hashes.len(), hashes.into_iter().collect::<BTreeSet<_>>().len());
        for hashes in [
            (0..10_000).map(|key| of(format!("k{key:05}"))).collect(),
            (0..10_000_u64).map(of).collect(),
            (0..20).map(|length| of(vec![0_u8; length])).collect(),
            ["", "a", "b", "ab", "ba", "a\0"].map(of).to_vec(),
            vec![of(("ab", "c")), of(("a", "bc"))],
        ] {
            let (all, different) = count(hashes);
            assert_eq!(all, different);
        }
    }
}
