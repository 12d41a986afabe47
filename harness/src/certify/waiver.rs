//! Known failures: `--waivers FILE`, a list of requirement, reason, and the day until which it is excused.
use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::requirement::catalogue;
use crate::scenario::vocabulary::nearest;
use crate::scenario::{LoadError, Problem, Spanned, document};

/// One known failure.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The requirement.
    pub id: Spanned<String>,
    /// Why it is excused, for those who read the statement.
    pub reason: Spanned<String>,
    /// The last day on which it is, `2027-03-31`.
    pub until: Spanned<String>,
}

/// All known failures by requirement.
#[derive(Debug, Clone, Default)]
pub struct Waivers(BTreeMap<String, String>);

impl Waivers {
    /// Reads a file of them as of `today`.
    ///
    /// # Errors
    /// [`LoadError`]: an unknown requirement, one that stands twice, no reason, a day that is over.
    pub fn load(path: &Path, today: Date) -> Result<Self, LoadError> {
        document(path, |list: Vec<Waiver>, _| Self::check(list, today))
    }

    fn check(list: Vec<Waiver>, today: Date) -> Result<Self, Vec<Problem>> {
        let (mut waivers, mut problems) = (BTreeMap::new(), Vec::new());
        let ids = || catalogue().iter().map(|row| row.id.as_str());
        for Waiver { id, reason, until } in list {
            let mut wrong = |place: &crate::scenario::Place, title: String, help: String| {
                problems.push(Problem::new(place.clone(), title).help(help));
            };
            if !ids().any(|known| known == id.value) {
                let near = nearest(&id.value, ids()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let help = format!("{near}the ids are those of fixtures/requirements.yaml");
                wrong(&id.place, format!("no requirement `{}`", id.value), help);
            }
            if reason.value.trim().is_empty() {
                wrong(&reason.place, "a waiver without a reason".into(), "say why the failure is excused".into());
            }
            match until.value.parse::<Date>() {
                Err(_) => wrong(&until.place, "this is no day".into(), "write it as 2027-03-31".into()),
                Ok(until_day) if until_day < today => wrong(
                    &until.place,
                    format!("this waiver ended on {until_day}"),
                    "mend what it excuses, or give it another day".into(),
                ),
                Ok(_) => {}
            }
            if waivers.insert(id.value.clone(), reason.value).is_some() {
                wrong(&id.place, format!("`{}` is waived twice", id.value), "name it once".into());
            }
        }
        if problems.is_empty() { Ok(Self(waivers)) } else { Err(problems) }
    }

    /// Those that a statement was made with.
    pub fn of(rows: &[super::statement::Row]) -> Self {
        Self(rows.iter().filter_map(|row| Some((row.id.clone(), row.waiver.clone()?))).collect())
    }

    /// Why a requirement's failure is excused.
    pub fn reason(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
    }
}
