//! Choices that bytes make: a fuzzer changes a byte and with it a choice.

/// Reads choices off bytes, until they end.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// A number below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> Option<usize> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(usize::from(*first) % n)
    }

    /// One of these.
    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        Some(all[self.below(all.len())?].clone())
    }

    /// Up to `n` bytes as they are.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
