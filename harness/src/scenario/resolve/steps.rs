//! The timeline: repetitions unfolded, names looked up, every fault over before the end.
use std::time::Duration;

use super::super::file::{Action, Between, LinkShape, ScenarioFile, StepFile, Whom};
use super::super::resolved::{Act, Direction, Fault, Step};
use super::super::timeline::{Pairs, Undrawn};
use super::super::value::Span;
use super::super::yaml::{Place, Spanned};
use super::Context;
use super::cast::Takes;
use super::overlap;
use super::settings::deviations;

/// Steps of a timeline, repetitions counted.
pub(super) const MOST_STEPS: usize = 10_000;

/// One step with its place, for messages.
pub(super) struct Placed {
    pub step: Step<Undrawn>,
    pub place: Place,
}

pub(super) fn timeline(file: &ScenarioFile, context: &mut Context) -> Vec<Step<Undrawn>> {
    let mut steps = Vec::new();
    for step in &file.timeline {
        let Some(act) = act(&step.action, file, context) else {
            continue;
        };
        let (times, every) = repetitions(step, context);
        if steps.len() + times as usize > MOST_STEPS {
            let help = "repetitions count as steps of their own";
            context.wrong(&step.at.place, format!("the timeline has more than {MOST_STEPS} steps"), help);
            break;
        }
        let place = &step.action.place;
        for index in 0..times {
            let at = step.at.value.0.saturating_add(every.saturating_mul(index));
            steps.push(Placed { step: Step { id: 0, at, act: act.clone() }, place: place.clone() });
        }
        let last = step.at.value.0.saturating_add(every.saturating_mul(times.saturating_sub(1)));
        in_time(step, last, &act, context);
    }
    steps.sort_by_key(|placed| placed.step.at);
    for (id, placed) in (0..).zip(&mut steps) {
        placed.step.id = id;
    }
    overlap::check(&steps, context);
    steps.into_iter().map(|placed| placed.step).collect()
}

fn repetitions(step: &StepFile, context: &mut Context) -> (u32, Duration) {
    let place = &step.at.place;
    match (&step.times, &step.every) {
        (None, None) => (1, Duration::ZERO),
        (Some(times), Some(every)) if times.value > 0 && !every.value.0.is_zero() => (times.value, every.value.0),
        (Some(times), Some(_)) => {
            context.wrong(&times.place, "a repetition that never comes", "`times` and `every` are above zero");
            (1, Duration::ZERO)
        }
        _ => {
            context.wrong(place, "`every` and `times` go together", "`every: 60s` with `times: 5` makes five steps");
            (1, Duration::ZERO)
        }
    }
}

/// The last repetition begins, and its fault ends, before the run does.
fn in_time(step: &StepFile, last: Duration, act: &Act<Undrawn>, context: &mut Context) {
    let end = Span(context.runs_for);
    if last >= context.runs_for {
        let title = format!("a step at {:?} comes after the end of the run", Span(last));
        context.wrong(&step.at.place, title, format!("the run lasts {end:?}"));
    } else if let Act::Fault { lasts, .. } = act
        && last.saturating_add(*lasts) >= context.runs_for
    {
        let title = format!("this fault is not over by the end: it ends at {:?}", Span(last.saturating_add(*lasts)));
        context.wrong(&step.action.place, title, format!("every run ends healed, before {end:?}"));
    }
}

