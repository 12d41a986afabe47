//! What is written for Docker Compose.
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use node::config::Config;
use serde_json::Value;

use super::{documents, scenario, shipped, to_compose};

#[test]
fn services_have_the_scenarios_addresses_and_their_files() {
    for scenario in shipped() {
        let artefacts = to_compose(&scenario).unwrap();
        let [compose] = documents(&artefacts.files["compose.yaml"]).try_into().unwrap();
        let network = &compose["networks"]["lockstep"]["ipam"]["config"][0];
        let (base, prefix) = network["subnet"].as_str().unwrap().split_once('/').unwrap();
        let prefix: u32 = prefix.parse().unwrap();
        let inside =
            |ip: Ipv4Addr| (ip.to_bits() ^ base.parse::<Ipv4Addr>().unwrap().to_bits()).leading_zeros() >= prefix;
        let gateway: Ipv4Addr = network["gateway"].as_str().unwrap().parse().unwrap();
        assert!(inside(gateway));
        let services = compose["services"].as_object().unwrap();
        for (name, node) in &scenario.nodes {
            let service = &services[name];
            assert_eq!(service["networks"]["lockstep"]["ipv4_address"], node.ip.to_string());
            assert!(inside(node.ip) && node.ip != gateway, "{}", scenario.name);
            let config =
                Config::parse(&artefacts.files[&format!("config/{name}.toml")], "config.toml", Path::new("/")).unwrap();
            assert_eq!(config.network.listen.ip(), node.ip);
            assert_eq!(config.store.as_deref(), Some(Path::new("/data/chain")));
            let chain = service["depends_on"].as_object();
            assert_eq!(chain.is_some(), node.chain.height > 0);
        }
        for mount in services.values().flat_map(|service| service["volumes"].as_array().unwrap()) {
            let from = mount.as_str().unwrap().split(':').next().unwrap();
            let there = match from.strip_prefix("./") {
                Some(file) => artefacts.files.contains_key(file),
                None => compose["volumes"].get(from).is_some(),
            };
            assert!(there, "{}: {mount}", scenario.name);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("faults.sh");
        fs::write(&path, &artefacts.files["faults.sh"]).unwrap();
        assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success(), "{}", scenario.name);
    }
}

#[test]
fn networks_hold_all_nodes_and_an_address_for_the_engine() {
    let network = |nodes: &str| {
        let rest = format!("runs_for: 5s\nnodes: {{{nodes}}}\nexpect: [{{reorgs: {{who: [nodes], at_most: 0}}}}]\n");
        to_compose(&scenario(&rest)).map(|artefacts| {
            let network: Value = documents(&artefacts.files["compose.yaml"]).remove(0)["networks"]["lockstep"]["ipam"]
                ["config"][0]
                .take();
            format!("{} {}", network["subnet"].as_str().unwrap(), network["gateway"].as_str().unwrap())
        })
    };
    assert_eq!(network("a: {ip: 10.0.0.254}, b: {ip: 10.0.0.253}").unwrap(), "10.0.0.0/24 10.0.0.252");
    assert_eq!(network("a: {ip: 10.1.0.1}, b: {ip: 10.2.0.1}").unwrap(), "10.0.0.0/14 10.3.255.254");
    let error = network("a: {ip: 10.1.0.1}, b: {ip: 192.0.2.1}").unwrap_err();
    assert!(error.to_string().contains("made/here: addresses of nodes are too far apart"), "{error}");
}

/// The script with an engine that only notes what it is asked.
#[test]
#[allow(clippy::disallowed_methods, reason = "the script is in real time")]
fn the_script_does_the_faults_at_their_times() {
    let scenario = scenario(
        "runs_for: 2s\nnodes: {a: {chain: main@3}, b: {starts_at: 700ms}, c: {}}\ntimeline:\n  \
         - {at: 300ms, do: {pause: {who: [a, c], for: 400ms}}}\n  - {at: 700ms, do: {kill: {who: [c], for: 1s}}}\n  \
         - {at: 1s, do: {cut: {between: [a], and: [b], for: 100ms}}}\nexpect: [{reorgs: {who: [a], at_most: 0}}]\n",
    );
    let artefacts = to_compose(&scenario).unwrap();
    assert_eq!(artefacts.left_out, ["at 1s: cut a↔b, for 100ms: compose has no faults of links"]);
    let dir = tempfile::tempdir().unwrap();
    artefacts.write(dir.path()).unwrap();
    let engine = dir.path().join("docker");
    fs::write(&engine, format!("#!/bin/sh\necho \"$*\" >>'{}/asked'\n", dir.path().display())).unwrap();
    let mut executable = fs::metadata(&engine).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut executable, 0o755);
    fs::set_permissions(&engine, executable).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let began = Instant::now();
    let ran = Command::new("bash").arg(dir.path().join("faults.sh")).env("PATH", path).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2), "{took:?}");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    insta::assert_snapshot!(asked, @r"
    compose version
    compose up a.chain
    compose up --detach a c
    compose pause a c
    compose unpause a c
    compose up --detach b
    compose kill -s KILL c
    compose start c
    compose stop
    compose logs --no-color --no-log-prefix a
    compose logs --no-color --no-log-prefix b
    compose logs --no-color --no-log-prefix c
    ");
    assert!(dir.path().join("logs/a.log").is_file());
}
