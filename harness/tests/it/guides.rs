//! What the guides tell people to type does what they say.
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The guides, each with its text.
fn guides() -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut guides: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    guides.sort();
    assert!(guides.len() >= 7, "{guides:?}");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    guides.into_iter().map(|path| (name(&path), fs::read_to_string(path).unwrap())).collect()
}

/// The blocks of a kind.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let opening = format!("```{kind}\n");
    text.split(&opening).skip(1).map(|after| after.split("```").next().unwrap()).collect()
}

/// Every line of a `sh` block, one after the other in a folder of the guide's own. A line that is to fail says so: `# exit code 1`.
#[test]
fn every_command_of_the_guides_works() {
    let programs = Path::new(env!("CARGO_BIN_EXE_lockstep")).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    let mut commands = 0;
    for (guide, text) in guides() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["scenarios", "fixtures"] {
            symlink(root().join(name).canonicalize().unwrap(), dir.path().join(name)).unwrap();
        }
        for line in blocks(&text, "sh").into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
            let expected = line.split_once("# exit code ").map_or(0, |(_, code)| code.trim().parse().unwrap());
            let run =
                Command::new("bash").args(["-c", line]).env("PATH", &path).current_dir(dir.path()).output().unwrap();
            let told = [run.stdout, run.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).join("\n");
            assert_eq!(run.status.code(), Some(expected), "{guide}: {line}\n{told}");
            commands += 1;
        }
    }
    assert!(commands > 10, "{commands}");
}

#[test]
fn links_of_the_guides_lead_somewhere() {
    let mut pages = guides();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        pages.push((format!("../{name}"), fs::read_to_string(root().join(name)).unwrap()));
    }
    for (page, text) in pages {
        let from = root().join("docs").join(&page);
        for link in text.split("](").skip(1).map(|after| after.split([')', '#']).next().unwrap()) {
            let there = link.is_empty() || link.starts_with("http") || from.parent().unwrap().join(link).exists();
            assert!(there, "{page}: {link}");
        }
    }
}

#[test]
fn the_profile_from_nothing_is_one() {
    let text = fs::read_to_string(root().join("docs/certify-a-node.md")).unwrap();
    let profiles = blocks(&text, "yaml");
    assert_eq!(profiles.len(), 1);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("halibut.yaml");
    fs::write(&path, profiles[0]).unwrap();
    harness::run::Profile::load(&path).unwrap_or_else(|error| panic!("{error}"));
}

/// Alerts and the guide about them speak of metrics that the node has.
#[test]
fn metrics_that_are_watched_exist() {
    let rendered = node::telemetry::Telemetry::new().metrics().render();
    let served: BTreeSet<&str> =
        rendered.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let guide = fs::read_to_string(root().join("docs/watch-a-deployment.md")).unwrap();
    let alerts = fs::read_to_string(root().join("ci/alerts.yml")).unwrap();
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    let prefixes = ["sync_coordinator_", "masternode_", "local_", "peer_", "lockstep_"];
    let named = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c| !word(c)).filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        words.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
    };
    let watched = named(&alerts);
    assert!(watched.len() >= 8, "{watched:?}");
    for name in named(&guide).iter().chain(&watched) {
        assert!(served.contains(name.as_str()), "`{name}` is none of {served:?}");
    }
    let rows = guide.lines().filter(|line| line.starts_with("| `"));
    let rows: BTreeSet<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(rows.len(), 9, "the nine of the text: {rows:?}");
}

/// What a line of a workflow or of the reference asks of `lockstep` is there: the command, and each of its flags.
fn exists(place: &str, words: &str) {
    let words: Vec<&str> = words.split('#').next().unwrap().split_whitespace().collect();
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let depth = if ["image", "export"].contains(&words[0]) { 2 } else { 1 };
    let mut help = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    let help = help.args(&words[..depth]).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: lockstep "), "{place}: {words:?}");
    for flag in flags {
        assert!(help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")), "{place}: {flag}\n{help}");
    }
}

#[test]
fn workflows_speak_of_commands_that_exist() {
    for name in ["github.yml", "gitlab.yml"] {
        let text = fs::read_to_string(root().join("ci").join(name)).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once("lockstep run ").map(|(_, rest)| rest));
        let found = lines.map(|rest| exists(name, &format!("run {rest}"))).count();
        assert!(found >= 1, "{name}: {found}");
    }
}

/// Those of the reference that take an engine, a server or half an hour are not run by its `sh` blocks, but they are what the program takes.
#[test]
fn the_reference_speaks_of_commands_that_exist() {
    let text = fs::read_to_string(root().join("docs/reference.md")).unwrap();
    let lines = blocks(&text, "").into_iter().flat_map(str::lines);
    let commands = lines.filter_map(|line| line.split(" && ").next()?.strip_prefix("lockstep "));
    let found = commands.map(|words| exists("reference.md", words)).count();
    assert!(found >= 25, "{found}");
}
