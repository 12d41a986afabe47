//! The timeline as a Workflow: each fault waits for its time, and all of them do so side by side.
use serde::Serialize;

use super::Timed;
use super::chaos::{API, Chaos, NetworkChaos, PodChaos, TimeChaos, duration};
use super::name::Names;
use super::object::Object;
use crate::scenario::Scenario;

/// What a file of chaos holds.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Spec {
    Network(Box<NetworkChaos>),
    Pod(PodChaos),
    Time(TimeChaos),
    Workflow(Workflow),
}

#[derive(Serialize)]
pub struct Workflow {
    entry: &'static str,
    templates: Vec<Template>,
}

/// A template without `duration` in its chaos: in a Workflow the deadline is what ends it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    name: String,
    template_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<String>,
    #[serde(flatten)]
    chaos: Option<Chaos>,
}

/// `timed`, which are some, in order of their times.
pub fn workflow(scenario: &Scenario, timed: &[Timed], names: &Names) -> Object<Spec> {
    let template = |name: &str, template_type| Template {
        name: name.to_owned(),
        template_type,
        deadline: None,
        children: Vec::new(),
        chaos: None,
    };
    let mut templates: Vec<Template> = Vec::new();
    let mut steps = Vec::new();
    let mut faults: Vec<&Timed> = Vec::new();
    for Timed { at, .. } in timed {
        let wait = format!("wait-{}", duration(*at));
        if !at.is_zero() && !templates.iter().any(|known| known.name == wait) {
            templates.push(Template { deadline: Some(duration(*at)), ..template(&wait, "Suspend") });
        }
    }
    for fault in timed {
        // A fault that comes back is one template.
        let same = |known: &&Timed| known.chaos == fault.chaos && known.lasts == fault.lasts;
        let number = faults.iter().position(same).unwrap_or_else(|| {
            templates.push(Template {
                deadline: Some(duration(fault.lasts)),
                chaos: Some(fault.chaos.clone()),
                ..template(&format!("fault-{}", faults.len()), fault.chaos.kind())
            });
            faults.push(fault);
            faults.len() - 1
        });
        let wait = (!fault.at.is_zero()).then(|| format!("wait-{}", duration(fault.at)));
        let children = wait.into_iter().chain([format!("fault-{number}")]).collect();
        let step = format!("step-{}", steps.len());
        templates.push(Template { children, ..template(&step, "Serial") });
        steps.push(step);
    }
    let deadline = Some(duration(scenario.runs_for));
    templates.insert(0, Template { deadline, children: steps, ..template("timeline", "Parallel") });
    let workflow = Workflow { entry: "timeline", templates };
    Object::new(API, "Workflow", names.meta("timeline", &names.common()), Spec::Workflow(workflow))
}
