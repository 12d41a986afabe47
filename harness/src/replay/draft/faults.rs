//! What went wrong with links, hosts and peers, as steps of a timeline: the fewest that explain what the logs show.
use std::collections::{BTreeMap, BTreeSet};

use super::Clock;
use super::cast::Cast;
use super::text::span;
use super::{Step, Unknowns};
use crate::history::Field;
use crate::replay::incident::{Connection, Event, Host, Incident};
use crate::replay::told::Shown;

/// Losses that begin and end within this time of each other have one cause.
const TOGETHER: i64 = 60_000_000;
/// A connection that lasts no longer is churn.
pub(super) const SHORT: i64 = 10_000_000;
/// Longer than a dropped node waits for blocks (120 s) and pongs (some 160 s), and shorter than one with the cure does (300 s, 340 s): D-4.
const SLOW: i64 = 200_000_000;
/// So many of them make a habit.
const CHURN: usize = 3;
/// Steps that disconnect a peer, at most; further ones are said to be left out.
const MOST_DISCONNECTS: usize = 200;
/// An answer takes less, but for a reason.
const UNUSUAL: i64 = 2_000_000;
const SLOWLY: &str = "{delayed_answers:";
/// What a message takes (the default link).
const TRAVEL: i64 = 10_000;
/// A restart takes at least so long.
const RESTART: i64 = 1_000_000;

/// A time in which a host heard nothing of another party.
#[derive(Debug, Clone)]
struct Loss {
    /// The node, and whom it lost.
    between: (usize, usize),
    from: i64,
    until: Option<i64>,
    source: String,
}

/// What peers do wrong all the time, and what happens when.
#[derive(Debug, Default)]
pub struct Faults {
    /// Deviations of scripted peers as YAML, with their sources.
    pub habits: BTreeMap<usize, Vec<(String, String)>>,
    /// The timeline, in order.
    pub steps: Vec<Step>,
    /// Peers that take connections, and don't answer in time.
    pub busy: BTreeSet<usize>,
    /// Peers that are silent to the end.
    gone: BTreeSet<usize>,
    /// When the last of it is over, in the incident's time.
    pub healed: i64,
}

impl Faults {
    /// Reads them from what the logs show. `incident` times are turned into the scenario's by `clockwork`.
    pub fn of(incident: &Incident, cast: &Cast, clock: &Clock, unknowns: &mut Unknowns) -> Self {
        let mut faults = Self { healed: incident.begins, ..Self::default() };
        faults.habits(incident, cast);
        let down = faults.restarts(incident, cast, clock);
        faults.busy(incident, cast, clock, unknowns);
        faults.losses(incident, cast, clock, &down, unknowns);
        faults.disconnects(incident, cast, clock, unknowns);
        faults.announcements(incident, cast, clock);
        faults.steps.sort_by_key(|step| step.at);
        faults
    }

    /// What a scripted peer does again and again: wrong ranges, empty answers, no answers.
    fn habits(&mut self, incident: &Incident, cast: &Cast) {
        for host in &incident.hosts {
            for ip in host.peers.keys() {
                let Some(party) = cast.at(*ip).filter(|party| cast.parties[*party].host.is_none()) else { continue };
                if let Some((deviation, source)) = answers(incident, host, *ip).or_else(|| pace(incident, host, *ip)) {
                    let habits = self.habits.entry(party).or_default();
                    if habits.iter().all(|(known, _)| *known != deviation) {
                        habits.push((deviation, source));
                    }
                }
            }
        }
    }

    /// Peers that are silent, dropped, and there again at once, and silent again: they live, and are slow.
    fn busy(&mut self, incident: &Incident, cast: &Cast, clock: &Clock, unknowns: &mut Unknowns) {
        for host in &incident.hosts {
            for (ip, peer) in &host.peers {
                let scripted = |party: &usize| cast.parties[*party].host.is_none();
                let Some(party) = cast.at(*ip).filter(scripted).filter(|party| !self.busy.contains(party)) else {
                    continue;
                };
                let between = |from: i64, until: Option<i64>| {
                    let again = |connection: &Connection| {
                        connection.from.is_some_and(|at| at > from && until.is_none_or(|end| at < end))
                    };
                    peer.connections.iter().any(again)
                };
                let Some(silence) = peer.silences.iter().find(|silence| between(silence.from, silence.until)) else {
                    continue;
                };
                let name = &cast.parties[party].name;
                unknowns.add(format!(
                    "when {name} would have answered: its connections were dropped before; default: after {} s",
                    SLOW / 1_000_000
                ));
                let source = format!(
                    "{}: it takes connections, and doesn't answer in time",
                    Shown(silence.place, &incident.files)
                );
                let seconds = SLOW / 1_000_000;
                let slow = format!("{{delayed_answers: {seconds}s}}, {{misses_pongs_of: 7}}");
                self.deviate(cast, clock, party, silence.from, &slow, source);
                self.healed = self.healed.max(silence.from);
                if let Some(until) = silence.until {
                    self.honest(cast, clock, party, until);
                }
                self.busy.insert(party);
            }
        }
    }

