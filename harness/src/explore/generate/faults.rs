//! When what is hurt: every fault bites, and is over by the end of the hurt.
//!
//! A search for a common ancestor ends after ten rounds of 10 s without an answer, and is not begun again for 10 min (D-6). So
//! nobody may be unheard for 100 s: cuts and lost power come in storms of 45 s, TCP comes back within as long again (over lossy lines
//! 35 s, and twice as long again), and only then comes the next storm. A fault that leaves no trace is no fault: a cut lasts longer than the 30 s between two pings.
use super::dice::Dice;
use super::swarm::{Kind, Swarm};
use super::topology::Node;

/// Seconds that somebody stands still, at most.
const PAUSE: u64 = 45;
/// Seconds from the end of a storm to the next.
const LULL: u64 = 70;
/// Seconds in which something passes every pair: a ping each 30 s.
const BITES: u64 = 35;
/// Seconds until all are connected.
const CONNECTED: u64 = 5;
/// Of each kind.
const MOST: u64 = 3;
/// Links behave otherwise for so many seconds, at most.
const LONGEST_LINK: u64 = 120;

/// One fault.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    /// Seconds.
    pub at: u64,
    /// Seconds.
    pub lasts: u64,
    /// Its part of the action in the file, without the duration.
    what: String,
}

impl Fault {
    /// Seconds.
    pub fn end(&self) -> u64 {
        self.at + self.lasts
    }

    /// A step's `do`.
    pub fn text(&self) -> String {
        format!("{{{}: {{{}, for: {}s}}}}", self.kind.word(), self.what, self.lasts)
    }
}

/// What is drawn from.
pub struct Ground<'a> {
    pub nodes: &'a [Node],
    /// Those that make blocks.
    pub producers: &'a [String],
    /// Seconds: by then everything is over.
    pub until: u64,
    /// How often connections to one node may end.
    pub closings: u64,
    /// See [`storm`].
    pub storm: u64,
    /// Whether somebody may be unheard for a while.
    pub silences: bool,
}

/// Seconds that somebody is unheard, at most.
pub fn storm(lossy: bool) -> u64 {
    if lossy { 35 } else { 45 }
}

struct Schedule<'a> {
    ground: Ground<'a>,
    storms: Vec<u64>,
    faults: Vec<Fault>,
    /// When each node is the subject of a fault: from, to.
    busy: Vec<(String, u64, u64)>,
    /// The end of the last link fault.
    links_until: u64,
}

/// The faults of a run, in order of time.
pub fn draw(dice: &mut Dice, swarm: &Swarm, ground: Ground<'_>) -> Vec<Fault> {
    let room = ground.until.saturating_sub(CONNECTED + ground.storm);
    let first = CONNECTED + dice.within(0..=room);
    let storms = std::iter::successors(Some(first), |at| Some(at + ground.storm + LULL));
    let storms = storms.take_while(|at| at + ground.storm <= ground.until).collect();
    let late = ground.nodes.iter().filter(|node| node.starts_at > 0);
    let busy = late.map(|node| (node.name.clone(), 0, node.starts_at + CONNECTED)).collect();
    let mut schedule = Schedule { ground, storms, faults: Vec::new(), busy, links_until: 0 };
    for kind in &swarm.kinds {
        for _ in 0..dice.within(1..=MOST) {
            schedule.one(dice, *kind);
        }
    }
    schedule.faults.sort_by_key(|fault| fault.at);
    schedule.faults
}

