//! Heights that aren't the peer's, or aren't told.
use std::time::Duration;

use node::chain::Height;
use node::wire::Message;
use tokio::time::Instant;

use super::{Deviant, Outgoing, Scene};

/// Tells so much more.
pub struct Inflated(pub u64);

impl Deviant for Inflated {
    fn height(&self, told: Height) -> Height {
        told.saturating_add(self.0)
    }
}

/// Tells this one for ever.
pub struct Stale(pub Height);

impl Deviant for Stale {
    fn height(&self, _: Height) -> Height {
        self.0
    }
}

/// Tells these in turn, each by a ping.
pub struct Flapping {
    heights: Vec<Height>,
    turn: usize,
    every: Duration,
    next: Instant,
}

impl Flapping {
    /// `every` is at least 1 ms, the finest that timers know.
    pub fn new(heights: Vec<Height>, every: Duration, now: Instant) -> Self {
        let every = every.max(Duration::from_millis(1));
        Self { heights, turn: 0, every, next: now + every }
    }
}

impl Deviant for Flapping {
    fn height(&self, told: Height) -> Height {
        let turn = self.turn.checked_rem(self.heights.len());
        turn.map_or(told, |turn| self.heights[turn])
    }

    fn next(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn due(&mut self, now: Instant) -> u32 {
        self.turn = self.turn.wrapping_add(1);
        self.next = now + self.every;
        1
    }
}

/// Tells none in pings and pongs.
pub struct NoHeights;

impl Deviant for NoHeights {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Ping { .. } | Message::Pong { .. }));
    }
}

/// Tells it in pings, not in pongs or answers.
pub struct PingsOnly;

impl Deviant for PingsOnly {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Pong { .. }));
        drop_answers(out);
    }
}

/// Tells it in pongs, not in pings or answers.
pub struct PongsOnly;

impl Deviant for PongsOnly {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Ping { .. }));
        drop_answers(out);
    }
}

fn hide(out: &mut [Outgoing], of: impl Fn(&Message) -> bool) {
    for message in out.iter_mut().filter_map(Outgoing::message).filter(|message| of(message)) {
        if let Message::Ping { height, .. } | Message::Pong { height, .. } = message {
            *height = None;
        }
    }
}

fn drop_answers(out: &mut Vec<Outgoing>) {
    out.retain_mut(|one| {
        !matches!(one.message(), Some(Message::BlockHeightResponse(_) | Message::ChainTipResponse { .. }))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing::{met, met_by, ping};
    use crate::scenario::file::Deviation;

    /// What is told in the first ping, in a pong, in an answer, and in a tip.
    async fn told(deviation: Deviation) -> [Option<Height>; 4] {
        let (_play, mut end) = met([deviation]).await;
        let pinged = end.told().await;
        let Message::Pong { height: ponged, .. } = end.ask(&ping(1)).await else { panic!() };
        let mut answers = [None, None];
        for (answer, request) in answers.iter_mut().zip([Message::GetBlockHeight, Message::GetChainTip]) {
            end.send(&request).await;
            // A pong behind it shows that there is no answer.
            match end.ask(&ping(2)).await {
                Message::BlockHeightResponse(height) | Message::ChainTipResponse { height, .. } => {
                    *answer = Some(height);
                    assert_eq!(end.answer().await.name(), "Pong");
                }
                other => assert_eq!(other.name(), "Pong"),
            }
        }
        [pinged, ponged, answers[0], answers[1]]
    }

    #[tokio::test(start_paused = true)]
    async fn other_heights_are_told_everywhere() {
        for (deviation, height) in [
            (Deviation::InflatedHeight(5), 1_005),
            (Deviation::InflatedHeight(u64::MAX), u64::MAX),
            (Deviation::MaxHeight, u64::MAX),
            (Deviation::StaleHeight(0), 0),
        ] {
            assert_eq!(told(deviation).await, [Some(height); 4]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn heights_are_told_in_some_messages_only() {
        let real = Some(1_000);
        assert_eq!(told(Deviation::NoHeights).await, [None, None, real, real]);
        assert_eq!(told(Deviation::HeightInPingsOnly).await, [real, None, None, None]);
        assert_eq!(told(Deviation::HeightInPongsOnly).await, [None, real, None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn heights_flap_by_pings() {
        let every = crate::scenario::value::Span(Duration::from_millis(100));
        let flapping = Deviation::FlappingHeight { heights: vec![0, u64::MAX, 7], every };
        let (_play, mut end) = met_by([flapping]).await;
        let began = Instant::now();
        let mut heights = Vec::new();
        for _ in 0..7 {
            heights.push(end.told().await.unwrap());
        }
        assert_eq!(heights, [0, u64::MAX, 7, 0, u64::MAX, 7, 0]);
        assert_eq!(began.elapsed().as_millis().div_ceil(100), 6);
        let none = Deviation::FlappingHeight { heights: Vec::new(), every };
        assert_eq!(told(none).await, [Some(1_000); 4]);
    }
}