    /// Hosts that started again: killed from their last line before.
    fn restarts(&mut self, incident: &Incident, cast: &Cast, clock: &Clock) -> Vec<(usize, i64, i64)> {
        let mut down = Vec::new();
        for (index, host) in incident.hosts.iter().enumerate() {
            let Some(party) = cast.host(index) else { continue };
            let starts = host.events.iter().filter(|event| matches!(event.name.as_str(), "started" | "daemon_started"));
            for (at, event) in starts.flat_map(|event| event.times.iter().map(move |at| (*at, event))) {
                // The banner comes before the height: one start.
                let again = down.iter().any(|(other, _, until)| *other == party && i64::abs(at - until) < TOGETHER);
                if at - host.begins < TOGETHER || again {
                    continue;
                }
                let gap = host.gaps.iter().find(|(_, until)| i64::abs(at - until) < TOGETHER);
                let from = gap.map_or(at - RESTART, |(from, _)| *from);
                down.push((party, from, at));
                self.push(
                    clock,
                    (from, at),
                    |lasts| format!("{{kill: {{who: [{}], for: {lasts}}}}}", cast.parties[party].name),
                    format!("{}: it starts again", Shown(event.place, &incident.files)),
                );
            }
        }
        down
    }

    /// Silences, explained by hosts that stood still, by peers that were gone, and by cut links.
    fn losses(
        &mut self,
        incident: &Incident,
        cast: &Cast,
        clock: &Clock,
        down: &[(usize, i64, i64)],
        unknowns: &mut Unknowns,
    ) {
        let mut losses = losses(incident, cast);
        losses.retain(|loss| !self.busy.contains(&loss.between.1));
        losses.retain(|loss| {
            let explained = |(party, from, until): &(usize, i64, i64)| {
                (*party == loss.between.0 || *party == loss.between.1)
                    && loss.from <= *until
                    && loss.until.is_none_or(|end| end >= *from)
            };
            !down.iter().any(explained)
        });
        while let Some(first) = losses.first().cloned() {
            let together = |loss: &Loss| {
                (loss.from - first.from).abs() <= TOGETHER
                    && match (loss.until, first.until) {
                        (Some(a), Some(b)) => (a - b).abs() <= TOGETHER,
                        (None, None) => true,
                        _ => false,
                    }
            };
            let (group, rest): (Vec<Loss>, Vec<Loss>) = losses.into_iter().partition(together);
            losses = rest;
            self.explain(incident, cast, clock, group, unknowns);
        }
    }

