//! The scenario file's text.
use std::fmt::{self, Write};

use super::chains::PADDING;
use super::plan::Plan;

/// Characters of a line of prose, at most.
const WIDTH: usize = 140;
/// Up to so many nodes a simulation keeps its finest grain.
const FINE: usize = 20;

impl Plan {
    /// A whole scenario file.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(4_096);
        // A string takes everything.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, f: &mut String) -> fmt::Result {
        writeln!(f, "title: \"Drawn from seed {}: {}\"", self.seed, self.summary())?;
        writeln!(f, "why: >")?;
        prose(f, "  ", &self.why())?;
        writeln!(f, "requirements: []\nruns_for: {}s", self.runs_for())?;
        if self.topology.nodes.len() > FINE {
            writeln!(f, "tick: 100ms")?;
        }
        if !self.chains.forks.is_empty() {
            writeln!(f, "\nchains:")?;
            for fork in &self.chains.forks {
                let lower = fork.lower_than.as_ref().map(|place| format!(", lower_than: {place}")).unwrap_or_default();
                let padding = if fork.padded { format!(", padding: {PADDING}") } else { String::new() };
                writeln!(f, "  {}: {{fork_of: {}{lower}{padding}}}", fork.name, fork.of)?;
            }
        }
        self.write_nodes(f)?;
        let crowd = self.doors.crowd();
        if !self.liars.list.is_empty() || crowd.is_some() {
            writeln!(f, "\npeers:")?;
        }
        if let Some(crowd) = crowd {
            writeln!(f, "  {crowd}")?;
        }
        for liar in &self.liars.list {
            write!(f, "  {}: {{chain: {}", liar.name, liar.place)?;
            list(f, "dials", &liar.dials)?;
            if liar.redials > 0 {
                write!(f, ", redials: {}s", liar.redials)?;
            }
            list(f, "deviations", &liar.deviations)?;
            writeln!(f, "}}")?;
        }
        self.write_links(f)?;
        if let Some(every) = self.every {
            writeln!(f, "\nproduce: {{by: [{}], every: {every}s}}", self.producers.join(", "))?;
        }
        self.write_timeline(f)?;
        self.write_expect(f)
    }

    fn write_nodes(&self, f: &mut String) -> fmt::Result {
        writeln!(f, "\nnodes:")?;
        let config = self.config();
        for node in &self.topology.nodes {
            write!(f, "  {}: {{chain: {}", node.name, node.place)?;
            if node.masternode {
                write!(f, ", masternode: true")?;
            }
            list(f, "whitelists", &node.whitelists)?;
            list(f, "whitelists_again", &node.whitelists_again)?;
            list(f, "blacklists", &self.doors.blacklisted)?;
            list(f, "dials", &node.dials)?;
            if node.starts_at > 0 {
                write!(f, ", starts_at: {}s", node.starts_at)?;
            }
            if node.disk > 0 {
                write!(f, ", disk: {}ms", node.disk)?;
            }
            if !config.is_empty() {
                write!(f, ", config: {config}")?;
            }
            writeln!(f, "}}")?;
        }
        Ok(())
    }

    fn write_links(&self, f: &mut String) -> fmt::Result {
        if self.links.all.is_some() || !self.links.own.is_empty() {
            writeln!(f, "\nlinks:")?;
        }
        if let Some(line) = &self.links.all {
            writeln!(f, "  - {{is: {line}}}")?;
        }
        for (name, line) in &self.links.own {
            writeln!(f, "  - {{between: [{name}], and: [others], is: {line}}}")?;
        }
        Ok(())
    }

    fn write_timeline(&self, f: &mut String) -> fmt::Result {
        let faults = self.faults.iter().map(|fault| (fault.at, fault.text()));
        let directions = self.directions.iter().map(|direction| (direction.at, direction.text.clone()));
        let mut steps: Vec<(u64, String)> = faults.chain(directions).collect();
        steps.sort_by_key(|(at, _)| *at);
        if !steps.is_empty() {
            writeln!(f, "\ntimeline:")?;
        }
        for (at, action) in steps {
            writeln!(f, "  - {{at: {at}s, do: {action}}}")?;
        }
        Ok(())
    }

    fn write_expect(&self, f: &mut String) -> fmt::Result {
        writeln!(f, "\nexpect:")?;
        for part in self.budget.parts() {
            prose(f, "  # ", &part)?;
        }
        for agreement in self.agreements() {
            let (after, within) = (self.healed, self.budget.total());
            writeln!(f, "  - converge: {{who: [nodes], on: {agreement}, after: {after}s, within: {within}s}}")?;
        }
        // It counts from the last fault on, convergence from the last direction too.
        let settled = self.budget.total() + self.healed - self.last_fault();
        // Who starts late has the others settle again.
        let masternodes = self.topology.nodes.iter().filter(|node| node.masternode);
        if masternodes.map(|node| node.starts_at).max().unwrap_or(0) + settled >= self.runs_for() {
            return Ok(());
        }
        writeln!(f, "\ninvariants:\n  near_median: {{blocks: {}, after: {settled}s}}", self.near())
    }
}

fn list(f: &mut String, key: &str, items: &[String]) -> fmt::Result {
    if items.is_empty() { Ok(()) } else { write!(f, ", {key}: [{}]", items.join(", ")) }
}

/// Words in lines that begin with `indent`.
fn prose(f: &mut String, indent: &str, text: &str) -> fmt::Result {
    let mut width = WIDTH;
    for word in text.split_whitespace() {
        if width + word.len() < WIDTH {
            write!(f, " {word}")?;
            width += word.len() + 1;
        } else {
            let end = if width == WIDTH { "" } else { "\n" };
            write!(f, "{end}{indent}{word}")?;
            width = indent.len() + word.len();
        }
    }
    writeln!(f)
}
