//! Chance that can be repeated: `MONBAN_SEED` sets it.

pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        let seed = std::env::var("MONBAN_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or(20_261_122);
        println!("MONBAN_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
