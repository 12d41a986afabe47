//! `masternode` as a process: exit codes, log formats, signals.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
#[allow(dead_code, reason = "shared by several tests")]
mod process;

use std::io::{Read, Write};

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
    assert!(line["timestamp"].as_str().unwrap().starts_with("20"), "{line}");
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

/// The configuration of a node that is known to serve its status, and the node.
fn serving(folder: &std::path::Path) -> (Running, String) {
    let node =
        Running::start(&["run", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--whitelist", "127.0.0.9:9"]);
    let file = folder.join("config.toml");
    std::fs::write(&file, format!("[http]\nlisten = \"{}\"\n", node.http())).unwrap();
    (node, file.to_str().unwrap().to_owned())
}

#[test]
fn a_running_node_tells_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let (node, file) = serving(folder.path());
    let url = format!("http://{}", node.http());
    for at in [["--config", &file], ["--url", &url], ["--url", &url[7..]]] {
        let (code, stdout, stderr) = ends(&[&["status"], &at[..]].concat());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{at:?}");
        assert!(stdout.contains("\nstanding   unknown\npeers      0 (0 of 1 whitelisted)"), "{stdout}");
    }
    let (code, stdout, _) = ends(&["status", "--url", &url, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &json["standing"]), (Some(0), &"unknown".into()));
    let (code, stdout, stderr) = ends(&["status", "--config", &file, "--health"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), "ok\n", ""));
    let (code, stdout, stderr) = ends(&["status", "--config", &file, "--ready"]);
    let reason = "masternode: no whitelisted peer has told its height\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(1), "", reason));

    node.stop("-TERM");
    let (code, _, stderr) = ends(&["status", "--config", &file]);
    assert_eq!(code, Some(4));
    assert!(stderr.contains("no node answers at 127.0.0.1:") && stderr.contains("is it running"), "{stderr}");
    let (code, _, stderr) = ends(&["status", "--config", &file, "--health"]);
    assert_eq!(code, Some(1), "{stderr}");

    std::fs::write(&file, "").unwrap();
    let (code, _, stderr) = ends(&["status", "--config", &file]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("without an [http] table the node serves no status"), "{stderr}");
    assert_eq!(ends(&["status", "--url", "http://127.0.0.1:1/status"]).0, Some(3));
}

#[test]
fn what_answers_may_be_no_masternode() {
    for answer in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n{}", "HTTP/1.1 200", ""] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1000]);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let (code, stdout, stderr) = ends(&["status", "--url", &url]);
        assert_eq!((code, stdout.as_str()), (Some(4), ""), "{answer}: {stderr}");
        answering.join().unwrap();
    }
}

#[test]
fn init_writes_a_configuration_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let path = file.to_str().unwrap();
    let (code, stdout, stderr) = ends(&["init", "--config", path]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains(&format!("masternode run --config {path}")), "{stdout}");
    let plain = std::fs::read_to_string(&file).unwrap();
    assert!(plain.contains("\n#coordinator_interval = 30\n"), "{plain}");

    let (code, _, stderr) = ends(&["init", "--config", path, "--masternode"]);
    assert_eq!((code, stderr), (Some(4), format!("masternode: {path} is there already: --force replaces it\n")));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), plain);

    let some =
        ["init", "--force", "--config", path, "--masternode", "--http", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let more = ["--whitelist", "127.0.0.8", "--whitelist", "[::1]:9", "--peer", "127.0.0.7:7"];
    assert_eq!(ends(&[&some[..], &more].concat()).0, Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nwhitelisted_peers = [\"127.0.0.8\", \"[::1]:9\"]\n"), "{text}");
    let node = Running::start(&["run", "--config", path]);
    assert!(node.first.contains("Serving HTTP on 127.0.0.1:"), "{}", node.first);
    assert_eq!(node.stop("-TERM").0, Some(0));
    assert!(folder.path().join("data/chain.redb").is_file(), "its chain outlives it");

    let other = folder.path().join("main.toml");
    let (code, _, stderr) = ends(&["init", "--network", "mainnet", "--config", other.to_str().unwrap()]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("network `mainnet` needs a genesis") && !other.exists(), "{stderr}");
    let genesis = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/chain/genesis.json");
    let main = ["init", "--network", "mainnet", "--config", other.to_str().unwrap(), "--genesis"];
    assert_eq!(ends(&[&main[..], &[genesis.to_str().unwrap()]].concat()).0, Some(0));
    let nowhere = folder.path().join("none/config.toml");
    assert_eq!(ends(&["init", "--config", nowhere.to_str().unwrap()]).0, Some(4));
}