fn act(action: &Spanned<Action>, file: &ScenarioFile, context: &mut Context) -> Option<Act<Undrawn>> {
    let place = &action.place;
    let direct = |peers, direction| Some(Act::Direct { peers, direction });
    match &action.value {
        Action::Cut(between) => cut(between, true, place, context),
        Action::CutOneWay(between) => cut(between, false, place, context),
        Action::Link { between, and, is, lasts } => {
            if *is == LinkShape::default() {
                context.wrong(place, "a link that behaves as before", "`is` names latency, jitter, loss, …");
            }
            let pairs = pairs(between, and, true, place, context);
            fault(Fault::Link(pairs, is.clone()), lasts, context)
        }
        Action::Pause(whom) => on_nodes(whom, Fault::Pause, place, context),
        Action::Kill(whom) => on_nodes(whom, Fault::Kill, place, context),
        Action::PowerLoss(whom) => on_nodes(whom, Fault::PowerLoss, place, context),
        Action::Skew { who, offset, drift_ppm, lasts } => {
            let who = context.who(who, Takes::Nodes, place);
            fault(Fault::Skew { who, offset_ms: offset.0, drift_ppm: *drift_ppm }, lasts, context)
        }
        Action::Tell { peers, height } => {
            direct(context.somebody(peers, Takes::Peers, place), Direction::Tell(*height))
        }
        Action::Announce { peers, height } => {
            direct(context.somebody(peers, Takes::Peers, place), Direction::Announce(*height))
        }
        Action::Move { peers, chain } => {
            let peers = context.somebody(peers, Takes::Peers, place);
            direct(peers, Direction::Move(context.at(chain)))
        }
        Action::Push { peers, start, end, form } => {
            let peers = context.somebody(peers, Takes::Peers, place);
            let highest = peers.iter().map(|peer| height_of(peer, file, context)).min().unwrap_or(0);
            if *start > end.value || end.value > highest {
                let title = format!("blocks {start}-{} cannot be pushed", end.value);
                context.wrong(&end.place, title, format!("`start` is at most `end`, and `end` at most {highest}"));
            }
            direct(peers, Direction::Push { start: *start, end: end.value, form: *form })
        }
        Action::Send { peers, line } => {
            let peers = context.somebody(peers, Takes::Peers, place);
            direct(peers, Direction::Send(line.clone()))
        }
        Action::Disconnect(peers) => direct(context.somebody(&peers.peers, Takes::Peers, place), Direction::Disconnect),
        Action::Connect(peers) => direct(context.somebody(&peers.peers, Takes::Peers, place), Direction::Connect),
        Action::Deviate { peers, deviations: list } => {
            let peers = context.somebody(peers, Takes::Peers, place);
            let highest = peers.iter().map(|peer| height_of(peer, file, context)).min().unwrap_or(0);
            direct(peers, Direction::Deviate(deviations(list, highest, context)))
        }
    }
}

/// The greatest height that a peer serves at some time.
fn height_of(peer: &str, file: &ScenarioFile, context: &Context) -> u64 {
    let is_in = |group: &str| group == peer || context.cast.members(group).iter().any(|member| member == peer);
    let start = file.peers.iter().filter(|(name, _)| is_in(&name.text)).map(|(_, peer)| peer.chain.value.height);
    let moves = file.timeline.iter().filter_map(|step| match &step.action.value {
        Action::Move { peers, chain } => peers
            .iter()
            .any(|word| ["all", "peers"].contains(&word.value.as_str()) || is_in(&word.value))
            .then_some(chain.value.height),
        _ => None,
    });
    start.chain(moves).max().unwrap_or(0)
}

fn cut(between: &Between, both_ways: bool, place: &Place, context: &mut Context) -> Option<Act<Undrawn>> {
    let pairs = pairs(&between.between, &between.and, both_ways, place, context);
    fault(Fault::Cut(pairs), &between.lasts, context)
}

fn pairs(
    from: &[Spanned<String>],
    to: &[Spanned<String>],
    both_ways: bool,
    place: &Place,
    context: &mut Context,
) -> Pairs {
    let (from, to) = context.two_sides(from, to, place);
    if from == to && from.part.is_none() && from.names.len() == 1 {
        context.wrong(place, "both sides are one and the same", "a link has two ends");
    }
    Pairs { from, to, both_ways }
}

fn on_nodes(
    whom: &Whom,
    make: fn(super::super::timeline::Who) -> Undrawn,
    place: &Place,
    context: &mut Context,
) -> Option<Act<Undrawn>> {
    let who = context.who(&whom.who, Takes::Nodes, place);
    fault(make(who), &whom.lasts, context)
}

fn fault(fault: Undrawn, lasts: &Spanned<Span>, context: &mut Context) -> Option<Act<Undrawn>> {
    if lasts.value.0.is_zero() {
        context.wrong(&lasts.place, "a fault that lasts no time", "`for` is above 0ms");
    }
    Some(Act::Fault { fault, lasts: lasts.value.0 })
}
