//! The nodes: one StatefulSet each, for each has a configuration and a chain of its own.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Serialize;

use super::super::artefacts::ExportError;
use super::super::chain::pieces;
use super::super::image::{CONFIG, DATA, HTTP_PORT, LOOK_UP, settings};
use super::name::Names;
use super::object::{Labels, Matching, Meta, Object};
use super::pod::{Container, Get, Mount, Pod, Port, Probe, Template, Volume};
use crate::peer::{Chains, PORT};
use crate::scenario::Scenario;
use crate::scenario::resolved::Node;
use crate::subject::node_config::config_text;

/// The Service that gives pods their names.
const SERVICE: &str = "nodes";
/// Bytes of a chain in one ConfigMap, which holds less than 1 MiB.
pub const PIECE: usize = 900_000;
/// A longer chain is more than a cluster's store is for.
const MOST_PIECES: usize = 64;
/// The folder of [`CONFIG`].
const CONFIG_DIR: &str = "/etc/lockstep";

/// Puts pods' addresses in the place of nodes' names, told as `name=host`: the node looks up no names. Waits for all of them.
pub(super) const LOOK_UP_SCRIPT: &str = r#"set -eu
cp /template/config.toml /etc/lockstep/config.toml
for pair in "$@"; do
  until ip=$(getent ahostsv4 "${pair#*=}") && ip=${ip%%[[:space:]]*} && [ -n "$ip" ]; do sleep 1; done
  sed -i "s/{{${pair%%=*}}}/$ip/g" /etc/lockstep/config.toml
done
"#;

