//! The scenario file's text.
use std::fmt;

use super::chains::Chains;
use super::{Draft, Symptom};
use crate::history::Field;
use crate::replay::incident::Host;
use crate::scenario::text::{comment, folded, quoted, span};

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "title: {}", quoted(&self.title))?;
        f.write_str(&folded("why", &self.why()))?;
        if !self.unknowns.is_empty() {
            writeln!(f, "# What the logs don't say:")?;
            for unknown in &self.unknowns {
                writeln!(f, "{}", comment(&format!("- {unknown}")))?;
            }
        }
        writeln!(f, "requirements: []")?;
        writeln!(f, "# The incident, squeezed where it is, and time to recover.\nruns_for: {}", span(self.runs_for))?;
        self.write_forks(f)?;
        self.write_nodes(f)?;
        self.write_peers(f)?;
        self.write_produce(f)?;
        self.write_timeline(f)?;
        self.write_expect(f)
    }
}

impl Draft {
    fn why(&self) -> String {
        let begins = jiff::Timestamp::from_microsecond(self.incident.begins)
            .map_or_else(|_| "?".into(), |at| format!("{at:.0}"));
        let files = if self.incident.files.is_empty() { "a run".to_owned() } else { self.incident.files.join(", ") };
        let whats: Vec<&str> = self.symptoms.iter().map(|symptom| symptom.what.as_str()).collect();
        let whats = if whats.is_empty() { "Nothing is seen to be wrong".to_owned() } else { whats.join("; ") };
        format!("Reconstructed from {files}, {begins} on. {whats}.")
    }

