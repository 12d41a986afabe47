//! All built chains of a scenario.
use std::collections::BTreeMap;
use std::sync::Arc;

use node::chain::{Block, BuiltChain, Hash, Height, SealedBlock, TESTNET_GENESIS_TIME, TipRule};

use super::dialect::Dialect;
use super::ledger::Ledger;
use super::memo::{Key, built};
use crate::scenario::Scenario;
use crate::scenario::resolved::{At, Chain};

/// The highest chain whose blocks are 600 s apart; with a higher one in a scenario all of its chains have 60 s (D-30).
const LONG_CHAIN: Height = 20_000;

/// The highest that a chain is extended beyond what its scenario uses; the highest that a scenario may use.
const HIGHEST: Height = 200_000;

/// The chains of one scenario by name, each as high as the scenario uses it. Depends on names and heights only, not on the run's seed.
///
/// Its blocks are of format v1, and have the hashes of their subject's format for those who judge: what is sent is translated by the
/// [dialect](Chains::dialect). A clone shares everything, and chains that scenarios of one process have in common are built once.
#[derive(Debug, Clone)]
pub struct Chains {
    built: Arc<BTreeMap<String, BuiltChain>>,
    genesis: SealedBlock,
    dialect: Dialect,
}

impl Chains {
    /// Builds what `scenario` names.
    pub fn build(scenario: &Scenario) -> Self {
        Self::of(&scenario.chains)
    }

    /// Builds what `scenario` names for a subject with this ledger.
    pub fn build_on(ledger: &Ledger, scenario: &Scenario) -> Self {
        Self::on(ledger, &scenario.chains)
    }

    /// Builds `chains` as [`Chains::on`] does, for the reference node.
    pub fn of(chains: &BTreeMap<String, Chain>) -> Self {
        Self::on(&Ledger::default(), chains)
    }

    /// Builds `chains` for a subject with this ledger. What forks from a chain that isn't among them is left out: a resolved scenario has no such.
    pub fn on(ledger: &Ledger, chains: &BTreeMap<String, Chain>) -> Self {
        let (genesis, dialect) = (ledger.genesis(), Dialect::of(ledger));
        let long = chains.values().any(|chain| chain.height > LONG_CHAIN);
        let mut built = BTreeMap::new();
        while let Some((name, chain)) = chains
            .iter()
            .find(|(name, chain)| !built.contains_key(*name) && needs(chain).all(|n| built.contains_key(n)))
        {
            let whole = match &chain.fork_of {
                None => root(genesis.clone(), name, chain.height, long),
                Some(at) => fork(&built, name, at, chain),
            };
            dialect.learn(&whole, lower_than(&built, chain));
            built.insert(name.clone(), whole);
        }
        Self { built: Arc::new(built), genesis, dialect }
    }

    /// A whole chain as the scenario uses it. Cheap.
    ///
    /// # Panics
    /// Where the scenario has no chain of that name.
    pub fn whole(&self, name: &str) -> BuiltChain {
        self.built.get(name).cloned().expect("a resolved scenario names only chains that it has")
    }

    /// The chain up to a place on it: copies a pointer a block.
    ///
    /// # Panics
    /// As [`Chains::whole`].
    pub fn blocks(&self, at: &At) -> BuiltChain {
        cut(&self.whole(&at.chain), at.height)
    }

    /// The hash on the wire of the block there; `None` where the scenario has no such place.
    pub fn hash(&self, at: &At) -> Option<Hash> {
        Some(self.dialect.hash(self.built.get(&at.chain)?.block(at.height)?.hash()))
    }

    /// The latest time of a block, in seconds since 1970.
    pub fn latest(&self) -> i64 {
        self.built.values().map(|chain| chain.tip().timestamp).max().unwrap_or(TESTNET_GENESIS_TIME)
    }

    /// The hash on the wire of the block of this height on any chain whose hash begins like `short`.
    pub fn hash_like(&self, height: Height, short: &str) -> Option<Hash> {
        let hashes = self.built.values().filter_map(|chain| Some(self.dialect.hash(chain.block(height)?.hash())));
        hashes.into_iter().find(|hash| hash.short() == short)
    }

