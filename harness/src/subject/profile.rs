//! What Lockstep needs to know of a node that somebody else wrote: a YAML file, whose manual are the types below.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Component, Path};
use std::time::Duration;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::template::{Template, Values};
use crate::history::{Field, What};
use crate::peer::{BlockFormat, Genesis, Ledger, PORT};
use crate::scenario::requirement::catalogue;
use crate::scenario::value::Span;
use crate::scenario::vocabulary::{LOG_EVENTS, allowed};
use crate::scenario::{LoadError, Problem, Spanned, document};
use crate::words::{Found, Patterns};

/// Time of the set-up where the profile names none.
const SETUP: Duration = Duration::from_secs(40);
/// Time until it is ready, likewise.
const READY: Duration = Duration::from_secs(30);
/// The name of the patterns that ship with Lockstep.
const BUILT_IN: &str = "built-in";

/// A node's profile. In `arguments`, `environment`, `files`, `hosts` and `helpers`, places are filled in:
///
/// - `{{listen}}` (ip:port), `{{ip}}`, `{{port}}`, `{{external_address}}` (the ip by which its peers know it), `{{dir}}` (a folder of its own,
///   where it is started), `{{masternode}}` (true or false), `{{lockstep}}` (the path of Lockstep's own program);
/// - the lists `{{whitelisted}}`, `{{peers}}` and `{{blacklisted}}`, written as `ip,ip`; with `|quoted` as `"ip", "ip"`, with `|lines` one a line;
/// - `{{settings.sync}}`: the lines `key = value` that a case wants in that section;
/// - `{{clock}}`: the time that fits the highest block of the case's chains (genesis + 600 s a block), in seconds since 1970, going on as time
///   does; `{{clock|date}}` as `2025-12-02 17:45:57`, UTC. With it the scripted peers have that clock too;
/// - `{{time_scale}}`: what its intervals and timeouts are to be divided by (`--time-scale`), 1 in a run that counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// The node's name in statements.
    pub name: Spanned<String>,
    /// Its version in statements.
    #[serde(default)]
    pub version: Option<String>,
    /// What follows the words of `--exec` when it is started, and started again on the same folder.
    #[serde(default)]
    pub arguments: Vec<Spanned<String>>,
    /// Variables of its environment, beside the harness's own.
    #[serde(default)]
    pub environment: BTreeMap<String, Spanned<String>>,
    /// Files to write into its folder before it starts first: path and content.
    #[serde(default)]
    pub files: BTreeMap<String, Spanned<String>>,
    /// Where it and its peers listen for each other. Default 24100.
    #[serde(default)]
    pub port: Option<Spanned<u16>>,
    /// How it tells that it is ready. Default: nobody waits, and its start is part of the set-up.
    #[serde(default)]
    pub ready: Option<ReadyFile>,
    /// How its clock can be set while it runs. Default: it can't, and cases that move it are unsupported.
    #[serde(default)]
    pub clock: Option<ClockFile>,
    /// Names that its machine resolves, and the address of each: `time.google.com: "{{ip}}"`. Needs network namespaces.
    #[serde(default)]
    pub hosts: BTreeMap<String, Spanned<String>>,
    /// Programs that run beside it, on its machine, each as a list of words; they begin before it, and end with the run. One that fails is an
    /// error of the harness.
    #[serde(default)]
    pub helpers: Vec<Vec<Spanned<String>>>,
    /// What `--attach` needs to know of a node that already runs.
    #[serde(default)]
    pub attach: Option<AttachFile>,
    /// How long it may take to start, to connect with its peers and to sync to a case's height (up to 5,600 blocks). Patience, no claim
    /// about the node; it should be longer than its intervals between pings and ticks, and than what makes a connection a good one. Default 40 s.
    #[serde(default)]
    pub setup: Option<Spanned<Span>>,
    /// Its log, where it has one: else that channel is not observed.
    #[serde(default)]
    pub log: Option<LogFile>,
    /// Its metrics, where it has them: else that channel is not observed.
    #[serde(default)]
    pub metrics: Option<MetricsFile>,
    /// The format of its blocks, in which its peers speak with it. Default `v1`.
    #[serde(default)]
    pub block_format: BlockFormat,
    /// A file with its genesis, a JSON block as it is on the wire, beside the profile. All chains begin with it, a block each 600 s, up to
    /// 10,510 of them: it should be 73 days old, so that none is ahead of a clock. Default: the testnet's.
    #[serde(default)]
    pub genesis: Option<Spanned<String>>,
    /// What `--image` needs to know, beside all this: `{{dir}}` is a folder of the container then.
    #[serde(default)]
    pub image: ImageFile,
    /// Requirements that it doesn't claim to keep.
    #[serde(default)]
    pub unsupported: Vec<UnsupportedFile>,
}