#[derive(Serialize)]
#[serde(untagged)]
pub enum Spec {
    Service(Service),
    StatefulSet(Box<StatefulSet>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// "None": each pod has a name of its own.
    #[serde(rename = "clusterIP")]
    cluster_ip: &'static str,
    publish_not_ready_addresses: bool,
    selector: Labels,
    ports: Vec<ServicePort>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServicePort {
    name: &'static str,
    port: u16,
    target_port: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatefulSet {
    service_name: &'static str,
    replicas: u32,
    selector: Matching,
    template: Template,
    volume_claim_templates: Vec<Object<ClaimSpec>>,
    persistent_volume_claim_retention_policy: Retention,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimSpec {
    access_modes: [&'static str; 1],
    resources: Requests,
}

#[derive(Serialize)]
struct Requests {
    requests: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    when_deleted: &'static str,
    when_scaled: &'static str,
}

/// Everything that the nodes need, in the order in which it is made.
pub fn nodes(scenario: &Scenario, names: &Names, image: &str) -> Result<Vec<Object<Spec>>, ExportError> {
    let mut objects = vec![Object::namespace(names)];
    let component = || -> Labels {
        let labels = [("name", "masternode"), ("component", "node")];
        labels.map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.to_owned())).into()
    };
    let port = |name, port| ServicePort { name, port, target_port: name };
    let service = Service {
        cluster_ip: "None",
        // Nodes look each other up before any of them is ready.
        publish_not_ready_addresses: true,
        selector: component(),
        ports: vec![port("p2p", PORT), port("http", HTTP_PORT)],
    };
    objects.push(Object::new("v1", "Service", names.meta(SERVICE, &names.common()), Spec::Service(service)));
    let chains = Chains::build(scenario);
    let mut written = BTreeSet::new();
    for (name, node) in &scenario.nodes {
        let own = names.node(name);
        let labels = names.labels("masternode", "node", own);
        let mut own_settings = settings();
        own_settings.extend(addresses(scenario, node));
        let config = config_text(scenario, node, &chains, &own_settings);
        let config_map = [("config.toml".to_owned(), config)].into();
        objects.push(Object::config_map(names.meta(&format!("config-{own}"), &labels), config_map));

        let mut volumes =
            vec![Volume::empty("config"), Volume::config_map("template", &format!("config-{own}"), Vec::new())];
        let mut set_up = vec![look_up(scenario, names)];
        let pieces = pieces(&chains, &node.chain, PIECE)?;
        if pieces.len() > MOST_PIECES {
            let reason = format!("its chain is more than {MOST_PIECES} ConfigMaps hold");
            return Err(ExportError::Scenario(format!("{}: {name}: {reason}", scenario.name)));
        }
        for (n, piece) in pieces.into_iter().enumerate() {
            let map = format!("chain-{}", piece.name);
            let volume = format!("chain-{n}");
            let mut mounts = mounts();
            mounts.push(Mount::read_only(&volume, &format!("/chain/{n}")));
            let words =
                ["chain", "import", "--config", CONFIG, &format!("/chain/{n}/blocks.ndjson")].map(str::to_owned);
            set_up.push(Container::new(&format!("import-{n}"), image, &[], words.into(), mounts));
            volumes.push(Volume::config_map(&volume, &map, Vec::new()));
            if written.insert(map.clone()) {
                let data = [("blocks.ndjson".to_owned(), piece.text)].into();
                objects.push(Object::config_map(names.meta(&map, &names.common()), data));
            }
        }

        let mut selected = component();
        selected.insert("app.kubernetes.io/instance".into(), own.to_owned());
        let stateful_set = StatefulSet {
            service_name: SERVICE,
            replicas: 1,
            selector: Matching { match_labels: selected },
            template: Template {
                metadata: Meta { labels: labels.clone(), ..Meta::default() },
                spec: Pod::new(set_up, program(image), volumes, Some(component())),
            },
            volume_claim_templates: vec![Object::new(
                "v1",
                "PersistentVolumeClaim",
                Meta { name: Some("data".into()), labels: names.common(), ..Meta::default() },
                ClaimSpec {
                    access_modes: ["ReadWriteOnce"],
                    resources: Requests { requests: [("storage", "1Gi")].into() },
                },
            )],
            // The next run begins with the scenario's chains.
            persistent_volume_claim_retention_policy: Retention { when_deleted: "Delete", when_scaled: "Delete" },
        };
        let spec = Spec::StatefulSet(Box::new(stateful_set));
        objects.push(Object::new("apps/v1", "StatefulSet", names.meta(own, &labels), spec));
    }
    Ok(objects)
}

/// Settings with placeholders for addresses that only the cluster knows. Who isn't a node isn't there: somebody else may have the address.
fn addresses(scenario: &Scenario, node: &Node) -> [(&'static str, &'static str, String); 4] {
    let list = |ips: &[Ipv4Addr], port: &str| {
        let named = |ip: &Ipv4Addr| scenario.nodes.iter().find(|(_, node)| node.ip == *ip);
        ips.iter().filter_map(named).map(|(name, _)| format!("\"{{{{{name}}}}}{port}\"")).collect::<Vec<_>>()
    };
    let mut whitelisted = list(&node.whitelists, "");
    whitelisted.extend(list(&node.whitelists_again, &format!(":{PORT}")));
    let text = |words: Vec<String>| format!("[{}]", words.join(", "));
    [
        ("network", "listen", format!("\"0.0.0.0:{PORT}\"")),
        ("network", "whitelisted_peers", text(whitelisted)),
        ("network", "blacklisted_peers", text(list(&node.blacklists, ""))),
        ("network", "peers", text(list(&node.dials, ""))),
    ]
}

fn mounts() -> Vec<Mount> {
    vec![Mount::new("data", DATA), Mount::new("config", CONFIG_DIR)]
}

fn look_up(scenario: &Scenario, names: &Names) -> Container {
    // The first word is the shell's name for the script.
    let mut args = vec![LOOK_UP_SCRIPT.to_owned(), "look-up".to_owned()];
    args.extend(scenario.nodes.keys().map(|name| format!("{name}={}-0.{SERVICE}", names.node(name))));
    let mounts = vec![Mount::new("config", CONFIG_DIR), Mount::read_only("template", "/template")];
    Container::new("look-up", LOOK_UP, &["sh", "-c"], args, mounts)
}

/// The image's own program: while a pod fails, another image's has to run in its place, which then gets the same words.
fn program(image: &str) -> Container {
    let mut node =
        Container::new("masternode", image, &[], ["run", "--config", CONFIG].map(str::to_owned).into(), mounts());
    node.ports = vec![Port { name: "p2p", container_port: PORT }, Port { name: "http", container_port: HTTP_PORT }];
    let probe = |path, failure_threshold| {
        Some(Probe { http_get: Get { path, port: "http" }, period_seconds: 5, failure_threshold })
    };
    node.startup_probe = probe("/healthz", 60);
    // There is no liveness probe: a node that hangs is a finding, which a restart would hide.
    node.readiness_probe = probe("/readyz", 1);
    node
}
