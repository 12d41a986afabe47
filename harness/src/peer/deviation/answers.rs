//! Answers to block requests with too little, the wrong thing, or too late.
use std::time::Duration;

use node::chain::Height;
use node::wire::Message;

use super::{Deviant, Outgoing, Payload, Scene, asks_blocks};

/// An empty list, and nothing where one block is asked.
pub struct Empty;

impl Deviant for Empty {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        Short(0).sends(request, out, scene);
    }
}

/// At most so many blocks.
pub struct Short(pub u64);

impl Deviant for Short {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        if asks_blocks(request) {
            cut(out, self.0);
        }
    }
}

/// Always this range.
pub struct WrongRange {
    pub start: Height,
    pub end: Height,
}

impl Deviant for WrongRange {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        for blocks in out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks) {
            *blocks = scene.served.range(self.start, self.end);
        }
    }
}

/// Each answer takes so long.
pub struct Drip(pub Duration);

impl Deviant for Drip {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for one in out.iter_mut().filter(|_| asks_blocks(request)) {
            one.over = self.0;
        }
    }
}

/// Each answer comes so late.
pub struct Delayed(pub Duration);

impl Deviant for Delayed {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for one in out.iter_mut().filter(|_| asks_blocks(request)) {
            one.after += self.0;
        }
    }
}

/// Closes the connection when it has served so many more blocks.
pub struct ClosesAfterBlocks(pub u64);

impl Deviant for ClosesAfterBlocks {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        if !asks_blocks(request) {
            return;
        }
        self.0 -= cut(out, self.0);
        if let Some(last) = out.last().filter(|_| self.0 == 0) {
            let close = Outgoing { after: last.after, ..Payload::Close.into() };
            out.push(close);
        }
    }
}

/// Leaves at most the first `most` blocks in `out`; how many are left. A list stays, if only empty.
fn cut(out: &mut Vec<Outgoing>, most: u64) -> u64 {
    let mut left = most;
    out.retain_mut(|one| {
        if let Some(blocks) = one.blocks() {
            blocks.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= blocks.len() as u64;
        } else if let Some(Message::BlockResponse(_)) = one.message() {
            let kept = left > 0;
            left -= u64::from(kept);
            return kept;
        }
        true
    });
    most - left
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::peer::testing::{Play, ask, handshake, met, part, ping};
    use crate::scenario::file::Deviation;
    use crate::scenario::value::Span;

    fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_empty_short_or_of_another_range() {
        for request in [ask(11, 20), Message::GetBlocks(11, 20)] {
            let (_play, mut end) = met([Deviation::EmptyAnswers]).await;
            assert!(end.heights(&request).await.is_empty());
            end.send(&Message::BlockRequest(11)).await;
            assert!(end.silent(Duration::from_secs(10)).await);
            let (_play, mut end) = met([Deviation::ShortAnswers(2)]).await;
            assert_eq!(end.heights(&request).await, [11, 12]);
            let (_play, mut end) = met([Deviation::WrongRange { start: 3, end: 5 }]).await;
            assert_eq!(end.heights(&request).await, [3, 4, 5]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_time_scale_an_answer_waits_and_drips_so_much_less() {
        for deviation in [Deviation::DelayedAnswers(seconds(20)), Deviation::Drip(seconds(20))] {
            let play = Play::scaled(part(vec![deviation]), 10).await;
            let mut end = play.dial().await;
            end.send(&handshake()).await;
            assert_eq!(end.answer().await.name(), "Ack");
            let began = Instant::now();
            assert_eq!(end.heights(&ask(1, 2)).await, [1, 2]);
            assert_eq!(began.elapsed().as_secs(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_takes_its_time_evenly_and_holds_up_the_pong_behind_it() {
        let (_play, mut end) = met([Deviation::Drip(seconds(250))]).await;
        let began = Instant::now();
        end.send(&ask(1, 500)).await;
        end.send(&ping(1)).await;
        let mut bytes = Vec::new();
        let half = tokio::time::sleep(Duration::from_secs(125));
        tokio::pin!(half);
        end.told().await;
        loop {
            use tokio::io::AsyncReadExt;
            tokio::select! {
                () = &mut half => break,
                byte = end.0.read_u8() => bytes.push(byte.unwrap()),
            }
        }
        let answer =
            node::wire::encode(&Message::BlockRangeResponse(crate::peer::testing::main().upto(500).skip(1).collect()));
        let share = bytes.len() as f64 / answer.len() as f64;
        assert!((0.498..0.502).contains(&share), "{share}");
        assert!(answer.starts_with(&bytes));
        let rest = end.line().await.unwrap();
        assert_eq!(answer[bytes.len()..], *rest.as_bytes());
        assert_eq!(began.elapsed().as_secs(), 250);
        assert_eq!(end.answer().await.name(), "Pong");
        assert_eq!(began.elapsed().as_secs(), 250);
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_answers_let_others_pass() {
        let (play, mut end) = met([Deviation::DelayedAnswers(seconds(290))]).await;
        let began = Instant::now();
        end.send(&ask(1, 3)).await;
        assert_eq!(end.ask(&ping(1)).await.name(), "Pong");
        assert_eq!(began.elapsed().as_secs(), 0);
        assert_eq!(end.next_heights().await, [1, 2, 3]);
        assert_eq!(began.elapsed().as_secs(), 290);
        assert_eq!(play.recorded(true, "BlockRangeResponse").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_after_so_many_blocks() {
        let deviations = [Deviation::ClosesAfterBlocks(5), Deviation::DelayedAnswers(seconds(1))];
        let (_play, mut end) = met(deviations).await;
        assert_eq!(end.heights(&ask(1, 3)).await, [1, 2, 3]);
        assert_eq!(end.heights(&ask(4, 9)).await, [4, 5]);
        assert!(end.closed(Duration::from_millis(10)).await);
        let (_play, mut end) = met([Deviation::ClosesAfterBlocks(1)]).await;
        assert_eq!(end.ask(&Message::BlockRequest(8)).await.name(), "BlockResponse");
        assert!(end.closed(Duration::from_millis(10)).await);
    }
}
