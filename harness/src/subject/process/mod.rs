//! Subjects as processes, each in a network namespace of its own, joined by the harness's packet link; where there are no namespaces,
//! on loopback addresses with the faults that need none. Time is real.
pub mod attached;
mod cast;
mod connections;
mod disk;
mod forwarder;
mod ground;
mod limits;
mod local;
mod log_line;
mod member;
pub mod namespace;
mod origin;
mod packet;
pub mod packet_link;
pub mod privilege;
pub mod program;
mod readdress;
mod scrape;
mod shelter;
pub mod spawner;
mod watch;
mod wires;

pub use limits::unsupported;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use node::runtime::{Clock, SystemClock};

use self::cast::{Cast, Stage};
use self::disk::{copy, import, stored_chain};
use self::ground::{Ground, Tuns};
use self::member::{Ears, LONGEST_LOG, Member};
use self::packet_link::PacketLink;
use self::privilege::Ability;
use self::program::{Program, Setting};
use self::readdress::AddressBook;
use self::scrape::Scraper;
use self::shelter::Shelter;
use self::watch::Watch;
use self::wires::Wires;
use super::agenda::{Agenda, Turn};
use super::change::fates;
use super::link_fault::{LinkFaults, set_links};
use super::{LATENCY, Tell};
use crate::fault::SimTime;
use crate::fault::link::LinkParams;
use crate::history::{History, LATE, Meta, Observation, What, memory_of};
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::resolved::{At, Fault};
use crate::subject::container::EngineError;

/// The harness's own address, for its questions.
const HARNESS: Ipv4Addr = Ipv4Addr::new(10, 255, 255, 1);
/// Where nodes answer questions.
const HTTP_PORT: u16 = 9100;
/// Between two samples of the metrics, in the scenario's time.
const SAMPLE: Duration = Duration::from_secs(10);
/// The harness looks at everything so often, in the scenario's time.
const LOOK: Duration = Duration::from_millis(20);
/// And, in real time, not more often than this.
const SHORTEST_LOOK: Duration = Duration::from_millis(2);

/// How processes are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What runs as nodes.
    pub program: Program,
    /// Divides every interval, timeout and back-off (D-29); 1 is real time.
    pub time_scale: u32,
    /// What the system allows.
    pub ability: Ability,
}

/// A clock that was moved is told in the pings after this, in the scenario's time, and to so many seconds.
const CLOCK_SETTLES: Duration = Duration::from_secs(2);
const CLOCK_TOLERANCE_S: i64 = 10;

/// The environment failed: neither the node nor the scenario is to blame.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System {
        /// What was wanted.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// The node's program did not do what it is needed for.
    #[error("`{command}` failed: {report}")]
    Program {
        /// The words.
        command: String,
        /// What it says.
        report: String,
    },
    /// Around containers.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

trait Wanted<T> {
    fn to(self, what: impl Into<String>) -> Result<T, ProcessError>;
}

impl<T> Wanted<T> for io::Result<T> {
    fn to(self, what: impl Into<String>) -> Result<T, ProcessError> {
        self.map_err(|source| ProcessError::System { what: what.into(), source })
    }
}

/// Runs `scenario` once. Times in the history are the scenario's.
///
/// # Errors
/// The environment: no program, no permission, no space.
pub fn play(
    scenario: &Scenario,
    chains: &Chains,
    seed: u64,
    options: &Options,
    tell: Tell<'_>,
) -> Result<History, ProcessError> {
    Run::set_up(scenario, chains, seed, options)?.play(tell)
}

struct Run<'a> {
    /// With the scenario's own addresses.
    told: &'a Scenario,
    seed: u64,
    watch: Watch,
    wires: Wires,
    links: LinkFaults<Wires>,
    /// When faults began, by their number.
    began: BTreeMap<u32, SimTime>,
    /// How far nodes' clocks are ahead of the machine's from the beginning, in milliseconds.
    ahead_ms: i64,
    members: BTreeMap<String, Member>,
    /// Nodes that start later, the next one last.
    late: Vec<(SimTime, String)>,
    names: BTreeMap<IpAddr, String>,
    ears: Ears,
    cast: Cast,
    scraper: Scraper,
    /// A node didn't get ready: there is nothing to play.
    stuck: bool,
    /// See [`Meta::environment`].
    environment: BTreeMap<String, String>,
    /// Dropped last: what the nodes stand on and write to.
    ground: Ground,
    _shelter: Shelter,
}