/// A node as an image. It has a network of its own, in which all its ports can be reached; `port` and `metrics` say which are asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageFile {
    /// A program in the image and its words, which `arguments` follow. Default: the image's own entry point.
    pub command: Vec<String>,
    /// The folder of its data, `{{dir}}`: a volume, in which `files` are written before it starts first. Default `/data`.
    pub data: String,
    /// Further folders that it writes to; each is a volume, empty at first.
    pub volumes: Vec<String>,
    /// Variables of its environment, beside `environment`.
    pub environment: BTreeMap<String, String>,
}

impl Default for ImageFile {
    fn default() -> Self {
        Self { command: Vec::new(), data: "/data".into(), volumes: Vec::new(), environment: BTreeMap::new() }
    }
}

/// When it is ready: the set-up begins then.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadyFile {
    /// How long that may take. Default 30 s.
    #[serde(default)]
    pub within: Option<Spanned<Span>>,
    /// A regular expression that a line of its log matches then. Default: something listens on its port.
    #[serde(default)]
    pub log: Option<Spanned<String>>,
}

/// A clock that can be set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockFile {
    /// A file of its folder, in which stands how far its clock is to be from the machine's, in seconds, and how much faster it is to go:
    /// `+3600.000 x1.000000`. It is written before the node starts and whenever the clock is moved. libfaketime reads such a file
    /// (`FAKETIME_TIMESTAMP_FILE`). Whether the clock moved is read from the node's pings.
    pub file: Spanned<String>,
    /// Whether it is to be at `{{clock}}` from the beginning, with the scripted peers' clocks. Default no.
    #[serde(default)]
    pub fits_chain: bool,
}

/// A node that already runs, with what is in its configuration.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachFile {
    /// Addresses of this machine that it whitelists, for masternodes among the scripted peers.
    #[serde(default)]
    pub whitelisted: Vec<Ipv4Addr>,
    /// Addresses of this machine that it doesn't, for regular peers. Default: free ones of 127.0.0.0/8, for a node that is reached there.
    #[serde(default)]
    pub regular: Vec<Ipv4Addr>,
    /// A program and its words that let it begin anew, with nothing in its store; it is run before each trial. Default: none, and a case that
    /// begins below the node's height is unsupported.
    #[serde(default)]
    pub reset: Vec<String>,
    /// Whether it is a masternode itself. Most cases want a node that is none. Default no.
    #[serde(default)]
    pub masternode: bool,
}

/// How its log is read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFile {
    /// Where it writes it. Default: its standard output.
    #[serde(default)]
    pub stream: Stream,
    /// Which lines are which events, the first that matches.
    #[serde(default)]
    pub events: Vec<EventFile>,
    /// Which events those lines are that none of `events` matches, by the patterns of `lockstep replay`: `built-in` (`fixtures/patterns.yaml`, their
    /// manual, has the production node's words and the reference node's), or a file beside the profile, whose patterns go before the built-in
    /// ones as with `--patterns FILE`. Default: none, and such a line has no name.
    #[serde(default)]
    pub patterns: Option<String>,
    /// Lines are JSON as tracing writes it: `{"level", "fields": {"message", "event", …}}`. One that names its event itself, as the reference
    /// node's do, has its other fields as they are; of another the message is compared.
    #[serde(default)]
    pub json: bool,
}

/// A stream of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// Lines of one kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// An event's name (decisions, Canonical log lines).
    pub event: Spanned<String>,
    /// A regular expression that its lines match. Named groups become fields: `(?<ip>[0-9.]+)`; `level` becomes the line's level.
    pub pattern: Spanned<String>,
}

/// Where it serves metrics in Prometheus' text format, on its own address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsFile {
    /// The port.
    pub port: u16,
    /// The path. Default `/metrics`.
    #[serde(default)]
    pub path: Option<String>,
}

/// A requirement that is not claimed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsupportedFile {
    /// Its id.
    pub id: Spanned<String>,
    /// Why not, for those who read the statement.
    pub reason: Spanned<String>,
}

