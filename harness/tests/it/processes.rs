//! Runs of processes as people meet them, and what is left of them.
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use harness::check::Verdict;
use harness::run::privilege::Ability;
use harness::run::{Backend, ProcessOptions, Program, Run, run};
use harness::scenario::Scenario;

const NODE: &str = env!("CARGO_BIN_EXE_reference-node");

fn scenario(name: &str) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    Scenario::load(&root.join(format!("{name}.yaml")), &root).unwrap()
}

fn loopback(scenario: &Scenario, node: &Path) -> Run {
    let ability = Ability::Loopback("not asked for".to_owned());
    let options = ProcessOptions { program: Program::Reference(node.to_owned()), time_scale: 10, ability };
    run(scenario, 1, &Backend::Processes(options)).unwrap()
}

#[test]
fn without_namespaces_nodes_run_side_by_side() {
    let run = loopback(&scenario("sync/highest-masternode-is-asked"), Path::new(NODE));
    assert_eq!(run.judged.verdict, Verdict::Pass, "{:#?}", run.judged.findings);
}

#[test]
fn without_namespaces_a_pause_bites_and_a_cut_is_unsupported() {
    let judged = loopback(&scenario("sync/masternodes-are-served-first"), Path::new(NODE)).judged;
    assert!(judged.findings.iter().any(|finding| finding.actual == "stood still: a"), "{:#?}", judged.findings);
    let judged = loopback(&scenario("chaos/producing-through-loss-and-partitions"), Path::new(NODE)).judged;
    assert_eq!(judged.verdict, Verdict::Unsupported);
    let reasons: Vec<&str> = judged.findings.iter().map(|finding| &*finding.actual).collect();
    assert!(reasons.iter().any(|reason| reason.contains("`links`") && reason.contains("not asked for")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("`cut ")), "{reasons:?}");
}

#[test]
fn a_node_that_ends_by_itself_fails_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    let script = format!("#!/bin/sh\ncase $1 in run) echo out of luck >&2; exit 7;; *) exec {NODE} \"$@\";; esac\n");
    fs::write(&node, script).unwrap();
    fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let judged = loopback(&scenario("sync/median-of-three"), &node).judged;
    assert_eq!(judged.verdict, Verdict::Fail);
    let ended = judged.findings.iter().find(|finding| finding.check == "no node ends by itself").unwrap();
    assert!(ended.actual.contains("exit status: 7, out of luck"), "{}", ended.actual);
}

#[test]
fn a_node_whose_disk_lacks_what_it_announced_fails_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    let script = format!(
        "#!/bin/sh\nif [ $1-$2 = chain-export ]; then {NODE} \"$@\" | head -n 900; else exec {NODE} \"$@\"; fi\n"
    );
    fs::write(&node, script).unwrap();
    fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let judged = loopback(&scenario("sync/median-of-three"), &node).judged;
    assert_eq!(judged.verdict, Verdict::Fail);
    let chain = judged.findings.iter().find(|finding| finding.check == "chains stay linked and valid").unwrap();
    assert!(chain.actual.contains("which was announced"), "{}", chain.actual);
}

/// Command lines of living processes that name `text`.
fn processes_with(text: &str) -> Vec<String> {
    let line = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(text).then_some(line)
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(line).collect()
}

/// A run of processes in a place of its own for temporary files, once its nodes are up.
#[allow(clippy::zombie_processes, reason = "the caller waits; a failed assertion ends the test")]
fn long_run(place: &Path) -> Child {
    // A shell's background jobs, and what they start, ignore Ctrl-C; a terminal's don't.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_lockstep")]);
    command.args(["run", "--backend", "process", "--out"]).arg(place.join("runs"));
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios/phase-3/01-behind-by-100.yaml"));
    command.args(["--time-scale", "1"]).env("TMPDIR", place).stdout(Stdio::null()).stderr(Stdio::null());
    let run = command.spawn().unwrap();
    let place = place.to_str().unwrap();
    let up = || processes_with(&format!("{place}/lockstep-nodes-")).len();
    for _ in 0..1_000 {
        if up() == 4 {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert_eq!(up(), 4);
    run
}

fn folders(place: &Path) -> usize {
    let names = fs::read_dir(place).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("lockstep-nodes-")).count()
}

#[test]
fn a_killed_run_leaves_no_process_and_the_next_one_clears_its_folder() {
    let place = tempfile::tempdir().unwrap();
    for signal in ["-KILL", "-INT"] {
        let mut run = long_run(place.path());
        assert_eq!(folders(place.path()), 1, "the one of before is swept up");
        assert!(Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap().success());
        let status = run.wait().unwrap();
        assert!(matches!(status.signal(), Some(9 | 2)) || status.code() == Some(130), "{status}");
        let nodes = format!("{}/lockstep-nodes-", place.path().display());
        for _ in 0..500 {
            if processes_with(&nodes).is_empty() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        assert_eq!(processes_with(&nodes), Vec::<String>::new());
    }
}
