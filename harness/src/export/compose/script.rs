//! The faults that compose can do, in their order and at their times.
use std::fmt::Write as _;
use std::time::Duration;

use super::super::artefacts::comment;
use super::set_up;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, Fault, Step};

/// Bash, for its clock of microseconds. Names of nodes are letters, digits, `_` and `-`.
const BEGIN: &str = r#"set -euo pipefail
cd "$(dirname "$0")"
if docker compose version >/dev/null 2>&1; then
  compose() { docker compose "$@"; }
else
  compose() { docker-compose "$@"; }
fi
# Waits until so many milliseconds after the start.
at() {
  local left=$(((start - ${EPOCHREALTIME/[.,]/}) / 1000 + $1))
  if ((left > 0)); then sleep "$((left / 1000)).$(printf %03d $((left % 1000)))"; fi
}
"#;

pub fn script(scenario: &Scenario, steps: &[Step]) -> String {
    let names: Vec<&str> = scenario.nodes.keys().map(String::as_str).collect();
    let mut text = String::from("#!/usr/bin/env bash\n");
    text.push_str(&comment(&format!("{}: see compose.yaml", scenario.name)));
    text.push_str(BEGIN);
    let chains: Vec<String> =
        scenario.nodes.iter().filter(|(_, node)| node.chain.height > 0).map(|(name, _)| set_up(name)).collect();
    if !chains.is_empty() {
        let _ = writeln!(text, "compose up {}", chains.join(" "));
    }
    let start = |late: bool| {
        let nodes = scenario.nodes.iter().filter(move |(_, node)| node.starts_at.is_zero() != late);
        nodes.map(|(name, node)| (name.as_str(), node.starts_at))
    };
    let early: Vec<&str> = start(false).map(|(name, _)| name).collect();
    if !early.is_empty() {
        let _ = writeln!(text, "compose up --detach {}", early.join(" "));
    }
    text.push_str("start=${EPOCHREALTIME/[.,]/}\n");
    for (at, command) in turns(start(true), steps) {
        let _ = writeln!(text, "at {}; compose {command}", at.as_millis());
    }
    let _ = writeln!(text, "at {}; compose stop", scenario.runs_for.as_millis());
    let _ = writeln!(text, "mkdir -p logs");
    let _ = writeln!(text, "for node in {}; do", names.join(" "));
    text.push_str("  compose logs --no-color --no-log-prefix \"$node\" >\"logs/$node.log\"\ndone\n");
    text
}

/// Commands by their times; what ends comes before what begins.
fn turns<'a>(late: impl Iterator<Item = (&'a str, Duration)>, steps: &[Step]) -> Vec<(Duration, String)> {
    let mut turns: Vec<(Duration, bool, String)> =
        late.map(|(name, at)| (at, true, format!("up --detach {name}"))).collect();
    for step in steps {
        let Act::Fault { fault, lasts } = &step.act else { continue };
        let (begin, end, who) = match fault {
            Fault::Pause(who) => ("pause", "unpause", who),
            Fault::Kill(who) => ("kill -s KILL", "start", who),
            _ => continue,
        };
        let who = who.join(" ");
        turns.push((step.at, true, format!("{begin} {who}")));
        turns.push((step.at + *lasts, false, format!("{end} {who}")));
    }
    turns.sort_by_key(|(at, begins, _)| (*at, *begins));
    turns.into_iter().map(|(at, _, command)| (at, command)).collect()
}
