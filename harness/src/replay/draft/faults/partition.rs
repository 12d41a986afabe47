//! Cuts that explain which links were lost: as few as possible.
use std::collections::{BTreeMap, BTreeSet};

/// Pairs of parties, the lower first.
pub(super) type Links = BTreeSet<(usize, usize)>;

/// Steps of the search for fewer hubs, about; beyond, the best so far is taken.
const MOST_STEPS: u32 = 2_000;

pub(super) fn link(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

/// Two sides of which everyone that knows one of the other side lost it, and nobody one of the own; `None`: the losses are no such cut.
pub(super) fn sides(lost: &Links, known: &Links) -> Option<(Vec<usize>, Vec<usize>)> {
    let parties: BTreeSet<usize> = known.iter().chain(lost).flat_map(|(a, b)| [*a, *b]).collect();
    let mut one: BTreeSet<usize> = parties.first().copied().into_iter().collect();
    // Those that still hear each other are on one side.
    loop {
        let more: Vec<usize> = known
            .difference(lost)
            .flat_map(|(a, b)| [(*a, *b), (*b, *a)])
            .filter(|(a, b)| one.contains(a) && !one.contains(b))
            .map(|(_, b)| b)
            .collect();
        if more.is_empty() {
            break;
        }
        one.extend(more);
    }
    let other: Vec<usize> = parties.difference(&one).copied().collect();
    let across = |(a, b): &(usize, usize)| one.contains(a) != one.contains(b);
    let whole = !other.is_empty() && lost.iter().all(across) && lost.len() > 1;
    whole.then(|| (one.into_iter().collect(), other))
}

/// Cuts of these links and no others: each between some hubs and all that they lost, those with the most links first.
pub(super) fn cuts(lost: &Links) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut steps = MOST_STEPS;
    let mut hubs: BTreeSet<usize> = cover(lost, usize::MAX, &mut steps).into_iter().flatten().collect();
    let mut rest = lost.clone();
    let mut cuts: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    while let Some(hub) = busiest(&rest, |party| hubs.contains(&party)) {
        hubs.remove(&hub);
        let leaves: Vec<usize> = neighbours(&rest, hub).into_iter().collect();
        rest.retain(|(a, b)| *a != hub && *b != hub);
        // Hubs that lost the same parties are one side.
        match cuts.iter_mut().find(|(_, others)| *others == leaves) {
            Some((side, _)) => side.push(hub),
            None => cuts.push((vec![hub], leaves)),
        }
    }
    cuts
}

/// The fewest parties, `most` of them, of which each link has one; `None`: there are no so few. The first way that it tries is
/// to take the one with the most links again and again.
fn cover(links: &Links, most: usize, steps: &mut u32) -> Option<Vec<usize>> {
    let Some(hub) = busiest(links, |_| true) else { return Some(Vec::new()) };
    let leaves = neighbours(links, hub);
    *steps = steps.saturating_sub(1);
    if links.len() > most.saturating_mul(leaves.len()) {
        return None;
    }
    let without = |gone: &BTreeSet<usize>| -> Links {
        links.iter().copied().filter(|(a, b)| !gone.contains(a) && !gone.contains(b)).collect()
    };
    let mut best = cover(&without(&BTreeSet::from([hub])), most - 1, steps).map(|rest| [vec![hub], rest].concat());
    // Without the hub it takes all that it is linked with.
    let most = best.as_ref().map_or(most, |best| best.len() - 1);
    if leaves.len() > 1 && leaves.len() <= most && *steps > 0 {
        let other = cover(&without(&leaves), most - leaves.len(), steps);
        best = other.map(|rest| leaves.into_iter().chain(rest).collect()).or(best);
    }
    best
}

/// The party with the most links, among these.
fn busiest(links: &Links, among: impl Fn(usize) -> bool) -> Option<usize> {
    let mut degrees: BTreeMap<usize, usize> = BTreeMap::new();
    for party in links.iter().flat_map(|(a, b)| [*a, *b]).filter(|party| among(*party)) {
        *degrees.entry(party).or_default() += 1;
    }
    degrees.into_iter().max_by_key(|(party, degree)| (*degree, std::cmp::Reverse(*party))).map(|(party, _)| party)
}

fn neighbours(links: &Links, party: usize) -> BTreeSet<usize> {
    let other = |(a, b): &(usize, usize)| if *a == party { Some(*b) } else { (*b == party).then_some(*a) };
    links.iter().filter_map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many cuts explain these links; each of them is cut, and no other one.
    fn count(links: &Links) -> usize {
        let cuts = cuts(links);
        let cut = |(one, other): &(Vec<usize>, Vec<usize>)| -> Links {
            one.iter().flat_map(|a| other.iter().map(|b| link(*a, *b))).collect()
        };
        assert_eq!(cuts.iter().flat_map(cut).collect::<Links>(), *links);
        cuts.len()
    }

    #[test]
    fn cuts_are_the_links_and_as_few_as_possible() {
        let ring = |parties: usize| (0..parties).map(|a| link(a, (a + 1) % parties)).collect::<Links>();
        assert_eq!(count(&Links::new()), 0);
        // Two ends that lost the same two parties are one side.
        assert_eq!([3, 4, 5, 6, 7].map(|parties| count(&ring(parties))), [2, 1, 3, 3, 4]);
        let all = |parties: usize| (0..parties).flat_map(|b| (0..b).map(move |a| link(a, b))).collect::<Links>();
        assert_eq!([2, 3, 4].map(|parties| count(&all(parties))), [1, 2, 3]);
    }

    #[test]
    fn many_links_take_a_moment_only() {
        // No party is better than another: ways without number.
        let links: Links = (0..160).flat_map(|a| [1, 7, 31, 59].map(|step| link(a, (a + step) % 160))).collect();
        assert!(count(&links) <= 120);
    }
}