    /// What becomes of these chains on the wire.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// A chain of another genesis than everybody's, at least up to `height`.
    pub fn foreign(&self, height: Height) -> BuiltChain {
        let mut genesis = Block::clone(&self.genesis);
        genesis.header.leader = "ANOTHER GENESIS".to_owned();
        let height = height.min(HIGHEST);
        let foreign = root(SealedBlock::new(genesis), "foreign", height, height > LONG_CHAIN);
        self.dialect.learn(&foreign, None);
        foreign
    }

    /// `chain` with further valid blocks, at least up to `height` and at most to 200,000.
    pub fn longer(&self, chain: &BuiltChain, height: Height) -> BuiltChain {
        let tip = chain.tip();
        if height <= tip.height {
            return chain.clone();
        }
        let seed = seed("longer");
        let key = Key::new(tip.hash, is_long(chain), seed, None);
        let longer = built(key, height.min(HIGHEST), |height| chain.fork(tip.height, seed, height, TipRule::Any));
        self.dialect.learn(&longer, None);
        longer
    }
}

/// The names that `chain` is built upon.
fn needs(chain: &Chain) -> impl Iterator<Item = &String> {
    chain.fork_of.iter().chain(&chain.lower_than).map(|at| &at.chain)
}

fn root(genesis: SealedBlock, name: &str, height: Height, long: bool) -> BuiltChain {
    let seed = seed(name);
    let key = Key::new(genesis.hash(), long, seed, None);
    // More than asked for, so that a process builds a root a few times only; on the same side of LONG_CHAIN.
    let rounded = if long {
        height.max(LONG_CHAIN + 1).next_multiple_of(LONG_CHAIN / 2)
    } else {
        (0..3).map(|n| 2_500 << n).find(|rounded| height <= *rounded).unwrap_or(LONG_CHAIN)
    };
    let whole = built(key, rounded, |height| BuiltChain::new(genesis, seed, height));
    cut(&whole, height)
}

/// A fork whose block at the place `lower_than`, not always the last one, has the lower hash.
fn fork(built_yet: &BTreeMap<String, BuiltChain>, name: &str, at: &At, chain: &Chain) -> BuiltChain {
    let parent = &built_yet[&at.chain].padded(chain.padding);
    let seed = seed(name);
    let lower_than = lower_than(built_yet, chain);
    let height = chain.height.max(lower_than.map_or(0, |(height, _)| height));
    let ancestor = parent.block(at.height).map_or(parent.tip().hash, |block| block.hash());
    let long = is_long(parent);
    let key = Key::new(ancestor, long, seed, lower_than).padded(chain.padding);
    let whole = built(key, height, |height| match lower_than {
        None => parent.fork(at.height, seed, height, TipRule::Any),
        Some((ground, hash)) => {
            parent.fork(at.height, seed, ground, TipRule::LowerThan(hash)).fork(ground, seed, height, TipRule::Any)
        }
    });
    cut(&whole, height)
}

/// The place where a fork's block has the lower hash, and that of the other block there.
fn lower_than(built_yet: &BTreeMap<String, BuiltChain>, chain: &Chain) -> Option<(Height, Hash)> {
    let (at, other) = chain.fork_of.as_ref().zip(chain.lower_than.as_ref())?;
    let other = Some(other).filter(|other| other.height > at.height)?;
    Some((other.height, built_yet[&other.chain].block(other.height)?.hash()))
}

/// Whether blocks are 60 s apart; with one block it doesn't matter.
fn is_long(chain: &BuiltChain) -> bool {
    let time = |h| chain.block(h).map(|block| block.timestamp());
    time(0).zip(time(1)).is_some_and(|(genesis, first)| first - genesis == 60)
}

fn cut(chain: &BuiltChain, height: Height) -> BuiltChain {
    if chain.tip().height <= height {
        return chain.clone();
    }
    // A fork that has nothing of its own.
    chain.fork(height, 0, height, TipRule::Any)
}

