//! An Indexed Job: each pod runs one shard of the scenario's seeds in the simulation.
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::super::image::HARNESS_PROGRAM;
use super::name::Names;
use super::object::{Meta, Object};
use super::pod::{Container, Key, Mount, Pod, Template, Volume};
use super::{Options, Sharing};
use crate::scenario::Scenario;

/// A failure of the environment, or of the pod, is tried again so often.
const RETRIES: u32 = 2;
/// Where the pod may write.
const SCRATCH: &str = "/tmp";
/// The folder below which the scenario has its name.
const SCENARIOS: &str = "/scenarios";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    completions: u32,
    parallelism: u32,
    completion_mode: &'static str,
    backoff_limit_per_index: u32,
    max_failed_indexes: u32,
    pod_failure_policy: Policy,
    template: Template,
}

#[derive(Serialize)]
struct Policy {
    rules: [Rule; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_exit_codes: Option<Codes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_pod_conditions: Option<[Condition; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Codes {
    container_name: &'static str,
    operator: &'static str,
    values: Vec<u8>,
}

#[derive(Serialize)]
struct Condition {
    r#type: &'static str,
    status: &'static str,
}

/// The Job and the scenario for it, in the namespace.
pub fn job(scenario: &Scenario, options: &Options, names: &Names) -> [Object<Job>; 3] {
    let Sharing { seed, seeds, shards } = options.sharing;
    let labels = names.labels("lockstep", "shard", "shards");
    let words = [
        "run".into(),
        SCENARIOS.into(),
        format!("--seed={seed}"),
        format!("--seeds={seeds}"),
        format!("--shard=$(JOB_COMPLETION_INDEX)/{shards}"),
        "--jobs=1".into(),
        format!("--out={SCRATCH}/lockstep-runs"),
        "--format=json".into(),
    ];
    let mounts = vec![Mount::read_only("scenario", SCENARIOS), Mount::new("scratch", SCRATCH)];
    let mut container = Container::new("lockstep", &options.harness_image, &[HARNESS_PROGRAM], words.into(), mounts);
    container.resources.requests = [("cpu", "1"), ("memory", "256Mi")].into();
    container.resources.limits = [("memory", "2Gi")].into();
    let inside = Path::new(&scenario.name).components().filter(|part| matches!(part, Component::Normal(_)));
    let path = format!("{}.yaml", inside.collect::<PathBuf>().display());
    let key = Key { key: "scenario.yaml", path };
    let volumes = vec![Volume::config_map("scenario", "scenario", vec![key]), Volume::empty("scratch")];
    let mut pod = Pod::new(Vec::new(), container, volumes, None);
    pod.restart_policy = Some("Never");
    let exit = |action, values: &[u8]| Rule {
        action,
        on_exit_codes: Some(Codes { container_name: "lockstep", operator: "In", values: values.into() }),
        on_pod_conditions: None,
    };
    let disrupted = Rule {
        action: "Ignore",
        on_exit_codes: None,
        on_pod_conditions: Some([Condition { r#type: "DisruptionTarget", status: "True" }]),
    };
    let job = Job {
        completions: shards,
        parallelism: shards,
        completion_mode: "Indexed",
        backoff_limit_per_index: RETRIES,
        max_failed_indexes: shards,
        // What was found would be found again; a bad scenario is bad for all.
        pod_failure_policy: Policy { rules: [exit("FailIndex", &[1, 2]), exit("FailJob", &[3]), disrupted] },
        template: Template { metadata: Meta { labels: labels.clone(), ..Meta::default() }, spec: pod },
    };
    let data = [("scenario.yaml".to_owned(), scenario.source.clone())];
    [
        Object::namespace(names),
        Object::config_map(names.meta("scenario", &labels), BTreeMap::from(data)),
        Object::new("batch/v1", "Job", names.meta("shards", &labels), job),
    ]
}
