//! Whether it pays to search for the next line that tells something.

/// It does not where most lines tell something.
#[derive(Debug, Default)]
pub struct Density {
    /// Searches in a row that passed over hardly anything.
    in_vain: u32,
    /// Lines to be read one by one before it is tried again.
    one_by_one: u32,
}

impl Density {
    /// A search that passes over fewer lines costs more than it saves.
    const FEW: u64 = 4;
    const IN_VAIN_MAX: u32 = 16;
    const ONE_BY_ONE: u32 = 4096;

    /// Whether to search now.
    pub fn is_low(&mut self) -> bool {
        if self.one_by_one == 0 {
            return true;
        }
        self.one_by_one -= 1;
        false
    }

    /// A search passed over so many lines.
    pub fn passed(&mut self, lines: u64) {
        self.in_vain = if lines < Self::FEW { self.in_vain + 1 } else { 0 };
        if self.in_vain > Self::IN_VAIN_MAX {
            *self = Self { in_vain: 0, one_by_one: Self::ONE_BY_ONE };
        }
    }
}
