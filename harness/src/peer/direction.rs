//! What a scripted peer does about a stage direction, on one connection.
use node::chain::SealedBlock;
use node::wire::Message;
use tokio::time::Instant;

use super::outgoing::{Outgoing, Payload};
use super::role::{Role, Stage};
use crate::scenario::file::PushForm;
use crate::scenario::resolved::Direction;

/// Blocks in a line of a push.
const PUSHED_AT_ONCE: usize = 100;

impl Role {
    /// What it does about a stage direction; [`Direction::Disconnect`] and [`Direction::Connect`] are others' business.
    /// Before the end of the handshake, later.
    pub fn direct(&mut self, direction: &Direction, now: Instant) -> Vec<Outgoing> {
        self.scene.now = now;
        let told = self.scene.told;
        self.script.follow(direction);
        if let Direction::Deviate(_) = direction {
            self.cast();
        } else {
            self.serve();
        }
        let mut out = match direction {
            Direction::Tell(_) | Direction::Move(_) => self.ping(1),
            Direction::Announce(height) => self.send(None, vec![Message::BlockInventory(*height).into()]),
            Direction::Push { start, end, form } => {
                let blocks = self.scene.served.beyond(*start, *end);
                self.send(None, push(&blocks, *form))
            }
            Direction::Send(line) => vec![Payload::Line(line.clone()).into()],
            Direction::Deviate(_) if self.stage == Stage::Open => {
                let pings = u32::from(told != self.scene.told);
                let mut out = self.ping(pings);
                out.extend(self.deviants.iter_mut().flat_map(|deviant| deviant.opened(&mut self.scene)));
                out
            }
            Direction::Deviate(_) | Direction::Disconnect | Direction::Connect => Vec::new(),
        };
        if self.stage == Stage::Greeting {
            self.later.append(&mut out);
        }
        out
    }
}

fn push(blocks: &[SealedBlock], form: PushForm) -> Vec<Outgoing> {
    match form {
        PushForm::List => {
            blocks.chunks(PUSHED_AT_ONCE).map(|part| Message::BlocksResponse(part.to_vec()).into()).collect()
        }
        PushForm::Announcements => {
            blocks.iter().map(|block| Message::BlockAnnouncement(block.clone()).into()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::peer::testing::{Play, ask, handshake, main, main_at, met, met_by, part, ping};
    use crate::scenario::file::Deviation;
    use crate::scenario::resolved::At;

    #[tokio::test(start_paused = true)]
    async fn told_heights_are_told_at_once_and_everywhere_until_taken_back() {
        let (play, mut end) = met([]).await;
        end.told().await;
        let began = Instant::now();
        play.direct(Direction::Tell(Some(u64::MAX)));
        assert_eq!(end.told().await, Some(u64::MAX));
        let tip = main().block(1_000).unwrap().hash();
        let answer = end.ask(&Message::GetChainTip).await;
        assert_eq!(answer, Message::ChainTipResponse { height: u64::MAX, hash: tip });
        play.direct(Direction::Tell(Some(900)));
        assert_eq!(end.told().await, Some(900));
        let lower = main().block(900).unwrap().hash();
        let answer = end.ask(&Message::GetChainTip).await;
        assert_eq!(answer, Message::ChainTipResponse { height: 900, hash: lower });
        assert_eq!(end.heights(&ask(999, 1_001)).await, [999, 1_000], "it serves what it has");
        play.direct(Direction::Tell(None));
        assert_eq!(end.told().await, Some(1_000));
        play.direct(Direction::Announce(1_100));
        assert_eq!(end.answer().await, Message::BlockInventory(1_100));
        assert_eq!(end.ask(&Message::GetBlockHeight).await, Message::BlockHeightResponse(1_100));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn it_moves_to_another_chain() {
        let (play, mut end) = met([]).await;
        end.told().await;
        play.direct(Direction::Tell(Some(5)));
        assert_eq!(end.told().await, Some(5));
        play.direct(Direction::Move(At { chain: "fork".to_owned(), height: 1_010 }));
        assert_eq!(end.told().await, Some(1_010));
        let Message::BlockRangeResponse(blocks) = end.ask(&ask(990, 1_010)).await else { panic!() };
        assert_eq!((blocks.len(), blocks.first()), (21, main().block(990).as_ref()));
        assert_ne!(blocks.get(1), main().block(991).as_ref());
        play.direct(Direction::Move(main_at(1_100)));
        assert_eq!(end.told().await, Some(1_100));
    }

    #[tokio::test(start_paused = true)]
    async fn it_pushes_blocks_in_both_forms_also_above_what_it_serves() {
        let (play, mut end) = met([]).await;
        play.direct(Direction::Push { start: 950, end: 1_160, form: PushForm::List });
        for (start, last) in [(950, 1_049), (1_050, 1_149), (1_150, 1_160)] {
            assert_eq!(end.next_heights().await, (start..=last).collect::<Vec<_>>());
        }
        play.direct(Direction::Push { start: 1, end: 3, form: PushForm::Announcements });
        for height in 1..=3 {
            let block = main().block(height).unwrap();
            assert_eq!(end.answer().await, Message::BlockAnnouncement(block));
        }
        play.direct(Direction::Push { start: 3, end: 1, form: PushForm::List });
        assert!(end.silent(Duration::from_secs(9)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn it_sends_a_line_as_it_is_written() {
        let (play, mut end) = met_by([]).await;
        end.told().await;
        end.ask(&ping(1)).await;
        play.direct(Direction::Send("{\"FutureThing\":1e999}".to_owned()));
        assert_eq!(end.line().await.unwrap(), "{\"FutureThing\":1e999}\n");
        assert_eq!(play.recorded(true, "FutureThing").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn deviations_change_on_an_open_connection() {
        let (play, mut end) = met([]).await;
        end.told().await;
        play.direct(Direction::Deviate(vec![
            Deviation::StaleHeight(7),
            Deviation::JunkLines(vec!["\"GetPeers\"".to_owned()]),
            Deviation::ShortAnswers(1),
            Deviation::DuplicatedBlocks,
        ]));
        assert_eq!(end.told().await, Some(7), "at once");
        assert_eq!(end.answer().await, Message::GetPeers);
        assert_eq!(end.heights(&ask(1, 5)).await, [1, 1], "one after the other");
        play.direct(Direction::Deviate(Vec::new()));
        assert_eq!(end.told().await, Some(1_000));
        assert_eq!(end.heights(&ask(1, 5)).await, [1, 2, 3, 4, 5]);
        play.direct(Direction::Deviate(vec![Deviation::EmptyAnswers]));
        assert!(end.heights(&ask(1, 5)).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn directions_wait_for_the_end_of_the_handshake() {
        let play = Play::begin(part(Vec::new())).await;
        let mut end = play.dial().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        play.direct(Direction::Tell(Some(3)));
        play.direct(Direction::Send("\"GetPeers\"".to_owned()));
        assert!(end.silent(Duration::from_secs(5)).await);
        end.send(&handshake()).await;
        assert_eq!(end.answer().await.name(), "Ack");
        assert_eq!(end.told().await, Some(3));
        assert_eq!(end.answer().await, Message::GetPeers);
    }
}
