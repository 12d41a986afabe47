//! Everything that one seed draws, before it is written.
use std::collections::BTreeMap;

use super::budget::{Budget, Situation, closings};
use super::chains::Chains;
use super::dice::{Dice, Purpose};
use super::directions::{self, Direction};
use super::doors::Doors;
use super::faults::{self, Fault, Ground};
use super::liars::{Liars, Stage};
use super::links::Links;
use super::settings::{Settings, a_range};
use super::swarm::{Kind, Swarm};
use super::topology::{Shape, Topology};

/// The least time for faults, in seconds: one storm.
const SHORTEST_HURT: u64 = 60;
/// And the most.
const LONGEST_HURT: u64 = 600;
/// Seconds in which ranges go to and fro, at most, on the longest way of blocks.
const FETCHED: u64 = 30;
/// How long nodes have to stay converged.
const STAYS: u64 = 20;

/// One scenario.
pub struct Plan {
    pub seed: u64,
    pub swarm: Swarm,
    pub topology: Topology,
    pub chains: Chains,
    pub links: Links,
    pub settings: Settings,
    pub liars: Liars,
    pub doors: Doors,
    /// Who makes blocks.
    pub producers: Vec<String>,
    /// Seconds between two blocks.
    pub every: Option<u64>,
    pub faults: Vec<Fault>,
    pub directions: Vec<Direction>,
    /// Seconds: from here on nothing is done to anybody.
    pub healed: u64,
    pub budget: Budget,
}

impl Plan {
    /// `longest` in seconds.
    pub fn draw(seed: u64, count: std::ops::RangeInclusive<u64>, longest: u64) -> Self {
        let dice = |purpose| Dice::new(seed, purpose);
        let swarm = Swarm::draw(&mut dice(Purpose::Swarm));
        let mut shape = dice(Purpose::Topology);
        let nodes = shape.by_magnitude(count) as usize;
        let mut topology = Topology::draw(&mut shape, nodes);
        let mut chains = Chains::draw(&mut dice(Purpose::Chains), swarm.forks, &mut topology);
        let links = Links::draw(&mut dice(Purpose::Links), &topology, chains.longest_way());
        let mut times = dice(Purpose::Times);
        let disk = if swarm.slow_disks { *times.one_of(&[1, 5, 20, 100]) } else { 0 };
        let (producers, every) = producers(&mut dice(Purpose::Production), &swarm, &topology, &chains);
        let stage = Stage { forked: chains.forked(), produces: every.is_some() };
        let hops = topology.hops();
        let fits = |way: u64, batch: u64| hops * way.div_ceil(batch) * a_range(&links, disk) <= FETCHED * 1_000;
        let way = chains.longest_way();
        let drawn = &mut dice(Purpose::Settings);
        let mut settings = Settings::draw(drawn, swarm.settings, stage.produces, &|batch| fits(way, batch));
        let mut lies = dice(Purpose::Liars);
        let mut liars = Liars::default();
        if swarm.whitelisted_liars {
            liars.whitelisted(&mut lies, stage, &mut topology, &mut chains);
        }
        if swarm.regular_liars {
            liars.regular(&mut lies, stage, &mut topology, &mut chains);
        }
        let doors = Doors::draw(&mut dice(Purpose::Doors), swarm.settings, &mut topology, &liars);

        // Liars' forks may have made the way longer, and who is slow is waited for in each of its rounds.
        if liars.slow > 0 || !fits(chains.longest_way_back(), settings.batch) {
            settings.batch = 500;
        }
        let branches = !chains.forks.is_empty() || producers.len() > 1;
        if branches && !stage.produces {
            // Equal heights show nothing where there are forks, and one tip is owed only by those who go to the last block.
            settings.threshold = 0;
        }
        let budget = |settings: &Settings| {
            let (swarm, topology, chains, links, liars) = (&swarm, &topology, &chains, &links, &liars);
            Budget::of(&Situation { swarm, topology, chains, links, settings, liars, every, branches, disk })
        };
        while budget(&settings).total() + SHORTEST_HURT + STAYS > longest && settings.quicken() {}
        let budget = budget(&settings);
        let room = longest.saturating_sub(budget.total() + STAYS).clamp(SHORTEST_HURT, LONGEST_HURT);
        let until = times.within(SHORTEST_HURT..=room);
        for node in &mut topology.nodes {
            node.disk = disk;
            if swarm.late_starts && !producers.contains(&node.name) && times.percent(20) {
                node.starts_at = times.within(1..=until / 2);
            }
        }
        let ground = Ground {
            nodes: &topology.nodes,
            producers: &producers,
            until,
            closings: closings(branches),
            storm: faults::storm(links.lossy()),
            silences: swarm.silences() || swarm.has(Kind::Pause),
        };
        let faults = faults::draw(&mut dice(Purpose::Faults), &swarm, ground);
        let directions = match swarm.directions {
            true => directions::draw(&mut dice(Purpose::Directions), &liars.list, stage, &chains, until),
            false => Vec::new(),
        };
        let ends = faults.iter().map(Fault::end).chain(directions.iter().map(|direction| direction.at));
        let healed = ends.chain(topology.nodes.iter().map(|node| node.starts_at)).max().unwrap_or(0);
        Self {
            seed,
            swarm,
            topology,
            chains,
            links,
            settings,
            liars,
            doors,
            producers,
            every,
            faults,
            directions,
            healed,
            budget,
        }
    }