impl Schedule<'_> {
    fn one(&mut self, dice: &mut Dice, kind: Kind) {
        let Some((at, lasts)) = self.time(dice, kind) else { return };
        let who = self.who(dice, kind, at, at + lasts);
        if who.is_empty() && kind != Kind::Link {
            return;
        }
        let list = who.join(", ");
        let what = match kind {
            Kind::Cut => format!("between: [{list}], and: [others]"),
            Kind::CutOneWay if dice.percent(50) => format!("between: [others], and: [{list}]"),
            Kind::CutOneWay => format!("between: [{list}], and: [others]"),
            Kind::Link => {
                let sides = match who.is_empty() || dice.percent(40) {
                    true => "between: [nodes], and: [nodes]".to_owned(),
                    false => format!("between: [{list}], and: [others]"),
                };
                self.links_until = at + lasts;
                format!("{sides}, is: {}", shape(dice, self.ground.silences))
            }
            Kind::Skew => format!("who: [{list}], {}", self.skew(dice, &who)),
            Kind::Pause | Kind::Kill | Kind::PowerLoss => format!("who: [{list}]"),
        };
        if kind != Kind::Link {
            self.busy.extend(who.into_iter().map(|name| (name, at, at + lasts)));
        }
        self.faults.push(Fault { kind, at, lasts, what });
    }

    /// From when, for how long.
    fn time(&self, dice: &mut Dice, kind: Kind) -> Option<(u64, u64)> {
        let (from, to, least, most) = match kind {
            Kind::Cut | Kind::CutOneWay | Kind::PowerLoss => {
                let storm = *self.storms.get(dice.within(0..=self.storms.len().max(1) as u64 - 1) as usize)?;
                (storm, storm + self.ground.storm, if kind == Kind::PowerLoss { 1 } else { BITES }, self.ground.storm)
            }
            Kind::Link => (self.links_until.max(CONNECTED), self.ground.until, BITES, LONGEST_LINK),
            Kind::Kill => (CONNECTED, self.ground.until, 1, 60),
            Kind::Pause => (CONNECTED, self.ground.until, BITES, PAUSE),
            Kind::Skew => (CONNECTED, self.ground.until, 15, PAUSE),
        };
        let longest = to.checked_sub(from).filter(|room| *room >= least)?;
        let lasts = dice.within(least..=most.min(longest));
        Some((dice.within(from..=to - lasts), lasts))
    }

    /// One node mostly, else fewer than half, now and then all but one; only those whom nothing else happens to.
    fn who(&self, dice: &mut Dice, kind: Kind, from: u64, to: u64) -> Vec<String> {
        let names: Vec<String> = self.ground.nodes.iter().map(|node| node.name.clone()).collect();
        let minority = (names.len() as u64 - 1) / 2;
        let count = match dice.within(0..=99) {
            0..=59 => 1,
            // Where nearly all stand still nothing passes that another fault could hurt.
            95.. if kind != Kind::Pause => names.len() as u64 - 1,
            _ => dice.within(1..=minority.max(1)),
        };
        let free = |name: &String| {
            let meets = |(other, begin, end): &(String, u64, u64)| other == name && *begin <= to && from <= *end;
            !self.busy.iter().any(meets)
        };
        let closes = |kind| matches!(kind, Kind::Kill | Kind::PowerLoss);
        let closed =
            |name: &String| self.faults.iter().filter(|fault| closes(fault.kind) && fault.names(name)).count() as u64;
        let some = dice.some(&names, count as usize).into_iter();
        some.filter(free).filter(|name| !closes(kind) || closed(name) < self.ground.closings).collect()
    }

    /// Where blocks are made, a clock that is ahead by long makes blocks that stop all others for as long, once it is right again
    /// (a timestamp is above its parent's, and at most 900 s ahead of the clock).
    fn skew(&self, dice: &mut Dice, who: &[String]) -> String {
        let makes = who.iter().any(|name| self.ground.producers.contains(name));
        let offset = match makes {
            true => *dice.one_of(&["-10m", "-5s", "-1s", "1s", "10s", "30s"]),
            // Who refuses blocks as made an hour from now has asked each peer three times for them, and asks again after 5 min (D-15).
            false if !self.ground.producers.is_empty() => *dice.one_of(&["-10m", "-1s", "30s", "10m", "1h"]),
            false => *dice.one_of(&["-1h", "-10m", "-1s", "30s", "10m", "1h"]),
        };
        let drift = if dice.percent(30) {
            format!(", drift_ppm: {}", dice.one_of(&["-500", "200", "500"]))
        } else {
            String::new()
        };
        format!("offset: {offset}{drift}")
    }
}

impl Fault {
    fn names(&self, name: &str) -> bool {
        self.what.split(['[', ']', ',', ' ']).any(|word| word == name)
    }
}

/// How links behave; a latency is always there, so that whatever passes shows it. Where somebody may be unheard little is lost: TCP's timeout would have
/// doubled a few times before that begins.
fn shape(dice: &mut Dice, silences: bool) -> String {
    let (latency, jitter) = (dice.one_of(&[20, 100, 400]), dice.one_of(&[0, 50, 300]));
    let mut shape = format!("{{latency: {latency}ms");
    for (key, value, unit) in [
        ("jitter", *jitter, "ms"),
        ("loss", (*dice.one_of(&[0, 0, 2, 10, 20])).min(if silences { 2 } else { 20 }), "%"),
        ("reorder", *dice.one_of(&[0, 0, 5]), "%"),
        ("duplicate", *dice.one_of(&[0, 0, 5]), "%"),
        ("rate", *dice.one_of(&[0, 0, 0, 100]), "kB/s"),
    ] {
        if value > 0 {
            shape.push_str(&format!(", {key}: {value}{unit}"));
        }
    }
    shape + "}"
}
