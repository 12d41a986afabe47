//! Objects of a cluster.
use std::collections::BTreeMap;

use serde::Serialize;

use super::name::Names;

/// Keys and values.
pub type Labels = BTreeMap<String, String>;

/// Any object: it has a `spec` or `data`, or nothing more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object<S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<S>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, String>,
}

#[derive(Serialize, Clone, Default)]
pub struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub labels: Labels,
}

/// Which objects, by labels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matching {
    pub match_labels: Labels,
}

impl<S> Object<S> {
    /// An object with a `spec`.
    pub fn new(api_version: &'static str, kind: &'static str, metadata: Meta, spec: S) -> Self {
        Self { api_version, kind, metadata, spec: Some(spec), data: BTreeMap::new() }
    }

    /// The scenario's own, in which no pod has privileges.
    pub fn namespace(names: &Names) -> Self {
        let mut labels = names.common();
        labels.insert("pod-security.kubernetes.io/enforce".into(), "restricted".into());
        let metadata = Meta { name: Some(names.namespace.clone()), namespace: None, labels };
        Self { api_version: "v1", kind: "Namespace", metadata, spec: None, data: BTreeMap::new() }
    }

    pub fn config_map(metadata: Meta, data: BTreeMap<String, String>) -> Self {
        Self { api_version: "v1", kind: "ConfigMap", metadata, spec: None, data }
    }
}
