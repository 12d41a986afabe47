//! Scenarios in plain words: what happens, and what is expected.
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::expectation::{Condition, Expect, Pattern, PatternKind, Seen, Window};
use super::file::{Agreement, ConnectionFate, LinkShape, PushForm};
use super::resolved::{Act, At, Direction, Fault};
use super::timeline::{Pairs, Part, Who};
use super::value::Span;

/// Names beyond these are counted.
const MOST_NAMES: usize = 8;

/// Parties or pairs of them, in words.
pub trait Named {
    /// `a, b and c`.
    fn named(&self) -> String;
}

impl Named for Vec<String> {
    fn named(&self) -> String {
        names(self)
    }
}

impl Named for Who {
    fn named(&self) -> String {
        let part = self.part.map(|part| {
            let part = if part == Part::Minority { "a minority" } else { "the majority" };
            let but = if self.except.is_empty() { String::new() } else { format!(" but for {}", names(&self.except)) };
            format!("{part} of the nodes{but}")
        });
        let named = (!self.names.is_empty()).then(|| names(&self.names));
        part.into_iter().chain(named).collect::<Vec<_>>().join(" and ")
    }
}

impl Named for Vec<(String, String)> {
    fn named(&self) -> String {
        let pairs: BTreeSet<_> = self.iter().cloned().collect();
        let back = |(from, to): &(String, String)| pairs.contains(&(to.clone(), from.clone()));
        let both = pairs.iter().filter(|pair| back(pair) && pair.0 < pair.1).map(|(from, to)| format!("{from}↔{to}"));
        let one_way = pairs.iter().filter(|pair| !back(pair)).map(|(from, to)| format!("{from}→{to}"));
        names(&both.chain(one_way).collect::<Vec<_>>())
    }
}

impl Named for Pairs {
    fn named(&self) -> String {
        let arrow = if self.both_ways { "↔" } else { "→" };
        format!("{} {arrow} {}", self.from.named(), self.to.named())
    }
}

fn names<'a>(list: impl IntoIterator<Item = &'a String>) -> String {
    let list: Vec<_> = list.into_iter().map(String::as_str).collect();
    match list.split_at_checked(MOST_NAMES) {
        Some((shown, rest)) if !rest.is_empty() => format!("{} and {} more", shown.join(", "), rest.len()),
        _ => list.join(", "),
    }
}

fn time(duration: Duration) -> String {
    format!("{:?}", Span(duration))
}

impl<W: Named, P: Named> Display for Fault<W, P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(pairs) => write!(f, "cut {}", pairs.named()),
            Self::Link(pairs, shape) => write!(f, "link {}: {shape}", pairs.named()),
            Self::Pause(who) => write!(f, "pause {}", who.named()),
            Self::Kill(who) => write!(f, "kill {}", who.named()),
            Self::PowerLoss(who) => write!(f, "power loss of {}", who.named()),
            Self::Skew { who, offset_ms, drift_ppm } => {
                let sign = if *offset_ms < 0 { "-" } else { "+" };
                let offset = time(Duration::from_millis(offset_ms.unsigned_abs()));
                write!(f, "clock of {} off by {sign}{offset}, drift {drift_ppm} ppm", who.named())
            }
        }
    }
}

impl<F: Display> Display for Act<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { fault, lasts } => write!(f, "{fault}, for {}", time(*lasts)),
            Self::Direct { peers, direction } => write!(f, "{} {direction}", names(peers)),
        }
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tell(Some(height)) => write!(f, "tells height {height}"),
            Self::Tell(None) => write!(f, "tells its own height again"),
            Self::Announce(height) => write!(f, "announces height {height}"),
            Self::Move(at) => write!(f, "moves to {at}"),
            Self::Push { start, end, form } => {
                let form = if *form == PushForm::List { "as lists" } else { "one by one" };
                write!(f, "pushes blocks {start}-{end} {form}")
            }
            Self::Send(line) => write!(f, "sends {line:?}"),
            Self::Disconnect => write!(f, "closes its connections"),
            Self::Connect => write!(f, "dials"),
            Self::Deviate(deviations) if deviations.is_empty() => write!(f, "is honest from now on"),
            Self::Deviate(deviations) => write!(f, "deviates: {deviations:?}"),
        }
    }
}

impl Display for LinkShape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let span = |name, value: Option<Span>| value.map(|value| format!("{name} {value:?}"));
        let share =
            |name, value: Option<super::value::Share>| value.map(|value| format!("{name} {}%", value.0 * 100.0));
        let parts = [
            span("latency", self.latency),
            span("jitter", self.jitter),
            share("loss", self.loss),
            share("duplicate", self.duplicate),
            share("reorder", self.reorder),
            self.rate.map(|rate| format!("rate {} B/s", rate.0)),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.chain, self.height)
    }
}

