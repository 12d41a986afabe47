//! Fewer nodes and peers: members of groups, too, and whatever names them.
use std::collections::{BTreeMap, BTreeSet};

use super::cuts::places;
use super::search::Search;
use crate::scenario::{Scenario, Tree};

/// Lists of words that name parties.
const LISTS: [&str; 9] =
    ["whitelists", "whitelists_again", "blacklists", "dials", "between", "and", "by", "who", "peers"];
/// Those that a node or a peer can do without.
const OPTIONAL: [&str; 4] = ["whitelists", "whitelists_again", "blacklists", "dials"];
/// Keys of single words that name a party.
const WORDS: [&str; 4] = ["on", "ip", "peer", "node"];
/// Lists whose entries can go one by one.
const ENTRIES: [&str; 4] = ["links", "timeline", "expect", "reproduced"];

/// A node or a peer, by its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    section: &'static str,
    group: String,
    /// From 1; `None` for a single one.
    number: Option<u16>,
}

impl Member {
    fn name(&self) -> String {
        format!("{}{}", self.group, self.number.map(|number| number.to_string()).unwrap_or_default())
    }
}

impl Search<'_> {
    /// Leaves out all the nodes or peers that it can.
    pub fn leave_out(&mut self, section: &'static str) {
        let members = members(&self.tree, section);
        self.thin(members.len(), |tree, gone| {
            let gone: Vec<&Member> = gone.iter().filter_map(|index| members.get(*index)).collect();
            without(tree, &gone)
        });
    }

    /// Names the nodes that `minority` and `majority` stand for with this seed, so that the draw counts no more.
    pub fn name_the_drawn(&mut self, scenario: &Scenario, seed: u64) {
        let (minority, majority) = scenario.drawn(seed);
        let mut tree = self.tree.clone();
        for side in ["who", "between", "and"] {
            for path in places(&tree, &format!("timeline/*/do/*/{side}")) {
                let Some(Tree::List(words)) = tree.at_mut(&path) else { continue };
                let named = words.iter().flat_map(|word| match word.leaf() {
                    Some("minority") => minority.iter().map(|name| Tree::text(name)).collect(),
                    Some("majority") => majority.iter().map(|name| Tree::text(name)).collect(),
                    _ => vec![word.clone()],
                });
                *words = named.collect();
            }
        }
        self.offer(tree);
    }
}

fn members(tree: &Tree, section: &'static str) -> Vec<Member> {
    let groups = tree.get(section).map(Tree::keys).unwrap_or_default();
    let of = |group: String| {
        let member = |number| Member { section, group: group.clone(), number };
        match count(tree, section, &group) {
            None => vec![member(None)],
            Some(count) => (1..=count).map(|number| member(Some(number))).collect(),
        }
    };
    groups.into_iter().flat_map(of).collect()
}

fn count(tree: &Tree, section: &str, group: &str) -> Option<u16> {
    tree.get(section)?.get(group)?.get("count")?.leaf()?.parse().ok()
}

/// What becomes of the words that name parties.
#[derive(Debug, Default)]
struct Words {
    gone: BTreeSet<String>,
    /// Members of a group are numbered from 1 again.
    renamed: BTreeMap<String, String>,
}

fn without(tree: &Tree, gone: &[&Member]) -> Tree {
    let mut tree = tree.clone();
    let mut words = Words::default();
    for section in ["nodes", "peers"] {
        for group in tree.get(section).map(Tree::keys).unwrap_or_default() {
            let all = members(&tree, section).into_iter().filter(|member| member.group == group);
            let (out, stay): (Vec<Member>, Vec<Member>) = all.partition(|member| gone.contains(&member));
            words.gone.extend(out.iter().map(Member::name));
            if stay.is_empty() {
                words.gone.insert(group.clone());
                tree.cut(&[section.to_owned(), group]);
            } else if !out.is_empty() {
                let renamed = stay.iter().zip(1..).map(|(member, number)| (member.name(), format!("{group}{number}")));
                words.renamed.extend(renamed);
                if let Some(entry) = tree.at_mut(&[section.to_owned(), group]) {
                    entry.set("count", Tree::Leaf(stay.len().to_string()));
                }
            }
        }
    }
    if tree.get("peers").is_none_or(Tree::is_empty) {
        words.gone.insert("peers".to_owned());
    }
    let is_masternode = |group: &Tree| group.get("masternode").and_then(Tree::leaf) == Some("true");
    let nodes = places(&tree, "nodes/*");
    if !nodes.iter().filter_map(|path| tree.at(path)).any(is_masternode) {
        words.gone.insert("masternodes".to_owned());
    }
    for key in tree.keys() {
        if tree.get_mut(&key).is_some_and(|part| !words.rewrite(part, &key)) {
            tree.remove(&key);
        }
    }
    tree
}

