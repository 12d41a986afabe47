//! Chaos Mesh's objects by what its API (`chaos-mesh.org/v1alpha1`) demands, of which its own schemas don't check durations, percentages and
//! what belongs together.
#![allow(dead_code, reason = "read for being there")]
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harness::scenario::Scenario;
use harness::scenario::resolved::{Act, Fault};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{documents, load, options, scenario, shipped, to_kubernetes};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object<S> {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    namespaces: Vec<String>,
    label_selectors: BTreeMap<String, String>,
    expression_selectors: Vec<Expression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    mode: Mode,
    selector: Selector,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    All,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Direction {
    To,
    Both,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum NetworkAction {
    Netem,
    Delay,
    Loss,
    Duplicate,
    Partition,
    Bandwidth,
}

/// Without `duration`: alone it lasts until it is deleted, in a Workflow its template has a deadline.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NetworkChaos {
    action: NetworkAction,
    mode: Mode,
    selector: Selector,
    direction: Direction,
    target: Target,
    delay: Option<Delay>,
    loss: Option<Loss>,
    duplicate: Option<Duplicate>,
    rate: Option<Rate>,
    bandwidth: Option<Bandwidth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    latency: GoDuration,
    jitter: GoDuration,
    correlation: Percent,
    reorder: Option<Reorder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reorder {
    reorder: Percent,
    correlation: Percent,
    gap: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loss {
    loss: Percent,
    correlation: Percent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duplicate {
    duplicate: Percent,
    correlation: Percent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    rate: Speed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bandwidth {
    rate: Speed,
    limit: u32,
    buffer: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodChaos {
    action: PodAction,
    mode: Mode,
    selector: Selector,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PodAction {
    PodFailure,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimeChaos {
    mode: Mode,
    selector: Selector,
    container_names: Vec<String>,
    time_offset: Offset,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    entry: String,
    templates: Vec<Template>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Template {
    name: String,
    template_type: String,
    deadline: Option<GoDuration>,
    #[serde(default)]
    children: Vec<String>,
    network_chaos: Option<NetworkChaos>,
    pod_chaos: Option<PodChaos>,
    time_chaos: Option<TimeChaos>,
}

/// A text of one number and one unit.
#[derive(Deserialize, PartialEq, Clone, Copy, Debug)]
#[serde(try_from = "String")]
struct GoDuration(Duration);

impl TryFrom<String> for GoDuration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = Regex::new(r"^[0-9]+(us|ms|s)$").unwrap();
        let duration = humantime::parse_duration(&text).ok().filter(|_| known.is_match(&text));
        duration.map(Self).ok_or(format!("{text:?} is no duration"))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Offset(String);

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        GoDuration::try_from(text.strip_prefix('-').unwrap_or(&text).to_owned()).map(|_| Self(text))
    }
}

/// A text of a number from 0 to 100.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Percent(f64);

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (0.0..=100.0).contains(number) && !text.contains('e'));
        number.map(Self).ok_or(format!("{text:?} is no percentage"))
    }
}

/// Bytes a second.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Speed(u64);

impl TryFrom<String> for Speed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.strip_suffix("bps")
            .and_then(|number| number.parse().ok())
            .filter(|n| *n > 0)
            .map(Self)
            .ok_or(format!("{text:?} is no rate"))
    }
}

/// Checks an object of this kind.
pub fn check(kind: &str, document: &Value) {
    fn read<S: serde::de::DeserializeOwned>(document: &Value) -> Object<S> {
        serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}: {document:#}"))
    }
    match kind {
        "NetworkChaos" => network(&read::<NetworkChaos>(document).spec),
        "Workflow" => workflow(&read::<Workflow>(document).spec),
        other => panic!("nobody checks {other}"),
    }
}

/// What belongs together.
fn network(chaos: &NetworkChaos) {
    use NetworkAction::*;
    let has = [
        chaos.delay.is_some(),
        chaos.loss.is_some(),
        chaos.duplicate.is_some(),
        chaos.rate.is_some(),
        chaos.bandwidth.is_some(),
    ];
    match chaos.action {
        Delay => assert_eq!(has, [true, false, false, false, false]),
        Loss => assert_eq!(has, [false, true, false, false, false]),
        Duplicate => assert_eq!(has, [false, false, true, false, false]),
        Bandwidth => assert_eq!(has, [false, false, false, false, true]),
        Partition => assert_eq!(has, [false; 5]),
        Netem => assert!(!has[4] && has.iter().filter(|has| **has).count() > 1),
    }
    if let Some(delay) = &chaos.delay {
        assert!(delay.latency.0 > Duration::ZERO && delay.jitter.0 <= delay.latency.0);
        assert!(delay.reorder.as_ref().is_none_or(|reorder| reorder.gap > 0 && reorder.reorder.0 > 0.0));
    }
    assert!(chaos.bandwidth.as_ref().is_none_or(|bandwidth| bandwidth.limit > 0 && bandwidth.buffer > 0));
    selector(&chaos.selector);
    selector(&chaos.target.selector);
}

fn selector(selector: &Selector) {
    assert_eq!(selector.namespaces.len(), 1);
    for expression in &selector.expression_selectors {
        assert!(expression.operator == "In" && !expression.values.is_empty());
    }
}

fn workflow(workflow: &Workflow) {
    let templates: BTreeMap<&str, &Template> =
        workflow.templates.iter().map(|template| (template.name.as_str(), template)).collect();
    assert_eq!(templates.len(), workflow.templates.len(), "names are unique");
    let mut used: BTreeSet<&str> = [workflow.entry.as_str()].into();
    for template in &workflow.templates {
        used.extend(template.children.iter().map(String::as_str));
        let chaos = [
            ("NetworkChaos", template.network_chaos.is_some()),
            ("PodChaos", template.pod_chaos.is_some()),
            ("TimeChaos", template.time_chaos.is_some()),
        ];
        for (kind, is_there) in chaos {
            assert_eq!(is_there, template.template_type == kind, "{}", template.name);
        }
        template.network_chaos.iter().for_each(network);
        template.pod_chaos.iter().for_each(|chaos| selector(&chaos.selector));
        template.time_chaos.iter().for_each(|chaos| selector(&chaos.selector));
        match template.template_type.as_str() {
            "Serial" => assert!(!template.children.is_empty() && template.deadline.is_none()),
            "Parallel" => assert!(!template.children.is_empty()),
            _ => {
                assert!(template.children.is_empty() && template.deadline.is_some_and(|deadline| !deadline.0.is_zero()))
            }
        }
    }
    assert_eq!(used, templates.keys().copied().collect(), "all templates are used, and there");
}

/// Each step of the Workflow: when it begins, how long it lasts, what it is.
fn steps(scenario: &Scenario) -> Vec<(Duration, Duration, Value)> {
    let artefacts = to_kubernetes(scenario);
    let Some(text) = artefacts.files.get("chaos.yaml") else { return Vec::new() };
    let Some(workflow) = documents(text).into_iter().find(|document| document["kind"] == "Workflow") else {
        return Vec::new();
    };
    let templates = workflow["spec"]["templates"].as_array().unwrap();
    let named = |name: &Value| templates.iter().find(|template| template["name"] == *name).unwrap();
    let time = |template: &Value| humantime::parse_duration(template["deadline"].as_str().unwrap()).unwrap();
    let steps = templates.iter().filter(|template| template["templateType"] == "Serial");
    let steps = steps.map(|step| match step["children"].as_array().unwrap().as_slice() {
        [fault] => (Duration::ZERO, named(fault)),
        [wait, fault] => (time(named(wait)), named(fault)),
        other => panic!("{other:?}"),
    });
    steps.map(|(at, fault)| (at, time(fault), fault.clone())).collect()
}

#[test]
fn faults_come_at_their_times() {
    let mut seen = 0;
    for scenario in shipped() {
        let steps = steps(&scenario);
        for step in scenario.timeline(1) {
            let Act::Fault { fault, lasts } = &step.act else { continue };
            let all_nodes = |pairs: &[(String, String)]| {
                pairs.iter().any(|(a, b)| scenario.nodes.contains_key(a) && scenario.nodes.contains_key(b))
            };
            let kind = match fault {
                Fault::Kill(_) => "podChaos",
                Fault::Skew { .. } => "timeChaos",
                Fault::Cut(pairs) if all_nodes(pairs) => "networkChaos",
                _ => continue,
            };
            let found =
                steps.iter().any(|(at, long, chaos)| (*at, *long) == (step.at, *lasts) && chaos[kind].is_object());
            assert!(found, "{}: {} at {:?}", scenario.name, step.act, step.at);
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn a_link_whose_shape_changes_has_one_chaos_at_a_time() {
    let scenario = scenario(
        "runs_for: 60s\nnodes: {a: {}, b: {}, c: {}}\nlinks: [{between: [a], and: [b], is: {latency: 50ms}}, {between: [c], is: {rate: 20kB/s}}]\n\
         timeline:\n  - {at: 10s, do: {link: {between: [a], and: [b], is: {loss: 5%, duplicate: 0.5%}, for: 20s}}}\n  \
         - {at: 20s, do: {link: {between: [a], and: [b], is: {latency: 100ms, jitter: 15ms, reorder: 25%}, for: 20s}}}\n  \
         - {at: 50s, do: {link: {between: [a], and: [b], is: {latency: 0s, rate: 1MB/s}, for: 5s}}}\n  \
         - {at: 55s, do: {cut_one_way: {between: [a], and: [b, c], for: 2s}}}\n\
         expect: [{reorgs: {who: [a], at_most: 0}}]\n",
    );
    let told: Vec<String> = steps(&scenario)
        .iter()
        .map(|(at, lasts, chaos)| {
            let chaos = &chaos["networkChaos"];
            let side = |selector: &Value| selector["expressionSelectors"][0]["values"].to_string();
            let shape = ["delay", "loss", "duplicate", "rate", "bandwidth"].map(|key| chaos[key].to_string());
            let shape: Vec<String> = shape
                .iter()
                .filter(|part| *part != "null")
                .map(|part| part.replace("\"correlation\":\"0\",", ""))
                .collect();
            let [from, to] = [&chaos["selector"], &chaos["target"]["selector"]].map(side);
            format!("{at:?}+{lasts:?} {} {from} {} {to} {}", chaos["action"], chaos["direction"], shape.join(" "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    0ns+10s "delay" ["a"] "both" ["b"] {"jitter":"0s","latency":"50ms"}
    10s+10s "netem" ["a"] "both" ["b"] {"jitter":"0s","latency":"50ms"} {"loss":"5"} {"duplicate":"0.5"}
    20s+10s "netem" ["a"] "both" ["b"] {"jitter":"7500us","latency":"107500us","reorder":{"gap":1,"reorder":"25"}} {"loss":"5"} {"duplicate":"0.5"}
    30s+10s "delay" ["a"] "both" ["b"] {"jitter":"7500us","latency":"107500us","reorder":{"gap":1,"reorder":"25"}}
    40s+10s "delay" ["a"] "both" ["b"] {"jitter":"0s","latency":"50ms"}
    50s+5s "bandwidth" ["a"] "both" ["b"] {"buffer":10000,"limit":20971520,"rate":"1000000bps"}
    55s+5s "delay" ["a"] "both" ["b"] {"jitter":"0s","latency":"50ms"}
    55s+2s "partition" ["a"] "to" ["b","c"]
    "#);
    let standing: Vec<Value> = documents(&to_kubernetes(&scenario).files["chaos.yaml"]);
    let standing: Vec<&Value> = standing.iter().filter(|document| document["kind"] == "NetworkChaos").collect();
    assert_eq!(standing.len(), 1, "{standing:#?}");
    assert_eq!(standing[0]["spec"]["bandwidth"]["rate"], "20000bps");
    assert_eq!(standing[0]["spec"]["direction"], "both");
}

#[test]
fn clocks_are_set_forward_and_back() {
    let offsets: Vec<Value> = steps(&load("liveness/clock-steps-move-no-timer"))
        .into_iter()
        .map(|(_, _, chaos)| chaos["timeChaos"]["timeOffset"].clone())
        .collect();
    assert_eq!(offsets, ["3600s", "-3600s"]);
}

#[test]
fn a_timeline_of_too_many_steps_is_left_out_and_told() {
    let scenario = scenario(
        "runs_for: 10h\nnodes: {a: {}, b: {}}\ntimeline: [{at: 1s, every: 10s, times: 501, do: {kill: {who: [a], for: 1s}}}]\n\
         expect: [{reorgs: {who: [a], at_most: 0}}]\n",
    );
    let artefacts = to_kubernetes(&scenario);
    assert_eq!(artefacts.left_out, ["the timeline: 501 steps are more than 500, which one Workflow bears"]);
    assert!(!artefacts.files.contains_key("chaos.yaml"));
}

#[test]
fn faults_that_come_back_are_written_once_and_a_workflow_beyond_measure_is_an_error() {
    let written = |lasts: fn(u32) -> u32| {
        let cut =
            |n| format!("  - {{at: {n}s, do: {{cut: {{between: [one], and: [others], for: {}ms}}}}}}\n", lasts(n));
        let cuts: String = (1..=400).map(cut).collect();
        let scenario = scenario(&format!(
            "runs_for: 500s\nnodes: {{one: {{}}, a-name-as-long-as-can-be-: {{count: 99}}}}\ntimeline:\n{cuts}\
             expect: [{{reorgs: {{who: [one], at_most: 0}}}}]\n"
        ));
        harness::export::kubernetes(&scenario, &options()).map(|artefacts| artefacts.files["chaos.yaml"].len())
    };
    assert!(written(|_| 500).unwrap() < 100_000);
    let error = written(|n| 500 + n).unwrap_err();
    assert!(error.to_string().contains("bytes in one object of chaos.yaml"), "{error}");
}
