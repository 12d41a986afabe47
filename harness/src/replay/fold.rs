//! What lines told, folded into an incident as they come: whatever the length of the logs, the memory is bounded.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::clocks::Clocks;
use super::host::HostFold;
use super::incident::{Incident, Offset};
use super::told::{Place, Shown, Told};
use crate::history::{History, What};

/// 2026-06-01T00:00:00Z in microseconds: where the time of simulations begins (D-30).
pub const SIMULATED_START: i64 = 1_780_272_000_000_000;

/// The part of the logs that counts. What comes before tells how things stood at its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// From; `None`: from the first line.
    pub from: Option<Moment>,
    /// Until; `None`: to the last line.
    pub until: Option<Moment>,
}

/// An instant of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Microseconds since 1970.
    At(i64),
    /// Microseconds since midnight: the first such time that the logs reach.
    OfDay(i64),
}

const DAY: i64 = 86_400_000_000;

impl Moment {
    /// The instant, for logs that begin at `first`.
    fn after(self, first: i64) -> i64 {
        match self {
            Self::At(at) => at,
            Self::OfDay(time) => {
                let at = first.div_euclid(DAY).saturating_mul(DAY).saturating_add(time);
                if at < first.div_euclid(60_000_000) * 60_000_000 { at.saturating_add(DAY) } else { at }
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    /// `2025-12-26 21:00`, `2025-12-26T21:00:05Z`, or a time of day: `21:00:05`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<jiff::civil::Time>()
            && text.len() <= "21:00:05.000000".len()
            && text.get(2..3) == Some(":")
        {
            let micros = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
            return Ok(Self::OfDay(micros * 1_000_000 + i64::from(time.subsec_nanosecond() / 1_000)));
        }
        let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let local: jiff::civil::DateTime = text.parse().ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(local).ok()
        });
        let wrong = || format!("`{text}` is no time: write 2025-12-26 21:00, 2025-12-26T21:00:05Z or 21:00:05");
        instant.map(|at| Self::At(at.as_microsecond())).ok_or_else(wrong)
    }
}

/// What an operator knows beside the logs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Whose address is whose.
    pub addresses: Vec<(Ipv4Addr, String)>,
    /// By how many microseconds a host's clock is ahead of the others'.
    pub offsets: Vec<(String, i64)>,
}

/// A host's heights that can't both be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction {
    pub(super) was: (u64, Place),
    pub(super) is: (u64, Place),
}

/// An incident under construction.
#[derive(Debug, Default)]
pub struct Fold {
    window: Window,
    /// The same in instants, since the first event.
    bounds: Option<(i64, i64)>,
    hosts: Vec<HostFold>,
    clocks: Clocks,
}

impl Fold {
    /// Nothing told yet.
    pub fn new(window: Window) -> Self {
        Self { window, ..Self::default() }
    }

    /// Takes over one event.
    pub fn tell(&mut self, told: &Told<'_>) {
        let (from, until) = *self.bounds.get_or_insert_with(|| {
            let from = self.window.from.map_or(i64::MIN, |from| from.after(told.at));
            // `--from 23:50 --to 00:10` goes over midnight.
            let until = self.window.until.map_or(i64::MAX, |until| until.after(from.max(told.at)));
            (from, until)
        });
        if told.at > until {
            return;
        }
        if self.hosts.len() <= told.host {
            self.hosts.resize_with(told.host + 1, HostFold::default);
        }
        self.clocks.tell(told);
        if let Some(host) = self.hosts.get_mut(told.host) {
            host.tell(told, from);
        }
    }

    /// Heights that can't both be true, one for each host that has some, in words with their places.
    pub fn contradictions(&self, hosts: &[String], files: &[String]) -> Vec<String> {
        let named = self.hosts.iter().zip(hosts);
        let words = named.filter_map(|(host, name)| {
            let Contradiction { was: (high, before), is: (low, here) } = host.contradiction()?;
            Some(format!(
                "{}: {name} is at height {low} here, but was at {high} ({}), and nothing says that it rolled back",
                Shown(here, files),
                Shown(before, files)
            ))
        });
        words.collect()
    }

