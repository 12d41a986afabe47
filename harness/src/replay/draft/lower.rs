//! Heights that are too great to build are all lowered by the same number: only their differences matter.
use super::Unknowns;
use crate::history::Field;
use crate::replay::incident::{Event, Incident};

/// Chains above this take long to build.
const HIGHEST: u64 = 50_000;
/// A scenario's chains are at most so long.
const LONGEST: u64 = 200_000;
/// What lies below the lowest height: as deep as a search goes (phase-3, Component 3), and some.
const BELOW: u64 = 12_000;
/// Fields of events that are heights.
const HEIGHTS: [&str; 5] = ["height", "start", "end", "our", "ancestor"];

/// The incident with heights that can be built.
pub(super) fn lowered(incident: &Incident, unknowns: &mut Unknowns) -> Incident {
    let mut incident = incident.clone();
    let (mut lowest, mut highest) = (u64::MAX, 0);
    tracks(&mut incident, |height| (lowest, highest) = (lowest.min(*height), highest.max(*height)));
    let by = if highest > HIGHEST { lowest.saturating_sub(BELOW) / 1_000 * 1_000 } else { 0 };
    if by > 0 {
        unknowns.add(format!("all heights are lowered by {by}: chains up to {highest} take long to build"));
    }
    let mut beyond = 0;
    let mut lower = |height: &mut u64| {
        *height = height.saturating_sub(by);
        beyond = beyond.max(*height);
        *height = (*height).min(LONGEST);
    };
    tracks(&mut incident, &mut lower);
    incident.hosts.iter_mut().flat_map(|host| &mut host.events).for_each(|event| fields(event, &mut lower));
    if beyond > LONGEST {
        let (told, taken) = (beyond.saturating_add(by), LONGEST + by);
        unknowns.add(format!("what is above height {taken}, up to {told}: no chain is so long; default: {taken}"));
    }
    incident
}

/// All heights over time.
fn tracks(incident: &mut Incident, mut visit: impl FnMut(&mut u64)) {
    for host in &mut incident.hosts {
        let told = host.peers.values_mut().flat_map(|peer| &mut peer.heights);
        host.heights.iter_mut().chain(told).for_each(|(_, height)| visit(height));
    }
}

/// All heights of an event.
fn fields(event: &mut Event, mut visit: impl FnMut(&mut u64)) {
    for name in HEIGHTS {
        if let Some(Field::Number(height)) = event.fields.get_mut(name) {
            visit(height);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Logs, section, unknowns};

    #[test]
    fn heights_that_can_be_built_stay() {
        let yaml = Logs::of(&["a"]).line("a", 1, "Peer 10.0.0.2 has height 50000").draft();
        assert!(yaml.contains("chain: main@100\n") && yaml.contains("chain: main@50000\n"), "{yaml}");
    }

    #[test]
    fn greater_ones_are_lowered_all_by_the_same() {
        let logs = Logs::default()
            .line("a", 0, "Status: Height=1703950, Active Masternodes=4")
            .line("a", 1, "Peer 10.0.0.2 has height 1704000")
            .line("a", 2, "Requesting blocks 1703951-1704000 from 10.0.0.2")
            .line("a", 9, "Fork detected at height 1703940: our aaaaaaaa vs 10.0.0.2 bbbbbbbb");
        let yaml = logs.draft();
        assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@12939}"], "{yaml}");
        assert!(yaml.contains("chain: main@12950\n") && yaml.contains("chain: fork-1@13000\n"), "{yaml}");
        assert_eq!(
            unknowns(&yaml)[0],
            "all heights are lowered by 1691000: chains up to 1704000 take long to build",
            "{yaml}"
        );
    }

    #[test]
    fn a_height_that_nobody_has_is_taken_for_the_highest_possible() {
        let logs = Logs::of(&["a"]).line("a", 1, "Peer 10.0.0.2 has height 4294967295").line(
            "a",
            2,
            "Requesting blocks 101-18446744073709551615 from 10.0.0.3",
        );
        let yaml = logs.draft();
        assert!(yaml.contains("chain: main@200000\n"), "{yaml}");
        let unknown = "what is above height 200000, up to 18446744073709551615: no chain is so long; default: 200000";
        assert!(unknowns(&yaml).contains(&unknown), "{yaml}");
    }
}