    /// One cause, or as few as possible, for losses of one time.
    fn explain(
        &mut self,
        incident: &Incident,
        cast: &Cast,
        clock: &Clock,
        mut group: Vec<Loss>,
        unknowns: &mut Unknowns,
    ) {
        let from = group.iter().map(|loss| loss.from).min().unwrap_or_default();
        let until = group.iter().filter_map(|loss| loss.until).max();
        let end = until.unwrap_or(incident.ends);
        let sources = |losses: &[Loss]| {
            let mut all: Vec<&str> = losses.iter().map(|loss| loss.source.as_str()).collect();
            all.sort_unstable();
            all.dedup();
            all.truncate(6);
            all.join(", ")
        };
        // Who is known to whom, lost or not.
        let mut known: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (index, host) in incident.hosts.iter().enumerate() {
            let Some(party) = cast.host(index) else { continue };
            let met = host.peers.iter().filter(|(_, peer)| !peer.connections.is_empty() || !peer.silences.is_empty());
            known.extend(met.filter_map(|(ip, _)| Some(pair(party, cast.at(*ip)?))));
        }
        let lost = |group: &[Loss]| -> BTreeSet<(usize, usize)> {
            group.iter().map(|loss| pair(loss.between.0, loss.between.1)).collect()
        };
        let parties: BTreeSet<usize> = group.iter().flat_map(|loss| [loss.between.0, loss.between.1]).collect();
        for party in parties {
            let mine: BTreeSet<(usize, usize)> =
                known.iter().copied().filter(|(a, b)| *a == party || *b == party).collect();
            let edges = lost(&group);
            if mine.is_empty() || !mine.is_subset(&edges) {
                continue;
            }
            let (about, others): (Vec<Loss>, Vec<Loss>) =
                group.iter().cloned().partition(|loss| loss.between.0 == party || loss.between.1 == party);
            let name = &cast.parties[party].name;
            let host = cast.parties[party].host.and_then(|index| incident.hosts.get(index));
            // Its own log says nothing either: it stood still, or had no power.
            let quiet =
                host.is_some_and(|host| host.gaps.iter().any(|(a, b)| *a <= from + TOGETHER && *b >= end - TOGETHER));
            match host {
                Some(_) if quiet => {
                    let source = sources(&about);
                    self.push(
                        clock,
                        (from, end),
                        |lasts| format!("{{pause: {{who: [{name}], for: {lasts}}}}}"),
                        format!("{source}: all lose {name}, and its own log has a gap"),
                    );
                }
                None if mine.len() > 1 || lost(&others).is_empty() && edges.len() == 1 => {
                    self.mute(cast, clock, party, (from, until), format!("{}: it is silent", sources(&about)));
                }
                Some(_) if mine.len() > 1 => {
                    let source = sources(&about);
                    self.push(
                        clock,
                        (from, end),
                        |lasts| format!("{{cut: {{between: [{name}], and: [others], for: {lasts}}}}}"),
                        format!("{source}: {name} hears nobody"),
                    );
                }
                _ => continue,
            }
            if mine.len() == 1 && host.is_none() {
                unknowns.add(format!(
                    "whether {name} or the link to it was down at {}: default: {name}",
                    span(clock.at(from))
                ));
            }
            group = others;
            if group.is_empty() {
                return;
            }
        }
        // Two sides that lost each other, whole.
        let edges = lost(&group);
        if let Some((one, other)) = sides(&edges, &known) {
            let source = sources(&group);
            let (one, other) = (cast.names(one), cast.names(other));
            self.push(
                clock,
                (from, end),
                |lasts| format!("{{cut: {{between: [{one}], and: [{other}], for: {lasts}}}}}"),
                format!("{source}: two sides lose each other"),
            );
            return;
        }
        // Stars of links: the party with the most first.
        let mut edges = edges;
        while !edges.is_empty() {
            let mut degree: BTreeMap<usize, usize> = BTreeMap::new();
            edges
                .iter()
                .for_each(|(a, b)| [a, b].into_iter().for_each(|party| *degree.entry(*party).or_default() += 1));
            let hub = degree
                .into_iter()
                .max_by_key(|(party, degree)| (*degree, std::cmp::Reverse(*party)))
                .map(|(party, _)| party);
            let Some(hub) = hub else { break };
            let (mine, rest): (BTreeSet<_>, BTreeSet<_>) = edges.into_iter().partition(|(a, b)| *a == hub || *b == hub);
            edges = rest;
            let leaves = cast.names(mine.iter().map(|(a, b)| if *a == hub { *b } else { *a }));
            let about: Vec<Loss> =
                group.iter().filter(|loss| mine.contains(&pair(loss.between.0, loss.between.1))).cloned().collect();
            let name = &cast.parties[hub].name;
            self.push(
                clock,
                (from, end),
                |lasts| format!("{{cut: {{between: [{name}], and: [{leaves}], for: {lasts}}}}}"),
                sources(&about),
            );
        }
    }

    fn mute(&mut self, cast: &Cast, clock: &Clock, party: usize, (from, until): (i64, Option<i64>), source: String) {
        self.deviate(cast, clock, party, from, "{mute: [everything]}", source);
        match until {
            Some(until) => self.honest(cast, clock, party, until),
            None => {
                self.gone.insert(party);
            }
        }
    }

    fn deviate(&mut self, cast: &Cast, clock: &Clock, party: usize, at: i64, deviations: &str, comment: String) {
        let name = &cast.parties[party].name;
        let action = format!("{{deviate: {{peers: [{name}], deviations: [{deviations}]}}}}");
        self.steps.push(Step { at: clock.at(at), action, comment, lasts: None });
    }

    /// Back to its habits.
    fn honest(&mut self, cast: &Cast, clock: &Clock, party: usize, at: i64) {
        let habits: Vec<&str> =
            self.habits.get(&party).into_iter().flatten().map(|(habit, _)| habit.as_str()).collect();
        let habits = habits.join(", ");
        self.deviate(cast, clock, party, at, &habits, "it is heard again".to_owned());
        self.healed = self.healed.max(at);
    }