#[test]
fn an_address_that_can_not_be_had_is_explained() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    for (arguments, reason) in [
        (["--listen", &at, "--http", "127.0.0.1:0"], "--listen or [network] listen"),
        (["--listen", "127.0.0.1:0", "--http", &at], "--http or [http] listen"),
    ] {
        let (code, _, stderr) = ends(&[&["run"], &arguments[..]].concat());
        assert_eq!(code, Some(4), "{stderr}");
        assert!(stderr.starts_with(&format!("masternode: cannot listen on {at} for ")), "{stderr}");
        let advice = format!("\nanother program listens there: stop it, or choose another port with {reason}\n");
        assert!(stderr.ends_with(&advice), "{stderr}");
    }
    let (code, _, stderr) = ends(&["run", "--listen", "192.0.2.1:24100"]);
    assert_eq!(code, Some(4));
    assert!(stderr.contains("no interface of this machine has that address"), "{stderr}");
}

#[test]
fn a_genesis_that_is_none_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("genesis.json");
    let path = file.to_str().unwrap();
    let genesis: serde_json::Value = serde_json::from_str(include_str!("../../fixtures/chain/genesis.json")).unwrap();
    let changed = |field: &str, value: serde_json::Value| {
        let mut other = genesis.clone();
        other["header"][field] = value;
        other.to_string()
    };
    for (text, reason) in [
        ("{}".to_owned(), "missing field `header`"),
        (changed("height", 1.into()), "its height is 1"),
        (changed("previous_hash", vec![1; 32].into()), "its previous hash is not zero"),
        (changed("merkle_root", vec![1; 32].into()), "its merkle root is not that of its transactions"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, _, stderr) = ends(&["run", "--genesis", path]);
        assert_eq!(code, Some(3), "{stderr}");
        assert!(stderr.contains(path) && stderr.contains("not a genesis block") && stderr.contains(reason), "{stderr}");
    }
    std::fs::write(&file, changed("timestamp", 4_000_000_000_i64.into())).unwrap();
    let node = Running::start(&["run", "--listen", "127.0.0.1:0", "--genesis", path]);
    assert!(
        node.first.contains(" WARN node: The clock is ") && node.first.contains("may be refused"),
        "{}",
        node.first
    );
    assert_eq!(node.stop("-TERM").0, Some(0), "it runs all the same");
}

#[test]
fn levels_go_by_target_and_lines_carry_the_time() {
    let node =
        Running::start(&["run", "--listen", "127.0.0.1:0", "--log-level", "warn,node=debug", "--time-scale", "60"]);
    assert!(node.first.contains(" INFO node: Started"), "{}", node.first);
    let year = |text: &str| text[..4].parse::<u32>().unwrap() >= 2020 && text[10..].starts_with('T');
    assert!(year(&node.first), "{}", node.first);
    assert!(node.stop("-TERM").1.contains(" WARN node: "), "the time scale is told");
    let node =
        Running::start(&["run", "--listen", "127.0.0.1:0", "--log-level", "debug,node=warn", "--time-scale", "60"]);
    assert!(node.first.contains(" WARN node: ") && node.first.contains("divided by 60"), "{}", node.first);
    assert_eq!(node.stop("-TERM"), (Some(0), String::new()), "nothing else is as loud");
}
