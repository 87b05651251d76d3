//! The random generator of a scenario. The seed determines everything that it draws.

use std::cell::Cell;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which is small and returns the same numbers on every machine.
pub(super) struct Random(Cell<u64>);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    pub(super) fn next(&self) -> u64 {
        let mut mixed = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(mixed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `end`, without `end`.
    pub(super) fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a number of choices fits");
        usize::try_from(self.next() % end).expect("it is below a usize")
    }

    /// Returns true with this probability.
    pub(super) fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of the choices.
    pub(super) fn pick<T: Clone>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Returns one of the choices, with a probability in proportion to its weight.
    pub(super) fn weigh<T: Clone>(&self, choices: &[(usize, T)]) -> T {
        let mut place = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if place < *weight {
                return choice.clone();
            }
            place -= weight;
        }
        unreachable!("the place is below the sum of the weights")
    }
}
