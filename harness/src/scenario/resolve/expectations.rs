//! What must be seen: names and words looked up, times within the run, nothing that can only be empty.
use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::expectation::{Check, Condition, Expect, NearMedian, Pattern, PatternKind, Seen, Window};
use super::super::file::{self, Expectation, ScenarioFile};
use super::super::plain::Value;
use super::super::value::Span;
use super::super::vocabulary::{self, allowed};
use super::super::yaml::{Place, Spanned};
use super::Context;
use super::cast::Takes;

pub(super) fn all(file: &ScenarioFile, context: &mut Context, healed_at: Duration) -> (Vec<Check>, Option<NearMedian>) {
    if file.expect.value.is_empty() {
        context.wrong(&file.expect.place, "nothing is expected", "a run without an expectation shows nothing");
    }
    let checks = checks(&file.expect.value, healed_at, context);
    let near_median = file.invariants.near_median.as_ref().map(|near| {
        after(healed_at, &near.after, context);
        NearMedian { blocks: near.blocks, after: near.after.value.0 }
    });
    (checks, near_median)
}

pub(super) fn checks(list: &[Spanned<Expectation>], healed_at: Duration, context: &mut Context) -> Vec<Check> {
    let checks = list.iter().filter_map(|expectation| {
        let what = one(&expectation.value, &expectation.place, healed_at, context)?;
        Some(Check { line: expectation.place.line, what })
    });
    checks.collect()
}

fn one(expectation: &Expectation, place: &Place, healed_at: Duration, context: &mut Context) -> Option<Expect> {
    Some(match expectation {
        Expectation::Sequence(steps) => {
            if steps.is_empty() {
                context.wrong(place, "a sequence of nothing", "name at least one observation");
            }
            Expect::Sequence(steps.iter().filter_map(|step| seen(step, context)).collect())
        }
        Expectation::Never(seen) => Expect::Never(window(seen, context)?),
        Expectation::Count { seen, at_least, at_most } => {
            limits(Some(*at_least).filter(|least| *least > 0), *at_most, place, context);
            Expect::Count { seen: window(seen, context)?, at_least: *at_least, at_most: *at_most }
        }
        Expectation::Rate { seen, per, at_most, each } => {
            if per.value.0.is_zero() {
                context.wrong(&per.place, "a window of no time", "`per` is above 0ms");
            }
            let seen = window_by(seen, each, context)?;
            let each = each.iter().map(|field| field.value.clone()).collect();
            Expect::Rate { seen, per: context.time(per), at_most: *at_most, each }
        }
        Expectation::Gaps { seen, at_least, at_most, are } => {
            let (least, most) = (context.optional_time(at_least), context.optional_time(at_most));
            if are.is_empty() {
                limits(least, most, place, context);
            }
            let are = are.iter().map(|gap| gap.0).collect();
            Expect::Gaps { seen: window(seen, context)?, at_least: least, at_most: most, are }
        }
        Expectation::Converge { who, on, within, after: from } => {
            let start = context.optional_time(from);
            after(start.unwrap_or(healed_at), within, context);
            let who = context.somebody(who, Takes::Nodes, place);
            Expect::Converge { who, on: *on, within: within.value.0, after: start }
        }
        Expectation::Tip { who, is, by, not_before } => {
            let not_before = earlier(not_before, by, context);
            let who = context.somebody(who, Takes::Nodes, place);
            Expect::Tip { who, is: context.at(is), by: context.time(by), not_before }
        }
        Expectation::OnlyTips { who, are } => {
            if are.is_empty() {
                context.wrong(place, "no tip at all", "`are` names at least one place");
            }
            let who = context.somebody(who, Takes::Nodes, place);
            Expect::OnlyTips { who, are: are.iter().map(|at| context.at(at)).collect() }
        }
        Expectation::Reorgs { who, at_most } => {
            Expect::Reorgs { who: context.somebody(who, Takes::Nodes, place), at_most: *at_most }
        }
        Expectation::Metric { on, name, at, since, at_least, at_most } => {
            limits(*at_least, *at_most, place, context);
            let (on, at) = (one_of(on, Takes::Nodes, context)?, context.optional_time(at));
            let since = context.optional_time(since);
            Expect::Metric { on, name: name.clone(), at, since, at_least: *at_least, at_most: *at_most }
        }
    })
}