    /// Whether nodes get blocks from a peer.
    pub fn serves(&self, party: usize) -> bool {
        let slow = |habits: &Vec<(String, String)>| habits.iter().all(|(habit, _)| habit.starts_with(SLOWLY));
        !self.gone.contains(&party) && self.habits.get(&party).is_none_or(slow)
    }

    /// Connections that scripted peers closed, one by one or as a habit.
    fn disconnects(&mut self, incident: &Incident, cast: &Cast, clock: &Clock, unknowns: &mut Unknowns) {
        let mut ends: BTreeMap<usize, Vec<(i64, Option<i64>, String)>> = BTreeMap::new();
        for (index, host) in incident.hosts.iter().enumerate() {
            let Some(node) = cast.host(index) else { continue };
            for (ip, peer) in &host.peers {
                let Some(party) = cast.at(*ip) else { continue };
                for connection in peer.connections.iter().filter(|connection| by_other(connection)) {
                    let Some(until) = connection.until else { continue };
                    let source = Shown(connection.place, &incident.files).to_string();
                    if cast.parties[party].host.is_some() {
                        let known = self.steps.iter().any(|step| (step.at - clock.at(until)).abs() <= TOGETHER);
                        if !known {
                            let (name, other) = (&cast.parties[node].name, &cast.parties[party].name);
                            unknowns.add(format!("why {other} closed its connection with {name} ({source}): its log doesn't say; not modelled"));
                        }
                        continue;
                    }
                    let short = connection.from.map(|from| until - from).filter(|lasted| *lasted <= SHORT);
                    ends.entry(party).or_default().push((until, short, source));
                }
            }
        }
        for (party, mut ends) in ends {
            ends.sort();
            // One close is seen by several hosts.
            ends.dedup_by(|later, earlier| later.0 - earlier.0 < 5_000_000);
            let short: Vec<_> = ends.iter().filter(|(_, short, _)| short.is_some()).collect();
            let name = &cast.parties[party].name;
            if short.len() >= CHURN {
                let mut lasted: Vec<i64> = short.iter().filter_map(|(_, short, _)| *short).collect();
                lasted.sort_unstable();
                let lasted = lasted[lasted.len() / 2];
                let source = format!(
                    "{} to {}: {} connections end as soon as they are there",
                    short[0].2,
                    short[short.len() - 1].2,
                    short.len()
                );
                self.habits.entry(party).or_default().push((format!("{{closes_after: {}}}", span(lasted)), source));
                ends.retain(|(_, short, _)| short.is_none());
            }
            if ends.len() > MOST_DISCONNECTS {
                unknowns.add(format!(
                    "{} of {} times that {name} hangs up are left out",
                    ends.len() - MOST_DISCONNECTS,
                    ends.len()
                ));
                ends.truncate(MOST_DISCONNECTS);
            }
            for (at, _, source) in ends {
                self.healed = self.healed.max(at);
                self.steps.push(Step {
                    at: clock.at(at),
                    action: format!("{{disconnect: {{peers: [{name}]}}}}"),
                    comment: source,
                    lasts: None,
                });
            }
        }
    }

    /// Regular peers that are asked for blocks: they are only where they have announced some (D-16).
    fn announcements(&mut self, incident: &Incident, cast: &Cast, clock: &Clock) {
        for host in &incident.hosts {
            for event in host.events.iter().filter(|event| event.name == "requested") {
                let regular = |party: &usize| cast.parties[*party].host.is_none() && !cast.parties[*party].masternode;
                let Some(party) = event.peer.and_then(|ip| cast.at(ip)).filter(regular) else { continue };
                let Some(Field::Number(end)) = event.fields.get("end") else { continue };
                let name = &cast.parties[party].name;
                self.steps.push(Step {
                    at: clock.at(event.first() - TRAVEL),
                    action: format!("{{announce: {{peers: [{name}], height: {end}}}}}"),
                    comment: format!("{}: it is asked, so it had announced", Shown(event.place, &incident.files)),
                    lasts: None,
                });
            }
        }
    }

    fn push(&mut self, clock: &Clock, (from, until): (i64, i64), action: impl Fn(&str) -> String, comment: String) {
        let (at, end) = (clock.at(from), clock.at(until));
        // A fault takes a moment at least.
        let lasts = (end - at).max(1_000_000);
        self.healed = self.healed.max(until);
        self.steps.push(Step { at, action: action(&span(lasts)), comment, lasts: Some(lasts) });
    }
}