/// A validated profile.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The text of its file and of its patterns' file, for its digest.
    pub source: String,
    /// See [`ProfileFile::name`].
    pub name: String,
    /// See [`ProfileFile::version`].
    pub version: Option<String>,
    /// See [`ProfileFile::setup`].
    pub setup: Duration,
    /// See [`ProfileFile::port`].
    pub port: u16,
    /// See [`ProfileFile::ready`].
    pub ready: Option<Ready>,
    /// Its clock's file.
    pub clock: Option<String>,
    /// See [`ClockFile::fits_chain`], or whether it has a place for that time.
    pub fits_chain: bool,
    /// See [`ProfileFile::attach`].
    pub attach: AttachFile,
    /// See [`ProfileFile::image`].
    pub image: ImageFile,
    /// Which stream is its log; `None`: it has none.
    pub log: Option<Stream>,
    /// Port and path.
    pub metrics: Option<(u16, String)>,
    /// The format of its blocks and its genesis.
    pub ledger: Ledger,
    /// Reasons by requirement.
    pub unsupported: BTreeMap<String, String>,
    arguments: Vec<Template>,
    environment: BTreeMap<String, Template>,
    files: BTreeMap<String, Template>,
    hosts: BTreeMap<String, Template>,
    helpers: Vec<Vec<Template>>,
    events: Vec<(String, Regex)>,
    patterns: Option<Patterns>,
    json: bool,
}

/// See [`ReadyFile`].
#[derive(Debug, Clone)]
pub struct Ready {
    /// How long it may take.
    pub within: Duration,
    /// What a line of its log matches; `None`: its port is listened on.
    pub log: Option<Regex>,
}