    /// Seconds.
    pub fn runs_for(&self) -> u64 {
        self.healed + self.budget.total() + STAYS
    }

    /// When the last fault is over, in seconds.
    pub fn last_fault(&self) -> u64 {
        self.faults.iter().map(Fault::end).max().unwrap_or(0)
    }

    /// On what the nodes have to agree.
    ///
    /// Made blocks bring everybody to one tip (D-16), and so does a threshold of 0. Else nodes that know the best tip, by however many
    /// whitelists, may stay short of it by the threshold for each.
    pub fn agreements(&self) -> Vec<String> {
        let slack = self.settings.threshold * self.topology.hops();
        if self.every.is_some() || slack == 0 {
            return vec!["tips".to_owned()];
        }
        let least = self.chains.top.saturating_sub(slack);
        vec![format!("{{heights_within: {slack}}}"), format!("{{height_at_least: {least}}}")]
    }

    /// Blocks from the median: 10 (success criteria), the threshold where nothing is announced, and what is made in a minute, which a
    /// block may take to reach everybody.
    pub fn near(&self) -> u64 {
        match self.every {
            Some(every) => 10 + 60 / every,
            None => (self.settings.threshold * self.topology.hops()).max(10),
        }
    }

    /// The nodes' `config`, of what differs from the defaults; empty where nothing does.
    pub fn config(&self) -> String {
        let sections: Vec<String> = self.settings.text().into_iter().chain(self.doors.text()).collect();
        if sections.is_empty() { String::new() } else { format!("{{{}}}", sections.join(", ")) }
    }

    /// What it is about, in a line.
    pub fn summary(&self) -> String {
        let regular = self.topology.nodes.len() - self.topology.masternodes();
        let regular = if regular > 0 { format!(" and {regular} other nodes") } else { String::new() };
        let liars = match self.liars.list.len() {
            0 => String::new(),
            count => format!(", {count} liars"),
        };
        let forks = if self.chains.forked() { "on forks" } else { "on one chain" };
        format!("{} masternodes{regular}{liars}, {forks}, {} faults", self.topology.masternodes(), self.faults.len())
    }

    pub fn why(&self) -> String {
        let owed = match (self.every, self.chains.forked()) {
            (Some(_), _) => {
                "masternodes that whitelist the same set come to one chain (D-17), and announced blocks bring all to its tip (D-16)"
            }
            (None, true) => "masternodes that whitelist the same set come to one chain (D-17)",
            (None, false) => "whoever is more than the threshold behind a whitelisted peer catches up (D-1)",
        };
        format!(
            "Until {}s nodes are hurt and liars are directed, then everything is healed but for the liars, who go on. By the text {owed}. The \
             budget is the sum of the timers that may still run then.",
            self.healed
        )
    }

