//! Rare places of the core that were reached: what an exploration counts, so that a corner that nothing ever enters is known. With the feature
//! `mutants` alone; without it, nothing is counted and nothing costs anything.

macro_rules! marks {
    ($(#[doc = $doc:literal] $name:ident,)*) => {
        /// A place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $doc] $name,)*
        }

        impl Mark {
            /// All of them.
            pub const ALL: &[Mark] = &[$(Mark::$name,)*];

            /// What it stands for.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Mark::$name => $doc.trim_ascii(),)*
                }
            }
        }
    };
}

marks! {
    /// A whitelisted peer far ahead is trusted without the vote.
    Bypass,
    /// A regular peer far ahead fails the vote.
    Deferred,
    /// A regular peer far ahead passes the vote.
    VotePassed,
    /// In sync with the median, and a whitelisted peer is ahead all the same.
    LeaderRule,
    /// What a tick wanted is there, and the median is far ahead all the same.
    LookedAgain,
    /// More than 100 ahead of the median.
    LeadAlarm,
    /// Behind, and nobody to ask.
    NoPeer,
    /// A second peer is asked for a range.
    HedgeAsked,
    /// The second peer answers first.
    HedgeWon,
    /// An answer after its deadline is used.
    LateAnswerUsed,
    /// An answer that nobody waits for any more.
    AnswerCancelled,
    /// An answer without blocks.
    EmptyAnswer,
    /// An answer with a part of its range.
    ShortAnswer,
    /// A peer is benched for the fourth time in a row or more.
    LongBench,
    /// A benched peer may be asked again.
    BenchEnded,
    /// Blocks that nobody asked for are used.
    UnaskedUsed,
    /// A block is rejected.
    BlockRejected,
    /// A search for the common ancestor finds nothing within its limit.
    NothingInCommon,
    /// A search fails too often.
    SearchFailed,
    /// The common ancestor is more than 2,000 blocks back.
    DeepAncestor,
    /// The number of holders decides between two branches.
    HoldersDecide,
    /// Their lengths do.
    LengthDecides,
    /// A tie goes to their hash.
    TieLost,
    /// A tie goes to ours.
    TieWon,
    /// A branch waits while another one is compared.
    BranchWaits,
    /// A branch is given up before it is there.
    BranchAbandoned,
    /// A reorganisation.
    Reorg,
    /// One of more than 2,000 blocks.
    DeepReorg,
    /// A branch of a former life is discarded.
    StagedDiscarded,
    /// A second connection between the same two is closed.
    Duplicate,
    /// A connection finds no slot.
    SlotRefused,
    /// A peer is banned.
    Banned,
    /// A whitelisted peer is given up for its silence.
    MasternodeUnresponsive,
    /// A regular one is.
    PeerUnresponsive,
    /// A dial is given up for an hour.
    GaveUpDialling,
    /// A peer has another genesis.
    ForeignGenesis,
    /// Half-open connections are too many.
    HalfOpenDropped,
    /// A producer stays silent, since it is behind.
    ProducerSilent,
}

#[cfg(feature = "mutants")]
mod count {
    use super::Mark;
    use std::cell::Cell;

    const COUNT: usize = Mark::ALL.len();

    thread_local!(static REACHED: [Cell<u64>; COUNT] = const { [const { Cell::new(0) }; COUNT] });

    pub(in crate::protocol) fn reached(mark: Mark) {
        REACHED.with(|reached| {
            let count = &reached[mark as usize];
            count.set(count.get() + 1);
        });
    }

    /// How often each was reached in this thread since this was last asked, in the order of [`Mark::ALL`].
    pub fn take() -> Vec<u64> {
        REACHED.with(|reached| reached.iter().map(|count| count.replace(0)).collect())
    }
}

#[cfg(not(feature = "mutants"))]
mod count {
    pub(in crate::protocol) const fn reached(_: super::Mark) {}
}

pub(super) use count::reached;
#[cfg(feature = "mutants")]
pub use count::take;
