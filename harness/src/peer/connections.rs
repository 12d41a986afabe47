//! A scripted peer's connections.
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use node::chain::Hash;
use node::runtime::network::{Clock, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::chains::Chains;
use super::connection::Connection;
use super::recorder::{Recorder, Recording};
use super::role::Role;
use super::script::Script;
use crate::scenario::resolved::Direction;

/// Between two tries of a dial.
const DIAL_PAUSE: Duration = Duration::from_millis(100);

/// Takes what happens to a connection as a node sees it: the node's name, and a word of a history's.
pub type Fates = Arc<dyn Fn(&str, &'static str) + Send + Sync>;

/// A connection that is over.
pub struct Ended {
    id: u64,
    dialled: bool,
}

/// All connections of one peer, and what each is begun with.
pub struct Connections<N> {
    pub(super) name: String,
    pub(super) ip: IpAddr,
    pub(super) script: Script,
    pub(super) network: Arc<N>,
    pub(super) chains: Chains,
    pub(super) nodes: BTreeMap<String, SocketAddr>,
    pub(super) record: Recording,
    pub(super) fates: Option<Fates>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) seed: u64,
    /// Each until its end.
    pub(super) tasks: JoinSet<Ended>,
    /// By number: with whom, and how to direct them.
    pub(super) directed: BTreeMap<u64, (String, UnboundedSender<Direction>)>,
    /// How many there were.
    pub(super) begun: u64,
    /// A dial that is refused before then is tried again: nodes may start a little later than it.
    pub(super) patient_until: Instant,
}

impl<N: Network> Connections<N> {
    /// Has the script, and every connection, follow `direction`.
    pub fn direct(&mut self, direction: &Direction) {
        self.script.follow(direction);
        for (_, connection) in self.directed.values() {
            // One that is just over needs no direction.
            let _ = connection.send(direction.clone());
        }
    }

    /// Dials, once; while it has just started, until the node listens.
    pub fn dial(&mut self, node: &str) {
        let Some(&at) = self.nodes.get(node) else {
            return;
        };
        let (id, directions) = self.begin(node);
        let (network, source) = (self.network.clone(), self.ip);
        let part = self.part(id, node, true);
        let patient_until = self.patient_until;
        self.tasks.spawn(async move {
            let open = loop {
                match network.connect(Some(source), at).await {
                    Err(error)
                        if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < patient_until =>
                    {
                        sleep(DIAL_PAUSE).await;
                    }
                    open => break open,
                }
            };
            if let Ok(open) = open {
                part.play(open.stream, directions).await;
            }
            Ended { id, dialled: true }
        });
    }

    /// Plays on a connection that was accepted.
    pub fn accepted(&mut self, stream: N::Stream, from: IpAddr) {
        let known = self.nodes.iter().find(|(_, at)| at.ip() == from);
        let node = known.map_or_else(|| from.to_string(), |(name, _)| name.clone());
        let (id, directions) = self.begin(&node);
        let part = self.part(id, &node, false);
        self.tasks.spawn(async move {
            part.play(stream, directions).await;
            Ended { id, dialled: false }
        });
    }

    fn begin(&mut self, node: &str) -> (u64, UnboundedReceiver<Direction>) {
        self.begun += 1;
        let (sender, directions) = unbounded_channel();
        self.directed.insert(self.begun, (node.to_owned(), sender));
        (self.begun, directions)
    }

    fn part(&self, id: u64, node: &str, dialled: bool) -> Part {
        Part {
            script: self.script.clone(),
            chains: self.chains.clone(),
            dialled,
            clock: self.clock.clone(),
            rng: ChaCha8Rng::from_seed(Hash::of(format!("{}/{}/{id}", self.seed, self.name).as_bytes()).0),
            fate: self.fates.clone().map(|fates| (node.to_owned(), fates)),
            recorder: Recorder::new(node.to_owned(), self.record.clone(), self.script.time_scale),
        }
    }

    /// Forgets a connection; whom to dial again.
    pub fn ended(&mut self, ended: Result<Ended, JoinError>) -> Option<String> {
        let ended = ended.expect("a connection's task neither panics nor is aborted");
        let (node, _) = self.directed.remove(&ended.id)?;
        ended.dialled.then_some(node)
    }

    /// Whether there is a connection with `node`, or one is being dialled.
    pub fn is_connected(&self, node: &str) -> bool {
        self.directed.values().any(|(other, _)| other == node)
    }
}

/// What a connection is begun with.
struct Part {
    script: Script,
    chains: Chains,
    dialled: bool,
    clock: Arc<dyn Clock>,
    rng: ChaCha8Rng,
    fate: Option<(String, Fates)>,
    recorder: Recorder,
}

impl Part {
    /// Plays it to the end of the connection.
    async fn play<S: AsyncRead + AsyncWrite>(self, stream: S, mut directions: UnboundedReceiver<Direction>) {
        let tell = |what: &'static str| {
            if let Some((node, fates)) = &self.fate {
                fates(node, what);
            }
        };
        if !self.dialled {
            tell("dialled");
        }
        tell("opened");
        let dialect = self.chains.dialect().clone();
        let mut connection = Connection::new(stream, self.recorder, dialect, self.script.time_scale);
        let mut role = Role::new(self.script, self.chains, self.dialled, self.clock, self.rng, Instant::now());
        connection.send(role.open());
        loop {
            let next = role.next();
            tokio::select! {
                biased;
                direction = directions.recv() => match direction {
                    None | Some(Direction::Disconnect) => break,
                    Some(direction) => connection.send(role.direct(&direction, Instant::now())),
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => connection.send(role.due(Instant::now())),
                heard = connection.next(role.reads()) => match heard {
                    Some(heard) => connection.send(role.receive(&heard, Instant::now())),
                    None => break,
                },
            }
        }
        tell(connection.close());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use node::wire::Message;
    use tokio::time::sleep;

    use super::*;
    use crate::peer::PORT;
    use crate::peer::testing::{End, PEER, Play, ask, handshake, main_at, met, met_by, part, ping};
    use crate::scenario::file::Deviation;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_has_several_connections_and_ends_them_all_when_dropped() {
        let (play, mut first) = met([]).await;
        let mut second = play.dial().await;
        second.send(&handshake()).await;
        assert_eq!(second.answer().await.name(), "Ack");
        for end in [&mut first, &mut second] {
            assert_eq!(end.heights(&ask(1, 2)).await, [1, 2]);
        }
        play.direct(Direction::Tell(Some(5)));
        for end in [&mut first, &mut second] {
            while end.told().await != Some(5) {}
        }
        play.task.abort();
        assert!(first.closed(SECOND).await && second.closed(SECOND).await);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_end_and_begin_by_direction() {
        let (mut play, mut end) = met_by([]).await;
        play.direct(Direction::Disconnect);
        assert!(end.closed(SECOND).await);
        play.direct(Direction::Connect);
        let mut end = play.dialled().await;
        assert_eq!(end.next().await.unwrap().name(), "Handshake");
        // Once more, beside the other.
        play.direct(Direction::Connect);
        let mut second = play.dialled().await;
        assert_eq!(second.next().await.unwrap().name(), "Handshake");
        assert_eq!(end.ask(&ping(1)).await.name(), "Pong");
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_to_connections_is_told_as_the_node_sees_it() {
        let (mut play, end) = met_by([]).await;
        drop(end);
        sleep(SECOND).await;
        play.direct(Direction::Connect);
        let mut end = play.dialled().await;
        sleep(SECOND).await;
        play.direct(Direction::Disconnect);
        assert!(end.closed(SECOND).await);
        let end = play.dial().await;
        sleep(SECOND).await;
        drop(end);
        sleep(SECOND).await;
        let told = play.fates.lock().unwrap().join(", ");
        assert_eq!(
            told,
            "n opened, n closed_by_node, n opened, n closed_by_peer, n dialled, n opened, n closed_by_node"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_became_lasts_for_later_connections() {
        let (play, _end) = met([]).await;
        play.direct(Direction::Deviate(vec![Deviation::EmptyAnswers]));
        play.direct(Direction::Move(main_at(900)));
        sleep(SECOND).await;
        let mut end = play.dial().await;
        end.send(&handshake()).await;
        end.answer().await;
        assert!(end.heights(&ask(1, 2)).await.is_empty());
        let height = end.ask(&Message::GetBlockHeight).await;
        assert_eq!(height, Message::BlockHeightResponse(900));
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_are_recorded_by_their_address() {
        let play = Play::begin(part(Vec::new())).await;
        let stranger = "10.0.9.9".parse().unwrap();
        let open = play.net.connect(Some(stranger), SocketAddr::new(PEER, PORT)).await.unwrap();
        let mut end = End(tokio::io::BufReader::new(open.stream));
        end.send(&handshake()).await;
        end.answer().await;
        let seen = play.seen.lock().unwrap();
        let named = |what: &_| matches!(what, crate::history::What::Wire { node, .. } if node == "10.0.9.9");
        assert!(seen.iter().any(named));
    }
}
