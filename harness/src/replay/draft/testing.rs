//! Logs for tests, line by line, and the scenario that they give.
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use super::{Draft, Options};
use crate::replay::Incident;
use crate::replay::fold::{Fold, Known};
use crate::replay::read::{self, read};
use crate::scenario::Scenario;

/// Each log ends here.
const END: i64 = 600;

/// Lines by host, each with its second. The log of `a` is `a.log`.
#[derive(Debug, Clone, Default)]
pub struct Logs(BTreeMap<String, Vec<(i64, String)>>);

impl Logs {
    /// Hosts at 10.0.0.1, 10.0.0.2 and so on, all at height 100, for ten minutes.
    pub fn of(hosts: &[&str]) -> Self {
        hosts.iter().zip(1..).fold(Self::default(), |logs, (host, last)| {
            logs.line(host, 0, &format!("Local IP: 10.0.0.{last}"))
                .line(host, 0, "Status: Height=100, Active Masternodes=4")
                .line(host, END, "Peer check: 1 connected, 1 active masternodes")
        })
    }

    /// Hosts `a`, `b` and so on that hear each other and all of `peers` (the next addresses) every 10 s, but for what is lost:
    /// who loses whom (1: `a`), and when.
    pub fn mesh(hosts: u8, peers: u8, lost: &[(u8, u8, Range<i64>)]) -> Self {
        let names: Vec<String> = (b'a'..b'a' + hosts).map(|name| char::from(name).to_string()).collect();
        let mut logs = Self::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, host) in names.iter().zip(1..) {
            for other in (1..=hosts + peers).filter(|other| *other != host) {
                let lost: Vec<Range<i64>> =
                    lost.iter().filter(|(who, whom, _)| (*who, *whom) == (host, other)).map(|l| l.2.clone()).collect();
                logs = logs.hears(name, &format!("10.0.0.{other}"), &lost);
            }
        }
        logs
    }

    /// One more line.
    pub fn line(self, host: &str, second: i64, message: &str) -> Self {
        self.lines(host, [second], message)
    }

    /// The same line again and again.
    pub fn lines(mut self, host: &str, seconds: impl IntoIterator<Item = i64>, message: &str) -> Self {
        let lines = self.0.entry(host.to_owned()).or_default();
        lines.extend(seconds.into_iter().map(|second| (second, message.to_owned())));
        self
    }

    /// A ping to an address every 10 s, and the pong at once, but for these times.
    pub fn hears(self, host: &str, ip: &str, lost: &[Range<i64>]) -> Self {
        let heard = |second: &i64| !lost.iter().any(|lost| lost.contains(second));
        self.lines(host, (0..=END).step_by(10), &format!("Sent ping to {ip} (nonce: 1)")).lines(
            host,
            (0..=END).step_by(10).filter(heard),
            &format!("Received pong from {ip} (nonce: 1)"),
        )
    }

    /// Nothing is logged in this time.
    pub fn quiet(mut self, host: &str, time: Range<i64>) -> Self {
        self.0.entry(host.to_owned()).or_default().retain(|(second, _)| !time.contains(second));
        self
    }

    /// What is read of them.
    pub fn incident(&self) -> Incident {
        let dir = tempfile::tempdir().unwrap();
        for (host, lines) in &self.0 {
            let mut lines = lines.clone();
            lines.sort_by_key(|(second, _)| *second);
            let line = |(second, message): &(i64, String)| {
                let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
                format!("2026-01-07 {hour:02}:{minute:02}:{second:02}.000 [{host}]  INFO {message}\n")
            };
            fs::write(dir.path().join(format!("{host}.log")), lines.iter().map(line).collect::<String>()).unwrap();
        }
        let mut fold = Fold::default();
        let reading = read(&[dir.path().to_owned()], &read::Options::default(), &mut |told| fold.tell(told)).unwrap();
        assert!(reading.not_understood.is_empty(), "{:?}", reading.not_understood);
        fold.finish(&reading.hosts, &reading.names(), &Known::default())
    }

    /// The scenario that they give.
    pub fn draft(&self) -> String {
        written(&self.incident(), &Options::default())
    }

    /// A part of it, see [`section`].
    pub fn section(&self, name: &str) -> Vec<String> {
        section(&self.draft(), name)
    }
}

/// The scenario of an incident, which is one that can be run.
pub fn written(incident: &Incident, options: &Options) -> String {
    let yaml = Draft::of(incident, options).to_string();
    Scenario::parse("draft", &yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    yaml
}

/// The lines of a part of a scenario, without comments and indents.
pub fn section(yaml: &str, name: &str) -> Vec<String> {
    let lines = yaml.lines().skip_while(|line| *line != format!("{name}:")).skip(1).take_while(|line| !line.is_empty());
    let lines = lines.map(|line| line.trim_start().trim_start_matches("- ")).filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// What the logs don't say, as a scenario has it.
pub fn unknowns(yaml: &str) -> Vec<&str> {
    yaml.lines().filter_map(|line| line.strip_prefix("# - ")).collect()
}