/// What is wrong with a peer's answers to a host's block requests, where it always is.
fn answers(incident: &Incident, host: &Host, ip: std::net::Ipv4Addr) -> Option<(String, String)> {
    let about = |name: &'static str| move |event: &&Event| event.name == name && event.peer == Some(ip);
    let range = |event: &Event| match (event.fields.get("start"), event.fields.get("end")) {
        (Some(Field::Number(start)), Some(Field::Number(end))) => Some((*start, *end)),
        _ => None,
    };
    let requested: Vec<&Event> = host.events.iter().filter(about("requested")).collect();
    let received: Vec<&Event> = host.events.iter().filter(about("received")).collect();
    requested.first()?;
    let source = |event: &Event| Shown(event.place, &incident.files).to_string();
    let asked = |start: u64, end: u64| {
        requested.iter().filter_map(|event| range(event)).any(|(from, until)| start <= until && from <= end)
    };
    let wrong =
        received.iter().find(|event| range(event).is_some_and(|(start, end)| start <= end && !asked(start, end)));
    let empty = received.iter().find(|event| event.fields.get("count") == Some(&Field::Number(0)));
    if let Some(event) = wrong {
        let (start, end) = range(event)?;
        return Some((
            format!("{{wrong_range: {{start: {start}, end: {end}}}}}"),
            format!("{}: nobody asked for that", source(event)),
        ));
    }
    if received.len() == 1
        && let Some(event) = empty
    {
        return Some(("empty_answers".to_owned(), source(event)));
    }
    // It lives, is asked, and never answers.
    let failed = host.events.iter().find(about("request_failed"));
    let lives = host.peers.get(&ip).is_some_and(|peer| peer.silences.is_empty());
    match failed {
        Some(event) if received.is_empty() && lives => {
            Some(("{mute: [blocks]}".to_owned(), format!("{}: no blocks came", source(event))))
        }
        _ => None,
    }
}

/// How long a peer's answers take, where that is longer than a link does.
fn pace(incident: &Incident, host: &Host, ip: std::net::Ipv4Addr) -> Option<(String, String)> {
    let about =
        |name: &'static str| host.events.iter().filter(move |event| event.name == name && event.peer == Some(ip));
    let same = |a: &Event, b: &Event| ["start", "end"].iter().all(|field| a.fields.get(*field) == b.fields.get(*field));
    let answer = |asked: &Event| {
        let answers = about("received").filter(|event| same(event, asked) && event.first() >= asked.first());
        answers.map(|event| event.first() - asked.first()).min()
    };
    let first = about("requested").next()?;
    let mut took: Vec<i64> = about("requested").filter_map(answer).collect();
    took.sort_unstable();
    let median = *took.get(took.len() / 2)?;
    let source = format!("{}: answers take so long", Shown(first.place, &incident.files));
    (median >= UNUSUAL).then(|| (format!("{SLOWLY} {}}}", span(median)), source))
}

fn by_other(connection: &Connection) -> bool {
    let why = connection.why.to_lowercase();
    ["eof", "closed by peer", "reset", "ended", "gracefully"].iter().any(|word| why.contains(word))
}

fn losses(incident: &Incident, cast: &Cast) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (index, host) in incident.hosts.iter().enumerate() {
        let Some(node) = cast.host(index) else { continue };
        for (ip, peer) in &host.peers {
            let Some(party) = cast.at(*ip).filter(|party| *party != node) else { continue };
            losses.extend(peer.silences.iter().map(|silence| Loss {
                between: (node, party),
                from: silence.from,
                until: silence.until,
                source: Shown(silence.place, &incident.files).to_string(),
            }));
        }
    }
    losses.sort_by_key(|loss| (loss.from, loss.between));
    losses
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

