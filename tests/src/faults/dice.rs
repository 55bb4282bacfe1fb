//! Every decision of a run is drawn from its seed and from what the decision is about, never from a
//! stream: leaving one fault out of a schedule leaves all other draws as they were.

use std::fmt::{self, Display, Write as _};

/// Draws numbers: the same seed, purpose and subject give the same one, whatever was drawn before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dice(u64);

/// FNV-1a over what is written into it: fixed for ever, unlike the standard library's hasher.
struct Fnv(u64);

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// Dice of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number for `purpose` and `subject`.
    pub fn roll(&self, purpose: &str, subject: impl Display) -> u64 {
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        // Writing into a hash can't fail.
        let _ = write!(hash, "{purpose}\n{subject}");
        mixed(mixed(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ hash.0)
    }

    /// A number from 0 to below `end`, which is above 0.
    pub fn below(&self, purpose: &str, subject: impl Display, end: u64) -> u64 {
        self.roll(purpose, subject) % end
    }

    /// Whether what happens so often in 10,000 cases happens in this one.
    pub fn chance(&self, purpose: &str, subject: impl Display, in_ten_thousand: u64) -> bool {
        self.below(purpose, subject, 10_000) < in_ten_thousand
    }

    /// The seed of the `index`-th part of a run.
    pub fn part(&self, index: u64) -> u64 {
        self.roll("part", index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_purpose_and_subject_alone() {
        let dice = Dice::new(7);
        assert_eq!(dice.roll("late", "p1"), Dice::new(7).roll("late", "p1"));
        assert_ne!(dice.roll("late", "p1"), dice.roll("late", "p2"));
        assert_ne!(dice.roll("late", "p1"), dice.roll("twice", "p1"));
        assert_ne!(dice.roll("late", "p1"), Dice::new(8).roll("late", "p1"));
        let hits = (0..100_000).filter(|n| dice.chance("a", n, 500)).count();
        assert!((4_700..5_300).contains(&hits), "{hits} of 100,000 are not 5 %");
    }
}
