//! The reference node in real containers: the image, scenarios in three networks side by side, and what is left of a harness that is killed.
//! Without a Docker Engine they are shown as ignored, with the reason; `LOCKSTEP_REQUIRE_DOCKER=1` makes that a failure.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests, in real time")]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::check::Verdict;
use harness::history::decisions;
use harness::run::container::{self, Engine, IMAGE};
use harness::run::privilege::{Ability, ability, enter_user_namespace_if_needed};
use harness::run::{Backend, ProcessOptions, Program, run};
use harness::scenario::Scenario;
use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;
use testcontainers::core::wait::{HealthWaitStrategy, WaitFor};
use testcontainers::core::{CmdWaitFor, ExecCommand, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{GenericImage, ImageExt};

const LOCKSTEP: &str = env!("CARGO_BIN_EXE_lockstep");
const NODE: &str = env!("CARGO_BIN_EXE_reference-node");
const SEED: u64 = 1;
/// Each has up to 20 nodes, which mostly wait.
const AT_ONCE: usize = 4;
/// The four of the text, whose limits are tight, and what hurts: cuts, loss, a pause, kills and all of it. Each so many times as fast as the
/// scenario says.
const SCENARIOS: [(&str, u32); 9] = [
    ("chaos/twenty-nodes-heal", 10),
    ("connections/node-that-stands-still-keeps-its-connections", 10),
    ("connections/cut-that-heals", 10),
    ("fork/killed-while-a-branch-is-fetched", 10),
    ("phase-3/01-behind-by-100", 5),
    ("phase-3/02-one-masternode-ahead", 5),
    ("phase-3/03-fork-at-equal-height", 5),
    ("phase-3/04-height-awareness", 5),
    ("sync/through-loss", 10),
];
/// Cases with faults that a container has to give: a clock that is moved, a restart.
const JUDGED: &str = "MNS-HX-16";

/// Verdicts by scenario, in the simulation, as processes and in containers.
type Table = Arc<Mutex<BTreeMap<&'static str, [String; 3]>>>;

/// With an engine.
type Test = Box<dyn FnOnce(Arc<Engine>) -> Result<(), Failed> + Send>;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    enter_user_namespace_if_needed().expect("a user namespace that was entered has users");
    let required = std::env::var("LOCKSTEP_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    let engine = Engine::connect().map(Arc::new).map_err(|error| error.to_string());
    let ready = match (&engine, arguments.list) {
        (Ok(_), false) => build(),
        _ => Ok(()),
    };
    let missing = engine.as_ref().err().map(|why| why.lines().next().unwrap_or_default().to_owned());
    let table = Table::default();
    let mut tests: Vec<(String, Test)> = vec![
        ("the image is small, modest and tells its health".into(), Box::new(|_| image())),
        ("a harness that is killed leaves nothing".into(), Box::new(killed)),
        ("what a dead run left is swept up".into(), Box::new(|_| swept())),
        ("an image is judged as its program is".into(), Box::new(|_| certified())),
        ("an image that is no node is told as such".into(), Box::new(|_| strangers())),
    ];
    for (name, time_scale) in SCENARIOS {
        let table = table.clone();
        tests.push((name.into(), Box::new(move |engine| side_by_side(name, time_scale, engine, &table))));
    }
    let trials = tests.into_iter().map(|(name, test)| {
        let (engine, ready, missing) = (engine.clone(), ready.clone(), missing.clone());
        let ignored = missing.is_some() && !required;
        let trial = Trial::test(name, move || match engine {
            Ok(engine) => ready.map_err(Failed::from).and_then(|()| test(engine)),
            Err(why) => Err(why.into()),
        });
        trial
            .with_kind(missing.map_or("container".into(), |why| format!("no containers: {why}")))
            .with_ignored_flag(ignored)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let table = table.lock().unwrap();
    if !table.is_empty() {
        println!("{:<58} {:<10} {:<10} container", "parity, in 5 or 10 times real time", "sim", "process");
        table
            .iter()
            .for_each(|(name, [sim, process, container])| println!("{name:<58} {sim:<10} {process:<10} {container}"));
    }
    conclusion.exit();
}

/// The image of what is tested.
fn build() -> Result<(), String> {
    let built = Command::new(LOCKSTEP).args(["image", "build"]).output().map_err(|error| error.to_string())?;
    match built.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&built.stderr).into_owned()),
    }
}

