//! The incident that a scenario comes from: something was otherwise, and something was seen.
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::incident::{Incident, IncidentFile, Setting};
use super::super::yaml::Spanned;
use super::Context;
use super::expectations;
use super::settings::toml_values;

pub(super) fn incident(file: &Spanned<IncidentFile>, healed_at: Duration, context: &mut Context) -> Incident {
    let Spanned { value: IncidentFile { without: then, mutant, reproduced }, place } = file;
    let sections = then.iter().map(|(section, keys)| (&section.text, toml_values(keys, context)));
    let settings = sections.flat_map(|(section, keys)| {
        keys.into_iter().map(|(key, value)| Setting { section: section.clone(), key, value })
    });
    let without: Vec<Setting> = settings.collect();
    if then.values().all(BTreeMap::is_empty) && mutant.is_none() {
        let help = "name in `without` the settings that make the nodes as they were, or a defect in `mutant`";
        context.wrong(place, "the nodes were as they are", help);
    }
    if reproduced.value.is_empty() {
        let help = "`reproduced` lists what was seen: at least one expectation";
        context.wrong(&reproduced.place, "an incident without a symptom", help);
    }
    Incident {
        without,
        mutant: mutant.as_ref().map(|mutant| mutant.value.clone()),
        reproduced: expectations::checks(&reproduced.value, healed_at, context),
    }
}
