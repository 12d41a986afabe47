//! `masternode` as a process: exit codes, log formats, signals.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
#[allow(dead_code, reason = "shared by several tests")]
mod process;

use process::{Running, ends};

#[test]
fn a_node_runs_until_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let node = Running::start(&["run", "--listen", "127.0.0.1:0"]);
        assert!(node.warning.contains("WARN node: No `[store] path`: the chain is kept in memory"), "{}", node.warning);
        assert!(
            node.first.contains("INFO node: Started at height 0 3f78cbb4 event=\"started\" height=0"),
            "{}",
            node.first
        );
        let (code, rest) = node.stop(signal);
        assert_eq!(code, Some(0));
        assert!(rest.ends_with(" INFO node: Stopped event=\"stopped\"\n") && rest.lines().count() == 1, "{rest}");
    }
}

#[test]
fn log_lines_can_be_json() {
    let node = Running::start(&["run", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let line: serde_json::Value = serde_json::from_str(&node.first).unwrap();
    assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"node".into()));
    let fields = serde_json::json!({
        "message": "Started at height 0 3f78cbb4", "event": "started", "height": 0, "tip": "3f78cbb4", "time_scale": 1
    });
    assert_eq!(line["fields"], fields);
    node.stop("-TERM");
}

#[test]
fn a_bad_configuration_or_argument_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[sync]\nthreshold = 5\n").unwrap();
    let file = file.to_str().unwrap();
    let (code, stdout, stderr) = ends(&["run", "--config", file]);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.starts_with(&format!("masternode: {file}: TOML parse error at line 2, column 1\n")), "{stderr}");

    for (arguments, reason) in [
        (&["run", "--listen", "here"] as &[&str], "invalid socket address"),
        (&["run", "--log-level", "node=loud"], "log level `node=loud`"),
        (&["run", "--log-format", "yaml"], "possible values: text, json"),
        (&["run", "--genesis", file], "not a genesis block"),
        (&["walk"], "unrecognized subcommand"),
        (&[], "Usage:"),
    ] {
        let (code, stdout, stderr) = ends(arguments);
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_environment_is_4() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let folder = folder.path().to_str().unwrap();
    for arguments in [
        ["run", "--config", missing.to_str().unwrap()],
        ["run", "--config", folder],
        ["run", "--genesis", folder],
        ["run", "--listen", "192.0.2.1:24100"],
    ] {
        let (code, _, stderr) = ends(&arguments);
        assert_eq!(code, Some(4), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("masternode: "), "{stderr}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for (argument, shows) in [("--help", "Run the node until SIGINT or SIGTERM"), ("--version", "masternode 0.")] {
        let (code, stdout, stderr) = ends(&[argument]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains(shows), "{stdout}");
    }
}
