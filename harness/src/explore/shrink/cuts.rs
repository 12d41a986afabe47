//! What of a scenario can be left out, and what is then of no use.
use super::fingerprint::Claim;
use super::search::Search;
use crate::scenario::{Path, Tree};

/// Places of a file, `*` for any key, that can go, with the most special claim that is still a just one without them. Those of one entry go
/// together where they can.
pub(super) const CUTS: &[(Claim, &[&str])] = &[
    (Claim::Lack, &["expect/*", "invariants/*"]),
    (Claim::Lack, &["case", "incident", "time_scale"]),
    (Claim::General, &["timeline/*"]),
    (
        Claim::Excess,
        &[
            "timeline/*/do/cut",
            "timeline/*/do/cut_one_way",
            "timeline/*/do/link",
            "timeline/*/do/pause",
            "timeline/*/do/kill",
            "timeline/*/do/power_loss",
            "timeline/*/do/skew",
        ],
    ),
    (Claim::Excess, &["links/*"]),
    (Claim::General, &["peers/*/deviations/*", "timeline/*/do/deviate/deviations/*"]),
    (Claim::General, &["produce", "tick", "nodes/*/disk", "nodes/*/starts_at", "peers/*/starts_at"]),
    (Claim::General, &["nodes/*/config/*/*", "nodes/*/blacklists", "nodes/*/checkpoints", "nodes/*/whitelists_again"]),
    (Claim::General, &["nodes/*/ip", "peers/*/ip", "peers/*/listens"]),
    (Claim::Excess, &["timeline/*/do/*/who/*", "timeline/*/do/*/between/*", "timeline/*/do/*/and/*"]),
    (Claim::General, &["timeline/*/do/*/peers/*"]),
    (Claim::Excess, &["links/*/is/*", "timeline/*/do/link/is/*", "timeline/*/do/skew/drift_ppm"]),
];

impl Search<'_> {
    /// Leaves out what it can.
    pub fn cut(&mut self, patterns: &[&str]) {
        let paths: Vec<Path> = patterns.iter().flat_map(|pattern| places(&self.tree, pattern)).collect();
        self.thin(paths.len(), |tree, gone| {
            let mut tree = tree.clone();
            let mut gone: Vec<&Path> = gone.iter().map(|index| &paths[*index]).collect();
            // From the end, so that those before keep their index.
            gone.sort_by_key(|path| path.iter().map(|key| key.parse::<usize>().unwrap_or(0)).collect::<Vec<_>>());
            for path in gone.into_iter().rev() {
                tree.cut(path);
            }
            tree
        });
    }
}

/// The places that a pattern means.
pub(super) fn places(tree: &Tree, pattern: &str) -> Vec<Path> {
    let mut found = vec![Path::new()];
    for part in pattern.split('/') {
        let below = |path: Path| {
            let keys = tree.at(&path).map(Tree::keys).unwrap_or_default();
            let keys = keys.into_iter().filter(move |key| part == "*" || key == part);
            keys.map(move |key| [path.as_slice(), &[key]].concat())
        };
        found = found.into_iter().flat_map(below).collect();
    }
    found
}

/// Leaves out what says nothing: lists and keys that are empty now, steps without an action, chains that nobody is on.
pub(super) fn tidy(tree: &mut Tree) {
    for pattern in ["nodes/*/config/*", "nodes/*/*", "peers/*/*", "links/*/is"] {
        for path in places(tree, pattern).iter().rev() {
            if tree.at(path).is_some_and(Tree::is_empty) {
                tree.cut(path);
            }
        }
    }
    for path in places(tree, "timeline/*").iter().rev() {
        let does = tree.at(path).and_then(|step| step.get("do"));
        if does.is_some_and(Tree::is_empty) {
            tree.cut(path);
        } else if let Some(step) = tree.at_mut(path)
            && step.get("times").and_then(Tree::leaf) == Some("1")
        {
            step.remove("times");
            step.remove("every");
        }
    }
    for path in places(tree, "links/*").iter().rev() {
        if tree.at(path).is_some_and(|link| link.get("is").is_none()) {
            tree.cut(path);
        }
    }
    while let Some(path) = places(tree, "chains/*").into_iter().find(|path| !is_used(tree, path)) {
        tree.cut(&path);
    }
    for key in ["chains", "peers", "links", "timeline", "invariants"] {
        if tree.get(key).is_some_and(Tree::is_empty) {
            tree.remove(key);
        }
    }
}

/// Whether somebody else names a chain.
fn is_used(tree: &Tree, chain: &[String]) -> bool {
    let mut others = tree.clone();
    others.cut(chain);
    let at = format!("{}@", chain.last().map_or("", String::as_str));
    names(&others, &at)
}

fn names(tree: &Tree, begin: &str) -> bool {
    match tree {
        Tree::Leaf(written) => written.starts_with(begin),
        Tree::List(_) | Tree::Map(_) => tree.keys().iter().any(|key| tree.get(key).is_some_and(|t| names(t, begin))),
    }
}
