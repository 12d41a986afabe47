//! Bytes that are no messages, and bytes that are not read.
use rand::RngCore;

use super::{Deviant, Outgoing, Payload, Scene};

/// One line of so many bytes, without an end.
pub struct OversizedLine(pub u64);

impl Deviant for OversizedLine {
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        vec![Payload::Filler(self.0).into()]
    }
}

/// These lines.
pub struct JunkLines(pub Vec<String>);

impl Deviant for JunkLines {
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        self.0.iter().map(|line| Payload::Line(line.clone()).into()).collect()
    }
}

/// So many bytes, drawn from the seed; one in 256 is a line end, and so is the last.
pub struct JunkBytes(pub u64);

impl Deviant for JunkBytes {
    fn opened(&mut self, scene: &mut Scene) -> Vec<Outgoing> {
        let seed = scene.rng.next_u64();
        vec![Payload::Noise { bytes: self.0, seed }.into()]
    }
}

/// Reads nothing after the handshake.
pub struct NeverReads;

impl Deviant for NeverReads {
    fn reads(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use crate::peer::testing::{met, met_by, number, ping};
    use crate::scenario::file::Deviation;

    #[tokio::test(start_paused = true)]
    async fn an_oversized_line_has_its_size_and_no_end() {
        let (play, mut end) = met([Deviation::OversizedLine(3_000_000)]).await;
        end.told().await;
        let mut bytes = vec![0; 3_000_000];
        end.0.read_exact(&mut bytes).await.unwrap();
        assert!(bytes.iter().all(|byte| *byte == b'x'));
        assert_eq!(number(&play.recorded(true, "junk")[0], "bytes"), 3_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn junk_lines_come_as_written_also_where_the_peer_dialled() {
        let lines = ["{\"FutureThing\":{}}", "[[[", "", "\r", "\"GetPeers\""];
        let (play, mut end) = met_by([Deviation::JunkLines(lines.map(str::to_owned).into())]).await;
        assert_eq!(end.line().await.unwrap().get(..7), Some("{\"Ping\""));
        for line in lines {
            assert_eq!(end.line().await.unwrap(), format!("{line}\n"));
        }
        assert_eq!(end.ask(&ping(1)).await.name(), "Pong");
        let seen = ["FutureThing", "undecodable", "GetPeers"].map(|name| play.recorded(true, name).len());
        assert_eq!(seen, [1, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn junk_bytes_are_drawn_from_the_seed() {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let (_play, mut end) = met([Deviation::JunkBytes(100_000)]).await;
            end.told().await;
            let mut bytes = vec![0; 100_000];
            end.0.read_exact(&mut bytes).await.unwrap();
            runs.push(bytes);
        }
        assert_eq!(runs[0], runs[1]);
        assert_eq!(runs[0].last(), Some(&b'\n'));
        let ends = runs[0].iter().filter(|byte| **byte == b'\n').count();
        assert!((300..500).contains(&ends), "{ends}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_read_fills_the_pipe_until_it_may_be_read_again() {
        let (play, mut end) = met([Deviation::NeverReads]).await;
        assert_eq!(end.told().await, Some(1_000));
        let line = node::wire::encode(&ping(1));
        let full = async {
            loop {
                end.0.write_all(&line).await.unwrap();
            }
        };
        assert!(timeout(Duration::from_secs(20), full).await.is_err());
        assert_eq!(play.recorded(false, "Ping").len(), 0);
        play.direct(crate::scenario::resolved::Direction::Deviate(Vec::new()));
        assert_eq!(end.answer().await.name(), "Pong");
    }
}
