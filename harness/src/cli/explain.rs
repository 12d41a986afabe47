//! `lockstep explain`.
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit};
use crate::scenario::expectation::Check;
use crate::scenario::requirement::{Requirement, catalogue};
use crate::scenario::{Found, LoadError, Scenario, find, vocabulary};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A scenario's name or file, or a requirement's id.
    #[arg(value_name = "SCENARIO|REQUIREMENT")]
    subject: String,
    /// Folder of the scenarios.
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    scenarios: PathBuf,
}

pub(super) fn explain(args: &ExplainArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let id = args.subject.to_uppercase();
    if let Some(row) = catalogue().iter().find(|row| row.id == id) {
        requirement(row, &args.scenarios, out)?;
    } else {
        let file = scenario_file(args)?;
        scenario(&Scenario::load(&file.path, &file.root)?, out)?;
    }
    Ok(Exit::Expected)
}

fn scenario_file(args: &ExplainArgs) -> Result<Found, CliError> {
    let path = PathBuf::from(&args.subject);
    if path.is_file() {
        return find(&[path])?.pop().ok_or_else(|| CliError::Argument(format!("no scenario `{}`", args.subject)));
    }
    let files = find(std::slice::from_ref(&args.scenarios))?;
    if let Some(file) = files.iter().find(|file| file.name() == args.subject) {
        return Ok(file.clone());
    }
    let names: Vec<_> = files.iter().map(Found::name).collect();
    let known = names.iter().map(String::as_str).chain(catalogue().iter().map(|row| row.id.as_str()));
    let near = vocabulary::nearest(&args.subject, known).map(|near| format!(", did you mean `{near}`?"));
    let subject = &args.subject;
    Err(CliError::Argument(format!("no scenario or requirement `{subject}`{}", near.unwrap_or_default())))
}

fn requirement(row: &Requirement, folder: &PathBuf, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{} ({})\n{}\n", row.id, row.level, row.requirement)?;
    writeln!(out, "From:     {}: {}", row.from, row.source)?;
    writeln!(out, "Channel:  {}", row.channel)?;
    writeln!(out, "Peers:    {}", row.peer)?;
    writeln!(out, "Observe:  {}\n", row.observe)?;
    writeln!(out, "Scenarios:")?;
    let mut shown = false;
    for file in find(std::slice::from_ref(folder))? {
        match Scenario::load(&file.path, &file.root) {
            Ok(scenario) if scenario.requirements.contains(&row.id) => {
                writeln!(out, "  {}  {}", scenario.name, scenario.title)?;
                shown = true;
            }
            // A wrong file is the business of `list` and `run`.
            Ok(_) | Err(LoadError::Wrong(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !shown {
        writeln!(out, "  none")?;
    }
    Ok(())
}

fn scenario(scenario: &Scenario, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}\n{}\n\n{}\n", scenario.name, scenario.title, scenario.why.trim())?;
    if !scenario.requirements.is_empty() {
        writeln!(out, "Requirements:")?;
        for row in catalogue().iter().filter(|row| scenario.requirements.contains(&row.id)) {
            writeln!(out, "  {}  {}", row.id, row.requirement)?;
        }
        writeln!(out)?;
    }
    topology(scenario, out)?;
    let steps = scenario.steps_in_words();
    if !steps.is_empty() {
        writeln!(out, "Timeline:")?;
        for (at, step) in steps {
            writeln!(out, "  {at:>8}  {step}")?;
        }
        writeln!(out)?;
    }
    if let Some(incident) = &scenario.incident {
        writeln!(out, "Incident, with the nodes as they were:")?;
        for setting in &incident.without {
            writeln!(out, "  {setting}")?;
        }
        if let Some(mutant) = &incident.mutant {
            writeln!(out, "  the defect {mutant}")?;
        }
        checks(&incident.reproduced, out)?;
        writeln!(out)?;
    }
    writeln!(out, "Expected by the end, at {}:", humantime::format_duration(scenario.runs_for))?;
    checks(&scenario.expect, out)?;
    if let Some(near) = &scenario.near_median {
        let after = humantime::format_duration(near.after);
        writeln!(out, "  - masternodes within {} blocks of their median, {after} after start and faults", near.blocks)?;
    }
    Ok(())
}

fn checks(checks: &[Check], out: &mut dyn Write) -> Result<(), CliError> {
    for check in checks {
        writeln!(out, "  - {}", check.what.to_string().replace('\n', "\n  "))?;
    }
    Ok(())
}

fn topology(scenario: &Scenario, out: &mut dyn Write) -> Result<(), CliError> {
    let name_of = |ip: &Ipv4Addr| {
        let nodes = scenario.nodes.iter().map(|(name, node)| (name, node.ip));
        let mut all = nodes.chain(scenario.peers.iter().map(|(name, peer)| (name, peer.ip)));
        all.find(|(_, other)| other == ip).map_or(ip.to_string(), |(name, _)| name.clone())
    };
    let listed = |word: &str, ips: &[Ipv4Addr]| match ips {
        [] => String::new(),
        ips => format!(", {word} {}", ips.iter().map(name_of).collect::<Vec<_>>().join(" ")),
    };
    writeln!(out, "Topology:")?;
    for (name, chain) in &scenario.chains {
        if let Some(fork) = &chain.fork_of {
            writeln!(out, "  chain {name}: fork of {fork}, up to {}", chain.height)?;
        }
    }
    for (name, node) in &scenario.nodes {
        let kind = if node.masternode { "masternode" } else { "node" };
        let lists = [("whitelists", &node.whitelists), ("blacklists", &node.blacklists), ("dials", &node.dials)];
        let lists: String = lists.into_iter().map(|(word, ips)| listed(word, ips)).collect();
        let turn = node.producer.map(|_| ", makes blocks").unwrap_or_default();
        writeln!(out, "  {kind} {name} ({}) at {}{lists}{turn}", node.ip, node.chain)?;
    }
    for (name, peer) in &scenario.peers {
        let dials = if peer.dials.is_empty() { String::new() } else { format!(", dials {}", peer.dials.join(" ")) };
        let deviations = match peer.deviations.as_slice() {
            [] => ", honest".to_owned(),
            list => format!(", deviates: {list:?}"),
        };
        writeln!(out, "  scripted peer {name} ({}) at {}{dials}{deviations}", peer.ip, peer.chain)?;
    }
    // Both directions are listed one after the other.
    for link in scenario.links.iter().step_by(2) {
        writeln!(out, "  links {} ↔ {}: {}", link.from.join(" "), link.to.join(" "), link.shape)?;
    }
    if let Some(every) = scenario.produce_every {
        writeln!(out, "  a block every {}", humantime::format_duration(every))?;
    }
    writeln!(out)?;
    Ok(())
}