impl Display for Expect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(steps) => {
                write!(f, "in this order:")?;
                (1..).zip(steps).try_for_each(|(number, step)| write!(f, "\n  {number}. {step}"))
            }
            Self::Never(window) => write!(f, "never {window}"),
            Self::Count { seen, at_least, at_most } => write!(f, "{seen}: {}", range(Some(at_least), at_most.as_ref())),
            Self::Rate { seen, per, at_most, each } => {
                let apart = if each.is_empty() { String::new() } else { format!(" for each {}", each.join(" and ")) };
                write!(f, "{seen}: at most {at_most} in any {}{apart}", time(*per))
            }
            Self::Gaps { seen, at_least, at_most, are } => {
                let limits = range(at_least.map(time).as_ref(), at_most.map(time).as_ref());
                let are: Vec<_> = are.iter().map(|gap| time(*gap)).collect();
                let are = if are.is_empty() { limits } else { format!("{limits} about {}", are.join(", ")) };
                write!(f, "{seen}: gaps of {}", are.trim())
            }
            Self::Converge { who, on, within, after } => {
                let after = after.map_or("the last fault".to_owned(), time);
                write!(f, "{} agree on {on} within {} after {after}", names(who), time(*within))
            }
            Self::Tip { who, is, by, not_before } => {
                let not_before = not_before.map(|early| format!(", not before {}", time(early))).unwrap_or_default();
                write!(f, "tip of {} is {is} by {}{not_before}, to the end", names(who), time(*by))
            }
            Self::OnlyTips { who, are } => {
                let are: Vec<_> = are.iter().map(At::to_string).collect();
                write!(f, "the only tips of {} are {}", names(who), are.join(", "))
            }
            Self::Reorgs { who, at_most } => write!(f, "{} reorganise at most {at_most} times each", names(who)),
            Self::Metric { on, name, at, since, at_least, at_most } => {
                let at = at.map_or("the end".to_owned(), time);
                let since = since.map_or(String::new(), |since| format!(" since {}", time(since)));
                write!(f, "metric {name} of {on} at {at}{since}: {}", range(at_least.as_ref(), at_most.as_ref()))
            }
        }
    }
}

fn range<T: Display + PartialEq>(least: Option<&T>, most: Option<&T>) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!("exactly {least}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    }
}

impl Display for Agreement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tips => write!(f, "one tip"),
            Self::HeightsWithin(blocks) => write!(f, "heights at most {blocks} apart"),
            Self::HeightAtLeast(height) => write!(f, "heights of at least {height}"),
        }
    }
}

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.see)?;
        let limits = [
            ("not before", self.not_before, ""),
            ("by", self.by, ""),
            ("not within", self.not_within, " of the one before"),
            ("within", self.within, " of the one before"),
        ];
        for (word, limit, of) in limits {
            if let Some(limit) = limit {
                write!(f, ", {word} {}{of}", time(limit))?;
            }
        }
        Ok(())
    }
}

impl Display for Window {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.see)?;
        let from = self.from.map(|from| format!(" from {}", time(from))).unwrap_or_default();
        let until = self.until.map(|until| format!(" until {}", time(until))).unwrap_or_default();
        write!(f, "{from}{until}")
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let on = names(&self.on);
        match &self.kind {
            PatternKind::Log(event) if event == "any" => write!(f, "{on} logs anything")?,
            PatternKind::Log(event) => write!(f, "{on} logs {event}")?,
            PatternKind::Wire(message) => write!(f, "{on} receives {message}")?,
            PatternKind::Connection(ConnectionFate::Dialled) => write!(f, "{on} dials")?,
            PatternKind::Connection(ConnectionFate::Opened) => write!(f, "{on} has a connection opened")?,
            PatternKind::Connection(ConnectionFate::ClosedByNode) => write!(f, "{on} closes a connection")?,
            PatternKind::Connection(ConnectionFate::ClosedByPeer) => {
                write!(f, "{on} has a connection closed by a peer")?
            }
        }
        let fields: Vec<_> = self.fields.iter().map(|(name, condition)| format!("{name} {condition}")).collect();
        if !fields.is_empty() {
            write!(f, " where {}", fields.join(", "))?;
        }
        self.text.iter().try_for_each(|text| write!(f, " with the text {text:?}"))
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(f, "= {value}"),
            Self::Not(value) => write!(f, "≠ {value}"),
            Self::AtLeast(value) => write!(f, "≥ {value}"),
            Self::AtMost(value) => write!(f, "≤ {value}"),
        }
    }
}