impl<'a> Run<'a> {
    fn set_up(told: &'a Scenario, chains: &Chains, seed: u64, options: &Options) -> Result<Self, ProcessError> {
        let setting_up = Watch::start(1);
        let mut real = told.clone();
        let book = match options.ability {
            Ability::Namespaces | Ability::Containers(_) => AddressBook::default(),
            Ability::Loopback(_) => AddressBook::loopback(&mut real).to("find free loopback addresses")?,
        };
        let scale = options.time_scale.max(1);
        let ahead_ms = match options.program.sets_clock() {
            true => (chains.latest() * 1000).saturating_sub(SystemClock.unix_ms()),
            false => 0,
        };
        let setting = Setting { time_scale: scale, ahead_ms };
        let shelter = Shelter::new().to("make a folder for the nodes' data")?;
        let parties = real.nodes.iter().map(|(name, node)| (name, node.ip));
        let parties = parties.chain(real.peers.iter().map(|(name, peer)| (name, peer.ip)));
        let ips: BTreeMap<String, IpAddr> = parties.map(|(name, ip)| (name.clone(), ip.into())).collect();

        let ground = Ground::new(&options.ability, shelter.path().join(".agents"))?;
        let mut tuns = Tuns::new();
        let mut dirs = Vec::new();
        let mut stored: BTreeMap<At, PathBuf> = BTreeMap::new();
        for (name, node) in &real.nodes {
            let dir = shelter.path().join(name);
            fs::create_dir(&dir).to(format!("make {}", dir.display()))?;
            let program = &options.program;
            program.prepare(&real, node, chains, (&dir, ground.seen(program, &dir)), setting)?;
            match (program, stored.get(&node.chain)) {
                (Program::Reference(_), Some(same)) => copy(&same.join("data"), &dir.join("data"))?,
                (Program::Reference(program), None) => import(program, &dir, chains, &node.chain)?,
                // Who knows only the wire begins with nothing.
                (Program::Profiled(..), _) => {}
            }
            stored.entry(node.chain.clone()).or_insert(dir.clone());
            dirs.push(dir);
        }
        // Containers take a while.
        let homes: Vec<_> = thread::scope(|scope| {
            let homes = real.nodes.iter().zip(&dirs).map(|((name, node), dir)| {
                let ground = &ground;
                scope.spawn(move || ground.home(name, node, &options.program, setting, dir))
            });
            let homes: Vec<_> = homes.collect();
            homes.into_iter().map(|home| home.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let mut members = BTreeMap::new();
        for ((home, (name, node)), dir) in homes.into_iter().zip(&real.nodes).zip(dirs) {
            let (home, tun) = home?;
            tuns.extend(tun.map(|tun| (vec![node.ip], tun)));
            let place = dir.display().to_string();
            let member = Member::new(name, node.ip, &options.program, setting, dir, home);
            members.insert(name.clone(), member.to(format!("write to {place}"))?);
        }
        let ours = [HARNESS].into_iter().chain(real.peers.values().map(|peer| peer.ip)).collect();
        let origin = ground.origin(ours, &mut tuns)?;
        let congestion_control = origin.congestion_control().to("learn the congestion control")?;
        let on = [("engine", ground.engine().map(str::to_owned)), ("congestion_control", congestion_control)];
        let on = on.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
        let mut environment: BTreeMap<String, String> = on.collect();
        let namespaces = !tuns.is_empty();
        let default = LinkParams { latency: LATENCY / scale, ..LinkParams::default() };
        let wires = if namespaces {
            let link = PacketLink::start(seed, tuns, default, vec![HARNESS]).to("start the packet link")?;
            Wires::Packets(Arc::new(link))
        } else {
            Wires::Plain
        };
        let mut links = LinkFaults::new(wires.clone(), ips.clone(), scale);
        set_links(&real, &mut links);
        let mut late: Vec<_> = real.nodes.iter().map(|(name, node)| (node.starts_at, name.clone())).collect();
        late.sort();
        late.reverse();
        let watch = Watch::start(scale);
        let program = options.program.clone();
        // Where nobody sees the network: the reference node's log tells most of connections, of another node's its peers do.
        let reference = matches!(program, Program::Reference(_));
        let connections = !namespaces && reference;
        let ears = Ears { watch: watch.clone(), chains: chains.clone(), book, connections, program };
        let stuck = match options.program.ready() {
            None => false,
            Some(ready) => {
                while let Some((_, name)) = late.pop_if(|(at, _)| at.is_zero()) {
                    if let Some(member) = members.get_mut(&name) {
                        member.start(&ears).to(format!("start {name}"))?;
                    }
                }
                !all_ready(&mut members, &watch, ready.within)?
            }
        };

        members.values_mut().for_each(Member::wait_until_at_hand);
        let took = setting_up.now().as_millis();
        environment.insert("ready_in".to_owned(), format!("{}.{:03} s", took / 1000, took % 1000));
        // Everything is ready: time begins.
        thread::sleep(until_first_slot(told, scale));
        watch.restart();
        let port = options.program.port();
        let stage = Stage {
            told,
            real: &real,
            chains,
            nodes: ips.iter().map(|(name, ip)| (name.clone(), SocketAddr::new(*ip, port))).collect(),
            port,
            ahead_ms,
            tells_fates: !namespaces && !reference,
        };
        let cast = Cast::start(stage, seed, origin.clone(), &watch).to("start the scripted peers")?;
        let scraper = Scraper::start(origin, watch.clone()).to("start a thread")?;
        let names = ips.into_iter().map(|(name, ip)| (ip, name)).collect();
        Ok(Self {
            told,
            seed,
            watch,
            wires,
            links,
            began: BTreeMap::new(),
            ahead_ms,
            members,
            late,
            names,
            ears,
            cast,
            scraper,
            stuck,
            environment,
            ground,
            _shelter: shelter,
        })
    }

    fn play(mut self, tell: Tell<'_>) -> Result<History, ProcessError> {
        let mut agenda = Agenda::of(self.told, self.seed);
        let (mut sampled, mut due, mut late) = (Duration::ZERO, self.watch.now(), Duration::ZERO);
        loop {
            let now = self.watch.now();
            late = late.max(now.saturating_sub(due));
            tell(now);
            for (id, turn) in agenda.due(now.min(self.told.runs_for)) {
                self.turn(id, turn)?;
            }
            while self.late.last().is_some_and(|(at, _)| *at <= now) {
                if let Some((_, name)) = self.late.pop() {
                    self.start(&name)?;
                }
            }
            self.note_connections();
            self.note_ends()?;
            if now >= self.told.runs_for || self.stuck {
                break;
            }
            if now >= sampled + SAMPLE {
                sampled = now;
                self.sample();
            }
            let look = (LOOK / self.watch.time_scale()).max(SHORTEST_LOOK).min(self.watch.until(self.told.runs_for));
            due = self.watch.now() + look * self.watch.time_scale();
            thread::sleep(look);
        }
        self.sample();
        self.members.values().try_for_each(|member| no_stranger(&self.ground, member, "it runs"))?;
        let Self { told, seed, watch, wires, mut members, scraper, cast, ears, environment, .. } = self;
        let program = ears.program;
        scraper.finish();
        let mut totals = vec![(LATE, late.as_secs_f64())];
        if let Wires::Packets(link) = &wires {
            let (bytes, connections) = link.totals();
            totals.extend([("network_bytes", bytes as f64), ("network_connections", connections as f64)]);
        }
        let totals = totals.into_iter().map(|(name, total)| (name.to_owned(), total));
        watch.see("harness", What::Metrics(totals.collect()));
        // What comes after is about the end of the run, not about the nodes.
        let full = watch.is_full();
        let (mut seen, end) = (watch.take(), watch.now());
        thread::scope(|scope| {
            let finishing = members.values_mut().map(|member| {
                scope.spawn(move || {
                    member.terminate();
                    (member.finish(), &member.name)
                })
            });
            let finishing: Vec<_> = finishing.collect();
            let mut ends = finishing.into_iter().map(|end| end.join().unwrap_or_else(|panic| resume_unwind(panic)));
            ends.try_for_each(|(finished, name)| finished.to(format!("read what {name} left")))
        })?;
        drop(cast);
        for member in members.values() {
            let last = seen.iter().rev().filter(|seen| seen.source == member.name).find_map(|seen| match &seen.what {
                What::Chain { height, tip, .. } => Some((*height, tip.clone())),
                _ => None,
            });
            let Program::Reference(program) = &program else { break };
            if let broken @ Some(_) =
                stored_chain(program, member, last.as_ref().map(|(height, tip)| (*height, tip.as_str())))?
            {
                let (height, tip) = last.unwrap_or_default();
                let what = What::Chain { ancestor: height, height, tip, broken };
                seen.push(Observation { at: end, source: member.name.clone(), what });
            }
        }
        if !full {
            seen.push(Observation { at: end, source: "harness".to_owned(), what: What::Ended });
        }
        let parties = told.nodes.iter().map(|(name, node)| (name.clone(), node.ip));
        let parties = parties.chain(told.peers.iter().map(|(name, peer)| (name.clone(), peer.ip))).collect();
        let mut history = History::new(Meta { scenario: told.name.clone(), seed, parties, environment });
        seen.into_iter().for_each(|seen| history.push(seen));
        Ok(history)
    }

    fn start(&mut self, name: &str) -> Result<(), ProcessError> {
        let Self { members, ears, .. } = self;
        let Some(member) = members.get_mut(name) else { return Ok(()) };
        member.start(ears).to(format!("start {name}"))
    }

    fn turn(&mut self, id: u32, turn: Turn) -> Result<(), ProcessError> {
        let now = self.watch.now();
        match turn {
            Turn::Begin(fault, what) => {
                self.watch.see("harness", What::FaultBegan { id, what });
                self.began.insert(id, now);
                match &fault {
                    Fault::Cut(pairs) => self.links.begin(id, pairs, None, now),
                    Fault::Link(pairs, shape) => self.links.begin(id, pairs, Some(shape), now),
                    Fault::Pause(who) => self.each(who, Member::pause),
                    Fault::Kill(who) => self.down(who, false),
                    Fault::PowerLoss(who) => self.down(who, true),
                    Fault::Skew { who, offset_ms, drift_ppm } => self.skew(who, *offset_ms, *drift_ppm)?,
                }
            }
            Turn::End(fault) => {
                let (bit, gone) = match &fault {
                    Fault::Cut(_) | Fault::Link(..) => self.links.end(id, now),
                    Fault::Pause(who) => self.resume(who),
                    Fault::Kill(who) => self.up(who, false)?,
                    Fault::PowerLoss(who) => self.up(who, true)?,
                    Fault::Skew { who, offset_ms, .. } => {
                        let bit = self.told_time(who, *offset_ms, self.began.get(&id).copied().unwrap_or(now));
                        self.skew(who, 0, 0)?;
                        (bit, true)
                    }
                };
                self.watch.see("harness", What::FaultEnded { id, bit, gone });
            }
            Turn::Direct(peers, direction) => self.cast.direct(&peers, &direction),
        }
        Ok(())
    }

    fn skew(&mut self, who: &[String], offset_ms: i64, drift_ppm: i64) -> Result<(), ProcessError> {
        let mut set = Ok(());
        self.each(who, |member| set = std::mem::replace(&mut set, Ok(())).and(member.set_clock(offset_ms, drift_ppm)));
        set.to("set a clock")
    }

    /// What these tell in pings of a clock that has been off by so much since `since`; `None` where they tell no such thing.
    fn told_time(&self, who: &[String], offset_ms: i64, since: SimTime) -> Option<String> {
        let (wall, now) = (SystemClock.unix_ms().saturating_add(self.ahead_ms), self.watch.now());
        let told = self.watch.last(|seen| match &seen.what {
            What::Wire { node, sent: false, message, fields }
                if seen.at > since + CLOCK_SETTLES && who.contains(node) =>
            {
                let timestamp = fields.get("timestamp").filter(|_| message == "Ping" || message == "Pong")?;
                let told: i64 = timestamp.to_string().parse().ok()?;
                let ago = now.saturating_sub(seen.at) / self.watch.time_scale();
                Some(told - (wall - i64::try_from(ago.as_millis()).ok()?) / 1000)
            }
            _ => None,
        })?;
        (told - offset_ms / 1000)
            .abs()
            .le(&CLOCK_TOLERANCE_S)
            .then(|| format!("its pings told a clock off by {told} s"))
    }

    fn each(&mut self, who: &[String], mut act: impl FnMut(&mut Member)) {
        for name in who {
            if let Some(member) = self.members.get_mut(name) {
                act(member);
            }
        }
    }

    fn resume(&mut self, who: &[String]) -> (Option<String>, bool) {
        let (mut stopped, mut gone) = (Vec::new(), true);
        self.each(who, |member| {
            let (was_stopped, is_right) = member.resume();
            stopped.extend(was_stopped.then(|| member.name.clone()));
            gone &= is_right;
        });
        ((!stopped.is_empty()).then(|| format!("stood still: {}", stopped.join(", "))), gone)
    }

    fn down(&mut self, who: &[String], power_loss: bool) {
        let (wires, watch) = (self.wires.clone(), self.watch.clone());
        self.each(who, |member| {
            if let (Wires::Packets(link), true) = (&wires, power_loss) {
                link.silence(member.ip, true);
            }
            member.kill();
            member.get_ready();
            watch.see(&member.name, What::Process { up: false, by_itself: None });
        });
    }

    fn up(&mut self, who: &[String], power_loss: bool) -> Result<(Option<String>, bool), ProcessError> {
        let mut down = Vec::new();
        self.each(who, |member| down.extend((!member.runs()).then(|| member.name.clone())));
        for name in who {
            self.watch.see(name, What::Process { up: true, by_itself: None });
            if let (Wires::Packets(link), Some(member), true) = (&self.wires, self.members.get_mut(name), power_loss) {
                // Its old kernel would have gone on with its connections.
                if let Some(tun) = member.rebuild().to("make another machine")? {
                    link.replace(member.ip, tun).to("watch a device")?;
                }
                link.silence(member.ip, false);
            }
            self.start(name)?;
        }
        let mut up = true;
        self.each(who, |member| up &= member.runs());
        Ok(((!down.is_empty()).then(|| format!("not running: {}", down.join(", "))), up))
    }

    /// What happened to connections, seen from each node at their ends.
    fn note_connections(&mut self) {
        let Wires::Packets(link) = &self.wires else { return };
        for event in link.drain_events() {
            let at = self.watch.at(event.at);
            for (us, them, fate) in fates((*event.from.ip()).into(), (*event.to.ip()).into(), event.change) {
                let Some(member) = self.names.get(&us).and_then(|name| self.members.get(name)) else { continue };
                let killed = fate == "closed_by_node" && member.killed_at.is_some_and(|killed| killed <= event.at);
                let fate = if killed { "killed" } else { fate };
                let what = What::Connection { fate: fate.into(), peer: them.to_string() };
                self.watch.saw(at, &member.name, what);
            }
        }
    }

    /// Processes that nobody ended.
    fn note_ends(&mut self) -> Result<(), ProcessError> {
        for member in self.members.values_mut() {
            no_helper_failed(member)?;
            if member.says_too_much() {
                let report = format!("its log has more than {} MiB: let it say less", LONGEST_LOG >> 20);
                return Err(ProcessError::Program { command: member.name.clone(), report });
            }
            if let Some(how) = member.ended_by_itself() {
                no_stranger(&self.ground, member, &how)?;
                self.watch.see(&member.name, What::Process { up: false, by_itself: Some(how) });
            }
        }
        Ok(())
    }

    fn sample(&mut self) {
        for member in self.members.values() {
            if let Some([now, peak]) = member.memory() {
                let memory = [("rss_bytes".to_owned(), now), ("rss_peak_bytes".to_owned(), peak)];
                self.watch.see(&memory_of(&member.name), What::Metrics(memory.into()));
            }
        }
        let Some((port, path)) = self.ears.program.metrics() else { return };
        let running = self.members.values_mut().filter_map(|member| {
            let asks = member.runs() && !member.is_paused();
            asks.then(|| (member.name.clone(), SocketAddr::new(member.ip.into(), port)))
        });
        self.scraper.ask(path, running.collect());
    }
}

/// An image that has not written one line to the log that is to be read is not what it is taken for.
fn no_stranger(ground: &Ground, member: &Member, how: &str) -> Result<(), ProcessError> {
    match ground {
        Ground::Engine { image, .. } if member.is_silent() => {
            let report = format!(
                "{how}, but not one line of log came of it: try `docker run --rm {image}`, and see what it needs (arguments, files) and \
                 where it writes its log (the profile's `log.stream`, or no `log`)"
            );
            Err(ProcessError::Program { command: image.clone(), report })
        }
        _ => Ok(()),
    }
}

fn no_helper_failed(member: &mut Member) -> Result<(), ProcessError> {
    match member.failed_helper() {
        Some((command, report)) => Err(ProcessError::Program { command, report }),
        None => Ok(()),
    }
}

/// Waits until all that run are ready; `false` where one is not in time, which then is told. One that ends by itself is not waited for.
fn all_ready(members: &mut BTreeMap<String, Member>, watch: &Watch, within: Duration) -> Result<bool, ProcessError> {
    let latest = watch.now() + within * watch.time_scale();
    for (name, member) in members {
        while member.runs() && !member.is_ready() {
            no_helper_failed(member)?;
            if watch.now() >= latest {
                let why = format!("by the harness, as it was not ready within {}", humantime::format_duration(within));
                watch.see(name, What::Process { up: false, by_itself: Some(why) });
                return Ok(false);
            }
            thread::sleep(LOOK);
        }
    }
    Ok(true)
}

/// Real time until producers' slots (D-14) are as at the start of a simulation: the first one begins.
fn until_first_slot(scenario: &Scenario, time_scale: u32) -> Duration {
    let slots = scenario.nodes.values().filter_map(|node| node.producer).map(|(_, slots)| slots).max();
    let Some((every, slots)) = scenario.produce_every.zip(slots) else { return Duration::ZERO };
    let round = (every * slots / time_scale).as_millis().max(1);
    let now = u128::try_from(SystemClock.unix_ms()).unwrap_or_default();
    Duration::from_millis(u64::try_from(round - now % round).unwrap_or_default())
}
