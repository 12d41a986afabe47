//! A history as a short text for snapshots: what the nodes logged, at exact times, without what differs between
//! runs or only repeats.
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Field, Fields, History, Meta, What};

/// More lines than this are summed up.
const MOST_LINES: usize = 400;
/// Logged for every ping: the bulk of any log, and in step with the clock alone.
const LEFT_OUT: [&str; 2] = ["ping_sent", "ping_received"];
/// Fields drawn at random.
const VOLATILE: [&str; 1] = ["nonce"];

/// Consecutive lines of one node with one event.
struct Run<'a> {
    first: Duration,
    last: Duration,
    node: &'a str,
    event: &'a str,
    fields: &'a Fields,
    last_fields: &'a Fields,
    times: u64,
}

/// One line per log event: time, node, event, fields; addresses stand as names. A node's repetitions of one event with
/// none of its others between are folded into the first; more than 400 lines are summed up as counts per node and event.
pub fn normal(history: &History) -> String {
    let runs = runs(history);
    if runs.len() > MOST_LINES {
        return summary(&runs);
    }
    let width = |of: fn(&Run<'_>) -> usize| runs.iter().map(of).max().unwrap_or(0);
    let (node_width, event_width) = (width(|run| run.node.len()), width(|run| run.event.len()));
    let mut text = String::new();
    for run in &runs {
        let mut line = format!(
            "{:>12}  {:node_width$}  {:event_width$}  {}",
            super::seconds(run.first),
            run.node,
            run.event,
            words(run.fields, history.meta())
        );
        if run.times > 1 {
            let last = words(run.last_fields, history.meta());
            let until = super::seconds(run.last);
            let _ = write!(line, "  … {} times until {until}  {last}", run.times);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn runs(history: &History) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
    for seen in history.observations() {
        let What::Log { event, fields, .. } = &seen.what else {
            continue;
        };
        if event.is_empty() || LEFT_OUT.contains(&event.as_str()) {
            continue;
        }
        let open = latest.get(seen.source.as_str()).map(|at| &mut runs[*at]);
        if let Some(run) = open.filter(|run| run.event == event) {
            run.times += 1;
            run.last = seen.at;
            run.last_fields = fields;
            continue;
        }
        latest.insert(&seen.source, runs.len());
        runs.push(Run {
            first: seen.at,
            last: seen.at,
            node: &seen.source,
            event,
            fields,
            last_fields: fields,
            times: 1,
        });
    }
    runs
}

fn words(fields: &Fields, meta: &Meta) -> String {
    let word = |(name, value): (&String, &Field)| {
        let value = value.to_string();
        let value = meta.name_of(&value).map_or(value.clone(), Into::into);
        format!("{name}={value}")
    };
    let kept = |(name, _): &(&String, &Field)| !VOLATILE.contains(&name.as_str());
    let words: Vec<String> = fields.iter().filter(kept).map(word).collect();
    words.join(" ")
}

fn summary(runs: &[Run<'_>]) -> String {
    let mut counts: BTreeMap<(&str, &str), (u64, Duration, Duration)> = BTreeMap::new();
    for run in runs {
        let entry = counts.entry((run.node, run.event)).or_insert((0, run.first, run.last));
        entry.0 += run.times;
        entry.2 = run.last;
    }
    let mut text = String::new();
    for ((node, event), (times, first, last)) in counts {
        let (first, last) = (super::seconds(first), super::seconds(last));
        let _ = writeln!(text, "{node}  {event}  {times} times  {first} to {last}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::build::history;
    use super::*;

    #[test]
    fn shows_events_with_exact_times_and_names() {
        let history = history()
            .at(1)
            .log("a", "ping_sent", "ip=10.0.0.11 nonce=5")
            .text("a", "", "a line without a name", "")
            .at(30_000)
            .log("a", "behind", "our=1000 consensus=1100 ip=10.0.0.11")
            .log("a", "requested", "ip=10.0.0.11 start=1001 end=1050 nonce=3")
            .log("b", "in_sync", "our=1100")
            .at(30_250)
            .log("a", "requested", "ip=10.0.0.11 start=1051 end=1100")
            .at(31_007)
            .log("a", "received", "ip=192.0.2.1")
            .ended();
        assert_eq!(
            normal(&history),
            "    30.000 s  a  behind     consensus=1100 ip=m our=1000\n    \
             30.000 s  a  requested  end=1050 ip=m start=1001  … 2 times until 30.250 s  end=1100 ip=m start=1051\n    \
             30.000 s  b  in_sync    our=1100\n    \
             31.007 s  a  received   ip=192.0.2.1\n"
        );
    }

    #[test]
    fn long_histories_are_summed_up() {
        let mut build = history();
        for i in 0..201 {
            build = build.at(i).log("a", "requested", "start=1").log("a", "received", "start=1");
        }
        assert_eq!(
            normal(&build.ended()),
            "a  received  201 times  0.000 s to 0.200 s\na  requested  201 times  0.000 s to 0.200 s\n"
        );
    }
}
