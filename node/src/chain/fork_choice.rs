//! Which of two branches wins (wire protocol: Fork choice).
use super::Hash;

/// A branch from the common ancestor on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// Connected whitelisted peers that hold it, and 1 for ourselves where we are a masternode and it is ours.
    pub holders: usize,
    /// Blocks above the common ancestor.
    pub length: u64,
    /// Its last block's hash.
    pub tip: Hash,
}

/// Whether `theirs` replaces `ours`: more holders, then the longer, then the lower tip hash. Equal branches don't.
pub fn prefers(theirs: &Branch, ours: &Branch) -> bool {
    let rank = |b: &Branch| (b.holders, b.length, std::cmp::Reverse(b.tip));
    rank(theirs) > rank(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(holders: usize, length: u64, tip: u8) -> Branch {
        Branch { holders, length, tip: Hash([tip; 32]) }
    }

    #[test]
    fn holders_then_length_then_lower_tip() {
        // From the strongest to the weakest.
        let order = [
            branch(2, 1, 9),
            branch(1, u64::MAX, 9),
            branch(1, 5, 0),
            branch(1, 4, 1),
            branch(1, 4, 2),
            branch(0, 4, 0),
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(prefers(a, b), i < j, "{a:?} against {b:?}");
            }
        }
    }
}