    fn write_forks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = || self.chains.forks.iter().zip(1..).filter(|(fork, _)| fork.used);
        if used().next().is_some() {
            writeln!(f, "\nchains:")?;
        }
        for (fork, chain) in used() {
            let told = if fork.told { "" } else { ", at most: unknown" };
            let mut sources = fork.sources.clone();
            sources.truncate(4);
            writeln!(f, "  {}", comment(&format!("{}{told}", sources.join(", "))))?;
            writeln!(f, "  {}: {{fork_of: main@{}}}", Chains::name(chain), fork.ancestor)?;
        }
        Ok(())
    }

    fn place_of(&self, party: usize) -> String {
        let start = &self.chains.starts[party];
        self.chains.place(start.chain, start.height)
    }

    fn write_nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nnodes:")?;
        for party in self.cast.nodes() {
            let Some(host) = self.cast.parties[party].host.and_then(|index| self.incident.hosts.get(index)) else {
                continue;
            };
            let who = &self.cast.parties[party];
            let offset = match host.offset {
                offset if offset.micros == 0 => String::new(),
                offset => {
                    let by = if offset.given {
                        "given".to_owned()
                    } else {
                        format!("from {} pings and pongs", offset.pairs)
                    };
                    let sign = if offset.micros < 0 { "behind" } else { "ahead" };
                    format!("; its clock is {} {sign} ({by})", span(offset.micros.saturating_abs()))
                }
            };
            writeln!(f, "  {}", comment(&format!("{}: {}{offset}", host.name, self.chains.starts[party].source)))?;
            writeln!(f, "  {}:", who.name)?;
            writeln!(f, "    ip: {}", who.ip)?;
            writeln!(f, "    chain: {}", self.place_of(party))?;
            if who.masternode {
                self.write_sources(f, "    ", &who.sources)?;
                writeln!(f, "    masternode: true")?;
            }
            let (whitelists, dials) = self.cast.lists(party, host);
            if !whitelists.is_empty() {
                writeln!(f, "    whitelists: [{}]", self.cast.names(whitelists))?;
            }
            if !dials.is_empty() {
                writeln!(f, "    dials: [{}]", self.cast.names(dials))?;
            }
            let starts = self.clock.at(host.begins);
            if starts > 0 && starts_late(host) {
                writeln!(f, "    starts_at: {}", span(starts))?;
            }
        }
        Ok(())
    }

    fn write_sources(&self, f: &mut fmt::Formatter<'_>, indent: &str, sources: &[String]) -> fmt::Result {
        match sources {
            [] => Ok(()),
            [first] => writeln!(f, "{indent}{}", comment(first)),
            [first, rest @ ..] => writeln!(f, "{indent}{}", comment(&format!("{first}, and {} more", rest.len()))),
        }
    }

    fn write_peers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers: Vec<usize> =
            (0..self.cast.parties.len()).filter(|party| self.cast.parties[*party].host.is_none()).collect();
        if peers.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n# Those without a log.\npeers:")?;
        for party in peers {
            let who = &self.cast.parties[party];
            writeln!(f, "  {}", comment(&self.chains.starts[party].source))?;
            writeln!(f, "  {}:", who.name)?;
            writeln!(f, "    ip: {}", who.ip)?;
            writeln!(f, "    chain: {}", self.place_of(party))?;
            let dials = self.cast.dials(party, &self.incident);
            if !dials.is_empty() {
                writeln!(f, "    dials: [{}]", self.cast.names(dials))?;
                writeln!(f, "    redials: 5s")?;
            }
            if let Some(habits) = self.faults.habits.get(&party) {
                for habit in habits {
                    writeln!(f, "    {}", comment(&habit.source))?;
                }
                let habits: Vec<&str> = habits.iter().map(|habit| habit.deviation.as_str()).collect();
                writeln!(f, "    deviations: [{}]", habits.join(", "))?;
            }
        }
        Ok(())
    }

    /// Who makes blocks: those that say so, at the pace of the fastest.
    fn write_produce(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let produced = |host: &Host| {
            let made = host.events.iter().filter(|event| event.name == "produced");
            let mut at: Vec<(i64, u64)> = made
                .filter_map(|event| match event.fields.get("height") {
                    Some(Field::Number(height)) => Some((event.first(), *height)),
                    _ => None,
                })
                .collect();
            at.sort_unstable();
            at
        };
        let makers: Vec<usize> = self
            .cast
            .nodes()
            .filter(|party| {
                let host = self.cast.parties[*party].host.and_then(|index| self.incident.hosts.get(index));
                host.is_some_and(|host| !produced(host).is_empty())
            })
            .collect();
        if makers.is_empty() {
            return Ok(());
        }
        let mut at: Vec<i64> = self.incident.hosts.iter().flat_map(produced).map(|(at, _)| self.clock.at(at)).collect();
        at.sort_unstable();
        let gap = at.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap >= 1_000_000).min();
        // Of a single block it is known when it came.
        let pace = gap.or(at.first().copied()).filter(|pace| *pace >= 1_000_000);
        let seconds = pace.map_or(600, |pace| (pace / 1_000_000).clamp(1, 86_400));
        let unknown = if gap.is_none() { "; how often: unknown" } else { "" };
        writeln!(f, "\n{}", comment(&format!("They say that they make blocks{unknown}.")))?;
        writeln!(f, "produce: {{by: [{}], every: {seconds}s}}", self.cast.names(makers))
    }

    fn write_timeline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.steps.is_empty() {
            return Ok(());
        }
        writeln!(f, "\ntimeline:")?;
        for step in &self.faults.steps {
            writeln!(f, "  {}", comment(&step.comment))?;
            writeln!(f, "  - {{at: {}, do: {}}}", span(step.at), step.action)?;
        }
        Ok(())
    }

    /// What holds with the cure, and what shows without it.
    fn write_expect(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n# With the cure: none of it.\nexpect:")?;
        let mut written: Vec<&str> = Vec::new();
        for symptom in &self.symptoms {
            let fresh: Vec<&str> =
                symptom.cured.iter().map(String::as_str).filter(|cured| !written.contains(cured)).collect();
            if fresh.is_empty() {
                continue;
            }
            writeln!(f, "  {}", comment(&format!("{}: {}", symptom.source, symptom.what)))?;
            for cured in fresh {
                writeln!(f, "  - {cured}")?;
                written.push(cured);
            }
        }
        if written.is_empty() {
            let nodes = self.cast.names(self.cast.nodes());
            let after = span(self.healed);
            writeln!(f, "  # Nothing was wrong: nodes stay as near to each other as the text wants them.")?;
            writeln!(f, "  - converge: {{who: [{nodes}], on: {{heights_within: 10}}, after: {after}, within: 5m}}")?;
        }
        let reproduced: Vec<(&Symptom, &String)> = self
            .symptoms
            .iter()
            .flat_map(|symptom| symptom.reproduced.iter().map(move |check| (symptom, check)))
            .collect();
        if reproduced.is_empty() {
            return Ok(());
        }
        let off: Vec<String> = self.off.iter().map(|switch| format!("{switch}: false")).collect();
        if off.is_empty() && self.mutant.is_none() {
            return writeln!(f, "\n# Every part of the cure was on: there is no side without it.");
        }
        writeln!(f, "\n# Without the cure, of which the logs show nothing: what they show instead.\nincident:")?;
        if !off.is_empty() {
            writeln!(f, "  without: {{sync: {{{}}}}}", off.join(", "))?;
        }
        if let Some(mutant) = self.mutant {
            writeln!(f, "  # No setting brings this back.\n  mutant: {mutant}")?;
        }
        writeln!(f, "  reproduced:")?;
        for (symptom, check) in reproduced {
            writeln!(f, "    {}", comment(&symptom.source))?;
            writeln!(f, "    - {check}")?;
        }
        Ok(())
    }
}

/// The log shows its start, so it was not there before.
fn starts_late(host: &Host) -> bool {
    let start = host.events.iter().find(|event| matches!(event.name.as_str(), "started" | "daemon_started"));
    start.is_some_and(|event| event.first() - host.begins < 5_000_000)
}
