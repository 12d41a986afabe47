//! An incident, two runs of it and all that is told of them, for the renderers' tests: a node is cut off, falls behind, asks for the
//! wrong range again and again, and forks.
use crate::replay::fidelity::build::{BEGINS, Build, event, incident, seconds};
use crate::replay::fidelity::{Tolerance, fidelity};
use crate::replay::report::{ArmColumn, Band, Judged, Moment, NotUnderstood, Report};
use crate::replay::{Clockwork, Incident, Matching};
use crate::run::Verdict;

pub struct Sample {
    pub incident: Incident,
    pub runs: Vec<Incident>,
}

/// Two hosts that make a block each minute; the second stops at `stop` and is back at `back`.
fn hosts(length: i64, stop: i64, back: i64) -> Build {
    let mut build = incident();
    for host in ["node-a", "node-b"] {
        build = build.host(host);
        for minute in 0..=length / 60 {
            let at = 60 * minute;
            if host == "node-a" || !(stop..back).contains(&at) {
                build = build.height(at, 3724 + minute as u64);
            }
        }
    }
    build
        .event(event("behind").peer(1).at(stop + 60).field("our", 3724 + stop as u64 / 60))
        .event(event("fork_detected").peer(1).at(stop + 200).field("height", 3729))
}

impl Sample {
    pub fn new() -> Self {
        let mut incident = hosts(1800, 300, 1500)
            .event(event("requested").peer(1).at(400).times(40, 15).field("start", 2626).field("end", 3737))
            .event(event("pong_missed").peer(1).at(330).field("missed", 1))
            .event(event("status").at(100).times(30, 50))
            .connection(1, Some(0), Some((310, "Connection reset by peer")))
            .connection(1, Some(900), None)
            .built();
        incident.hosts[1].events.iter_mut().for_each(|event| event.place.line += 12);
        incident.ends = BEGINS + seconds(1800);
        let was = hosts(1500, 330, 1200)
            .event(event("requested").peer(1).at(410).times(30, 15).field("start", 2626).field("end", 3737))
            .event(event("appended").peer(1).at(1201).times(20, 1))
            .connection(1, Some(0), Some((320, "closed_by_peer")));
        let now =
            hosts(1500, 330, 600).event(event("requested").peer(1).at(400).field("start", 3730).field("end", 3737));
        let runs = [was, now].map(Build::built).map(|run| Incident { ends: BEGINS + seconds(1500), ..run });
        Self { incident: with_ends(incident), runs: runs.into_iter().map(with_ends).collect() }
    }

    pub fn report(&self) -> Report<'_> {
        let knots = [(0, 0), (900, 900), (1500, 1200), (1800, 1500)];
        let matching = Matching {
            clockwork: Clockwork::new(knots.map(|(incident, run)| (seconds(incident), seconds(run)))),
            ..Matching::default()
        };
        let judged =
            |check: &str, verdict, actual: &str| Judged { check: check.into(), verdict, actual: actual.into() };
        let looped = "node-b asks for 2626-3737 at least 10 times";
        let names = ["as it was", "as configured"];
        let arms = names.into_iter().zip(&self.runs).enumerate().map(|(index, (name, run))| ArmColumn {
            name: name.into(),
            run: Some(run),
            reproduced: match index {
                0 => vec![
                    judged(looped, Verdict::Pass, "30 times"),
                    judged("node-b forks at 3729", Verdict::Pass, "at 8:20"),
                ],
                _ => Vec::new(),
            },
            cured: vec![match index {
                0 => judged("never: node-b asks twice for 2626-3737", Verdict::Inconclusive, "not judged"),
                _ => judged("never: node-b asks twice for 2626-3737", Verdict::Fail, "asked at 6:40 and at 6:55"),
            }],
            fidelity: Some(fidelity(&self.incident, run, &matching, &Tolerance::default())),
        });
        let time = |at: i64| BEGINS + seconds(at);
        Report {
            title: "A node that asks for the wrong blocks".into(),
            sources: vec!["node-a.log".into(), "node-b.log".into()],
            incident: &self.incident,
            arms: arms.collect(),
            faults: vec![
                Band { from: time(300), until: time(840), label: "cut node-b | node-a".into() },
                Band { from: time(1000), until: time(1010), label: "restart node-b".into() },
            ],
            not_understood: vec![NotUnderstood {
                kind: "no event".into(),
                count: 12,
                sample: "Block header <verified>".into(),
                place: "node-b.log:812".into(),
            }],
            unknowns: vec!["the network's genesis: that of the testnet".into()],
            timeline: vec![
                Moment { at: time(300), what: "cut node-b | node-a for 9 min".into(), place: "node-b.log:312".into() },
                Moment { at: time(1000), what: "restart node-b".into(), place: "node-b.log:900".into() },
            ],
            matching,
        }
    }
}

fn with_ends(mut incident: Incident) -> Incident {
    incident.hosts.iter_mut().for_each(|host| host.ends = incident.ends);
    incident
}