    /// The incident, by the names of the reader's hosts and files. Hosts of which nothing is told in the window are left out.
    pub fn finish(self, hosts: &[String], files: &[String], known: &Known) -> Incident {
        let by_name = |name: &String| hosts.iter().position(|host| host == name);
        let given: BTreeMap<usize, i64> =
            known.offsets.iter().filter_map(|(name, micros)| Some((by_name(name)?, *micros))).collect();
        let offsets = self.clocks.offsets(self.hosts.len(), &given);
        let mut addresses = self.clocks.addresses();
        for (index, host) in self.hosts.iter().enumerate() {
            if let Some(ip) = host.own_address() {
                addresses.insert(index, ip);
            }
        }
        for (ip, name) in &known.addresses {
            addresses.retain(|_, other| other != ip);
            if let Some(index) = by_name(name) {
                addresses.insert(index, *ip);
            }
        }
        let from = self.bounds.map_or(i64::MIN, |(from, _)| from);
        let mut incident = Incident { files: files.to_vec(), ..Incident::default() };
        for (index, host) in self.hosts.into_iter().enumerate() {
            let offset: Offset = offsets.get(&index).copied().unwrap_or_default();
            for (name, times) in host.left_out() {
                *incident.left_out.entry(name.clone()).or_default() += times;
            }
            let name = hosts.get(index).cloned().unwrap_or_default();
            incident.hosts.extend(host.finish(name, addresses.get(&index).copied(), offset, from));
        }
        incident.begins = incident.hosts.iter().map(|host| host.begins).min().unwrap_or_default();
        incident.ends = incident.hosts.iter().map(|host| host.ends).max().unwrap_or_default();
        incident
    }
}

