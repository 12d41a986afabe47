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
