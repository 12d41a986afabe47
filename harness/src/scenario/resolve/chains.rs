//! Chains: which exist, how high each is used, and whether its fork makes sense.
use std::collections::BTreeMap;

use super::super::error::Problem;
use super::super::file::ChainFile;
use super::super::resolved::{At, Chain};
use super::super::value::{ChainAt, Name};
use super::super::vocabulary::allowed;
use super::super::yaml::{Place, Spanned};
use super::Context;

/// Blocks that a chain is built with, at most.
const HIGHEST: u64 = 200_000;
const MAIN: &str = "main";

/// Chains by name, and the places on them that the scenario uses.
pub(super) struct Chains {
    forks: BTreeMap<String, Fork>,
    uses: Vec<(At, Place)>,
}

struct Fork {
    name: Place,
    of: Spanned<ChainAt>,
    lower_than: Option<Spanned<ChainAt>>,
    padding: u16,
}

impl Fork {
    /// Places that must be built before it.
    fn needs(&self) -> impl Iterator<Item = &ChainAt> {
        std::iter::once(&self.of).chain(&self.lower_than).map(|at| &at.value)
    }
}

impl Chains {
    pub fn of(file: &BTreeMap<Name, ChainFile>, problems: &mut Vec<Problem>) -> Self {
        let mut forks = BTreeMap::new();
        for (name, chain) in file {
            if name.text == MAIN {
                let problem = Problem::new(name.place.clone(), "`main` always exists");
                problems.push(problem.help("take another name for a fork of it"));
                continue;
            }
            let ChainFile { fork_of, lower_than, padding } = chain.clone();
            let fork = Fork { name: name.place.clone(), of: fork_of, lower_than, padding };
            forks.insert(name.text.clone(), fork);
        }
        Self { forks, uses: vec![(At { chain: MAIN.into(), height: 0 }, Place::default())] }
    }

    /// The height that the scenario uses of a chain, but for what `but_for` needs.
    fn used(&self, chain: &str, but_for: &str) -> u64 {
        let uses = self.uses.iter().filter(|(at, _)| at.chain == chain).map(|(at, _)| at.height);
        let forks = self.forks.iter().filter(|(name, _)| *name != but_for).map(|(_, fork)| fork);
        let named = forks.flat_map(Fork::needs).filter(|at| at.chain == chain).map(|at| at.height);
        uses.chain(named).max().unwrap_or(0)
    }

    fn height_problem(&self, at: &Spanned<ChainAt>) -> Option<Problem> {
        let ChainAt { chain, height } = &at.value;
        let problem = |title: String, help: String| Some(Problem::new(at.place.clone(), title).help(help));
        if chain != MAIN && !self.forks.contains_key(chain) {
            let known = std::iter::once(MAIN).chain(self.forks.keys().map(String::as_str));
            return problem(format!("no chain `{chain}`"), allowed(chain, known));
        }
        if *height > HIGHEST {
            return problem(format!("`{chain}@{height}` is too high"), format!("a chain has at most {HIGHEST} blocks"));
        }
        None
    }

    /// The chains as they must be built; mistakes of forks are noted.
    pub fn finish(&self, problems: &mut Vec<Problem>) -> BTreeMap<String, Chain> {
        let before = problems.len();
        for (name, fork) in &self.forks {
            problems.extend(self.fork_problem(name, fork));
        }
        for (at, place) in &self.uses {
            let Some(fork) = self.forks.get(&at.chain) else {
                continue;
            };
            if at.height < fork.of.value.height {
                let title = format!("`{}@{}` lies below the fork", at.chain, at.height);
                let ChainAt { chain, height } = &fork.of.value;
                let help = format!("`{}` begins above {chain}@{height}", at.chain);
                problems.push(Problem::new(place.clone(), title).help(help));
            }
        }
        if problems.len() > before {
            return BTreeMap::new();
        }
        let at = |at: &Spanned<ChainAt>| At { chain: at.value.chain.clone(), height: at.value.height };
        let main = Chain { fork_of: None, lower_than: None, padding: 0, height: self.used(MAIN, "") };
        let forks = self.forks.iter().map(|(name, fork)| {
            let (fork_of, lower_than) = (Some(at(&fork.of)), fork.lower_than.as_ref().map(at));
            (name.clone(), Chain { fork_of, lower_than, padding: fork.padding.into(), height: self.used(name, "") })
        });
        std::iter::once((MAIN.to_owned(), main)).chain(forks).collect()
    }

    fn fork_problem(&self, name: &str, fork: &Fork) -> Option<Problem> {
        let wrong = std::iter::once(&fork.of).chain(&fork.lower_than).find_map(|at| self.height_problem(at));
        if wrong.is_some() {
            return wrong;
        }
        let problem = |place: &Place, title: String, help: String| Some(Problem::new(place.clone(), title).help(help));
        if self.depends_on(name, name) {
            return problem(
                &fork.name,
                format!("`{name}` is a fork of itself"),
                "chains begin at main in the end".into(),
            );
        }
        let ChainAt { chain, height } = &fork.of.value;
        let (parent, own) = (self.used(chain, name), self.used(name, ""));
        if *height > parent {
            let title = format!("`{chain}` is used only up to {parent}, so `{name}` is no fork of it");
            return problem(&fork.of.place, title, format!("somebody else is on {chain}@{height} or above"));
        }
        if own <= *height {
            let title = format!("nobody is on `{name}` above its fork");
            return problem(&fork.name, title, format!("use {name}@{} or above, or leave the chain out", height + 1));
        }
        let lower_than = fork.lower_than.as_ref()?;
        if lower_than.value.height != own {
            let title = format!("a tie is between equal heights, and `{name}` goes up to {own}");
            return problem(&lower_than.place, title, format!("write {}@{own}", lower_than.value.chain));
        }
        None
    }

    /// Whether `chain` can only be built after `other`, in one or more steps.
    fn depends_on(&self, chain: &str, other: &str) -> bool {
        let mut open: Vec<&str> = vec![chain];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(fork) = open.pop().and_then(|name| self.forks.get(name)) {
            for need in fork.needs().map(|at| at.chain.as_str()) {
                if need == other {
                    return true;
                }
                if seen.insert(need) && self.forks.contains_key(need) {
                    open.push(need);
                }
            }
        }
        false
    }
}

impl Context {
    /// A place on a chain, which is built up to there.
    pub fn at(&mut self, at: &Spanned<ChainAt>) -> At {
        let place = At { chain: at.value.chain.clone(), height: at.value.height };
        match self.chains.height_problem(at) {
            Some(problem) => self.problems.push(problem),
            None => self.chains.uses.push((place.clone(), at.place.clone())),
        }
        place
    }
}
