//! What the lines between them are like, from perfect to awful.
//!
//! A line of a scenario file is the same both ways: what differs is which pairs have which. The worst still lets an answer about a
//! hash come within the 10 s that it is awaited for (D-6), and 500 blocks (about 550 kB) within a few seconds.
use std::fmt;

use super::dice::Dice;
use super::topology::Topology;

/// How a line is, both ways. What is zero is left out.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Milliseconds.
    pub latency: u64,
    /// Milliseconds, added to it.
    pub jitter: u64,
    /// Percent.
    pub loss: u64,
    /// Percent.
    pub duplicate: u64,
    /// Percent.
    pub reorder: u64,
    /// kB a second.
    pub rate: u64,
}

impl Line {
    /// Milliseconds to an answer, at the worst without a loss: who is overtaken takes the latency and the jitter twice.
    fn there_and_back(&self) -> u64 {
        let overtaken = if self.reorder > 0 { 2 } else { 1 };
        2 * (self.latency + self.jitter) * overtaken
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{latency: {}ms", self.latency)?;
        let others = [
            ("jitter", self.jitter, "ms"),
            ("loss", self.loss, "%"),
            ("duplicate", self.duplicate, "%"),
            ("reorder", self.reorder, "%"),
            ("rate", self.rate, "kB/s"),
        ];
        for (key, value, unit) in others.into_iter().filter(|(_, value, _)| *value > 0) {
            write!(f, ", {key}: {value}{unit}")?;
        }
        f.write_str("}")
    }
}

/// All lines.
pub struct Links {
    /// In a word.
    pub kind: &'static str,
    /// Everybody's; `None`: the simulation's own.
    pub all: Option<Line>,
    /// Those of single nodes with everybody else.
    pub own: Vec<(String, Line)>,
}

impl Links {
    /// So many blocks have to be fetched.
    pub fn draw(dice: &mut Dice, topology: &Topology, blocks: u64) -> Self {
        let line = |latency, jitter| Some(Line { latency, jitter, ..Line::default() });
        let (kind, all) = match dice.within(0..=7) {
            0 => ("usual", None),
            1 => ("perfect", line(1, 0)),
            2 => ("LAN", line(2, 2)),
            3 => ("WAN", line(dice.within(20..=150), dice.within(1..=40))),
            4 => {
                let loss = dice.within(1..=3);
                ("lossy", Some(Line { loss, latency: dice.within(10..=60), jitter: 10, ..Line::default() }))
            }
            5 => {
                let (duplicate, reorder) = (dice.within(0..=3), dice.within(1..=5));
                let jitter = dice.within(50..=300);
                ("jittery", Some(Line { latency: 20, jitter, duplicate, reorder, ..Line::default() }))
            }
            6 => ("slow", Some(slow(dice, 50, blocks))),
            _ => ("uneven", line(2, 2)),
        };
        let names: Vec<String> = topology.nodes.iter().map(|node| node.name.clone()).collect();
        let count = if kind == "uneven" { dice.within(1..=(names.len() as u64 / 2).max(1)) } else { 0 };
        let worse = dice.some(&names, count as usize);
        let own = worse.into_iter().map(|name| {
            let line = match dice.within(0..=2) {
                0 => slow(dice, 100, blocks),
                1 => Line { latency: 300, jitter: 100, loss: 3, ..Line::default() },
                _ => Line { latency: 80, jitter: 200, reorder: 3, ..Line::default() },
            };
            (name, line)
        });
        Self { kind, all, own: own.collect() }
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.all.iter().chain(self.own.iter().map(|(_, line)| line))
    }

    /// Milliseconds to get a range on the worst line, bandwidth apart: a question, and an answer that is twice as long as TCP's window.
    pub fn range(&self) -> u64 {
        2 * self.lines().map(Line::there_and_back).max().unwrap_or(20)
    }

    /// kB a second on the slowest line, where one has a limit.
    pub fn slowest(&self) -> Option<u64> {
        self.lines().map(|line| line.rate).filter(|rate| *rate > 0).min()
    }

    /// Whether TCP has to send things again.
    pub fn lossy(&self) -> bool {
        self.lines().any(|line| line.loss > 0)
    }
}

/// Still fast enough for so many blocks in half a minute.
fn slow(dice: &mut Dice, latency: u64, blocks: u64) -> Line {
    let rate = (*dice.one_of(&[200, 300, 500, 1_000])).max(blocks / 25);
    Line { latency, jitter: 10, rate, ..Line::default() }
}
