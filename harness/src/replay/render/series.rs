//! The heights of an incident and of its runs, host by host, on one time axis: that of the run.
use crate::replay::incident::Incident;
use crate::replay::matching::Pair;
use crate::replay::report::{Band, Report};
use crate::replay::track::track as of;
use crate::report::chart::Track;

/// One host, and the nodes that stand for it.
#[derive(Debug)]
pub struct Series {
    /// Its name; the node's, where no host of the incident has it.
    pub name: String,
    /// In the incident.
    pub incident: Option<Track>,
    /// In the runs, in the order of [`Picture::runs`].
    pub runs: Vec<Option<Track>>,
}

/// All of them.
#[derive(Debug)]
pub struct Picture<'a> {
    /// The arms that were run.
    pub runs: Vec<&'a str>,
    /// The hosts with heights.
    pub series: Vec<Series>,
    /// What was done to the network, in order of time.
    pub faults: Vec<&'a Band>,
    /// Where the time axis ends, in microseconds; it begins at 0.
    pub end: i64,
}

impl<'a> Picture<'a> {
    /// The picture of a report.
    pub fn new(report: &'a Report<'_>) -> Self {
        let incident = report.incident;
        let arms: Vec<(&str, &Incident)> = report.arms.iter().filter_map(|arm| Some((&*arm.name, arm.run?))).collect();
        let clockwork = &report.matching.clockwork;
        let time = |at: i64| clockwork.to_run(at.saturating_sub(incident.begins));
        let pairs: Vec<Pair<'_>> = arms.iter().map(|(_, run)| Pair::new(incident, run, &report.matching)).collect();
        let track = |run: &Incident, node| of(node, run.ends, |at| at.saturating_sub(run.begins));
        let mut series: Vec<Series> = Vec::new();
        for host in &incident.hosts {
            let runs = pairs.iter().map(|pair| track(pair.run, pair.node(host)?)).collect();
            series.push(Series { name: host.name.clone(), incident: of(host, host.ends, time), runs });
        }
        for (index, (_, run)) in arms.iter().enumerate() {
            let stands = |name: &str| {
                let named = |pair: &Pair<'_>| {
                    incident.hosts.iter().any(|host| pair.node(host).is_some_and(|node| node.name == name))
                };
                pairs.get(index).is_some_and(named)
            };
            for node in run.hosts.iter().filter(|node| !stands(&node.name)) {
                let extra = series.iter().skip(incident.hosts.len()).position(|series| series.name == node.name);
                let at = extra.map_or(series.len(), |extra| incident.hosts.len() + extra);
                if at == series.len() {
                    series.push(Series {
                        name: node.name.clone(),
                        incident: None,
                        runs: arms.iter().map(|_| None).collect(),
                    });
                }
                if let Some(place) = series.get_mut(at).and_then(|series| series.runs.get_mut(index)) {
                    *place = track(run, node);
                }
            }
        }
        series.retain(|series| series.incident.is_some() || series.runs.iter().any(Option::is_some));
        let (_, until) = clockwork.span();
        let logs = clockwork.to_run(incident.ends.saturating_sub(incident.begins).min(until));
        let ends = arms.iter().map(|(_, run)| run.ends.saturating_sub(run.begins)).chain([logs, 1_000_000]);
        let mut faults: Vec<&Band> = report.faults.iter().collect();
        faults.sort_by_key(|band| (band.from, band.until));
        Self {
            faults,
            runs: arms.iter().map(|(name, _)| *name).collect(),
            series,
            end: ends.max().unwrap_or(1_000_000),
        }
    }
}

impl Series {
    /// The lowest and the highest height between the beginning and `end`, of all tracks.
    pub fn scale(&self, end: i64) -> Option<(u64, u64)> {
        let tracks = self.runs.iter().chain([&self.incident]).flatten();
        let scales = tracks.filter_map(|track| track.scale(end));
        scales.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }
}
