//! Deviations from the honest peer: a small piece each, in one place, and any of them may go together.
mod answers;
mod blocks;
mod bytes;
mod hashes;
mod heights;
mod liveness;
mod opening;
mod production;

use node::chain::Height;
use node::wire::Message;
use tokio::time::Instant;

use super::outgoing::{Outgoing, Payload};
use super::scene::Scene;
use super::served::Served;
use crate::scenario::file::{Deviation, Kind};

/// How a connection begins.
#[derive(Debug, PartialEq)]
pub enum Opening {
    /// With the handshake.
    Honest,
    /// With this instead.
    Instead(Vec<Outgoing>),
}

/// One deviation on one connection. What it leaves as it is here, an honest peer does; several change things in turn.
pub trait Deviant: Send {
    /// What the peer serves, instead of `served`.
    fn serves(&self, served: Served) -> Served {
        served
    }

    /// How a connection begins.
    fn opens(&mut self) -> Opening {
        Opening::Honest
    }

    /// What is sent once, when the handshake is finished or, on an open connection, when the deviation begins.
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        Vec::new()
    }

    /// Whether the peer reads, after the handshake.
    fn reads(&self) -> bool {
        true
    }

    /// How many pings it sends in one of its rounds, instead of `count`; `first`: with the handshake.
    fn pings(&self, _first: bool, count: u32) -> u32 {
        count
    }

    /// The height it tells, instead of `told`.
    fn height(&self, told: Height) -> Height {
        told
    }

    /// Whether a message is answered.
    fn hears(&mut self, _heard: &Message, _: &Scene) -> bool {
        true
    }

    /// Changes what is sent: as answers to `request`, or, without one, by itself.
    fn sends(&mut self, _request: Option<&Message>, _out: &mut Vec<Outgoing>, _: &mut Scene) {}

    /// When [`Deviant::due`] is to be called.
    fn next(&self) -> Option<Instant> {
        None
    }

    /// How many further pings are sent now.
    fn due(&mut self, _now: Instant) -> u32 {
        0
    }
}

/// The piece for `deviation`, beginning `now`; its own times are divided by `time_scale`, those of what it sends are not yet.
pub fn of(deviation: &Deviation, now: Instant, time_scale: u32) -> Box<dyn Deviant> {
    use answers::{ClosesAfterBlocks, Delayed, Drip, Empty, Short, WrongRange};
    use blocks::{Duplicated, Extra, Invalid, Reversed, Shuffled};
    use bytes::{JunkBytes, JunkLines, NeverReads, OversizedLine};
    use hashes::{NullHashes, RandomHashes, WrongGenesis};
    use heights::{Flapping, Inflated, NoHeights, PingsOnly, PongsOnly, Stale};
    use liveness::{AnswersFrom, MissesPongs, Mute, PingFlood, ReplayedPong, WrongNonce};
    use opening::{BadHandshake, ClosesAfter, ClosesAtOnce};
    use production::Production;

    match deviation.clone() {
        Deviation::InflatedHeight(by) => Box::new(Inflated(by)),
        Deviation::MaxHeight => Box::new(Stale(Height::MAX)),
        Deviation::StaleHeight(height) => Box::new(Stale(height)),
        Deviation::FlappingHeight { heights, every } => Box::new(Flapping::new(heights, every.0 / time_scale, now)),
        Deviation::NoHeights => Box::new(NoHeights),
        Deviation::HeightInPingsOnly => Box::new(PingsOnly),
        Deviation::HeightInPongsOnly => Box::new(PongsOnly),
        Deviation::Mute(kinds) => Box::new(Mute(kinds)),
        Deviation::AnswersPingsFrom(age) => Box::new(AnswersFrom(age.0 / time_scale)),
        Deviation::MissesPongsOf(every) => Box::new(MissesPongs::new(every)),
        Deviation::WrongNonce => Box::new(WrongNonce),
        Deviation::ReplayedPong => Box::new(ReplayedPong(None)),
        Deviation::EmptyAnswers => Box::new(Empty),
        Deviation::WrongRange { start, end } => Box::new(WrongRange { start, end }),
        Deviation::ShortAnswers(most) => Box::new(Short(most)),
        Deviation::Drip(over) => Box::new(Drip(over.into())),
        Deviation::DelayedAnswers(after) => Box::new(Delayed(after.into())),
        Deviation::ShuffledBlocks => Box::new(Shuffled),
        Deviation::DuplicatedBlocks => Box::new(Duplicated),
        Deviation::ReversedBlocks => Box::new(Reversed),
        Deviation::ExtraBlocks(count) => Box::new(Extra(count)),
        Deviation::InvalidBlock { at, flaw } => Box::new(Invalid { at, flaw }),
        Deviation::WrongGenesis => Box::new(WrongGenesis),
        Deviation::OversizedLine(bytes) => Box::new(OversizedLine(bytes)),
        Deviation::JunkLines(lines) => Box::new(JunkLines(lines)),
        Deviation::JunkBytes(bytes) => Box::new(JunkBytes(bytes)),
        Deviation::NeverReads => Box::new(NeverReads),
        Deviation::ClosesAtOnce => Box::new(ClosesAtOnce),
        Deviation::ClosesAfter(time) => Box::new(ClosesAfter(time.into())),
        Deviation::ClosesAfterBlocks(blocks) => Box::new(ClosesAfterBlocks(blocks)),
        Deviation::BadHandshake(handshake) => Box::new(BadHandshake(handshake)),
        Deviation::PingFlood(per_second) => Box::new(PingFlood::new(per_second.saturating_mul(time_scale), now)),
        Deviation::NullHashes => Box::new(NullHashes),
        Deviation::RandomHashes => Box::new(RandomHashes),
        Deviation::Production => Box::new(Production),
    }
}

/// The group a request belongs to; `None` for what is no request of any group.
fn kind(request: &Message) -> Option<Kind> {
    match request {
        Message::Ping { .. } => Some(Kind::Pings),
        Message::GetBlocks(..) | Message::GetBlockRange { .. } | Message::BlockRequest(_) => Some(Kind::Blocks),
        Message::GetBlockHash(_) => Some(Kind::Hashes),
        Message::GetChainTip | Message::GetBlockHeight => Some(Kind::Tips),
        _ => None,
    }
}

/// Whether `request` asks for blocks.
fn asks_blocks(request: Option<&Message>) -> bool {
    request.and_then(kind) == Some(Kind::Blocks)
}