/// A time counted from `start`.
fn after(start: Duration, within: &Spanned<Span>, context: &mut Context) {
    let end = start.saturating_add(within.value.0);
    if end > context.runs_for {
        let title = format!("{:?} after {:?} is after the end of the run", within.value, Span(start));
        context.wrong(&within.place, title, format!("the run lasts {:?}", Span(context.runs_for)));
    }
}

fn earlier(early: &Option<Spanned<Span>>, late: &Spanned<Span>, context: &mut Context) -> Option<Duration> {
    let early = early.as_ref()?;
    if early.value > late.value {
        let title = format!("{:?} is later than {:?}", early.value, late.value);
        context.wrong(&early.place, title, "the earliest time comes before the latest");
    }
    Some(context.time(early))
}

fn limits<T: PartialOrd>(least: Option<T>, most: Option<T>, place: &Place, context: &mut Context) {
    match (least, most) {
        (None, None) => context.wrong(place, "an expectation without a limit", "write `at_least`, `at_most` or both"),
        (Some(least), Some(most)) if least > most => {
            context.wrong(place, "`at_least` is more than `at_most`", "nothing can be both");
        }
        _ => {}
    }
}

fn seen(seen: &file::SeenBy, context: &mut Context) -> Option<Seen> {
    let pair = |late: &Option<Spanned<Span>>, early: &Option<Spanned<Span>>, context: &mut Context| match late {
        Some(late) => (Some(context.time(late)), earlier(early, late, context)),
        None => (None, context.optional_time(early)),
    };
    let (by, not_before) = pair(&seen.by, &seen.not_before, context);
    let (within, not_within) = pair(&seen.within, &seen.not_within, context);
    Some(Seen { see: pattern(&seen.see, &[], context)?, by, within, not_before, not_within })
}

fn window(window: &file::Window, context: &mut Context) -> Option<Window> {
    window_by(window, &[], context)
}

/// A window whose observations have these fields, too.
fn window_by(window: &file::Window, each: &[Spanned<String>], context: &mut Context) -> Option<Window> {
    let until = context.optional_time(&window.until);
    let from = match &window.until {
        Some(until) => earlier(&window.from, until, context),
        None => context.optional_time(&window.from),
    };
    Some(Window { see: pattern(&window.see, each, context)?, from, until })
}

fn pattern(pattern: &Spanned<file::Pattern>, each: &[Spanned<String>], context: &mut Context) -> Option<Pattern> {
    let Spanned { value: file::Pattern { on, log, wire, connection, fields, text }, place } = pattern;
    let (kind, takes, (always, own)) = match (log, wire, connection) {
        (Some(event), None, None) => {
            let own = fields_of("log event", event, &vocabulary::LOG_EVENTS, context);
            (PatternKind::Log(event.value.clone()), Takes::Nodes, ("level", own))
        }
        (None, Some(message), None) => {
            let own = fields_of("message", message, &vocabulary::MESSAGES, context);
            (PatternKind::Wire(message.value.clone()), Takes::Peers, ("node", own))
        }
        (None, None, Some(fate)) => {
            let [peer, by] = vocabulary::CONNECTION_FIELDS;
            (PatternKind::Connection(*fate), Takes::Nodes, (peer, Some(vec![by])))
        }
        _ => {
            context.wrong(place, "a pattern is of one kind", "write exactly one of `log`, `wire` and `connection`");
            return None;
        }
    };
    let named = fields.iter().map(|(name, value)| (name, &value.place));
    for (name, place) in named.chain(each.iter().map(|field| (&field.value, &field.place))) {
        // An unknown kind is said already.
        let Some(own) = &own else { break };
        let known = || own.iter().copied().chain([always]);
        if !known().any(|known| known == name) {
            context.wrong(place, format!("no field `{name}` there"), allowed(name, known()));
        }
    }
    let of_message = wire.is_some();
    let fields = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), condition(value, Stands::of(name, of_message), context)?)));
    let fields = fields.collect();
    Some(Pattern { on: context.names(std::slice::from_ref(on), takes), kind, fields, text: text.clone() })
}