fn side_by_side(name: &'static str, time_scale: u32, engine: Arc<Engine>, table: &Table) -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenario = Scenario::load(&root.join(format!("{name}.yaml")), &root)?;
    let real = |ability| {
        let program = Program::Reference(PathBuf::from(NODE));
        Backend::Processes(ProcessOptions { program, time_scale, ability })
    };
    let containers = container::Options { engine, image: IMAGE.to_owned(), lockstep: LOCKSTEP.into() };
    let backends = [
        Some(Backend::simulation()),
        // Told of by the tests of processes where it is not there.
        matches!(ability(), Ability::Namespaces).then(|| real(Ability::Namespaces)),
        Some(real(Ability::Containers(containers))),
    ];
    let mut runs = Vec::new();
    for backend in &backends {
        runs.push(backend.as_ref().map(|backend| run(&scenario, SEED, backend)).transpose()?);
    }
    let verdicts = [0, 1, 2].map(|i| runs[i].as_ref().map_or("-".into(), |run| run.judged.verdict.to_string()));
    table.lock().unwrap().insert(name, verdicts);
    for (backend, run) in backends.iter().flatten().zip(runs.iter().flatten()) {
        if run.judged.verdict != Verdict::Pass {
            let worst = run.judged.findings.iter().max_by_key(|finding| finding.verdict);
            return Err(format!("{backend}: {worst:#?}").into());
        }
    }
    // What a scenario with a fast profile decides doesn't hang on milliseconds.
    let decided = |run: usize| runs[run].as_ref().map(|run| decisions(&run.history));
    match (decided(0), decided(2)) {
        (Some(sim), Some(container)) if scenario.time_scale > 1 && sim != container => {
            let diff = TextDiff::from_lines(&sim, &container);
            Err(diff.unified_diff().header("sim", "container").to_string().into())
        }
        _ => Ok(()),
    }
}

/// As somebody meets it who has only the image.
fn image() -> Result<(), Failed> {
    let size: u64 = docker(&["image", "inspect", "--format", "{{.Size}}", IMAGE])?.trim().parse()?;
    if size >= 15_000_000 {
        return Err(format!("{size} bytes").into());
    }
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("config.toml");
    std::fs::write(
        &config,
        "[network]\nlisten = \"0.0.0.0:24100\"\n[store]\npath = \"/data/chain\"\n[http]\nlisten = \"127.0.0.1:24180\"\n",
    )?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (name, tag) = IMAGE.split_once(':').unwrap();
        let node = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::Healthcheck(HealthWaitStrategy::default()))
            .with_mount(Mount::bind_mount(dir.path().display().to_string(), "/etc/lockstep"))
            .with_readonly_rootfs(true)
            .with_network("none")
            .with_startup_timeout(Duration::from_secs(60))
            .start()
            .await?;
        let mut status = node
            .exec(
                ExecCommand::new(["/masternode", "status", "--config", "/etc/lockstep/config.toml"])
                    .with_cmd_ready_condition(CmdWaitFor::exit()),
            )
            .await?;
        let told = String::from_utf8_lossy(&status.stdout_to_vec().await?).into_owned();
        let user = docker(&["inspect", "--format", "{{.Config.User}} {{.State.Pid}}", node.id()])?;
        let (user, pid) = user.trim().split_once(' ').unwrap();
        let ids = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let ids = ids.lines().find(|line| line.starts_with("Uid:")).unwrap_or_default().to_owned();
        match user == "65532:65532"
            && ids.split_whitespace().skip(1).all(|id| id == "65532")
            && told.contains("on testnet, up")
        {
            true => Ok(()),
            false => Err(format!("{user}, {ids}, {told}").into()),
        }
    })
}

/// What a statement says of each requirement that was tried.
fn certified() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let statuses = |whom: [&str; 2]| -> Result<Vec<(String, String)>, Failed> {
        let out = tempfile::tempdir()?;
        let mut certify = Command::new(LOCKSTEP);
        certify.args([
            "certify",
            "--profile",
            "fixtures/profiles/reference.yaml",
            "--time-scale",
            "10",
            "--case",
            JUDGED,
        ]);
        let output = certify.args(whom).arg("--out").arg(out.path()).current_dir(&root).output()?;
        let statement = std::fs::read_to_string(out.path().join("statement.json"))
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        let statement: serde_json::Value = serde_json::from_str(&statement)?;
        let rows = statement["rows"].as_array().cloned().unwrap_or_default().into_iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let rows: Vec<_> = rows.filter(|row| row["status"] != "not_tried").collect();
        if let Some(row) = rows.iter().find(|row| row["status"] != "pass") {
            return Err(format!("{whom:?}: {row:#}").into());
        }
        Ok(rows.iter().map(|row| (text(&row["id"]), text(&row["status"]))).collect())
    };
    let (program, image) = (statuses(["--exec", NODE])?, statuses(["--image", IMAGE])?);
    match program == image && !image.is_empty() {
        true => Ok(()),
        false => Err(format!("program {program:?}, image {image:?}").into()),
    }
}

