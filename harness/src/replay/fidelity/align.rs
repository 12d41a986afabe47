//! The best way to lay two sequences side by side, in order.

/// A pair that may be laid side by side: a place in each sequence, and what that is worth (more than 0).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// In the first sequence.
    pub left: usize,
    /// In the second.
    pub right: usize,
    /// Its worth.
    pub worth: f64,
}

/// Those of `candidates` that can be laid side by side together, each place once and all in order, so that they are worth most: with
/// one worth for all it is the longest common subsequence. n log n in the number of candidates.
pub fn align(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    // Of one left place the last right place comes first, so that none of the others can follow it.
    candidates.sort_by(|a, b| a.left.cmp(&b.left).then(b.right.cmp(&a.right)));
    let width = candidates.iter().map(|candidate| candidate.right + 1).max().unwrap_or(0);
    let mut best = Best(vec![None; width + 1]);
    let mut before = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let chain = best.up_to(candidate.right);
        before.push(chain.map(|(_, last)| last));
        best.offer(candidate.right, (candidate.worth + chain.map_or(0.0, |(worth, _)| worth), index));
    }
    let mut chosen = Vec::new();
    let mut next = best.up_to(width).map(|(_, last)| last);
    while let Some(candidate) = next.and_then(|index| candidates.get(index)) {
        chosen.push(*candidate);
        next = next.and_then(|index| before.get(index).copied().flatten());
    }
    chosen.reverse();
    chosen
}

/// The best chain that ends before a right place, as a Fenwick tree of maxima: (its worth, its last candidate).
struct Best(Vec<Option<(f64, usize)>>);

impl Best {
    fn up_to(&self, end: usize) -> Option<(f64, usize)> {
        let (mut best, mut node) = (None, end);
        while node > 0 {
            best = greater(best, self.0.get(node).copied().flatten());
            node &= node - 1;
        }
        best
    }

    fn offer(&mut self, place: usize, chain: (f64, usize)) {
        let mut node = place + 1;
        while let Some(known) = self.0.get_mut(node) {
            *known = greater(*known, Some(chain));
            node += node & node.wrapping_neg();
        }
    }
}

fn greater(a: Option<(f64, usize)>, b: Option<(f64, usize)>) -> Option<(f64, usize)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    fn pairs(places: &[(usize, usize, f64)]) -> Vec<Candidate> {
        places.iter().map(|&(left, right, worth)| Candidate { left, right, worth }).collect()
    }

    #[test]
    fn nothing_lies_beside_nothing() {
        assert_eq!(align(Vec::new()), []);
    }

    #[test]
    fn order_and_worth_decide() {
        let crossing = pairs(&[(0, 1, 1.0), (1, 0, 1.5), (2, 2, 1.0)]);
        assert_eq!(align(crossing), pairs(&[(1, 0, 1.5), (2, 2, 1.0)]));
        let one_place = pairs(&[(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0)]);
        assert_eq!(align(one_place), pairs(&[(0, 0, 1.0), (1, 1, 1.0)]));
    }

    /// The same by trying everything.
    fn most(candidates: &[Candidate], left: usize, right: usize) -> f64 {
        let next = candidates.iter().filter(|next| next.left >= left && next.right >= right);
        next.map(|next| next.worth + most(candidates, next.left + 1, next.right + 1)).fold(0.0, f64::max)
    }

    #[test]
    fn none_is_worth_more() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for _ in 0..300 {
            let mut candidate = || Candidate {
                left: rng.random_range(0..6),
                right: rng.random_range(0..6),
                worth: f64::from(rng.random_range(1..4_u8)),
            };
            let candidates: Vec<Candidate> = (0..12).map(|_| candidate()).collect();
            let chosen = align(candidates.clone());
            assert_eq!(chosen.iter().map(|chosen| chosen.worth).sum::<f64>(), most(&candidates, 0, 0));
            assert!(chosen.windows(2).all(|two| two[0].left < two[1].left && two[0].right < two[1].right));
        }
    }
}
