//! What a host saw in a run, in order: its own events, and what comes in that the reference node's log does not tell.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harness::history::{Field, Fields, History, What};

/// One way over a link that nothing was said of.
const LATENCY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub enum Moment<'a> {
    /// An event of the reference node's log.
    Event(&'a str, &'a Fields),
    /// A pong arrives.
    Pong { ip: String, nonce: u64, height: Option<u64> },
    /// A scripted peer's blocks arrive, of which the reference node's log says nothing.
    Blocks { ip: String, count: u64, start: u64, end: u64 },
    /// The chain is so high, with this tip.
    Chain(u64, &'a str),
    /// Half a minute is over.
    Tick,
}

pub fn number(fields: &Fields, name: &str) -> Option<u64> {
    match fields.get(name)? {
        Field::Number(number) => Some(*number),
        Field::Text(_) => None,
    }
}

pub fn text(fields: &Fields, name: &str) -> String {
    fields.get(name).map(Field::to_string).unwrap_or_default()
}

pub fn moments<'a>(history: &'a History, host: &str) -> Vec<(Duration, Moment<'a>)> {
    let mut moments = Vec::new();
    let mut pinged: BTreeMap<u64, Duration> = BTreeMap::new();
    let mut received: BTreeSet<(String, Option<u64>)> = BTreeSet::new();
    let mut heights: BTreeMap<&str, u64> = BTreeMap::new();
    for seen in history.observations() {
        let (at, source) = (seen.at, seen.source.as_str());
        match &seen.what {
            What::Chain { height, tip, .. } => {
                heights.insert(source, *height);
                if source == host {
                    moments.push((at, Moment::Chain(*height, tip)));
                }
            }
            What::Log { event, fields, .. } if source == host => {
                if event == "ping_sent" {
                    pinged.extend(number(fields, "nonce").map(|nonce| (nonce, at)));
                } else if event == "received" {
                    received.insert((text(fields, "ip"), number(fields, "end")));
                }
                moments.push((at, Moment::Event(event, fields)));
            }
            // Another node got our ping and answers at once: the way back takes as long as the way there.
            What::Log { event, fields, .. } if event == "ping_received" => {
                let nonce = number(fields, "nonce");
                let sent = nonce.and_then(|nonce| pinged.get(&nonce));
                if let (Some(nonce), Some(sent), Some(ip)) = (nonce, sent, history.meta().ip_of(source)) {
                    let height = heights.get(source).copied();
                    moments.push((at + (at - *sent), Moment::Pong { ip, nonce, height }));
                }
            }
            What::Wire { node, sent: true, message, fields } if node == host => {
                let Some(ip) = history.meta().ip_of(source) else { continue };
                let moment = match message.as_str() {
                    "Pong" => number(fields, "nonce").map(|nonce| Moment::Pong {
                        ip,
                        nonce,
                        height: number(fields, "height"),
                    }),
                    "BlocksResponse" | "BlockRangeResponse" => blocks(ip, fields),
                    _ => None,
                };
                moments.extend(moment.map(|moment| (at + LATENCY, moment)));
            }
            _ => {}
        }
    }
    let ticks = (1..).map(|n| Duration::from_secs(30 * n));
    let end = history.end().unwrap_or_default();
    moments.extend(ticks.take_while(|at| *at <= end).map(|at| (at, Moment::Tick)));
    moments.retain(|(_, moment)| match moment {
        Moment::Blocks { ip, end, .. } => !received.contains(&(ip.clone(), Some(*end))),
        _ => true,
    });
    moments.sort_by_key(|(at, moment)| (*at, turn(moment)));
    moments
}

/// Of what happens at once: blocks come before what is said of them, a pong after its ping.
fn turn(moment: &Moment<'_>) -> u8 {
    match moment {
        Moment::Blocks { .. } => 0,
        Moment::Event(..) | Moment::Chain(..) => 1,
        Moment::Pong { .. } | Moment::Tick => 2,
    }
}

fn blocks(ip: String, fields: &Fields) -> Option<Moment<'static>> {
    let [count, start, end] = ["count", "start", "end"].map(|name| number(fields, name));
    Some(Moment::Blocks { ip, count: count?, start: start?, end: end? })
}
