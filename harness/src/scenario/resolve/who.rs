//! Lists of words to parties: one list, one that may be drawn, and two sides.
use std::collections::BTreeSet;

use super::super::timeline::{Part, Who};
use super::super::yaml::{Place, Spanned};
use super::Context;
use super::cast::Takes;

impl Context {
    /// The parties that these words name, each once, in order; mistakes are noted.
    pub fn names(&mut self, words: &[Spanned<String>], takes: Takes) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for word in words {
            match self.cast.look_up(&word.value, takes) {
                Ok(members) => {
                    for member in members {
                        if !names.contains(&member) {
                            names.push(member);
                        }
                    }
                }
                Err((title, help)) => self.wrong(&word.place, title, help),
            }
        }
        names
    }

    /// As [`Context::names`], where somebody must be named.
    pub fn somebody(&mut self, words: &[Spanned<String>], takes: Takes, place: &Place) -> Vec<String> {
        if words.is_empty() {
            self.wrong(place, "nobody is named here", self.cast.names_for("", takes));
        }
        self.names(words, takes)
    }

    /// As [`Context::somebody`], where parts may be drawn.
    pub fn who(&mut self, words: &[Spanned<String>], takes: Takes, place: &Place) -> Who {
        let part_of = |word: &Spanned<String>| match word.value.as_str() {
            "minority" => Some(Part::Minority),
            "majority" => Some(Part::Majority),
            _ => None,
        };
        let (parts, plain): (Vec<_>, Vec<_>) = words.iter().cloned().partition(|word| part_of(word).is_some());
        if words.is_empty() {
            self.somebody(&[], takes, place);
        }
        let mut who = Who { names: self.names(&plain, takes).into_iter().collect(), ..Who::default() };
        for word in parts {
            if self.cast.nodes.len() < 3 {
                self.wrong(&word.place, "fewer than three nodes have no minority", "name nodes, or have more of them");
            }
            let part = part_of(&word);
            if who.part.is_some_and(|other| Some(other) != part) {
                // Both parts are all nodes.
                who.names.extend(self.cast.nodes.iter().cloned());
            }
            who.part = part;
        }
        who
    }

    /// Two sides, of which one may be `others`.
    pub fn two_sides(&mut self, one: &[Spanned<String>], two: &[Spanned<String>], place: &Place) -> (Who, Who) {
        let others = |side: &[Spanned<String>]| side.iter().find(|word| word.value == "others").cloned();
        match (others(one), others(two)) {
            (None, None) => (self.who(one, Takes::Anyone, place), self.who(two, Takes::Anyone, place)),
            (Some(word), None) if one.len() == 1 => {
                let named = self.who(two, Takes::Anyone, place);
                (self.complement(&named, &word.place), named)
            }
            (None, Some(word)) if two.len() == 1 => {
                let named = self.who(one, Takes::Anyone, place);
                let rest = self.complement(&named, &word.place);
                (named, rest)
            }
            (Some(word), _) | (_, Some(word)) => {
                self.wrong(&word.place, "`others` stands alone, and on one side only", "name the other side");
                Default::default()
            }
        }
    }

    /// As [`Context::two_sides`] without a draw; a side without words is everybody.
    pub fn two_sides_of_links(
        &mut self,
        one: &[Spanned<String>],
        two: &[Spanned<String>],
    ) -> (Vec<String>, Vec<String>) {
        let all = [Spanned { value: "all".to_owned(), place: Place::default() }];
        let or_all = |side: &[Spanned<String>]| {
            if side.is_empty() { all.to_vec() } else { side.to_vec() }
        };
        let (one, two) = (or_all(one), or_all(two));
        let drawn = one.iter().chain(&two).find(|word| ["minority", "majority"].contains(&word.value.as_str()));
        if let Some(word) = drawn {
            let place = word.place.clone();
            self.wrong(&place, "links have no drawn sides", "a fault of the timeline may name minority and majority");
        }
        let (one, two) = self.two_sides(&one, &two, &Place::default());
        (one.names.into_iter().collect(), two.names.into_iter().collect())
    }

    /// Everybody else.
    fn complement(&mut self, who: &Who, place: &Place) -> Who {
        let everybody: BTreeSet<_> = self.cast.nodes.iter().chain(&self.cast.peers).cloned().collect();
        let unnamed = &everybody - &who.names;
        let Some(part) = who.part else {
            if unnamed.is_empty() {
                self.wrong(place, "`others` is nobody here", "the other side names everybody");
            }
            return Who { names: unnamed, ..Who::default() };
        };
        let peers: BTreeSet<_> = self.cast.peers.iter().cloned().collect();
        let rest = if part == Part::Minority { Part::Majority } else { Part::Minority };
        Who { names: &unnamed & &peers, part: Some(rest), except: who.names.clone() }
    }
}
