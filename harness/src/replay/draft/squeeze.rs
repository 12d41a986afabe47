//! Idle stretches of an incident, made shorter.
use std::time::Duration;

use crate::replay::clockwork::Clockwork;
use crate::replay::incident::Incident;

/// A clockwork in which stretches without an event last at most `idle`; all else stays second for second.
pub(super) fn squeezed(incident: &Incident, idle: Duration) -> Clockwork {
    let idle = i64::try_from(idle.as_micros()).unwrap_or(i64::MAX);
    let (mut last, mut run) = (0_i64, 0_i64);
    let mut knots = vec![(0, 0)];
    for at in instants(incident) {
        let at = at.saturating_sub(incident.begins);
        let step = at - last;
        if step <= 0 {
            continue;
        }
        if step > idle {
            knots.push((last, run));
            knots.push((last + idle, run + idle));
            knots.push((at, run + idle));
        }
        run += step.min(idle);
        last = at;
    }
    knots.push((last, run));
    Clockwork::new(knots)
}

/// All times at which something is told, in order.
fn instants(incident: &Incident) -> Vec<i64> {
    let mut all = vec![incident.ends];
    for host in &incident.hosts {
        all.extend([host.begins, host.ends]);
        all.extend(host.heights.iter().map(|(at, _)| *at));
        all.extend(host.events.iter().flat_map(|event| event.times.iter().copied().chain([event.last])));
        for peer in host.peers.values() {
            all.extend(peer.heights.iter().map(|(at, _)| *at));
            all.extend(peer.connections.iter().flat_map(|connection| [connection.from, connection.until]).flatten());
            all.extend(peer.silences.iter().flat_map(|silence| [Some(silence.from), silence.until]).flatten());
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::testing::{Logs, section, written};
    use super::*;
    use crate::replay::incident::Host;

    #[test]
    fn steps_move_with_what_is_squeezed() {
        let eof = "Connection to 10.0.0.2 closed by peer (EOF)";
        let connected = "Connected to peer: 10.0.0.2";
        let logs = Logs::of(&["a"]).lines("a", [1, 7_202], connected).lines("a", [20, 7_230], eof);
        let steps =
            |squeeze| section(&written(&logs.incident(), &Options { squeeze, ..Options::default() }), "timeline");
        let at = |second: &str| format!("{{at: {second}, do: {{disconnect: {{peers: [p-10-0-0-2]}}}}}}");
        assert_eq!(steps(None), [at("20s"), at("7230s")]);
        // Of the time from 20 s to 7202 s a minute is left.
        assert_eq!(steps(Some(Duration::from_secs(60))), [at("20s"), at("108s")]);
    }

    #[test]
    fn idle_stretches_are_cut_and_others_kept() {
        let second = |at: i64| at * 1_000_000;
        let heights = vec![(0, 1), (second(10), 2), (second(3_610), 3)];
        let host = Host { heights, ends: second(3_620), ..Host::default() };
        let incident = Incident { hosts: vec![host], ends: second(3_620), ..Incident::default() };
        let clockwork = squeezed(&incident, Duration::from_secs(60));
        let seconds = |at: i64| clockwork.to_run(second(at)) / 1_000_000;
        assert_eq!([0, 10, 40, 70, 3_000, 3_610, 3_615, 3_700].map(seconds), [0, 10, 40, 70, 70, 70, 75, 160]);
    }
}
