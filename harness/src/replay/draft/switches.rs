//! Which parts of the cure were on when it happened: those of which the logs show something.
use crate::history::Field;
use crate::replay::incident::{Event, Host, Incident};

/// Switches of the five components (D-28) of which nothing shows that they were on.
pub(super) fn off(incident: &Incident) -> Vec<&'static str> {
    let on = |is: &dyn Fn(&Event) -> bool| incident.hosts.iter().any(|host| host.events.iter().any(is));
    let named = |names: &'static [&'static str]| move |event: &Event| names.contains(&event.name.as_str());
    let masternode = |host: &Host, event: &Event| {
        event.peer.and_then(|ip| host.peers.get(&ip)).is_some_and(|peer| peer.whitelisted.is_some())
    };
    let outvoted = incident
        .hosts
        .iter()
        .any(|host| host.events.iter().any(|event| event.name == "off_consensus" && masternode(host, event)));
    let long = |event: &Event| event.name == "requested" && event.fields.get("timeout") == Some(&Field::Number(300));
    let switches = [
        ("enable_coordinator", on(&named(&["behind", "no_peer", "peer_ahead", "ahead", "in_sync"]))),
        ("trust_whitelisted", on(&named(&["priority_sync"])) && !outvoted),
        ("priority_forks", on(&named(&["priority_fork"]))),
        ("heights_in_pings", incident.hosts.iter().any(|host| host.heights_in_pings)),
        ("masternode_timeouts", on(&long)),
    ];
    switches.into_iter().filter(|(_, on)| !on).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Logs;

    /// What was off in a node that stays behind and logs this, too.
    fn off(line: &str) -> String {
        let logs = Logs::of(&["a"])
            .line("a", 1, "Peer 10.0.0.2 has height 200")
            .line("a", 1, "Added 10.0.0.2 to whitelist: config")
            .line("a", 2, line);
        logs.section("incident")[0].clone()
    }

    #[test]
    fn a_part_of_the_cure_was_on_where_a_line_shows_it() {
        let all = [
            ("enable_coordinator", "SYNC COORDINATOR: Peer 10.0.0.2 ahead by 100 blocks"),
            ("trust_whitelisted", "PRIORITY SYNC: Whitelisted masternode 10.0.0.2 at height 200 (we're at 100)"),
            ("priority_forks", "PRIORITY FORK RESOLUTION: Whitelisted masternode 10.0.0.2 has conflicting chain."),
            ("heights_in_pings", "Received ping from 10.0.0.2 at height 200 (nonce: 1)"),
            ("masternode_timeouts", "Requesting blocks 101-200 from 10.0.0.2 (timeout: 300s)"),
        ];
        let without = |on: &[&str]| {
            let off: Vec<String> =
                all.iter().filter(|(name, _)| !on.contains(name)).map(|(name, _)| format!("{name}: false")).collect();
            format!("without: {{sync: {{{}}}}}", off.join(", "))
        };
        assert_eq!(off("Stopped"), without(&[]));
        for (name, line) in all {
            assert_eq!(off(line), without(&[name]), "{line}");
        }
    }

    #[test]
    fn nothing_was_trusted_where_a_masternode_was_outvoted() {
        let line = "Peer 10.0.0.2 NOT on consensus chain (1/4 peers agree at height 200)";
        assert!(off(line).contains("trust_whitelisted: false"));
        let both = Logs::of(&["a"])
            .line("a", 1, "PRIORITY SYNC: Whitelisted masternode 10.0.0.2 at height 200 (we're at 100)")
            .line("a", 2, line);
        assert!(both.section("incident")[0].contains("trust_whitelisted: false"));
    }
}
