//! For one engine: a compose file with a network of the scenario's own addresses, and its pauses and kills as a script.
mod file;
mod script;
mod subnet;

use std::collections::BTreeMap;

use self::file::{Address, Compose, Condition, Health, Ipam, Network, Service};
use self::subnet::Subnet;
use super::artefacts::{Artefacts, ExportError};
use super::chain::pieces;
use super::image::{CONFIG, DATA, NODE_PROGRAM, USER, settings};
use super::left_out::LeftOut;
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::resolved::Fault;
use crate::subject::node_config::config_text;

/// The network's name.
const NETWORK: &str = "lockstep";
/// What each node may take.
const MEMORY: &str = "512m";

/// Exports `scenario` with its parts drawn from `seed`.
///
/// # Errors
/// Nodes whose addresses have no network in common.
pub fn compose(scenario: &Scenario, seed: u64, image: &str) -> Result<Artefacts, ExportError> {
    let steps = scenario.timeline(seed);
    let mut left_out = LeftOut::of(scenario, &steps, refused);
    if !scenario.links.is_empty() {
        left_out.add("links that are not the engine's own: compose shapes none".into());
    }
    let subnet = Subnet::of(scenario)?;
    let mut all = Artefacts::new(scenario, seed, "Docker Compose", left_out, how(&subnet));
    let chains = Chains::build(scenario);
    let mut services = BTreeMap::new();
    for (name, node) in &scenario.nodes {
        let config = format!("config/{name}.toml");
        all.files.insert(config.clone(), config_text(scenario, node, &chains, &settings()));
        let volumes = vec![format!("{name}:{DATA}"), format!("./{config}:{CONFIG}:ro")];
        let mut depends_on = BTreeMap::new();
        for piece in pieces(&chains, &node.chain, usize::MAX)? {
            let file = format!("chain/{}.ndjson", piece.name);
            let words = ["chain", "import", "--config", CONFIG, "/chain.ndjson"].map(str::to_owned);
            let mut service = Service::new(image, words.into(), volumes.clone());
            service.volumes.push(format!("./{file}:/chain.ndjson:ro"));
            service.network_mode = Some("none");
            all.files.insert(file, piece.text);
            services.insert(set_up(name), service);
            depends_on.insert(set_up(name), Condition { condition: "service_completed_successfully" });
        }
        let mut service = Service::new(image, ["run", "--config", CONFIG].map(str::to_owned).into(), volumes);
        service.networks = [(NETWORK, Address { ipv4_address: node.ip.to_string() })].into();
        service.depends_on = depends_on;
        service.healthcheck = Some(Health {
            test: ["CMD", NODE_PROGRAM, "status", "--health", "--config", CONFIG].map(str::to_owned),
            interval: "5s",
            timeout: "5s",
            retries: 3,
        });
        services.insert(name.clone(), service);
    }
    let network = Network { internal: true, ipam: Ipam { config: [subnet] } };
    let volumes = scenario.nodes.keys().map(|name| (name.clone(), BTreeMap::new())).collect();
    all.yaml("compose.yaml", &[Compose { services, networks: [(NETWORK, network)].into(), volumes }])?;
    all.files.insert("faults.sh".into(), script::script(scenario, &steps));
    Ok(all)
}

/// The service that writes a node's chain before it starts.
fn set_up(node: &str) -> String {
    // No node has a dot in its name.
    format!("{node}.chain")
}

fn refused(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::Pause(_) | Fault::Kill(_) => None,
        Fault::Cut(_) | Fault::Link(..) => Some("compose has no faults of links"),
        Fault::PowerLoss(_) => Some("a container's end is told to its peers, and its writes stay"),
        Fault::Skew { .. } => Some("containers share the machine's clock"),
    }
}

fn how(subnet: &Subnet) -> Vec<String> {
    [
        format!("The network takes {} on the engine's machine, with no way out of it.", subnet.subnet),
        "Links are the engine's own, not the simulation's 10 ms; time is real.".into(),
        "`bash faults.sh` starts the nodes, does the faults at their times, stops all at the end, and writes logs/NODE.log.".into(),
        "`lockstep replay logs/*.log --run` makes a scenario of what the logs show and runs it in the simulation: that is no".into(),
        "verdict on the expectations above, which only `lockstep run` judges.".into(),
        "`docker compose exec NODE /masternode status --config /etc/lockstep/config.toml` tells how a node stands.".into(),
        "`docker compose down --volumes` removes everything; without it the next run goes on with the chains of this one.".into(),
    ]
    .into()
}

impl Service {
    /// The node's program with these words.
    fn new(image: &str, command: Vec<String>, volumes: Vec<String>) -> Self {
        Self {
            image: image.to_owned(),
            entrypoint: [NODE_PROGRAM],
            command,
            user: format!("{USER}:{USER}"),
            read_only: true,
            cap_drop: ["ALL"],
            security_opt: ["no-new-privileges:true"],
            mem_limit: MEMORY,
            restart: "no",
            network_mode: None,
            networks: BTreeMap::new(),
            volumes,
            depends_on: BTreeMap::new(),
            healthcheck: None,
        }
    }
}
