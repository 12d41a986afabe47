//! The compose file's shape.
use std::collections::BTreeMap;

use serde::Serialize;

use super::subnet::Subnet;

#[derive(Serialize)]
pub struct Compose {
    pub services: BTreeMap<String, Service>,
    pub networks: BTreeMap<&'static str, Network>,
    pub volumes: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Serialize)]
pub struct Service {
    pub image: String,
    pub entrypoint: [&'static str; 1],
    pub command: Vec<String>,
    pub user: String,
    pub read_only: bool,
    pub cap_drop: [&'static str; 1],
    pub security_opt: [&'static str; 1],
    pub mem_limit: &'static str,
    pub restart: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<&'static str, Address>,
    pub volumes: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<String, Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Health>,
}

#[derive(Serialize)]
pub struct Address {
    pub ipv4_address: String,
}

#[derive(Serialize)]
pub struct Condition {
    pub condition: &'static str,
}

#[derive(Serialize)]
pub struct Health {
    pub test: [String; 6],
    pub interval: &'static str,
    pub timeout: &'static str,
    pub retries: u32,
}

#[derive(Serialize)]
pub struct Network {
    pub internal: bool,
    pub ipam: Ipam,
}

#[derive(Serialize)]
pub struct Ipam {
    pub config: [Subnet; 1],
}
