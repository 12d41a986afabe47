//! Expectations in words, for findings.
use crate::history::{Meta, seconds, short};
use crate::scenario::expectation::{Agreement, At, Condition, Expect, Pattern, PatternKind, Seen, Window};

use super::pattern::fate_name;

/// A check in one line.
pub fn expectation(expect: &Expect, meta: &Meta) -> String {
    match expect {
        Expect::Sequence(items) => {
            let names: Vec<String> = items.iter().map(|item| name(&item.see)).collect();
            format!("sequence: {}", names.join(", then "))
        }
        Expect::Never(seen) => format!("never {}", window(seen, meta)),
        Expect::Count { seen, .. } => format!("count of {}", window(seen, meta)),
        Expect::Rate { seen, per, each, .. } => {
            let apart = if each.is_empty() { String::new() } else { format!(", for each {}", each.join(" and ")) };
            format!("rate of {} in each {}{apart}", window(seen, meta), seconds(*per))
        }
        Expect::Gaps { seen, .. } => format!("gaps between {}", window(seen, meta)),
        Expect::Converge { who, on, .. } => {
            format!("{} converge on {}", who.join(", "), agreement(*on))
        }
        Expect::Tip { who, is, .. } => format!("{} at {}", who.join(", "), place(is)),
        Expect::OnlyTips { who, are } => {
            let places: Vec<String> = are.iter().map(place).collect();
            format!("{} only ever at {}", who.join(", "), places.join(" or "))
        }
        Expect::Reorgs { who, .. } => format!("reorganisations of {}", who.join(", ")),
        Expect::Metric { on, name, .. } => format!("metric {name} of {on}"),
    }
}

/// A place on a chain as it is written in a scenario.
pub fn place(at: &At) -> String {
    format!("{}@{}", at.chain, at.height)
}

/// What nodes agree on.
pub fn agreement(on: Agreement) -> String {
    match on {
        Agreement::Tips => "one tip".into(),
        Agreement::HeightsWithin(blocks) => format!("heights within {blocks}"),
        Agreement::HeightAtLeast(height) => format!("heights of at least {height}"),
    }
}

/// A pattern with its window.
pub fn window(window: &Window, meta: &Meta) -> String {
    let see = pattern(&window.see, meta);
    match (window.from, window.until) {
        (None, None) => see,
        (from, None) => format!("{see} from {}", seconds(from.unwrap_or_default())),
        (None, Some(until)) => format!("{see} before {}", seconds(until)),
        (Some(from), Some(until)) => {
            format!("{see} from {} to {}", seconds(from), seconds(until))
        }
    }
}

/// An item of a sequence with its limits.
pub fn item(item: &Seen, meta: &Meta) -> String {
    let mut text = pattern(&item.see, meta);
    let limits = [
        (item.not_before, "not before", ""),
        (item.by, "by", ""),
        (item.not_within, "not within", " of the one before"),
        (item.within, "within", " of the one before"),
    ];
    for (limit, word, of) in limits {
        if let Some(limit) = limit {
            text.push_str(&format!(", {word} {}{of}", seconds(limit)));
        }
    }
    text
}

/// `behind on a (our = 1000, ip = m)`.
pub fn pattern(pattern: &Pattern, meta: &Meta) -> String {
    let mut conditions: Vec<String> = pattern
        .fields
        .iter()
        .map(|(name, condition)| match condition {
            Condition::Is(value) => format!("{name} = {}", party(value, meta)),
            Condition::Not(value) => format!("{name} is not {}", party(value, meta)),
            Condition::AtLeast(least) => format!("{name} >= {least}"),
            Condition::AtMost(most) => format!("{name} <= {most}"),
        })
        .collect();
    if let Some(text) = &pattern.text {
        conditions.push(format!("with `{text}`"));
    }
    let what = name(pattern);
    if conditions.is_empty() {
        return what;
    }
    format!("{what} ({})", conditions.join(", "))
}

/// `behind on a`.
fn name(pattern: &Pattern) -> String {
    let on = pattern.on.join(" or ");
    match &pattern.kind {
        PatternKind::Log(event) if event == "any" => format!("any log line on {on}"),
        PatternKind::Log(event) => format!("{event} on {on}"),
        PatternKind::Wire(message) => format!("{message} received by {on}"),
        PatternKind::Connection(fate) => {
            format!("connection {} on {on}", fate_name(*fate).replace('_', " "))
        }
    }
}

/// Values that are addresses of parties as their names.
fn party<'a>(value: &'a str, meta: &'a Meta) -> &'a str {
    meta.name_of(value).unwrap_or(value)
}

/// `1100 1a2b3c4d`.
pub fn tip(height: u64, hash: &str) -> String {
    format!("{height} {}", short(hash))
}
