//! The vote about a peer's chain (Component 2, D-12): a peer far ahead needs half of the others near its tip.
use super::mutant::{self, Mutant};
use crate::chain::Height;

/// A peer further ahead than this is judged.
const JUDGED_ABOVE: u64 = 50;
/// Heights so close to the sender's tip agree.
const AGREES_WITHIN: u64 = 10;

/// What the vote says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vote {
    /// Too close to judge.
    NotNeeded,
    /// At least half agree.
    Passed,
    /// Fewer than half.
    Failed { agree: usize, total: usize },
}

/// Judges a peer at `tip` by the heights of all connected peers, its own (`tip`) included.
pub(super) fn vote(our: Height, tip: Height, others: impl Iterator<Item = Height>) -> Vote {
    let later = u64::from(mutant::is(Mutant::VoteFromOneLater));
    if tip <= our.saturating_add(JUDGED_ABOVE + later) {
        return Vote::NotNeeded;
    }
    let (mut agree, mut total) = (1, 1);
    for height in others {
        total += 1;
        agree += usize::from(height.abs_diff(tip) <= AGREES_WITHIN);
    }
    if agree * 2 < total { Vote::Failed { agree, total } } else { Vote::Passed }
}

#[cfg(test)]
mod tests {
    use super::{Vote, vote};

    #[test]
    fn begins_at_51_ahead_and_half_lifts_it() {
        let at = |n: usize, height| std::iter::repeat_n(height, n);
        assert_eq!(vote(1000, 1050, at(9, 1000)), Vote::NotNeeded);
        assert_eq!(vote(1000, 1051, at(9, 1000)), Vote::Failed { agree: 1, total: 10 });
        assert_eq!(vote(1000, 1051, at(4, 1045).chain(at(5, 1000))), Vote::Passed);
        assert_eq!(vote(1000, 1051, at(3, 1061).chain(at(6, 1000))), Vote::Failed { agree: 4, total: 10 });
        assert_eq!(vote(u64::MAX, u64::MAX, at(1, 0)), Vote::NotNeeded);
    }
}