/// The fields of an event or a message, of `any` those of all; `None` for an unknown one, which is a mistake.
fn fields_of(
    what: &str,
    word: &Spanned<String>,
    all: &'static [(&'static str, &'static [&'static str])],
    context: &mut Context,
) -> Option<Vec<&'static str>> {
    let Some((_, fields)) = all.iter().find(|(known, _)| *known == word.value) else {
        let names = all.iter().map(|(name, _)| *name);
        context.wrong(&word.place, format!("no {what} `{}`", word.value), allowed(&word.value, names));
        return None;
    };
    let any = all.iter().filter(|_| word.value == "any").flat_map(|(_, fields)| fields.iter());
    Some(fields.iter().chain(any).copied().collect())
}

/// What a field's text stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// The name of a node.
    Node,
    /// Somebody's address, or the name of who has it.
    Address,
    /// Itself.
    Anything,
}

impl Stands {
    fn of(field: &str, of_message: bool) -> Self {
        match field {
            "node" if of_message => Self::Node,
            "ip" | "peer" => Self::Address,
            _ => Self::Anything,
        }
    }
}

fn condition(value: &Spanned<Value>, stands: Stands, context: &mut Context) -> Option<Condition> {
    let Spanned { value, place } = value;
    let text = match value {
        Value::List(_) => {
            context.wrong(place, "a field has one value", "write one value, or `<= 5`, `>= 5`, `!= 5`");
            return None;
        }
        Value::Text(text) => text,
        plain => return Some(Condition::Is(plain.to_string())),
    };
    let number = |rest: &str| rest.trim().parse::<u64>().ok();
    let compared = match text.split_at_checked(2) {
        Some(("<=", rest)) => number(rest).map(Condition::AtMost),
        Some((">=", rest)) => number(rest).map(Condition::AtLeast),
        Some(("!=", rest)) => return text_value(rest.trim(), stands, place, context).map(Condition::Not),
        _ if text.starts_with(['<', '>']) => None,
        _ => return text_value(text, stands, place, context).map(Condition::Is),
    };
    if compared.is_none() {
        context.wrong(
            place,
            format!("`{text}` compares nothing"),
            "write `<= 5`, `>= 5` or `!= 5` with a whole number",
        );
    }
    compared
}

fn text_value(word: &str, stands: Stands, place: &Place, context: &mut Context) -> Option<String> {
    let party = Spanned { value: word.to_owned(), place: place.clone() };
    match stands {
        Stands::Anything => Some(word.to_owned()),
        Stands::Node => one_of(&party, Takes::Nodes, context),
        Stands::Address if word.parse::<Ipv4Addr>().is_ok() => Some(word.to_owned()),
        Stands::Address => {
            let name = one_of(&party, Takes::Anyone, context)?;
            context.cast.ips.get(&name).map(Ipv4Addr::to_string)
        }
    }
}

/// The only party that a word stands for.
fn one_of(word: &Spanned<String>, takes: Takes, context: &mut Context) -> Option<String> {
    let names = context.names(std::slice::from_ref(word), takes);
    if names.len() > 1 {
        let title = format!("`{}` stands for several", word.value);
        context.wrong(&word.place, title, format!("name one of {}", names.join(", ")));
        return None;
    }
    names.into_iter().next()
}
