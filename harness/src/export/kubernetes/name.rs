//! Names that Kubernetes takes, and labels.
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::object::{Labels, Meta};
use crate::scenario::Scenario;

/// Letters of a namespace, less those of its beginning and an ending.
const LONGEST: usize = 47;

/// What things are called.
pub struct Names {
    /// The scenario's own namespace.
    pub namespace: String,
    nodes: BTreeMap<String, String>,
}

impl Names {
    pub fn of(scenario: &Scenario) -> Self {
        let nodes = scenario.nodes.keys().enumerate();
        // Names of scenarios begin with a letter: one that begins with a number is nobody else's.
        let node = |n: usize, name: &String| match slug(name) {
            same if same == *name => same,
            other => format!("{n}-{other}"),
        };
        Self {
            namespace: namespace(&scenario.name),
            nodes: nodes.map(|(n, name)| (name.clone(), node(n, name))).collect(),
        }
    }

    /// The node's StatefulSet; its pod has `-0` at the end.
    pub fn node(&self, name: &str) -> &str {
        &self.nodes[name]
    }

    /// Labels of everything.
    pub fn common(&self) -> Labels {
        [("app.kubernetes.io/part-of", "lockstep"), ("app.kubernetes.io/managed-by", "lockstep")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// And of a part of the whole.
    pub fn labels(&self, program: &str, component: &str, instance: &str) -> Labels {
        let mut labels = self.common();
        labels.extend(
            [
                ("name", program),
                ("component", component),
                ("instance", instance),
                ("version", env!("CARGO_PKG_VERSION")),
            ]
            .map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.to_owned())),
        );
        labels
    }

    /// Of something in the namespace.
    pub fn meta(&self, name: &str, labels: &Labels) -> Meta {
        Meta { name: Some(name.to_owned()), namespace: Some(self.namespace.clone()), labels: labels.clone() }
    }
}

fn namespace(scenario: &str) -> String {
    let slug = slug(scenario);
    let name = if slug == scenario.replace('/', "-") {
        slug
    } else {
        // What was lost may be all that tells it from another.
        let hash = Sha256::digest(scenario);
        format!("{slug}-{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2])
    };
    format!("lockstep-{}", name.trim_start_matches('-'))
}

/// Small letters, digits and single hyphens between them.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut slug = String::new();
    for c in text.chars().map(plain).take(LONGEST) {
        if c != '-' || !slug.ends_with('-') {
            slug.push(c);
        }
    }
    slug.trim_matches('-').to_owned()
}