impl Profile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`LoadError`], with all that is wrong.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut profile, patterns) = document(path, |file: ProfileFile, text| {
            let patterns = file.log.as_ref().and_then(|log| log.patterns.clone());
            Ok((Self::check(file, text, folder)?, patterns))
        })?;
        if let Some(name) = patterns {
            let own = (name != BUILT_IN).then(|| folder.join(name));
            let patterns = Patterns::load(own.as_deref())?;
            profile.source += &patterns.source;
            profile.patterns = Some(patterns);
        }
        Ok(profile)
    }

    fn check(file: ProfileFile, text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if file.name.value.trim().is_empty() {
            problems.push(Problem::new(file.name.place, "a node without a name").help("say what statements call it"));
        }
        let mut template = |text: &Spanned<String>| {
            Template::parse(&text.value).unwrap_or_else(|why| {
                problems.push(Problem::new(text.place.clone(), why.title).help(why.help));
                Template::default()
            })
        };
        let arguments = file.arguments.iter().map(&mut template).collect();
        let environment = file.environment.iter().map(|(name, text)| (name.clone(), template(text))).collect();
        let files: BTreeMap<String, Template> =
            file.files.iter().map(|(name, text)| (name.clone(), template(text))).collect();
        let hosts: BTreeMap<String, Template> =
            file.hosts.iter().map(|(name, text)| (name.clone(), template(text))).collect();
        let helpers = file.helpers.iter().map(|words| words.iter().map(&mut template).collect()).collect();
        for (name, ip) in file.hosts.iter().filter(|(name, _)| name.is_empty() || name.contains(char::is_whitespace)) {
            problems
                .push(Problem::new(ip.place.clone(), format!("`{name}` is no name of a host")).help("write one name"));
        }
        let clock = file.clock.as_ref().map(|clock| (&clock.file.value, &clock.file));
        for (name, content) in file.files.iter().chain(clock) {
            let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            if !inside || name.is_empty() {
                let title = format!("`{name}` is no path below the node's folder");
                problems.push(
                    Problem::new(content.place.clone(), title)
                        .help("write it without `/` at its start and without `..`"),
                );
            }
        }
        let log = file.log.as_ref();
        let mut events = Vec::new();
        for EventFile { event, pattern } in log.into_iter().flat_map(|log| &log.events) {
            let known = || LOG_EVENTS.iter().map(|(name, _)| *name);
            if !known().any(|name| name == event.value) {
                let help = allowed(&event.value, known());
                problems.push(Problem::new(event.place.clone(), format!("no event `{}`", event.value)).help(help));
            }
            events.extend(regex(pattern, &mut problems).map(|regex| (event.value.clone(), regex)));
        }
        let ready = file.ready.as_ref().map(|ready| Ready {
            within: ready.within.as_ref().map_or(READY, |within| within.value.0),
            log: ready.log.as_ref().and_then(|pattern| regex(pattern, &mut problems)),
        });
        if let (Some(pattern), None) = (file.ready.as_ref().and_then(|ready| ready.log.as_ref()), log) {
            let title = "a pattern for a log that isn't read";
            problems.push(Problem::new(pattern.place.clone(), title).help("`log: {}` reads its standard output"));
        }
        if let Some(port) = file.port.as_ref().filter(|port| port.value == 0) {
            problems.push(Problem::new(port.place.clone(), "0 is no port").help("its peers listen on the same one"));
        }
        let mut genesis = None;
        if let Some(Spanned { value, place }) = &file.genesis {
            match read_genesis(&folder.join(value)) {
                Ok(read) => genesis = Some(read),
                Err(why) => problems.push(Problem::new(place.clone(), format!("`{value}` is no genesis")).help(why)),
            }
        }
        let mut unsupported = BTreeMap::new();
        for UnsupportedFile { id, reason } in &file.unsupported {
            let ids = || catalogue().iter().map(|row| row.id.as_str());
            if !ids().any(|known| known == id.value) {
                let help = allowed(&id.value, ids());
                problems.push(Problem::new(id.place.clone(), format!("no requirement `{}`", id.value)).help(help));
            }
            unsupported.insert(id.value.clone(), reason.value.clone());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut profile = Self {
            source: text.to_owned(),
            name: file.name.value,
            version: file.version,
            setup: file.setup.map_or(SETUP, |setup| setup.value.0),
            port: file.port.map_or(PORT, |port| port.value),
            ready,
            fits_chain: file.clock.as_ref().is_some_and(|clock| clock.fits_chain),
            clock: file.clock.map(|clock| clock.file.value),
            attach: file.attach.unwrap_or_default(),
            image: file.image,
            log: file.log.as_ref().map(|log| log.stream),
            json: file.log.is_some_and(|log| log.json),
            metrics: file.metrics.map(|metrics| (metrics.port, metrics.path.unwrap_or_else(|| "/metrics".to_owned()))),
            ledger: Ledger { block_format: file.block_format, genesis },
            unsupported,
            arguments,
            environment,
            files,
            hosts,
            helpers,
            events,
            patterns: None,
        };
        profile.fits_chain |= profile.mentions("clock");
        Ok(profile)
    }

    /// The words that follow its program's.
    pub fn arguments(&self, values: &Values) -> Vec<String> {
        self.arguments.iter().map(|template| template.fill(values)).collect()
    }

    /// Its variables.
    pub fn environment<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = (&'a String, String)> {
        self.environment.iter().map(|(name, template)| (name, template.fill(values)))
    }

    /// Its files: paths below its folder, and what is in them.
    pub fn files<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = (&'a String, String)> {
        self.files.iter().map(|(name, template)| (name, template.fill(values)))
    }

    /// Names that it resolves, and their addresses.
    pub fn hosts<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = (&'a String, String)> {
        self.hosts.iter().map(|(name, template)| (name, template.fill(values)))
    }

    /// Whether there are any.
    pub fn names_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The words of each program beside it; none of them is without words.
    pub fn helpers<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = Vec<String>> {
        let fill = |words: &Vec<Template>| words.iter().map(|word| word.fill(values)).collect();
        self.helpers.iter().filter(|words| !words.is_empty()).map(fill)
    }

    /// Whether there is one.
    pub fn has_helpers(&self) -> bool {
        self.helpers.iter().any(|words| !words.is_empty())
    }

    /// Sections whose settings it has a place for.
    pub fn sections(&self) -> BTreeSet<&str> {
        self.templates().flat_map(Template::sections).collect()
    }

    /// Whether it has a place for this.
    pub fn mentions(&self, name: &str) -> bool {
        self.templates().any(|template| template.mentions(name))
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let texts = self.environment.values().chain(self.files.values()).chain(self.hosts.values());
        self.arguments.iter().chain(texts).chain(self.helpers.iter().flatten())
    }

    /// Whether lines are JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// What a line of its log says: where the line names no event itself, that of its words.
    pub fn read(&self, said: What) -> What {
        let What::Log { mut level, mut event, text, mut fields } = said else { return said };
        if event.is_empty() {
            let mut tell = |name: &str, value: &str| match name {
                "level" => level = value.to_owned(),
                _ => {
                    let field = value.parse().map_or_else(|_| Field::Text(value.to_owned()), Field::Number);
                    fields.insert(name.to_owned(), field);
                }
            };
            let found = self.events.iter().find_map(|(event, regex)| Some((event, regex, regex.captures(&text)?)));
            if let Some((name, regex, captures)) = found {
                event.clone_from(name);
                let groups = regex.capture_names().flatten();
                groups.for_each(|name| captures.name(name).into_iter().for_each(|value| tell(name, value.as_str())));
            } else if let Some(Found { event: name, values }) = self.patterns.as_ref().and_then(|all| all.find(&text)) {
                event = name.to_owned();
                values.pairs().iter().for_each(|(name, value)| tell(name, value));
            }
        }
        What::Log { level, event, text, fields }
    }
}