    /// Every option that was drawn, in words.
    pub fn options(&self) -> BTreeMap<&'static str, String> {
        let Self { topology, chains, links, liars, .. } = self;
        let shape = match topology.shape {
            Shape::Mesh => "masternodes that whitelist each other".to_owned(),
            Shape::Core => "masternodes that whitelist each other, and nodes that whitelist them all".to_owned(),
            Shape::Partial => "masternodes that whitelist each other, and nodes that whitelist some".to_owned(),
            Shape::Ring { reach } => format!("a ring of masternodes that whitelist {reach} on each side"),
        };
        let places: Vec<String> = topology.nodes.iter().map(|node| format!("{} {}", node.name, node.place)).collect();
        let forks: Vec<String> =
            chains.forks.iter().map(|fork| format!("{} of {} to {}", fork.name, fork.of, fork.height)).collect();
        let line = |line: &super::links::Line| line.to_string();
        let own = links.own.iter().map(|(name, own)| format!("; {name} {own}"));
        let lines = links.all.as_ref().map_or_else(|| "10ms".to_owned(), line) + &own.collect::<String>();
        let cast = |whitelisted| {
            let one =
                |liar: &super::liars::Liar| format!("{} {} [{}]", liar.name, liar.place, liar.deviations.join(", "));
            joined(liars.list.iter().filter(|liar| liar.whitelisted == whitelisted).map(one))
        };
        let off = Kind::ALL.into_iter().filter(|kind| !self.swarm.has(*kind)).map(|kind| kind.word().to_owned());
        let late = topology.nodes.iter().filter(|node| node.starts_at > 0);
        let settings = self.config();
        let production = self.every.map(|every| format!("each {every}s by {}", self.producers.join(", ")));
        BTreeMap::from([
            ("nodes", format!("{}, {} of them masternodes", topology.nodes.len(), topology.masternodes())),
            ("topology", shape),
            ("places", joined(places.into_iter())),
            ("forks", joined(forks.into_iter())),
            ("fork depth", chains.depth().to_string()),
            ("links", format!("{}: {lines}", links.kind)),
            ("settings", if settings.is_empty() { "the defaults".to_owned() } else { settings }),
            ("blacklisted", joined(self.doors.blacklisted.iter().cloned())),
            ("crowded", self.doors.crowded.clone().unwrap_or_else(|| "nobody".to_owned())),
            ("disk", format!("{}ms a write", topology.nodes.first().map_or(0, |node| node.disk))),
            ("late starts", joined(late.map(|node| format!("{} at {}s", node.name, node.starts_at)))),
            ("whitelisted liars", cast(true)),
            ("regular liars", cast(false)),
            ("production", production.unwrap_or_else(|| "none".to_owned())),
            ("faults", joined(self.faults.iter().map(|fault| format!("{}s {}", fault.at, fault.text())))),
            ("faults off", joined(off)),
            (
                "directions",
                joined(self.directions.iter().map(|direction| format!("{}s {}", direction.at, direction.text))),
            ),
            ("healed", format!("{}s", self.healed)),
            ("budget", format!("{}s: {}", self.budget.total(), joined(self.budget.parts()))),
            ("expected", self.agreements().join(", ")),
        ])
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let text = parts.collect::<Vec<_>>().join("; ");
    if text.is_empty() { "none".to_owned() } else { text }
}

/// Who makes blocks, and how often. A single one that begins at the top never forks, so a ring has only that.
fn producers(dice: &mut Dice, swarm: &Swarm, topology: &Topology, chains: &Chains) -> (Vec<String>, Option<u64>) {
    if !swarm.produces {
        return (Vec::new(), None);
    }
    let masternodes = || topology.nodes.iter().filter(|node| node.masternode);
    let at_top = masternodes().filter(|node| node.place.is_on_main() && node.place.height == chains.top);
    let at_top: Vec<String> = at_top.map(|node| node.name.clone()).collect();
    let all: Vec<String> = masternodes().map(|node| node.name.clone()).collect();
    let producers = match topology.is_ring() || dice.percent(40) {
        true => vec![dice.one_of(&at_top).clone()],
        false => {
            let some = dice.within(2..=7) as usize;
            dice.some(&all, some)
        }
    };
    (producers, Some(*dice.one_of(&[5, 10, 15, 20])))
}