/// A fixed seed for each chain name.
fn seed(name: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = Hash::of(name.as_bytes()).0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use node::chain::testnet;

    use super::*;

    fn at(chain: &str, height: Height) -> At {
        At { chain: chain.to_owned(), height }
    }

    fn chain(fork_of: Option<At>, lower_than: Option<At>, height: Height) -> Chain {
        Chain { fork_of, lower_than, padding: 0, height }
    }

    fn chains<const N: usize>(list: [(&str, Chain); N]) -> Chains {
        Chains::of(&list.map(|(name, chain)| (name.to_owned(), chain)).into())
    }

    #[test]
    fn chains_are_as_high_as_used_and_the_same_whatever_was_built_before() {
        let short = chains([("main", chain(None, None, 40))]);
        assert_eq!(short.whole("main").tip().height, 40);
        assert_eq!(short.hash(&at("main", 41)), None);
        assert_eq!(short.hash(&at("other", 1)), None);
        assert_eq!(short.blocks(&at("main", 7)).tip().hash, short.hash(&at("main", 7)).unwrap());
        let longer = chains([("main", chain(None, None, 3_000))]);
        assert_eq!(longer.hash(&at("main", 40)), short.hash(&at("main", 40)));
        let direct = BuiltChain::new(testnet(), seed("main"), 40);
        assert_eq!(Some(direct.tip().hash), short.hash(&at("main", 40)));
    }

    #[test]
    fn forks_of_forks_share_what_is_below() {
        let built = chains([
            ("a", chain(Some(at("b", 20)), None, 40)),
            ("b", chain(Some(at("main", 10)), None, 30)),
            ("main", chain(None, None, 30)),
        ]);
        let [a, b, main] = ["a", "b", "main"].map(|name| move |h| at(name, h));
        assert_eq!(built.hash(&a(20)), built.hash(&b(20)));
        assert_ne!(built.hash(&a(21)), built.hash(&b(21)));
        assert_eq!(built.hash(&b(10)), built.hash(&main(10)));
        assert_ne!(built.hash(&b(11)), built.hash(&main(11)));
        assert_eq!(built.whole("a").tip().height, 40);
        // The same name, asked for higher later, keeps its blocks.
        let again = chains([("b", chain(Some(at("main", 10)), None, 90)), ("main", chain(None, None, 20))]);
        assert_eq!(again.hash(&b(30)), built.hash(&b(30)));
    }

    #[test]
    fn the_block_at_the_named_place_is_lower_also_below_the_tip() {
        for n in 0..5 {
            let name = format!("f{n}");
            let built = chains([
                (name.as_str(), chain(Some(at("main", 10)), Some(at("main", 15)), 18)),
                ("main", chain(None, None, 20)),
            ]);
            assert!(built.hash(&at(&name, 15)).unwrap() < built.hash(&at("main", 15)).unwrap());
            assert_eq!(built.whole(&name).tip().height, 18);
        }
    }

    #[test]
    fn with_a_chain_above_20_000_all_are_60_seconds_apart() {
        let built = chains([("f", chain(Some(at("main", 10)), None, 20_001)), ("main", chain(None, None, 12))]);
        for name in ["f", "main"] {
            let [ten, twelve] = [10, 12].map(|h| built.whole(name).block(h).unwrap().timestamp());
            assert_eq!(twelve - ten, 120, "{name}");
        }
        let short = chains([("main", chain(None, None, 12))]);
        assert_ne!(short.hash(&at("main", 12)), built.hash(&at("main", 12)));
    }

    #[test]
    fn chains_without_their_parent_are_left_out() {
        let built = chains([
            ("a", chain(Some(at("b", 1)), None, 2)),
            ("b", chain(Some(at("a", 1)), None, 2)),
            ("main", chain(None, None, 2)),
        ]);
        assert_eq!(built.hash(&at("a", 1)), None);
        assert!(built.hash(&at("main", 1)).is_some());
    }

    #[test]
    fn longer_and_foreign_chains_are_extended_by_what_is_asked() {
        let chains = chains([("main", chain(None, None, 10))]);
        let main = chains.whole("main");
        let more = chains.longer(&main, 15);
        assert_eq!((more.block(10), more.tip().height), (main.block(10), 15));
        assert_eq!(chains.longer(&main, 12).block(12), more.block(12));
        assert_eq!(chains.longer(&main, 3).tip(), main.tip());
        let foreign = chains.foreign(5);
        assert_eq!(foreign.tip().height, 5);
        assert_ne!(foreign.block(0), main.block(0));
    }
}
