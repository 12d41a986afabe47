//! What is written for Kubernetes itself.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Container, Namespace, Service};
use node::config::Config;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{chaos_mesh, documents, load, options, roundtrip, scenario, shipped, to_kubernetes};

fn of_kind<T: DeserializeOwned>(documents: &[Value], kind: &str) -> Vec<T> {
    let of_kind = documents.iter().filter(|document| document["kind"] == kind);
    of_kind.map(|document| serde_json::from_value(document.clone()).unwrap()).collect()
}

#[test]
fn every_object_is_what_the_api_knows() {
    let mut kinds = BTreeSet::new();
    for scenario in shipped() {
        let artefacts = to_kubernetes(&scenario);
        for document in artefacts.files.values().flat_map(|text| documents(text)) {
            let (kind, api) = (document["kind"].as_str().unwrap(), document["apiVersion"].as_str().unwrap());
            match (api, kind) {
                ("v1", "Namespace") => roundtrip::<Namespace>(&document),
                ("v1", "ConfigMap") => roundtrip::<ConfigMap>(&document),
                ("v1", "Service") => roundtrip::<Service>(&document),
                ("apps/v1", "StatefulSet") => roundtrip::<StatefulSet>(&document),
                ("batch/v1", "Job") => roundtrip::<Job>(&document),
                ("chaos-mesh.org/v1alpha1", _) => chaos_mesh::check(kind, &document),
                other => panic!("nobody checks {other:?}"),
            }
            names_are_right(&document);
            kinds.insert(kind.to_owned());
        }
    }
    let expected = ["ConfigMap", "Job", "Namespace", "NetworkChaos", "Service", "StatefulSet", "Workflow"];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

/// What the API server refuses beyond its schema: names and labels, and ConfigMaps of 1 MiB.
fn names_are_right(document: &Value) {
    let metadata = &document["metadata"];
    let label = regex::Regex::new("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$").unwrap();
    for name in [&metadata["name"], &metadata["namespace"]].into_iter().filter_map(Value::as_str) {
        assert!(label.is_match(name), "{name}");
    }
    let value = regex::Regex::new("^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$").unwrap();
    assert!(metadata["labels"].as_object().unwrap().values().all(|text| value.is_match(text.as_str().unwrap())));
    let size: usize = document["data"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().unwrap().len())
        .sum();
    assert!(size < 1 << 20, "{} has {size} bytes", metadata["name"]);
}

#[test]
fn what_is_referred_to_is_there() {
    for scenario in shipped() {
        let artefacts = to_kubernetes(&scenario);
        let all: Vec<Value> = artefacts.files.values().flat_map(|text| documents(text)).collect();
        let maps: BTreeMap<String, ConfigMap> = of_kind::<ConfigMap>(&all, "ConfigMap")
            .into_iter()
            .map(|map| (map.metadata.name.clone().unwrap(), map))
            .collect();
        let sets: Vec<StatefulSet> = of_kind(&all, "StatefulSet");
        let jobs: Vec<Job> = of_kind(&all, "Job");
        assert_eq!((sets.len(), jobs.len()), (scenario.nodes.len(), 1));
        let mut used = BTreeSet::new();
        let pods = sets.into_iter().map(|set| {
            let spec = set.spec.unwrap();
            let selected = spec.selector.match_labels.unwrap();
            let labels = spec.template.metadata.unwrap().labels.unwrap();
            assert!(selected.iter().all(|(key, value)| labels.get(key) == Some(value)));
            let claims = spec.volume_claim_templates.unwrap().into_iter().map(|claim| claim.metadata.name.unwrap());
            (spec.template.spec.unwrap(), claims.collect::<Vec<_>>())
        });
        let shards = jobs.into_iter().map(|job| (job.spec.unwrap().template.spec.unwrap(), Vec::new()));
        for (pod, mut volumes) in pods.chain(shards) {
            for volume in pod.volumes.unwrap() {
                used.extend(volume.config_map.map(|map| map.name));
                volumes.push(volume.name);
            }
            let containers: Vec<Container> = pod.init_containers.into_iter().flatten().chain(pod.containers).collect();
            for mount in containers.iter().flat_map(|container| container.volume_mounts.as_ref().unwrap()) {
                assert!(volumes.contains(&mount.name), "{}: {}", scenario.name, mount.name);
            }
        }
        assert_eq!(used, maps.keys().cloned().collect(), "{}", scenario.name);
        for config in maps.values().filter_map(|map| map.data.as_ref()?.get("config.toml")) {
            let filled = scenario
                .nodes
                .keys()
                .fold(config.clone(), |text, name| text.replace(&format!("{{{{{name}}}}}"), "192.0.2.1"));
            assert!(!filled.contains("{{"), "{filled}");
            Config::parse(&filled, "config.toml", Path::new("/")).unwrap();
        }
    }
}

#[test]
fn a_chain_that_is_too_much_for_a_cluster_is_an_error() {
    let scenario = scenario(
        "runs_for: 5s\nchains: {f: {fork_of: main@1, padding: 65535}}\nnodes: {a: {chain: f@600}, b: {chain: main@1}}\n\
         expect: [{reorgs: {who: [a], at_most: 0}}]\n",
    );
    let error = harness::export::kubernetes(&scenario, &options()).unwrap_err();
    assert_eq!(error.to_string(), "made/here: a: its chain is more than 64 ConfigMaps hold");
}

/// A chain of many pieces, put in place as the init containers do it.
#[test]
fn pieces_of_a_chain_are_a_chain_again() {
    let scenario = load("phase-3/03-fork-at-equal-height");
    let all = documents(&to_kubernetes(&scenario).files["nodes.yaml"]);
    let maps: Vec<ConfigMap> = of_kind(&all, "ConfigMap");
    let chains = harness::peer::Chains::build(&scenario);
    for set in of_kind::<StatefulSet>(&all, "StatefulSet") {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let run = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_reference-node"));
            let output = command.arg("chain").args(words).arg("--data").arg(&data).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let pod = set.spec.unwrap().template.spec.unwrap();
        let volumes: BTreeMap<String, String> = pod
            .volumes
            .unwrap()
            .into_iter()
            .filter_map(|volume| Some((volume.name, volume.config_map?.name)))
            .collect();
        let imports: Vec<Container> =
            pod.init_containers.unwrap().into_iter().filter(|container| container.name.starts_with("import")).collect();
        assert!(imports.len() > 1, "more than one piece");
        for import in imports {
            let file = import.args.unwrap().pop().unwrap();
            let mount =
                import.volume_mounts.unwrap().into_iter().find(|mount| file.starts_with(&mount.mount_path)).unwrap();
            let map = maps.iter().find(|map| map.metadata.name.as_ref() == volumes.get(&mount.name)).unwrap();
            let key = file.strip_prefix(&format!("{}/", mount.mount_path)).unwrap();
            let path = dir.path().join("piece");
            fs::write(&path, &map.data.as_ref().unwrap()[key]).unwrap();
            run(&["import", path.to_str().unwrap()]);
        }
        let node = &scenario.nodes[&set.metadata.name.unwrap()];
        let head = run(&["head"]);
        let hash = chains.hash(&node.chain).unwrap();
        assert!(head.contains(&format!("height {}\nhash {hash}\n", node.chain.height)), "{head}");
    }
}

/// The init container's script, in another folder, with a name that every machine knows.
#[test]
fn addresses_are_put_in_the_place_of_names() {
    let scenario = scenario(
        "runs_for: 5s\nnodes: {a: {whitelists: [b, c], dials: [b1]}, b: {}, b1: {}, c: {ip: 10.0.0.9}}\n\
         peers: {p: {chain: main@0, dials: [a]}}\nexpect: [{reorgs: {who: [a], at_most: 0}}]\n",
    );
    let all = documents(&to_kubernetes(&scenario).files["nodes.yaml"]);
    let set = of_kind::<StatefulSet>(&all, "StatefulSet").remove(0);
    let look_up = set.spec.unwrap().template.spec.unwrap().init_containers.unwrap().remove(0);
    let map = of_kind::<ConfigMap>(&all, "ConfigMap").remove(0);
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    fs::write(dir.path().join("template.toml"), &map.data.unwrap()["config.toml"]).unwrap();
    let mut args = look_up.args.unwrap();
    assert_eq!(args[2..], ["a=a-0.nodes", "b=b-0.nodes", "b1=b1-0.nodes", "c=c-0.nodes"]);
    args[0] = args[0].replace("/template/config.toml", &format!("{here}/template.toml")).replace("/etc/lockstep", here);
    for (n, arg) in args.iter_mut().enumerate().skip(2) {
        // Names that resolve without a server.
        *arg = format!("{}=127.0.0.{n}", arg.split_once('=').unwrap().0);
    }
    let command = look_up.command.unwrap();
    let ran = Command::new(&command[0]).args(&command[1..]).args(args).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let config =
        Config::parse(&fs::read_to_string(dir.path().join("config.toml")).unwrap(), "config.toml", dir.path()).unwrap();
    let ips = |peers: Vec<node::config::PeerAddress>| peers.iter().map(|peer| peer.ip.to_string()).collect::<Vec<_>>();
    assert_eq!(ips(config.network.whitelisted_peers), ["127.0.0.3", "127.0.0.5"]);
    assert_eq!(ips(config.network.peers), ["127.0.0.4"]);
}

#[test]
fn a_job_tells_found_failures_from_those_of_its_pods() {
    let all = documents(&to_kubernetes(&load("phase-3/01-behind-by-100")).files["shards.yaml"]);
    let job = of_kind::<Job>(&all, "Job").remove(0).spec.unwrap();
    assert_eq!((job.completions, job.completion_mode.as_deref()), (Some(4), Some("Indexed")));
    assert_eq!(job.template.spec.as_ref().unwrap().restart_policy.as_deref(), Some("Never"));
    let rules = job.pod_failure_policy.unwrap().rules;
    let of = |code: i32| {
        let decides =
            rules.iter().find(|rule| rule.on_exit_codes.as_ref().is_some_and(|codes| codes.values.contains(&code)));
        decides.map(|rule| rule.action.as_str())
    };
    // See cli::Exit: 4 is the environment, which may be better the next time.
    assert_eq!(
        [1, 2, 3, 4, 130, 137].map(of),
        [Some("FailIndex"), Some("FailIndex"), Some("FailJob"), None, None, None]
    );
    let args = job.template.spec.unwrap().containers.remove(0).args.unwrap();
    assert!(args.contains(&"--shard=$(JOB_COMPLETION_INDEX)/4".to_owned()), "{args:?}");
    let words =
        args.iter().map(|arg| arg.replace("$(JOB_COMPLETION_INDEX)", "3").replace("/tmp", env!("CARGO_TARGET_TMPDIR")));
    let words = words.map(|arg| {
        arg.replace("=100", "=5")
            .replace("/scenarios", super::root().join("scenarios/phase-3/01-behind-by-100.yaml").to_str().unwrap())
    });
    let ran = assert_cmd::Command::cargo_bin("lockstep").unwrap().args(words).assert().code(0);
    let report: Value = serde_json::from_slice(&ran.get_output().stdout).unwrap();
    assert_eq!((report["runs"][0]["seed"].as_u64(), report["shards"]["of"].as_u64()), (Some(4), Some(4)));
}
