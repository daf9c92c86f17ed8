//! Numbers that are the same in every run.

/// xorshift.
pub struct Random(u64);

impl Random {
    #[expect(clippy::new_without_default, reason = "a seed is no default value")]
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
