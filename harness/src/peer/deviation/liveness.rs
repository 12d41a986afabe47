//! Pings and pongs that don't come, or come wrong or too often; and silence in general.
use std::time::Duration;

use node::wire::Message;
use tokio::time::Instant;

use super::{Deviant, Outgoing, Scene, kind};
use crate::scenario::file::Kind;

/// Time between two bursts of a flood.
const BURST: Duration = Duration::from_millis(100);

/// Answers none of these. With [`Kind::Everything`] it doesn't ping by itself either.
pub struct Mute(pub Vec<Kind>);

impl Deviant for Mute {
    fn hears(&mut self, heard: &Message, _: &Scene) -> bool {
        let muted = |kind| self.0.contains(&kind);
        !(muted(Kind::Everything) || kind(heard).is_some_and(muted))
    }

    fn pings(&self, _: bool, count: u32) -> u32 {
        if self.0.contains(&Kind::Everything) { 0 } else { count }
    }
}

/// Answers pings once the connection is so old.
pub struct AnswersFrom(pub Duration);

impl Deviant for AnswersFrom {
    fn hears(&mut self, heard: &Message, scene: &Scene) -> bool {
        kind(heard) != Some(Kind::Pings) || scene.age() >= self.0
    }
}

/// Answers the last of each so many pings.
pub struct MissesPongs {
    every: u32,
    missed: u32,
}

impl MissesPongs {
    /// 0 and 1 miss none.
    pub fn new(every: u32) -> Self {
        Self { every, missed: 0 }
    }
}

impl Deviant for MissesPongs {
    fn hears(&mut self, heard: &Message, _: &Scene) -> bool {
        if kind(heard) != Some(Kind::Pings) {
            return true;
        }
        self.missed += 1;
        let answers = self.missed >= self.every;
        if answers {
            self.missed = 0;
        }
        answers
    }
}

/// Pongs carry nonce xor 1.
pub struct WrongNonce;

impl Deviant for WrongNonce {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::Pong { nonce, .. } = message {
                *nonce ^= 1;
            }
        }
    }
}

/// Repeats its first pong.
pub struct ReplayedPong(pub Option<Message>);

impl Deviant for ReplayedPong {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::Pong { .. } = message {
                *message = self.0.get_or_insert_with(|| message.clone()).clone();
            }
        }
    }
}

/// Pings so many times a second, in bursts where that is more than ten.
pub struct PingFlood {
    per_second: u32,
    began: Instant,
    last: Instant,
    sent: u64,
}

impl PingFlood {
    /// Begins at `now`.
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, began: now, last: now, sent: 0 }
    }
}

impl Deviant for PingFlood {
    fn next(&self) -> Option<Instant> {
        let one = Duration::from_secs(1).checked_div(self.per_second)?;
        Some(self.last + one.max(BURST))
    }

