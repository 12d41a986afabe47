//! Faults that contradict each other at the same time: a node can be down, paused or without power for one reason only, its clock
//! has one offset, and a link's parameter has one value in each direction. A cut within a cut is no contradiction: a link is cut
//! until the last of them ends.
use std::time::Duration;

use super::super::file::LinkShape;
use super::super::resolved::{Act, Fault};
use super::super::timeline::{Pairs, Undrawn, Who};
use super::super::value::Span;
use super::Context;
use super::steps::Placed;

/// Notes each fault that begins while another one contradicts it. Where parts are drawn, what may be is taken for what is.
pub(super) fn check(steps: &[Placed], context: &mut Context) {
    let mut active: Vec<(Duration, &Placed, &Undrawn)> = Vec::new();
    for placed in steps {
        let Act::Fault { fault, lasts } = &placed.step.act else {
            continue;
        };
        let at = placed.step.at;
        active.retain(|(end, ..)| *end > at);
        let contrary = active.iter().find(|(_, _, other)| contradict(fault, other, &context.cast.nodes));
        if let Some((end, other, _)) = contrary {
            let (line, end) = (other.place.line, Span(*end));
            let title =
                format!("this fault at {:?} contradicts the one of line {line}, which lasts until {end:?}", Span(at));
            context.wrong(&placed.place, title, "let one end before the other begins");
            // One is enough: the rest often follows from it.
            return;
        }
        active.push((at.saturating_add(*lasts), placed, fault));
    }
}

fn contradict(one: &Undrawn, two: &Undrawn, nodes: &[String]) -> bool {
    use Fault::{Kill, Link, Pause, PowerLoss, Skew};
    match (one, two) {
        (Pause(one) | Kill(one) | PowerLoss(one), Pause(two) | Kill(two) | PowerLoss(two)) => meet(one, two, nodes),
        (Skew { who: one, .. }, Skew { who: two, .. }) => meet(one, two, nodes),
        (Link(one, shape), Link(two, other)) => same_parameter(shape, other) && pairs_meet(one, two, nodes),
        _ => false,
    }
}

fn same_parameter(one: &LinkShape, two: &LinkShape) -> bool {
    let named = |shape: &LinkShape| {
        let LinkShape { latency, jitter, loss, duplicate, reorder, rate } = shape;
        [latency.is_some(), jitter.is_some(), loss.is_some(), duplicate.is_some(), reorder.is_some(), rate.is_some()]
    };
    named(one).into_iter().zip(named(two)).any(|(one, two)| one && two)
}

/// Link faults hold both ways, so either direction of one may meet the other.
fn pairs_meet(one: &Pairs, two: &Pairs, nodes: &[String]) -> bool {
    (meet(&one.from, &two.from, nodes) && meet(&one.to, &two.to, nodes))
        || (meet(&one.from, &two.to, nodes) && meet(&one.to, &two.from, nodes))
}

/// Whether somebody may be in both.
fn meet(one: &Who, two: &Who, nodes: &[String]) -> bool {
    let drawn = |who: &Who, name: &String| who.part.is_some() && nodes.contains(name) && !who.except.contains(name);
    let parts_meet = match (one.part, two.part) {
        (Some(one), Some(two)) => one == two,
        _ => false,
    };
    parts_meet
        || one.names.iter().any(|name| two.names.contains(name) || drawn(two, name))
        || two.names.iter().any(|name| drawn(one, name))
}
