//! A node that already runs, somewhere: the harness knows where it listens, and plays its peers.
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use node::chain::Height;
use node::wire::{Decoded, LineDecoder, MAGIC, Message, PROTOCOL_VERSION, decode, encode};

use super::cast::{Cast, Stage};
use super::limits::addresses;
use super::origin::Origin;
use super::readdress::{AddressBook, ROOM};
use super::scrape::Scraper;
use super::watch::Watch;
use super::{LOOK, ProcessError, SAMPLE, Wanted};
use crate::fault::SimTime;
use crate::history::{History, Meta, Observation, What};
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, Node};
use crate::subject::Tell;
use crate::subject::agenda::{Agenda, Turn};
use crate::subject::profile::Profile;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where it is, and what is known of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub at: SocketAddrV4,
    /// Its profile.
    pub profile: Arc<Profile>,
}

impl Options {
    /// Lets it begin anew, where its profile says how.
    ///
    /// # Errors
    /// The program can't be started, or fails.
    pub fn reset(&self) -> Result<(), ProcessError> {
        let [program, words @ ..] = self.profile.attach.reset.as_slice() else { return Ok(()) };
        let done = Command::new(program).args(words).stdin(Stdio::null()).output().to(format!("start {program}"))?;
        if done.status.success() {
            return Ok(());
        }
        let report = format!("{}, {}", done.status, String::from_utf8_lossy(&done.stderr).trim());
        Err(ProcessError::Program { command: self.profile.attach.reset.join(" "), report })
    }

    /// The height that it tells who asks; `None` where it doesn't answer in time.
    pub fn height(&self) -> Option<Height> {
        let mut stream = TcpStream::connect_timeout(&self.at.into(), PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let first =
            Message::Handshake { magic: MAGIC, protocol_version: PROTOCOL_VERSION, network: "testnet".to_owned() };
        stream.write_all(&encode(&first)).ok()?;
        stream.write_all(&encode(&Message::GetBlockHeight)).ok()?;
        let (mut lines, mut chunk, asked) = (LineDecoder::default(), [0; 4096], Watch::start(1));
        while asked.now() < PATIENCE {
            let mut rest = match stream.read(&mut chunk).ok()? {
                0 => return None,
                bytes => &chunk[..bytes],
            };
            while !rest.is_empty() {
                // Something else may be said before.
                let Some(line) = lines.push(&mut rest).ok()? else { continue };
                if let Ok(Decoded::Message(Message::BlockHeightResponse(height))) = decode(&line) {
                    return Some(height);
                }
            }
        }
        None
    }
}

/// What `scenario` needs and can't be had from a node that is not ours to start, each with the reason.
pub fn unsupported(scenario: &Scenario, seed: u64, options: &Options) -> Vec<String> {
    let attach = &options.profile.attach;
    let mut reasons = Vec::new();
    let mut lacks = |reason: String| {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    for node in scenario.nodes.values() {
        let (wanted, named) = (node.whitelists.len(), attach.whitelisted.len());
        if wanted > named {
            lacks(format!("{wanted} whitelisted peers: `attach` names {named} addresses"));
        }
        let masternode = attach.masternode;
        if node.masternode != masternode {
            lacks(format!("a node that is {} masternode", if masternode { "no" } else { "a" }));
        }
        let others = scenario.peers.len().saturating_sub(wanted);
        if !attach.regular.is_empty() && others > attach.regular.len() {
            lacks(format!("{others} regular peers: `attach` names {} addresses", attach.regular.len()));
        }
        if attach.regular.is_empty() && !options.at.ip().is_loopback() {
            lacks(
                "regular peers: `attach` names no addresses, and the node isn't reached on this machine's own".into(),
            );
        }
        configured(node)
            .into_iter()
            .for_each(|what| lacks(format!("{what}: needs a restart with another configuration")));
    }
    if addresses(scenario).len() > ROOM {
        lacks(format!("more than {ROOM} addresses: loopback has no room for them"));
    }
    if !scenario.links.is_empty() {
        lacks("`links`: nothing stands between the node and its peers".into());
    }
    for step in scenario.timeline(seed) {
        if let Act::Fault { fault, .. } = &step.act {
            lacks(format!("`{fault}`: the node is not ours to hurt"));
        }
    }
    reasons
}

/// What is wanted in its configuration.
fn configured(node: &Node) -> Vec<&'static str> {
    let wanted = [
        ("settings", !node.config.is_empty()),
        ("checkpoints", !node.checkpoints.is_empty()),
        ("a blacklist", !node.blacklists.is_empty()),
        ("an address in its whitelist twice", !node.whitelists_again.is_empty()),
        ("regular peers that it dials", !node.dials.is_empty()),
        ("a node that starts later", !node.starts_at.is_zero()),
    ];
    wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(what, _)| what).collect()
}

/// Plays `scenario`'s peers once.
///
/// # Errors
/// The environment: an address that isn't this machine's, no permission.
pub fn play(
    told: &Scenario,
    chains: &Chains,
    seed: u64,
    options: &Options,
    tell: Tell<'_>,
) -> Result<History, ProcessError> {
    let profile = &options.profile;
    let mut real = told.clone();
    let node = real.nodes.iter().next().map(|(name, node)| (name.clone(), node.clone()));
    let Some((name, node)) = node else { return Ok(History::default()) };
    let attach = profile.attach.clone();
    let known = node.whitelists.iter().copied().zip(attach.whitelisted).chain([(node.ip, *options.at.ip())]).collect();
    let _book = AddressBook::taking(&mut real, known, attach.regular).to("find free loopback addresses")?;
    let watch = Watch::start(1);
    let stage = Stage {
        told,
        real: &real,
        chains,
        nodes: [(name.clone(), options.at.into())].into(),
        port: profile.port,
        ahead_ms: 0,
        tells_fates: true,
    };
    let cast = Cast::start(stage, seed, Origin::Machine, &watch).to("start the scripted peers")?;
    let scraper = Scraper::start(Origin::Machine, watch.clone()).to("start a thread")?;
    let mut agenda = Agenda::of(told, seed);
    let mut sampled: Option<SimTime> = None;
    loop {
        let now = watch.now();
        tell(now);
        for (_, turn) in agenda.due(now.min(told.runs_for)) {
            // There are no faults: see `unsupported`.
            if let Turn::Direct(peers, direction) = turn {
                cast.direct(&peers, &direction);
            }
        }
        let ended = now >= told.runs_for;
        if ended || sampled.is_none_or(|sampled| now >= sampled + SAMPLE) {
            sampled = Some(now);
            if let Some((port, path)) = profile.metrics.clone() {
                scraper.ask(path, vec![(name.clone(), SocketAddrV4::new(*options.at.ip(), port).into())]);
            }
        }
        if ended {
            break;
        }
        thread::sleep(LOOK.min(watch.until(told.runs_for)));
    }
    scraper.finish();
    let full = watch.is_full();
    let (mut seen, end) = (watch.take(), watch.now());
    drop(cast);
    if !full {
        seen.push(Observation { at: end, source: "harness".to_owned(), what: What::Ended });
    }
    let parties = [(name, node.ip)].into_iter();
    let parties = parties.chain(told.peers.iter().map(|(name, peer)| (name.clone(), peer.ip))).collect();
    let mut history = History::new(Meta { scenario: told.name.clone(), seed, parties, ..Meta::default() });
    seen.into_iter().for_each(|seen| history.push(seen));
    Ok(history)
}