    fn due(&mut self, now: Instant) -> u32 {
        let per_second = u128::from(self.per_second);
        let due = (now - self.began).as_millis() * per_second / 1_000;
        let pings = u32::try_from(due - u128::from(self.sent)).unwrap_or(u32::MAX);
        (self.last, self.sent) = (now, due as u64);
        // What a late handshake held up isn't all made up for.
        pings.min(self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing::{Play, ask, met, met_by, number, ping};
    use crate::scenario::file::Deviation;
    use crate::scenario::value::Span;

    const REQUESTS: [fn() -> Message; 6] = [
        || ping(1),
        || Message::GetBlocks(1, 2),
        || ask(1, 2),
        || Message::GetBlockHash(1),
        || Message::GetChainTip,
        || Message::GetPeers,
    ];

    /// The names of the answers to all of `REQUESTS`.
    async fn answered(kinds: Vec<Kind>) -> Vec<&'static str> {
        let (_play, mut end) = met([Deviation::Mute(kinds)]).await;
        for request in REQUESTS {
            end.send(&request()).await;
        }
        let mut names = Vec::new();
        while let Ok(answer) = tokio::time::timeout(Duration::from_secs(9), end.answer()).await {
            names.push(answer.name());
        }
        names
    }

    #[tokio::test(start_paused = true)]
    async fn mute_peers_answer_the_rest() {
        let all =
            ["Pong", "BlocksResponse", "BlockRangeResponse", "BlockHashResponse", "ChainTipResponse", "PeersResponse"];
        assert_eq!(answered(Vec::new()).await, all);
        assert_eq!(answered(vec![Kind::Pings]).await, all[1..]);
        assert_eq!(answered(vec![Kind::Blocks]).await, [all[0], all[3], all[4], all[5]]);
        assert_eq!(answered(vec![Kind::Hashes, Kind::Tips]).await, [all[0], all[1], all[2], all[5]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_mute_altogether_does_not_ping_either() {
        let (play, mut end) = met_by([Deviation::Mute(vec![Kind::Everything])]).await;
        for request in REQUESTS {
            end.send(&request()).await;
        }
        assert!(tokio::time::timeout(Duration::from_secs(100), end.line()).await.is_err());
        assert_eq!(play.recorded(false, "GetPeers").len(), 1, "it reads");
    }

    /// Which of pings each second are answered with their nonce, and which with another.
    async fn pongs(deviation: Deviation, pings: u64) -> (Vec<u64>, Vec<u64>) {
        let (play, mut end) = met([deviation]).await;
        for nonce in 0..pings {
            end.send(&ping(nonce)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let sent = play.recorded(true, "Pong");
        let nonces = sent.iter().map(|fields| number(fields, "nonce"));
        nonces.partition(|nonce| *nonce < pings)
    }

    #[tokio::test(start_paused = true)]
    async fn pongs_are_missed() {
        assert_eq!(pongs(Deviation::MissesPongsOf(3), 9).await.0, [2, 5, 8]);
        assert_eq!(pongs(Deviation::MissesPongsOf(0), 3).await.0, [0, 1, 2]);
        let late = Deviation::AnswersPingsFrom(Span(Duration::from_millis(2_500)));
        assert_eq!(pongs(late, 5).await.0, [3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn pongs_are_wrong() {
        assert_eq!(pongs(Deviation::WrongNonce, 4).await, (vec![1, 0, 3, 2], vec![]));
        assert_eq!(pongs(Deviation::ReplayedPong, 3).await.0, [0, 0, 0]);
    }

    /// Pings sent in ten seconds, and records of them.
    async fn flood(per_second: u32) -> (u64, usize) {
        let (play, mut end) = met([Deviation::PingFlood(per_second)]).await;
        let mut pings = 0;
        let ten = tokio::time::sleep(Duration::from_millis(10_050));
        tokio::pin!(ten);
        loop {
            tokio::select! {
                biased;
                Some(Message::Ping { .. }) = end.next() => pings += 1,
                () = &mut ten => break,
            }
        }
        let records = records(play, end).await;
        let counted: u64 =
            records.iter().map(|fields| fields.get("count").map_or(1, |_| number(fields, "count"))).sum();
        assert!(counted >= pings, "{counted} {pings}");
        (pings, records.len())
    }

    async fn records(play: Play, end: crate::peer::testing::End) -> Vec<crate::history::Fields> {
        drop(end);
        tokio::time::sleep(Duration::from_millis(1)).await;
        play.recorded(true, "Ping")
    }

    #[tokio::test(start_paused = true)]
    async fn floods_are_as_fast_as_asked_and_recorded_in_sums() {
        let (pings, records) = flood(1_000).await;
        assert!((9_900..=10_100).contains(&pings), "{pings}");
        assert!(records < 20, "{records}");
        let (pings, _) = flood(15).await;
        assert!((148..=153).contains(&pings), "{pings}");
        let (pings, _) = flood(2).await;
        assert!((19..=22).contains(&pings), "{pings}");
        assert_eq!(flood(0).await.0, 1);
    }
}
