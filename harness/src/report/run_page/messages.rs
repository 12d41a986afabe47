//! Who sent what to whom, when: as far as logs and scripted peers tell.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{Fields, History, What};

use super::picture::{micros, number};

/// A message between two parties, by their numbers. At least one of its times is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub from: usize,
    pub to: usize,
    /// When it left, in microseconds.
    pub left: Option<i64>,
    /// When it came.
    pub came: Option<i64>,
    pub what: String,
    /// A ping or a pong.
    pub routine: bool,
}

impl Message {
    /// The one time that is known, or the first.
    pub fn at(&self) -> i64 {
        self.left.or(self.came).unwrap_or_default()
    }
}

/// All of them in order of time; what both ends tell of is one message. `party` is the number of a party with this name.
pub fn messages(history: &History, party: impl Fn(&str) -> Option<usize>) -> Vec<Message> {
    let mut all = All::default();
    for seen in history.observations() {
        let Some(own) = party(&seen.source) else { continue };
        match &seen.what {
            What::Log { event, fields, .. } => {
                let ip = fields.get("ip").map(ToString::to_string);
                let name = ip.as_deref().and_then(|ip| history.meta().name_of(ip));
                let Some(other) = name.and_then(&party) else { continue };
                match event.as_str() {
                    "ping_sent" => all.left(own, other, ping("Ping", fields), seen.at),
                    "ping_received" => all.came(other, own, ping("Ping", fields), seen.at),
                    "requested" => all.left(own, other, blocks("asks for blocks", fields), seen.at),
                    "received" => all.came(other, own, blocks("blocks", fields), seen.at),
                    _ => {}
                }
            }
            What::Wire { node, sent, message, fields } => {
                let Some(other) = party(node) else { continue };
                let what = match message.as_str() {
                    "Ping" | "Pong" => ping(message, fields),
                    "GetBlocks" | "GetBlockRange" => blocks("asks for blocks", fields),
                    "BlocksResponse" | "BlockRangeResponse" => blocks("blocks", fields),
                    name => (words(name, fields), words(name, fields), false),
                };
                match sent {
                    true => all.left(own, other, what, seen.at),
                    false => all.came(other, own, what, seen.at),
                }
            }
            _ => {}
        }
    }
    let mut messages = all.messages;
    messages.sort_by_key(Message::at);
    messages
}

/// What makes it one message, how it is put, and whether it is routine.
type Said = (String, String, bool);

fn ping(name: &str, fields: &Fields) -> Said {
    let nonce = fields.get("nonce").map(ToString::to_string).unwrap_or_default();
    let height = number(fields, "height").map_or(String::new(), |height| format!(" at height {height}"));
    (format!("{name} {nonce}"), format!("{name}{height}"), true)
}

fn blocks(name: &str, fields: &Fields) -> Said {
    let what = match (number(fields, "start"), number(fields, "end")) {
        (Some(start), Some(end)) => format!("{name} {start}–{end}"),
        _ => format!("no {name}"),
    };
    (what.clone(), what, false)
}

fn words(name: &str, fields: &Fields) -> String {
    fields.iter().fold(name.to_owned(), |words, (field, value)| format!("{words} {field}={value}"))
}

#[derive(Default)]
struct All {
    messages: Vec<Message>,
    /// Those that left and have not come, by their ends and what makes them one.
    under_way: BTreeMap<(usize, usize, String), Vec<usize>>,
}

impl All {
    fn left(&mut self, from: usize, to: usize, (one, what, routine): Said, at: Duration) {
        self.under_way.entry((from, to, one)).or_default().push(self.messages.len());
        self.messages.push(Message { from, to, left: Some(micros(at)), came: None, what, routine });
    }

    /// Of several that are alike the last one that left: those before may be lost.
    fn came(&mut self, from: usize, to: usize, (one, what, routine): Said, at: Duration) {
        let came = Some(micros(at));
        match self.under_way.remove(&(from, to, one)).and_then(|left| left.last().copied()) {
            Some(number) => self.messages[number].came = came,
            None => self.messages.push(Message { from, to, left: None, came, what, routine }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::build::history;

    #[test]
    fn what_both_ends_tell_of_is_one_message() {
        let history = history()
            .at(1_000)
            .log("a", "ping_sent", "ip=10.0.0.2 nonce=7 height=5")
            .log("a", "ping_sent", "ip=10.0.0.2 nonce=8 height=5")
            .at(1_010)
            .log("b", "ping_received", "ip=10.0.0.1 nonce=7 height=5")
            .at(2_000)
            .log("a", "requested", "ip=10.0.0.11 start=6 end=9")
            .at(2_010)
            .wire("m", "a", false, "GetBlocks", "start=6 end=9")
            .wire("m", "a", true, "BlocksResponse", "start=6 end=9 count=4")
            .at(2_020)
            .log("a", "received", "ip=10.0.0.11 start=6 end=9")
            .at(3_000)
            .wire("m", "a", true, "GetPeers", "")
            .ended();
        let names = ["a", "b", "m"];
        let found = messages(&history, |name| names.iter().position(|known| *known == name));
        let told: Vec<String> = found
            .iter()
            .map(|m| {
                let time = |at: Option<i64>| at.map_or("?".into(), |at| (at / 1_000).to_string());
                format!("{} {}>{} {} {}", names[m.from], time(m.left), time(m.came), names[m.to], m.what)
            })
            .collect();
        assert_eq!(
            told,
            [
                "a 1000>1010 b Ping at height 5",
                "a 1000>? b Ping at height 5",
                "a 2000>2010 m asks for blocks 6–9",
                "m 2010>2020 a blocks 6–9",
                "m 3000>? a GetPeers",
            ]
        );
    }
}