fn regex(pattern: &Spanned<String>, problems: &mut Vec<Problem>) -> Option<Regex> {
    let refused = |error: regex::Error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        problems.push(Problem::new(pattern.place.clone(), "this is no regular expression").help(last));
    };
    Regex::new(&pattern.value).map_err(refused).ok()
}

fn read_genesis(path: &Path) -> Result<Genesis, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Fields;

    fn shipped(name: &str) -> Profile {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/profiles");
        Profile::load(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_line_is_read_by_the_profiles_own_words_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profile.yaml");
        let own = "- {event: mine, line: 'Sent ping to {ip}'}\n";
        fs::write(dir.path().join("own.yaml"), own).unwrap();
        let read = |patterns: &str, line: &str| {
            let event = r"{event: behind, pattern: '^(?<level>WARN) (?<our>\d+) of (?<ip>\S+)'}";
            fs::write(&path, format!("name: x\nlog: {{events: [{event}]{patterns}}}\n")).unwrap();
            let profile = Profile::load(&path).unwrap();
            assert_eq!(profile.source.contains(own), patterns.contains("own"));
            let said =
                What::Log { level: String::new(), event: String::new(), text: line.to_owned(), fields: Fields::new() };
            let What::Log { level, event, text, fields } = profile.read(said) else { panic!() };
            assert_eq!(text, line);
            format!("{level} {event} {fields:?}")
        };
        let ping = "Sent ping to 10.0.0.2 (nonce: 5)";
        for (patterns, line, wanted) in [
            (", patterns: own.yaml", "WARN 7 of me", r#"WARN behind {"ip": Text("me"), "our": Number(7)}"#),
            (", patterns: own.yaml", ping, r#" mine {"ip": Text("10.0.0.2")}"#),
            (", patterns: own.yaml", "Rolling back to height 7...", r#" rollback {"height": Number(7)}"#),
            (", patterns: built-in", ping, r#" ping_sent {"ip": Text("10.0.0.2"), "nonce": Number(5)}"#),
            ("", ping, "  {}"),
        ] {
            assert_eq!(read(patterns, line), wanted);
        }
    }

    #[test]
    fn the_production_nodes_files_are_filled_in() {
        let profile = shipped("production.yaml");
        assert!(profile.mentions("clock") && profile.mentions("lockstep") && !profile.mentions("time_scale"));
        assert!(profile.fits_chain && !shipped("reference.yaml").fits_chain);
        let values = Values {
            plain: [("ip", "10.0.0.1".to_owned()), ("dir", "/d".to_owned())].into(),
            lists: [("whitelisted", vec!["10.0.0.2".to_owned()])].into(),
            ..Values::default()
        };
        let (_, config) = profile.files(&values).next().unwrap();
        assert!(config.contains("whitelisted_peers = [\"10.0.0.2\"]"));
        let environment: BTreeMap<_, _> = profile.environment(&values).collect();
        assert_eq!(environment[&"FAKETIME_TIMESTAMP_FILE".to_owned()], "/d/clock");
        assert!(profile.hosts(&values).any(|host| host == (&"time.google.com".to_owned(), "10.0.0.1".to_owned())));
        assert!(profile.ready.unwrap().log.unwrap().is_match("  ✅ Network server listening on 0.0.0.0:24100"));
        assert_eq!(shipped("reference.yaml").metrics, Some((9100, "/metrics".to_owned())));
    }
}
