//! What one connection carried, as observations.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::note::{Note, field};
use crate::history::{Fields, What};

/// Takes observations as they are made.
pub type Recording = Arc<dyn Fn(What) + Send + Sync>;

/// So many equal messages in a second are recorded one by one; what goes beyond is summed up, so that a flood leaves a history short.
const ONE_BY_ONE: u32 = 5;

/// What is summed up where it comes in floods.
const SUMMED: [&str; 4] = ["Ping", "Pong", "BlockAnnouncement", "undecodable"];

/// Over what time it is.
const WINDOW: Duration = Duration::from_secs(1);

/// Records for one connection.
pub struct Recorder {
    /// The other end's name.
    node: String,
    record: Recording,
    window: Duration,
    repeats: BTreeMap<(bool, Cow<'static, str>), Repeats>,
}

/// One kind of message in the second since `since`.
struct Repeats {
    since: Instant,
    seen: u32,
    /// Not recorded yet, and the last of them.
    summed: u64,
    last: Fields,
}

impl Recorder {
    /// For a connection with `node`, in a run that is `time_scale` times as fast as its scenario.
    pub fn new(node: String, record: Recording, time_scale: u32) -> Self {
        Self { node, record, window: WINDOW / time_scale, repeats: BTreeMap::new() }
    }

    /// Records, or adds to a sum.
    pub fn note(&mut self, sent: bool, note: Note, now: Instant) {
        if !SUMMED.contains(&&*note.message) {
            return (self.record)(note.seen(&self.node, sent));
        }
        self.flush(now);
        let repeats = self.repeats.entry((sent, note.message.clone())).or_insert_with(|| Repeats::begin(now));
        repeats.seen += 1;
        if repeats.seen <= ONE_BY_ONE {
            (self.record)(note.seen(&self.node, sent));
        } else {
            repeats.summed += 1;
            repeats.last = note.fields;
        }
    }

    /// When the next sum is due to be [flushed](Self::flush).
    pub fn due(&self) -> Option<Instant> {
        let summing = self.repeats.values().filter(|repeats| repeats.summed > 0);
        summing.map(|repeats| repeats.since + self.window).min()
    }

    /// Records the sums of seconds that are over: one record each, `count` and the last one's fields but its nonce.
    pub fn flush(&mut self, now: Instant) {
        let window = self.window;
        self.flush_if(now, |repeats| repeats.since + window <= now);
    }

    /// Records all sums: the connection is over.
    pub fn finish(mut self, now: Instant) {
        self.flush_if(now, |_| true);
    }

    fn flush_if(&mut self, now: Instant, over: impl Fn(&Repeats) -> bool) {
        for ((sent, message), repeats) in &mut self.repeats {
            if !over(repeats) {
                continue;
            }
            let flood = repeats.summed > 0;
            if flood {
                let mut fields = std::mem::take(&mut repeats.last);
                fields.remove("nonce");
                fields.extend([field("count", repeats.summed)]);
                let note = Note { message: message.clone(), fields };
                (self.record)(note.seen(&self.node, *sent));
            }
            // A flood goes on as sums only.
            let seen = if flood { ONE_BY_ONE } else { 0 };
            *repeats = Repeats { seen, ..Repeats::begin(now) };
        }
    }
}

impl Repeats {
    fn begin(now: Instant) -> Self {
        Self { since: now, seen: 0, summed: 0, last: Fields::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use node::wire::Message;
    use tokio::time::sleep;

    use super::*;
    use crate::peer::testing::number;

    /// A recorder, and what it has recorded: how many at once, or 1.
    fn recorder() -> (Recorder, impl Fn() -> Vec<u64>) {
        let seen: Arc<Mutex<Vec<What>>> = Arc::default();
        let sink = seen.clone();
        let recorder = Recorder::new("n".to_owned(), Arc::new(move |what| sink.lock().unwrap().push(what)), 1);
        let counts = move || {
            let count = |what: &What| match what {
                What::Wire { fields, .. } if fields.contains_key("count") => {
                    assert!(!fields.contains_key("nonce"));
                    number(fields, "count")
                }
                _ => 1,
            };
            seen.lock().unwrap().iter().map(count).collect()
        };
        (recorder, counts)
    }

    fn ping() -> Note {
        Note::from(&Message::Ping { nonce: 1, timestamp: 1, height: Some(1) })
    }

    #[tokio::test(start_paused = true)]
    async fn floods_are_summed_each_second_and_nothing_is_lost() {
        let (mut recorder, counts) = recorder();
        for _ in 0..30 {
            for _ in 0..10 {
                recorder.note(true, ping(), Instant::now());
            }
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(counts(), [1, 1, 1, 1, 1, 95, 100]);
        assert_eq!(recorder.due(), Some(Instant::now()));
        recorder.flush(Instant::now());
        assert_eq!(counts().last(), Some(&100));
        assert_eq!(recorder.due(), None);
        // When the flood is over, they are recorded one by one again.
        sleep(Duration::from_secs(30)).await;
        recorder.note(true, ping(), Instant::now());
        recorder.note(false, ping(), Instant::now());
        assert_eq!(counts()[8..], [1, 1]);
        for _ in 0..6 {
            recorder.note(true, ping(), Instant::now());
        }
        recorder.finish(Instant::now());
        assert_eq!(counts()[10..], [1, 1, 1, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_never_summed() {
        let (mut recorder, counts) = recorder();
        for height in 0..500 {
            recorder.note(false, Note::from(&Message::GetBlockHash(height)), Instant::now());
        }
        assert_eq!(counts(), [1; 500]);
    }
}