impl Words {
    /// Gives what stands below `key` its new words; false where it makes no sense without those that are gone.
    fn rewrite(&self, tree: &mut Tree, key: &str) -> bool {
        match tree {
            Tree::Leaf(written) if WORDS.contains(&key) => self.word(written),
            Tree::Leaf(_) => true,
            Tree::List(items) if LISTS.contains(&key) => {
                let before = items.len();
                items.retain_mut(|item| match item {
                    Tree::Leaf(written) => self.word(written),
                    Tree::List(_) | Tree::Map(_) => true,
                });
                before == 0 || !items.is_empty()
            }
            Tree::List(items) if ENTRIES.contains(&key) => {
                items.retain_mut(|item| self.rewrite(item, ""));
                true
            }
            Tree::List(items) => items.iter_mut().all(|item| self.rewrite(item, "")),
            Tree::Map(entries) => {
                let mut whole = true;
                entries.retain_mut(|(key, value)| {
                    let stays = self.rewrite(value, key);
                    whole &= stays || OPTIONAL.contains(&key.as_str());
                    stays
                });
                whole
            }
        }
    }

    /// A word that may be one party's name, or `!= ` and a name.
    fn word(&self, written: &mut String) -> bool {
        let name = written.trim_matches('"').trim_start_matches("!=").trim();
        if self.gone.contains(name) {
            return false;
        }
        if let Some(new) = self.renamed.get(name) {
            *written = written.replace(name, new);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts::tidy;
    use super::*;

    const TEXT: &str = "
nodes: {n: {count: 4, whitelists: [masternodes, p], masternode: true}, x: {dials: [p1, q, n4]}}
peers: {p: {count: 2, chain: main@5, dials: [x]}, q: {chain: main@5}}
links: [{between: [n2], and: [n3, q], is: {loss: 1%}}]
produce: {by: [n1, n3], every: 5s}
timeline:
- {at: 1s, do: {cut: {between: [n1, n2], and: [others], for: 1s}}}
- {at: 2s, do: {send: {peers: [q], line: x}}}
expect:
- sequence: [{see: {on: n4, log: ping_sent, where: {ip: '!= n3'}}}, {see: {on: x, log: ping_sent}}]
- never: {see: {on: q, wire: Ping, where: {node: x}}}
";

    fn left(section: &'static str, gone: &[&str]) -> String {
        let tree = Tree::parse(TEXT).unwrap();
        let all = members(&tree, section);
        let gone: Vec<&Member> = all.iter().filter(|member| gone.contains(&member.name().as_str())).collect();
        let mut left = without(&tree, &gone);
        tidy(&mut left);
        left.to_string()
    }

    #[test]
    fn members_that_stay_are_numbered_again_wherever_they_are_named() {
        assert_eq!(
            left("nodes", &["n2"]),
            "
nodes:
  n: {count: 3, whitelists: [masternodes, p], masternode: true}
  x: {dials: [p1, q, n3]}

peers:
  p: {count: 2, chain: main@5, dials: [x]}
  q: {chain: main@5}
produce: {by: [n1, n2], every: 5s}

timeline:
  - {at: 1s, do: {cut: {between: [n1], and: [others], for: 1s}}}
  - {at: 2s, do: {send: {peers: [q], line: x}}}

expect:
  - {sequence: [{see: {on: n3, log: ping_sent, where: {ip: \"!= n2\"}}}, {see: {on: x, log: ping_sent}}]}
  - {never: {see: {on: q, wire: Ping, where: {node: x}}}}
"
        );
    }

    #[test]
    fn what_names_only_those_that_are_gone_goes_with_them() {
        let text = left("peers", &["p1", "p2", "q"]);
        assert!(text.contains("n: {count: 4, whitelists: [masternodes], masternode: true}"), "{text}");
        assert!(text.contains("x: {dials: [n4]}"), "{text}");
        assert!(text.contains("and: [n3], is"), "{text}");
        assert!(!text.contains("send") && !text.contains("never") && text.contains("sequence"), "{text}");
        let text = left("nodes", &["n1", "n2", "n3", "n4"]);
        assert!(!text.contains("produce") && !text.contains("links") && !text.contains("cut"), "{text}");
        assert!(text.contains("x: {dials: [p1, q]}") && text.contains("never") && !text.contains("sequence"), "{text}");
    }
}
