//! Heights and ranges of them.
use std::fmt;

/// A block's distance from the genesis, which is 0. Anything up to `u64::MAX` may come from a peer.
pub type Height = u64;

/// Heights from `start` to `end`, both included; never empty. Ordered by start, then end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeightRange {
    start: Height,
    end: Height,
}

impl HeightRange {
    /// The range, or `None` where `start > end`.
    pub fn new(start: Height, end: Height) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The lowest height.
    pub fn start(&self) -> Height {
        self.start
    }

    /// The highest height.
    pub fn end(&self) -> Height {
        self.end
    }

    /// How many heights, at least 1; `u64::MAX` for all 2^64.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(&self) -> u64 {
        (self.end - self.start).saturating_add(1)
    }

    /// Whether `height` lies within.
    pub fn contains(&self, height: Height) -> bool {
        (self.start..=self.end).contains(&height)
    }
}

impl fmt::Display for HeightRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_inclusive_and_never_empty() {
        assert_eq!(HeightRange::new(2, 1), None);
        let one = HeightRange::new(1, 1).unwrap();
        assert_eq!((one.len(), one.to_string().as_str()), (1, "1-1"));
        let range = HeightRange::new(1001, 1100).unwrap();
        assert_eq!((range.start(), range.end(), range.len()), (1001, 1100, 100));
        let inside = [1000, 1001, 1100, 1101].map(|h| range.contains(h));
        assert_eq!(inside, [false, true, true, false]);
        assert_eq!(HeightRange::new(0, u64::MAX).unwrap().len(), u64::MAX);
    }
}
