//! Pods: without privileges, on a file system that they can't write but for their volumes.
use std::collections::BTreeMap;

use serde::Serialize;

use super::super::image::USER;
use super::object::{Labels, Matching, Meta};

#[derive(Serialize)]
pub struct Template {
    pub metadata: Meta,
    pub spec: Pod,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    automount_service_account_token: bool,
    enable_service_links: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<&'static str>,
    security_context: PodSecurity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topology_spread_constraints: Vec<Spread>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    pub containers: Vec<Container>,
    pub volumes: Vec<Volume>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSecurity {
    run_as_non_root: bool,
    run_as_user: u32,
    run_as_group: u32,
    fs_group: u32,
    seccomp_profile: Profile,
}

#[derive(Serialize)]
struct Profile {
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spread {
    max_skew: u32,
    topology_key: &'static str,
    when_unsatisfiable: &'static str,
    label_selector: Matching,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    pub args: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_probe: Option<Probe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
    pub resources: Resources,
    security_context: Security,
    pub volume_mounts: Vec<Mount>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    pub name: &'static str,
    pub container_port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    pub http_get: Get,
    pub period_seconds: u32,
    pub failure_threshold: u32,
}

#[derive(Serialize)]
pub struct Get {
    pub path: &'static str,
    pub port: &'static str,
}

#[derive(Serialize)]
pub struct Resources {
    pub requests: BTreeMap<&'static str, &'static str>,
    pub limits: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Security {
    allow_privilege_escalation: bool,
    read_only_root_filesystem: bool,
    capabilities: Capabilities,
}

#[derive(Serialize)]
struct Capabilities {
    drop: [&'static str; 1],
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    pub name: String,
    pub mount_path: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A ConfigMap's keys as files, or, without one, an empty folder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<Keys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
pub struct Keys {
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Key>,
}

#[derive(Serialize)]
pub struct Key {
    pub key: &'static str,
    pub path: String,
}

impl Pod {
    /// Of these containers; with `spread`, those of these labels are on different machines where that can be.
    pub fn new(
        init_containers: Vec<Container>,
        container: Container,
        volumes: Vec<Volume>,
        spread: Option<Labels>,
    ) -> Self {
        let constraint = |match_labels| Spread {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname",
            when_unsatisfiable: "ScheduleAnyway",
            label_selector: Matching { match_labels },
        };
        Self {
            automount_service_account_token: false,
            enable_service_links: false,
            restart_policy: None,
            security_context: PodSecurity {
                run_as_non_root: true,
                run_as_user: USER,
                run_as_group: USER,
                fs_group: USER,
                seccomp_profile: Profile { r#type: "RuntimeDefault" },
            },
            topology_spread_constraints: spread.map(constraint).into_iter().collect(),
            init_containers,
            containers: vec![container],
            volumes,
        }
    }
}

impl Container {
    /// This program, or the image's own, with these words.
    pub fn new(name: &str, image: &str, program: &[&str], args: Vec<String>, volume_mounts: Vec<Mount>) -> Self {
        Self {
            name: name.to_owned(),
            image: image.to_owned(),
            command: program.iter().map(|word| (*word).to_owned()).collect(),
            args,
            ports: Vec::new(),
            startup_probe: None,
            readiness_probe: None,
            // No limit of the processor: a throttled node misses its timers.
            resources: Resources {
                requests: [("cpu", "100m"), ("memory", "128Mi")].into(),
                limits: [("memory", "512Mi")].into(),
            },
            security_context: Security {
                allow_privilege_escalation: false,
                read_only_root_filesystem: true,
                capabilities: Capabilities { drop: ["ALL"] },
            },
            volume_mounts,
        }
    }
}

impl Mount {
    pub fn new(name: &str, mount_path: &str) -> Self {
        Self { name: name.to_owned(), mount_path: mount_path.to_owned(), read_only: false }
    }

    pub fn read_only(name: &str, mount_path: &str) -> Self {
        Self { read_only: true, ..Self::new(name, mount_path) }
    }
}

impl Volume {
    pub fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), config_map: None, empty_dir: Some(BTreeMap::new()) }
    }

    /// All keys of the ConfigMap, or these.
    pub fn config_map(name: &str, map: &str, items: Vec<Key>) -> Self {
        Self { name: name.to_owned(), config_map: Some(Keys { name: map.to_owned(), items }), empty_dir: None }
    }
}
