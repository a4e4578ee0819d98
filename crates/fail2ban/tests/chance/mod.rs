//! Choices from a seed: the same seed makes the same.

/// A generator of numbers (splitmix64).
pub struct Chance(u64);

impl Chance {
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From `MONBAN_SEED`, which is printed to repeat it.
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub fn seeded() -> Self {
        let seed = std::env::var("MONBAN_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or(20_261_122);
        println!("MONBAN_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a small number");
        usize::try_from(self.next() % end).expect("a small number")
    }

    /// True in one of `times` cases.
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
