//! Where the fork choice (wire protocol) leaves a node that is in a fork against a scripted peer.
use super::chains::Start;
use super::symptoms::Scene;
use crate::replay::incident::Host;

impl Scene<'_> {
    /// The node's place where its own branch wins against all others, the peer's where that does: by those of the node's list that hold it, then
    /// by length. `None` where neither does for certain: the hashes that would decide are the scenario's own.
    pub(super) fn fork_choice(&self, party: usize, host: &Host, other: usize) -> Option<&Start> {
        let (mine, theirs) = (self.ends.get(party)?, self.ends.get(other)?);
        let (mut listed, _) = self.cast.lists(party, host);
        listed.extend(self.cast.parties[party].masternode.then_some(party));
        // One that doesn't serve blocks may still tell hashes, or not.
        let serving: Vec<usize> = listed.iter().copied().filter(|voter| self.faults.serves(*voter)).collect();
        let holders = |voters: &[usize], chain: usize, ancestor: u64| {
            let holds = |end: &Start| end.height > ancestor && self.ancestor(end.chain, chain) > ancestor;
            voters.iter().filter(|voter| holds(&self.ends[**voter])).count()
        };
        let wins = |place: &&Start| {
            let rivals = self.ends.iter().filter(|end| end.chain != place.chain);
            rivals.into_iter().all(|rival| {
                let ancestor = self.ancestor(place.chain, rival.chain);
                let own = (holders(&serving, place.chain, ancestor), place.height);
                place.height > ancestor && own > (holders(&listed, rival.chain, ancestor), rival.height)
            })
        };
        [Some(mine), self.faults.serves(other).then_some(theirs)].into_iter().flatten().find(wins)
    }

    /// The last height at which two chains have the same block.
    fn ancestor(&self, one: usize, other: usize) -> u64 {
        let begins = |chain: usize| chain.checked_sub(1).map_or(u64::MAX, |fork| self.chains.forks[fork].ancestor);
        if one == other { u64::MAX } else { begins(one).min(begins(other)) }
    }
}
