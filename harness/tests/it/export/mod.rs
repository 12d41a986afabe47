//! Scenarios as artefacts for container engines: every shipped one is exported to each engine, and what comes of it is checked strictly.
mod chaos_mesh;
mod cli;
mod compose;
mod kubernetes;

use std::path::{Path, PathBuf};

use harness::export::{Artefacts, ExportError, KubernetesOptions, Sharing};
use harness::scenario::{Scenario, find};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shipped() -> Vec<Scenario> {
    let files = find(&[root().join("scenarios")]).unwrap();
    files.iter().map(|file| Scenario::load(&file.path, &file.root).unwrap()).collect()
}

fn load(name: &str) -> Scenario {
    let scenarios = root().join("scenarios");
    Scenario::load(&scenarios.join(format!("{name}.yaml")), &scenarios).unwrap()
}

/// A scenario with this below its title.
fn scenario(rest: &str) -> Scenario {
    Scenario::parse("made/here", &format!("title: Made here\nwhy: For a test\n{rest}")).unwrap()
}

fn to_compose(scenario: &Scenario) -> Result<Artefacts, ExportError> {
    harness::export::compose(scenario, 1, "lockstep/masternode:dev")
}

fn options() -> KubernetesOptions {
    let sharing = Sharing { seed: 1, seeds: 100, shards: 4 };
    let (image, harness_image) = ("lockstep/masternode:dev".to_owned(), "lockstep/harness:dev".to_owned());
    KubernetesOptions { image, harness_image, sharing }
}

fn to_kubernetes(scenario: &Scenario) -> Artefacts {
    harness::export::kubernetes(scenario, &options()).unwrap()
}

/// All documents of a file.
fn documents(text: &str) -> Vec<serde_json::Value> {
    let mut budget = serde_yaml::Budget::default();
    budget.max_total_scalar_bytes = usize::MAX;
    budget.max_reader_input_bytes = None;
    let mut options = serde_yaml::Options::default();
    options.budget = Some(budget);
    serde_yaml::from_multiple_with_options(text, options).unwrap()
}

/// All files in one text, with blocks of chains counted.
fn shown(artefacts: &Artefacts) -> String {
    let mut text = String::new();
    for (path, content) in &artefacts.files {
        text.push_str(&format!("=== {path}\n"));
        let (blocks, lines): (Vec<_>, Vec<_>) =
            content.lines().partition(|line| line.trim_start().starts_with("{\"header\""));
        lines.into_iter().for_each(|line| text.extend([line, "\n"]));
        if !blocks.is_empty() {
            text.push_str(&format!("=== and {} blocks\n", blocks.len()));
        }
    }
    text
}

/// The text of a strict type, as it was.
fn roundtrip<T: serde::Serialize + serde::de::DeserializeOwned>(value: &serde_json::Value) {
    let typed: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value:#}"));
    let again = serde_json::to_value(typed).unwrap();
    assert!(
        again == *value,
        "{}",
        similar::TextDiff::from_lines(&format!("{value:#}"), &format!("{again:#}")).unified_diff()
    );
}

#[test]
fn everything_shipped_is_exported_and_the_same_each_time() {
    for scenario in shipped() {
        let exports = || [to_compose(&scenario).unwrap(), to_kubernetes(&scenario)];
        let once = exports();
        assert!(once == exports(), "{}", scenario.name);
        for artefacts in once {
            // Every peer, deviation and expectation is named.
            let peers = artefacts.left_out.iter().filter(|line| line.starts_with("peer ")).count();
            assert_eq!(peers, scenario.peers.len(), "{}", scenario.name);
            let deviations = artefacts.left_out.iter().filter(|line| line.starts_with("deviation ")).count();
            assert_eq!(
                deviations,
                scenario.peers.values().map(|peer| peer.deviations.len()).sum::<usize>(),
                "{}",
                scenario.name
            );
            let all = artefacts.left_out.iter().filter(|line| line.starts_with("expectation, ")).count();
            let extra = usize::from(scenario.near_median.is_some()) + usize::from(scenario.buffered_at_most.is_some());
            assert_eq!(all + artefacts.unjudged.len(), scenario.expect.len() + extra, "{}", scenario.name);
        }
    }
}

#[test]
fn some_exports_as_they_are() {
    let clocks = load("liveness/clock-steps-move-no-timer");
    insta::assert_snapshot!("compose_of_one_node", shown(&to_compose(&clocks).unwrap()));
    insta::assert_snapshot!("kubernetes_of_one_node", shown(&to_kubernetes(&clocks)));
    let compose = to_compose(&load("phase-3/01-behind-by-100")).unwrap();
    insta::assert_snapshot!("compose_file_of_peers", compose.files["compose.yaml"]);
    let mut chaos = to_kubernetes(&load("chaos/producing-through-loss-and-partitions"));
    insta::assert_snapshot!("chaos_of_partitions", chaos.files.remove("chaos.yaml").unwrap());
}

#[test]
fn hostile_texts_stay_in_their_comments_and_strings() {
    let mut scenario = scenario(
        "runs_for: 5s\nnodes: {\"y\": {}, n: {}, \"off\": {}, a_: {}}\nexpect: [{reorgs: {who: [n], at_most: 0}}]\n",
    );
    scenario.title = "x\n- y: [\u{1b}\u{2028}'\"".into();
    let bare = regex::Regex::new(r"(?m)(^|[ \[,])(y|n|off)(:?$|: |,)").unwrap();
    scenario.name = "../../Ünder scenarios/UPPER/".into();
    for artefacts in [to_compose(&scenario).unwrap(), to_kubernetes(&scenario)] {
        for (path, text) in
            artefacts.files.iter().filter(|(path, _)| ["compose.yaml", "nodes.yaml"].contains(&path.as_str()))
        {
            let head = text.split("---\n").next().unwrap();
            assert!(head.lines().all(|line| line.starts_with('#')), "{path}: {head}");
            documents(text);
            // Readers of YAML 1.1 take the bare words for yes and no.
            let found = bare.find(&text[head.len()..]);
            assert_eq!(found, None, "{path}");
        }
    }
}