/// A run seen as an incident: what its nodes logged.
pub fn of_history(history: &History) -> Incident {
    let mut fold = Fold::default();
    let mut hosts: Vec<String> = Vec::new();
    for seen in history.observations() {
        let What::Log { event, fields, .. } = &seen.what else { continue };
        if event.is_empty() {
            continue;
        }
        let host = hosts.iter().position(|host| *host == seen.source).unwrap_or_else(|| {
            hosts.push(seen.source.clone());
            hosts.len() - 1
        });
        let texts: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.to_string())).collect();
        let fields: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let at = SIMULATED_START + i64::try_from(seen.at.as_micros()).unwrap_or(i64::MAX - SIMULATED_START);
        fold.tell(&Told { host, at, event, fields: &fields, place: Place::default() });
    }
    let parties = history.meta().parties.iter();
    let known = Known {
        addresses: parties.filter(|(name, _)| hosts.contains(name)).map(|(name, ip)| (*ip, name.clone())).collect(),
        // One clock.
        offsets: hosts.iter().map(|name| (name.clone(), 0)).collect(),
    };
    let mut incident = fold.finish(&hosts, &[], &known);
    if let Some(end) = history.end() {
        // Nothing more was told to the end.
        incident.ends = SIMULATED_START + i64::try_from(end.as_micros()).unwrap_or_default();
        incident.hosts.iter_mut().for_each(|host| host.ends = incident.ends);
    }
    incident
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        assert_eq!("1970-01-01 00:01".parse(), Ok(Moment::At(60_000_000)));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Moment::At(1_500_000)));
        assert_eq!("21:00".parse(), Ok(Moment::OfDay(75_600_000_000)));
        assert!("soon".parse::<Moment>().unwrap_err().contains("`soon` is no time"));
        let midnight = 20 * DAY;
        assert_eq!(Moment::OfDay(600_000_000).after(midnight - 1_000_000), midnight + 600_000_000);
        assert_eq!(Moment::OfDay(0).after(midnight + 59_000_000), midnight);
    }

    fn told(fold: &mut Fold, at: i64, event: &str, fields: &[(&str, &str)]) {
        let line = u64::try_from(at).unwrap();
        fold.tell(&Told { host: 0, at: at * 1_000_000, event, fields, place: Place { file: 0, line } });
    }

    fn finished(fold: Fold) -> Incident {
        fold.finish(&["a".to_owned()], &["a.log".to_owned()], &Known::default())
    }

    #[test]
    fn repetitions_are_one_event() {
        let mut fold = Fold::default();
        for at in 0..100 {
            let (start, end) = ("start", "end");
            told(&mut fold, at * 15, "requested", &[("ip", "10.0.0.2"), (start, "2626"), (end, "3737")]);
            told(
                &mut fold,
                at * 15 + 1,
                "received",
                &[("ip", "10.0.0.2"), ("count", "101"), (start, "2525"), (end, "2625")],
            );
        }
        let incident = finished(fold);
        let [requested, received] = &incident.hosts[0].events[..] else { panic!("{:?}", incident.hosts[0].events) };
        assert_eq!((requested.name.as_str(), requested.count, requested.times.len()), ("requested", 100, 64));
        assert_eq!((received.place.line, received.last_place.line), (1, 1_486));
        assert_eq!((incident.begins, incident.ends), (0, 1_486_000_000));
    }

    #[test]
    fn what_was_before_the_window_tells_how_things_stood() {
        let window = Window { from: Some(Moment::At(100_000_000)), until: Some(Moment::At(200_000_000)) };
        let mut fold = Fold::new(window);
        told(&mut fold, 10, "whitelisted", &[("ip", "10.0.0.2")]);
        told(&mut fold, 20, "status", &[("height", "7")]);
        told(&mut fold, 30, "requested", &[("ip", "10.0.0.2"), ("start", "8"), ("end", "9")]);
        told(&mut fold, 120, "status", &[("height", "9")]);
        told(&mut fold, 300, "status", &[("height", "11")]);
        let incident = finished(fold);
        let host = &incident.hosts[0];
        assert_eq!(host.heights, [(100_000_000, 7), (120_000_000, 9)]);
        assert!(host.events.is_empty() && host.peers[&Ipv4Addr::new(10, 0, 0, 2)].whitelisted.is_some());
    }

    #[test]
    fn a_height_that_falls_without_a_reason_is_a_contradiction() {
        let names = (["a".to_owned()], ["a.log".to_owned()]);
        for (event, words) in [
            ("rollback", None),
            (
                "syncing",
                Some(
                    "a.log:500: a is at height 12 here, but was at 4805 (a.log:10), and nothing says that it rolled back",
                ),
            ),
        ] {
            let mut fold = Fold::default();
            told(&mut fold, 10, "status", &[("height", "4805")]);
            told(&mut fold, 400, event, &[("height", "12")]);
            told(&mut fold, 500, "status", &[("height", "12")]);
            assert_eq!(fold.contradictions(&names.0, &names.1).first().map(String::as_str), words);
        }
        // A line may be a little older than its time.
        let mut fold = Fold::default();
        told(&mut fold, 10, "status", &[("height", "100")]);
        told(&mut fold, 100, "status", &[("height", "200")]);
        told(&mut fold, 101, "status", &[("height", "150")]);
        assert!(fold.contradictions(&names.0, &names.1).is_empty());
    }

    #[test]
    fn memory_is_bounded_whatever_is_told() {
        let mut fold = Fold::default();
        for at in 0..60_000_u32 {
            let (ip, height) = (Ipv4Addr::from(0x0A00_0000 + at).to_string(), at.to_string());
            let fields = [("ip", ip.as_str()), ("height", height.as_str()), ("start", height.as_str()), ("end", "9")];
            told(&mut fold, i64::from(at), "requested", &fields);
            told(&mut fold, i64::from(at), "status", &fields);
        }
        let incident = finished(fold);
        let host = &incident.hosts[0];
        assert!(host.events.len() <= 4_000 && host.heights.len() <= 4_096 && host.peers.len() <= 1_000);
        assert_eq!(incident.left_out["requested"], 56_000);
    }

    #[test]
    fn silences_and_losses_are_seen() {
        let mut fold = Fold::default();
        let ip = ("ip", "10.0.0.2");
        told(&mut fold, 0, "connected", &[ip]);
        told(&mut fold, 1, "ping_sent", &[ip]);
        told(&mut fold, 2, "pong_received", &[ip]);
        for at in [31, 61, 91, 121] {
            told(&mut fold, at, "ping_sent", &[ip]);
        }
        told(&mut fold, 130, "pong_missed", &[ip]);
        told(&mut fold, 150, "pong_received", &[ip]);
        told(&mut fold, 160, "disconnected", &[ip, ("reason", "EOF")]);
        told(&mut fold, 160, "disconnected", &[ip, ("reason", "ended gracefully")]);
        let incident = finished(fold);
        let peer = &incident.hosts[0].peers[&Ipv4Addr::new(10, 0, 0, 2)];
        let [silence] = &peer.silences[..] else { panic!("{peer:?}") };
        assert_eq!((silence.from, silence.until, silence.place.line), (2_000_000, Some(150_000_000), 130));
        let [connection] = &peer.connections[..] else { panic!("{peer:?}") };
        assert_eq!((connection.from, connection.until, connection.why.as_str()), (Some(0), Some(160_000_000), "EOF"));
    }
}