/// Images of a program that ends, says nothing, or says a gigabyte.
fn strangers() -> Result<(), Failed> {
    const PROGRAM: &str = r#"
        fn main() {
            match option_env!("HOW") {
                Some("ends") => { eprintln!("no licence"); std::process::exit(7) }
                Some("floods") => for _ in 0..4_000_000 { println!("{:0256}", 0) },
                _ => {}
            }
            std::thread::sleep(std::time::Duration::from_secs(600));
        }"#;
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("node.rs"), PROGRAM)?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    for (how, words, time_scale) in [
        (
            "ends",
            "exit status: 7, no licence, but not one line of log came of it: try `docker run --rm lockstep/test-ends`",
            "10",
        ),
        ("is-silent", "it runs, but not one line of log came of it", "60"),
        ("floods", "has more than 64 MiB: let it say less", "1"),
    ] {
        let image = format!("lockstep/test-{how}");
        let mut rustc = Command::new("rustc");
        rustc.args(["-C", "target-feature=+crt-static", "--target", &target, "node.rs"]).env("HOW", how);
        succeeded(rustc.current_dir(dir.path()))?;
        let mut import = Command::new("sh");
        import.args(["-c", r#"tar c node | docker import --change 'ENTRYPOINT ["/node"]' - "$0""#, &image]);
        succeeded(import.current_dir(dir.path()))?;
        let mut run = Command::new(LOCKSTEP);
        run.args([
            "run",
            "--backend",
            "container",
            "--time-scale",
            time_scale,
            "--image",
            &image,
            "--filter",
            "median-of-three",
            "--out",
            "runs",
        ]);
        let run =
            run.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")).current_dir(dir.path()).output()?;
        docker(&["image", "rm", &image])?;
        let said = String::from_utf8_lossy(&run.stderr);
        if run.status.code() != Some(4) || !said.contains(words) {
            return Err(format!("{how}: {}, {said}", run.status).into());
        }
    }
    Ok(())
}

fn succeeded(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Killed in the middle of a run, as nobody can prepare for.
fn killed(_: Arc<Engine>) -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let mut run = Command::new(LOCKSTEP)
        .args(["run", "--backend", "container", "--time-scale", "10", "--filter", "phase-3/01-behind-by-100", "--out"])
        .arg(out.path())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"))
        .stdout(Stdio::null())
        .spawn()?;
    let owner = format!("lockstep-{}-", run.id());
    let left = || -> Result<String, Failed> {
        let containers = docker(&["ps", "--all", "--format", "{{.Names}}"])?;
        let volumes = docker(&["volume", "ls", "--format", "{{.Name}}"])?;
        Ok(containers
            .lines()
            .chain(volumes.lines())
            .filter(|name| name.starts_with(&owner))
            .collect::<Vec<_>>()
            .join(" "))
    };
    let came = wait_until(Duration::from_secs(30), || left().is_ok_and(|left| left.split(' ').count() > 4));
    run.kill()?;
    // While nobody has asked how it ended its number is still taken, and whoever sweeps what dead processes left leaves this alone.
    let gone = wait_until(Duration::from_secs(30), || left().is_ok_and(|left| left.is_empty()));
    let left = left();
    run.wait()?;
    match (came, gone) {
        (false, _) => Err("no containers came".into()),
        (true, false) => Err(format!("left: {}", left?).into()),
        (true, true) => Ok(()),
    }
}

/// By whoever comes next: a container and a volume of a process that can't be.
fn swept() -> Result<(), Failed> {
    const DEAD: &str = "org.lockstep.owner=4194305-5";
    docker(&["volume", "create", "--label", DEAD, "lockstep-test-left"])?;
    docker(&["create", "--label", DEAD, "--name", "lockstep-test-left", IMAGE])?;
    succeeded(Command::new(LOCKSTEP).arg("clean"))?;
    let filter = format!("label={DEAD}");
    let left = docker(&["ps", "--all", "--quiet", "--filter", &filter])?
        + &docker(&["volume", "ls", "--quiet", "--filter", &filter])?;
    match left.is_empty() {
        true => Ok(()),
        false => Err(left.into()),
    }
}

fn wait_until(patience: Duration, mut true_at_last: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < patience {
        if true_at_last() {
            return true;
        }
        sleep(Duration::from_millis(100));
    }
    false
}

fn docker(words: &[&str]) -> Result<String, Failed> {
    let output = Command::new("docker").args(words).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}
