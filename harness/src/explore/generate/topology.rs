//! Who there is, and who whitelists and dials whom.
//!
//! Masternodes that whitelist all the same ones: only there convergence is promised whatever the chains are (D-17). Nodes that are no
//! masternodes follow whichever they whitelist, so that theirs may be any part. A ring of masternodes that whitelist their neighbours
//! owes nothing about forks, and gets none.
use super::chains::Place;
use super::dice::Dice;

/// How the nodes know each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Masternodes that whitelist each other.
    Mesh,
    /// The same, and other nodes that whitelist all of them.
    Core,
    /// The same, and other nodes that whitelist some of them.
    Partial,
    /// Masternodes that whitelist so many neighbours on each side.
    Ring { reach: usize },
}

/// A node under test.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub masternode: bool,
    pub whitelists: Vec<String>,
    /// With a port.
    pub whitelists_again: Vec<String>,
    pub dials: Vec<String>,
    pub place: Place,
    /// Seconds.
    pub starts_at: u64,
    /// Milliseconds of a durable write.
    pub disk: u64,
}

/// All of them, masternodes first.
pub struct Topology {
    pub shape: Shape,
    pub nodes: Vec<Node>,
}

/// Of a longer way around a ring the last would learn too late.
const HOPS: usize = 4;

impl Topology {
    pub fn draw(dice: &mut Dice, count: usize) -> Self {
        let shape = match dice.within(0..=99) {
            0..=39 => Shape::Mesh,
            40..=59 if count > 3 => Shape::Core,
            60..=79 if count > 3 => Shape::Partial,
            80..=99 if count > 4 => Shape::Ring { reach: 0 },
            _ => Shape::Mesh,
        };
        match shape {
            Shape::Ring { .. } => Self::ring(dice, count),
            Shape::Mesh => Self { shape, nodes: (1..=count).map(masternode).collect() },
            Shape::Core | Shape::Partial => Self::core(dice, shape, count),
        }
    }

    fn core(dice: &mut Dice, shape: Shape, count: usize) -> Self {
        let masternodes = dice.within(3..=count as u64 - 1) as usize;
        let names: Vec<String> = (1..=masternodes).map(|i| format!("m{i}")).collect();
        let regular: Vec<String> = (1..=count - masternodes).map(|i| format!("r{i}")).collect();
        let mut nodes: Vec<Node> = (1..=masternodes).map(masternode).collect();
        for name in &regular {
            let whitelists = match shape {
                Shape::Partial => {
                    let some = dice.within(1..=masternodes as u64 - 1) as usize;
                    dice.some(&names, some)
                }
                _ => vec!["masternodes".to_owned()],
            };
            // Whoever dials a node that dials it makes two connections at once. A masternode that isn't on the list is a regular peer, whatever it says.
            let unlisted = names.iter().filter(|name| shape == Shape::Partial && !whitelists.contains(name));
            let others: Vec<String> = regular.iter().filter(|other| *other != name).chain(unlisted).cloned().collect();
            let dialled = dice.within(0..=3) as usize;
            let dials = dice.some(&others, dialled);
            nodes.push(Node { masternode: false, whitelists, dials, ..node(name.clone()) });
        }
        Self { shape, nodes }
    }

    fn ring(dice: &mut Dice, count: usize) -> Self {
        let least = count.div_ceil(2 * HOPS).max(1);
        let reach = dice.within(least as u64..=least as u64 + 2).min((count as u64 - 1) / 2) as usize;
        let around = |i: usize, by: usize| format!("m{}", (i + by) % count + 1);
        let neighbours = |i| (1..=reach).flat_map(move |by| [around(i, by), around(i, count - by)]);
        let nodes = (0..count).map(|i| Node { whitelists: neighbours(i).collect(), ..masternode(i + 1) });
        Self { shape: Shape::Ring { reach }, nodes: nodes.collect() }
    }

    /// How many nodes are masternodes.
    pub fn masternodes(&self) -> usize {
        self.nodes.iter().filter(|node| node.masternode).count()
    }

    /// Whitelists from the best chain to the node that learns of it last.
    pub fn hops(&self) -> u64 {
        match self.shape {
            Shape::Mesh | Shape::Core => 1,
            Shape::Partial => 2,
            Shape::Ring { reach } => (self.nodes.len() / 2).div_ceil(reach) as u64,
        }
    }

    pub fn is_ring(&self) -> bool {
        matches!(self.shape, Shape::Ring { .. })
    }
}

fn masternode(number: usize) -> Node {
    Node { masternode: true, whitelists: vec!["masternodes".to_owned()], ..node(format!("m{number}")) }
}

fn node(name: String) -> Node {
    Node {
        name,
        masternode: false,
        whitelists: Vec::new(),
        whitelists_again: Vec::new(),
        dials: Vec::new(),
        place: Place::main(0),
        starts_at: 0,
        disk: 0,
    }
}
