//! Deliberate defects: what the harness must be able to see, and how nodes of the past behaved, for the repetition of an incident. Only with the
//! feature `mutants`, and only while the harness has one switched on in its thread; without the feature every question is answered `false` at
//! compile time.

macro_rules! mutants {
    ($(#[doc = $doc:literal] $name:ident,)*) => {
        /// A defect, named by what it breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant {
            $(#[doc = $doc] $name,)*
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Mutant] = &[$(Mutant::$name,)*];

            /// Its name in a scenario file: `same_range_for_ever`.
            pub fn name(self) -> String {
                let name = match self {
                    $(Mutant::$name => stringify!($name),)*
                };
                let mut words = String::new();
                for c in name.chars() {
                    if c.is_uppercase() && !words.is_empty() {
                        words.push('_');
                    }
                    words.push(c.to_ascii_lowercase());
                }
                words
            }

            /// The one of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|mutant| mutant.name() == name)
            }
        }
    };
}

mutants! {
    /// The median is taken of unsorted heights.
    MedianUnsorted,
    /// Behind begins at the threshold instead of above it.
    ThresholdOffByOne,
    /// Whitelisted peers need the vote too.
    NoBypass,
    /// The bypass drops validation with the vote.
    BypassSkipsValidation,
    /// A ping's height is ignored on connections that the peer dialled.
    InboundPingHeightLost,
    /// The mean of the middle two heights wraps around.
    MeanOverflows,
    /// A peer that fails is never benched.
    NeverBenched,
    /// The search for a common ancestor goes back one block a round trip.
    OneByOneSearch,
    /// The count of missed pongs is never reset.
    MissedNeverReset,
    /// A range ends two blocks too late; one is tolerated.
    RangeEndTooFar,
    /// The next range waits for the next tick.
    OneRangeATick,
    /// No other peer is asked while the first is silent.
    NoHedge,
    /// A height stays in the table when its connection is closed.
    HeightKeptAfterClose,
    /// Attempts of fork resolution are not counted.
    EndlessSearch,
    /// Only the median rule.
    NoLeaderRule,
    /// Lower peers are left out of the fork check.
    LowerPeersNotChecked,
    /// A whitelisted peer's ping expires as a regular one's.
    NoRelaxedTimeout,
    /// The back-off never doubles.
    FlatBackOff,
    /// Blacklisted addresses that are whitelisted may connect.
    WhitelistBeatsBlacklist,
    /// Any matching or unknown pong resets the count.
    AnyPongCounts,
    /// The mean of the middle two heights is rounded up.
    MeanRoundsUp,
    /// A bench never ends.
    BenchNeverEnds,
    /// A peer that is whitelisted with its port, too, counts twice.
    PortMakesTwoPeers,
    /// No ping leaves while a range is asked for.
    NoPingsDuringSync,
    /// An answer that takes longer than a minute is thrown away.
    LateAnswerDropped,
    /// The switch to a branch happens before all of it is there, the rest follows.
    ReorgInParts,
    /// Of two equal branches the one that came first stays.
    TieByArrival,
    /// A nonce goes through a floating point number.
    NonceAsFloat,
    /// Pongs tell no height.
    PongsWithoutHeight,
    /// Pings tell no height.
    PingsWithoutHeight,
    /// No slot is reserved for whitelisted peers.
    NoReservedSlots,
    /// A third ping within 10 s is a strike.
    KeepaliveIsAbuse,
    /// Who announces itself as a masternode is whitelisted.
    AnnouncementWhitelists,
    /// A short answer is a failed request.
    ShortAnswerIsNone,
    /// A range is as wide as the gap.
    RangesWithoutLimit,
    /// The search for a common ancestor goes down to the genesis.
    SearchWithoutLimit,
    /// A peer of another genesis is a peer like any other.
    ForeignGenesisCounts,
    /// The same range is asked of the same peer for ever.
    SameRangeForEver,
    /// A regular peer's request lives as long as a whitelisted one's.
    RegularTimeoutAsLong,
    /// An older height is kept where the newer one is lower.
    HighestHeightCounts,
    /// The vote is taken from 52 ahead.
    VoteFromOneLater,
    /// A silent peer is dropped one missed pong too early.
    OneMissedPongLess,
    /// An answer is as long as its blocks are.
    AnswersOverLimit,
    /// Blocks of another chain are skipped, and nothing follows from them.
    ForksSkipped,
    /// However short a connection was, the next dial is the first: pauses don't grow, and nobody is given up.
    RedialsForEver,
    /// Who has what a tick wanted waits for the next one.
    LooksAtTicksOnly,
    /// A branch that ours is kept against is searched again at once.
    SearchesKeptAgain,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local!(static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) });

    /// Switches one defect on for everything that runs in this thread, or all off.
    pub fn switch(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }

    pub(in crate::protocol) fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }
}

#[cfg(not(feature = "mutants"))]
mod switch {
    pub(in crate::protocol) const fn is(_: super::Mutant) -> bool {
        false
    }
}

pub(super) use switch::is;
#[cfg(feature = "mutants")]
pub use switch::switch;

#[cfg(test)]
mod tests {
    use super::Mutant;

    #[test]
    fn each_is_found_by_its_name() {
        for mutant in Mutant::ALL {
            assert_eq!(Mutant::named(&mutant.name()), Some(*mutant));
        }
        assert_eq!(Mutant::SameRangeForEver.name(), "same_range_for_ever");
        assert_eq!(Mutant::named("SameRangeForEver"), None);
    }
}