/// Two sides of which everyone that knows one of the other side lost it, and nobody one of the own; `None`: the losses are no such cut.
fn sides(lost: &BTreeSet<(usize, usize)>, known: &BTreeSet<(usize, usize)>) -> Option<(Vec<usize>, Vec<usize>)> {
    let parties: BTreeSet<usize> = known.iter().chain(lost).flat_map(|(a, b)| [*a, *b]).collect();
    let mut one: BTreeSet<usize> = parties.first().copied().into_iter().collect();
    // Those that still hear each other are on one side.
    loop {
        let more: Vec<usize> = known
            .difference(lost)
            .flat_map(|(a, b)| [(*a, *b), (*b, *a)])
            .filter(|(a, b)| one.contains(a) && !one.contains(b))
            .map(|(_, b)| b)
            .collect();
        if more.is_empty() {
            break;
        }
        one.extend(more);
    }
    let other: Vec<usize> = parties.difference(&one).copied().collect();
    let across = |(a, b): &(usize, usize)| one.contains(a) != one.contains(b);
    let whole = !other.is_empty() && lost.iter().all(across) && lost.len() > 1;
    whole.then(|| (one.into_iter().collect(), other))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::replay::incident::{Peer, Silence};

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    /// Nodes `a` to .. of which each knows all others; `lost`: (who, whom, from, until) in seconds.
    fn incident(nodes: u8, peers: u8, lost: &[(u8, u8, i64, Option<i64>)]) -> Incident {
        let second = |at: i64| at * 1_000_000;
        let host = |index: u8| {
            let known = (1..=nodes + peers).filter(|other| *other != index);
            let peer = |other: u8| {
                let silences = lost.iter().filter(|(who, whom, ..)| (*who, *whom) == (index, other));
                let silence = |(_, _, from, until): &(u8, u8, i64, Option<i64>)| Silence {
                    from: second(*from),
                    until: until.map(second),
                    ..Silence::default()
                };
                let connections = vec![Connection { from: Some(0), ..Connection::default() }];
                Peer { connections, silences: silences.map(silence).collect(), ..Peer::default() }
            };
            Host {
                name: char::from(b'a' + index - 1).to_string(),
                ip: Some(ip(index)),
                ends: second(600),
                peers: known.map(|other| (ip(other), peer(other))).collect(),
                ..Host::default()
            }
        };
        Incident { hosts: (1..=nodes).map(host).collect(), ends: second(600), ..Incident::default() }
    }

    fn steps(incident: &Incident) -> Vec<String> {
        let mut unknowns = Unknowns::default();
        let cast = Cast::of(incident, &mut unknowns);
        let faults = Faults::of(incident, &cast, &Clock::default(), &mut unknowns);
        faults.steps.iter().map(|step| format!("{} {}", span(step.at), step.action)).collect()
    }

    #[test]
    fn a_partition_is_one_cut() {
        let lost = [(1, 3, 60, Some(200)), (1, 4, 61, Some(201)), (2, 3, 62, Some(199)), (4, 2, 60, Some(200))];
        assert_eq!(steps(&incident(4, 0, &lost)), ["1m {cut: {between: [a, b], and: [c, d], for: 141s}}"]);
    }

    #[test]
    fn a_node_without_anybody_is_cut_off() {
        let lost = [(1, 2, 60, Some(200)), (1, 3, 61, Some(201)), (4, 1, 62, Some(199))];
        assert_eq!(steps(&incident(4, 0, &lost)), ["1m {cut: {between: [a], and: [others], for: 141s}}"]);
        // Its own log has a gap: it stood still.
        let mut still = incident(4, 0, &lost);
        still.hosts[0].gaps = vec![(62_000_000, 199_000_000)];
        assert_eq!(steps(&still), ["1m {pause: {who: [a], for: 141s}}"]);
    }

    #[test]
    fn single_links_are_cut_as_stars_and_nothing_else_is() {
        let lost = [(1, 2, 60, Some(200)), (3, 1, 61, Some(201)), (4, 5, 62, Some(199))];
        let wanted =
            ["1m {cut: {between: [a], and: [b, c], for: 141s}}", "1m {cut: {between: [d], and: [e], for: 141s}}"];
        assert_eq!(steps(&incident(5, 0, &lost)), wanted);
    }

    #[test]
    fn losses_at_other_times_have_other_causes() {
        let lost = [(1, 2, 60, Some(120)), (1, 2, 300, None)];
        let wanted = ["1m {cut: {between: [a], and: [b], for: 1m}}", "5m {cut: {between: [a], and: [b], for: 5m}}"];
        assert_eq!(steps(&incident(3, 0, &lost)), wanted);
    }

    #[test]
    fn a_peer_that_all_lose_is_silent() {
        let lost = [(1, 3, 60, Some(200)), (2, 3, 61, Some(201))];
        let wanted = [
            "1m {deviate: {peers: [p-10-0-0-3], deviations: [{mute: [everything]}]}}",
            "201s {deviate: {peers: [p-10-0-0-3], deviations: []}}",
        ];
        assert_eq!(steps(&incident(2, 1, &lost)), wanted);
    }
}
