//! From the file's shape to a scenario: groups unfolded, names looked up, limits checked, all mistakes gathered.
mod cast;
mod chains;
mod expectations;
mod incident;
mod overlap;
mod settings;
mod steps;
mod who;

use std::time::Duration;

use cast::Cast;
use chains::Chains;

use super::error::Problem;
use super::file::ScenarioFile;
use super::requirement;
use super::resolved::{Link, Scenario};
use super::timeline::healed_at;
use super::value::Span;
use super::vocabulary;
use super::yaml::{Place, Spanned};

/// Longest run.
const LONGEST_RUN: Duration = Duration::from_secs(7 * 86_400);
/// Simulated granularity.
const TICKS: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(100);
const DEFAULT_TICK: Duration = Duration::from_millis(10);

/// What all parts of the resolution share.
struct Context {
    cast: Cast,
    chains: Chains,
    runs_for: Duration,
    problems: Vec<Problem>,
}

impl Context {
    fn wrong(&mut self, place: &Place, title: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(place.clone(), title).help(help));
    }

    /// A time since the start, which the run must reach.
    fn time(&mut self, span: &Spanned<Span>) -> Duration {
        let at = span.value.0;
        if at > self.runs_for {
            let title = format!("{:?} is after the end of the run", span.value);
            self.wrong(&span.place, title, format!("the run lasts {:?}", Span(self.runs_for)));
        }
        at
    }

    fn optional_time(&mut self, span: &Option<Spanned<Span>>) -> Option<Duration> {
        span.as_ref().map(|span| self.time(span))
    }
}

/// # Errors
/// Everything that is wrong, in order of the file.
pub(super) fn scenario(name: &str, file: ScenarioFile, text: &str) -> Result<Scenario, Vec<Problem>> {
    let mut problems = Vec::new();
    let cast = Cast::unfold(&file, &mut problems);
    let chains = Chains::of(&file.chains, &mut problems);
    let mut context = Context { cast, chains, runs_for: file.runs_for.value.0, problems };
    ranges(&file, &mut context);

    words(&file, &mut context);
    requirements(&file, &mut context);
    case(&file, &mut context);
    let (nodes, produce_every) = settings::nodes(&file, &mut context);
    let peers = settings::peers(&file, &mut context);
    let links = links(&file, &mut context);
    let timeline = steps::timeline(&file, &mut context);
    let healed_at = healed_at(&timeline);
    let (expect, near_median) = expectations::all(&file, &mut context, healed_at);
    let incident = file.incident.as_ref().map(|incident| incident::incident(incident, healed_at, &mut context));
    let chains = context.chains.finish(&mut context.problems);

    if !context.problems.is_empty() {
        let order = |problem: &Problem| (problem.place.as_ref().map(|place| place.bytes.start), problem.title.clone());
        context.problems.sort_by_key(order);
        // A mistake of a group comes once for each member.
        context.problems.dedup();
        return Err(context.problems);
    }
    Ok(Scenario {
        name: name.to_owned(),
        title: file.title.value,
        why: file.why.value,
        requirements: file.requirements.into_iter().map(|id| id.value).collect(),
        case: file.case.map(|case| case.value),
        incident,
        runs_for: context.runs_for,
        seed: file.seed.unwrap_or(1),
        tick: file.tick.map_or(DEFAULT_TICK, |tick| tick.value.0),
        time_scale: file.time_scale.map_or(1, |scale| scale.value.into()),
        chains,
        nodes,
        peers,
        links,
        produce_every,
        timeline,
        expect,
        near_median,
        buffered_at_most: file.invariants.buffered_at_most,
        source: text.to_owned(),
    })
}

fn ranges(file: &ScenarioFile, context: &mut Context) {
    if context.runs_for < Duration::from_secs(1) || context.runs_for > LONGEST_RUN {
        context.wrong(&file.runs_for.place, "a run lasts 1s to 7d", "write the simulated time from start to end");
    }
    if let Some(scale) = file.time_scale.as_ref().filter(|scale| !(1..=60).contains(&scale.value)) {
        context.wrong(
            &scale.place,
            format!("a time scale of {} is out of range", scale.value),
            "a time scale is 1 to 60",
        );
    }
    if let Some(tick) = file.tick.as_ref().filter(|tick| !TICKS.contains(&tick.value.0)) {
        context.wrong(&tick.place, format!("a tick of {:?} is out of range", tick.value), "a tick is 1ms to 100ms");
    }
}

fn words(file: &ScenarioFile, context: &mut Context) {
    if file.title.value.trim().is_empty() || file.title.value.contains('\n') {
        context.wrong(&file.title.place, "a title is one line", "say the behaviour in a few words");
    }
    if file.why.value.trim().is_empty() {
        context.wrong(&file.why.place, "`why` says nothing", "say why it matters, and where the numbers come from");
    }
}

fn requirements(file: &ScenarioFile, context: &mut Context) {
    let ids = || requirement::catalogue().iter().map(|row| row.id.as_str());
    for (index, id) in file.requirements.iter().enumerate() {
        if !ids().any(|known| known == id.value) {
            let near = vocabulary::nearest(&id.value, ids());
            let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let help = format!("{hint}the ids are those of fixtures/requirements.yaml");
            context.wrong(&id.place, format!("no requirement `{}`", id.value), help);
        } else if file.requirements[..index].iter().any(|earlier| earlier.value == id.value) {
            context.wrong(&id.place, format!("requirement `{}` stands twice", id.value), "name it once");
        }
    }
}

/// A case is about one requirement of one node.
fn case(file: &ScenarioFile, context: &mut Context) {
    let Some(case) = &file.case else { return };
    if file.requirements.len() != 1 {
        context.wrong(&case.place, "a case shows one requirement", "write `requirements: [ID]`");
    }
    if let Some(incident) = &file.incident {
        let help = "an incident compares the reference node with itself, a case judges any node";
        context.wrong(&incident.place, "a case comes from no incident", help);
    }
    if context.cast.nodes != ["a"] {
        context.wrong(&file.nodes.place, "a case has one node, `a`", "let scripted peers take the others' parts");
    }
}

fn links(file: &ScenarioFile, context: &mut Context) -> Vec<Link> {
    let mut links = Vec::new();
    for link in &file.links {
        let (from, to) = context.two_sides_of_links(&link.between, &link.and);
        links.push(Link { from: from.clone(), to: to.clone(), shape: link.is.clone() });
        links.push(Link { from: to, to: from, shape: link.is.clone() });
    }
    links
}
