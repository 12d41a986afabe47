use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, ConfigError, Overrides, PeerAddress, template};
use crate::chain::{Hash, testnet};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/config").join(name)
}

fn error(text: &str) -> String {
    match Config::parse(text, "config.toml", Path::new("")) {
        Ok(_) => format!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn defaults_are_those_of_the_text() {
    let config = Config::default();
    let empty = Config::parse("", "", Path::new("")).unwrap();
    assert_eq!(format!("{config:?}"), format!("{empty:?}"));
    insta::assert_debug_snapshot!(config.sync, @r#"
        Sync {
            coordinator_interval: 30s,
            max_sync_batch_size: 500,
            sync_threshold: 5,
            hedge_after: 60s,
            leader_rule: true,
            enable_coordinator: true,
            trust_whitelisted: true,
            priority_forks: true,
            heights_in_pings: true,
            masternode_timeouts: true,
        }
        "#);
    insta::assert_debug_snapshot!(config.producer, @r#"
        Producer {
            enabled: false,
            interval: 600s,
            slot: 0,
            slots: 1,
            time_based: false,
        }
        "#);
    let network = config.network;
    assert_eq!((network.name.as_str(), &network.genesis), ("testnet", &testnet()));
    assert_eq!(network.listen, "0.0.0.0:24100".parse().unwrap());
    assert_eq!((network.max_connections, network.reserved_masternode_slots), (125, 50));
    assert!(network.peers.is_empty() && network.whitelisted_peers.is_empty());
    assert!(network.blacklisted_peers.is_empty() && !network.masternode);
    assert!(config.chain.checkpoints.is_empty());
    assert_eq!((config.store, config.http, config.time_scale), (None, None, 1));
    assert_eq!((config.log.json, config.log.level.as_str()), (false, "info"));
}

#[test]
fn every_key_is_read() {
    let config = Config::load(&fixture("every-key.toml")).unwrap();
    insta::assert_debug_snapshot!(config.sync, @r#"
    Sync {
        coordinator_interval: 10s,
        max_sync_batch_size: 100,
        sync_threshold: 0,
        hedge_after: 86400s,
        leader_rule: false,
        enable_coordinator: false,
        trust_whitelisted: false,
        priority_forks: false,
        heights_in_pings: false,
        masternode_timeouts: false,
    }
    "#);
    insta::assert_debug_snapshot!(config.producer, @r#"
    Producer {
        enabled: true,
        interval: 60s,
        slot: 2,
        slots: 3,
        time_based: true,
    }
    "#);
    let network = config.network;
    assert_eq!((network.name.as_str(), &network.genesis), ("mainnet", &testnet()));
    assert_eq!(network.default_port(), 24_000);
    assert_eq!(network.listen, "192.0.2.9:24001".parse().unwrap());
    let peer = |text, port| PeerAddress { ip: ip(text), port };
    assert_eq!(network.peers, [peer("192.0.2.1", Some(2)), peer("192.0.2.2", Some(1))]);
    assert_eq!(network.whitelisted_peers, [peer("192.0.2.3", Some(3)), peer("2001:db8::1", Some(24_100))]);
    assert_eq!(network.blacklisted_peers, [ip("192.0.2.4")]);
    assert_eq!((network.max_connections, network.reserved_masternode_slots), (20, 20));
    assert!(network.masternode);
    assert_eq!(config.chain.checkpoints, [(4, Hash([4; 32])), (9, Hash([9; 32]))]);
    assert_eq!(config.store, Some(fixture("data")));
    assert_eq!(config.http, Some("127.0.0.1:9000".parse().unwrap()));
    assert_eq!((config.log.json, config.log.level.as_str()), (true, "warn,node=debug"));
    assert_eq!(config.time_scale, 60);
}

/// The names that an error about an unknown one lists.
fn known(text: &str) -> Vec<String> {
    let error = error(text);
    let (_, known) = error.split_once(", expected ").unwrap_or_else(|| panic!("{error}"));
    let known = known.lines().next().unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_template_shows_every_key_and_its_default() {
    let template = template(&[]);
    let tables = known("unknown = 1");
    assert!(tables.contains(&"sync".to_owned()) && tables.len() == 8, "{tables:?}");
    for table in &tables {
        let (_, section) = template.split_once(&format!("\n[{table}]\n")).unwrap_or_else(|| panic!("no [{table}]"));
        let section = section.split("\n[").next().unwrap();
        // A table of one key says `expected `x``, without a list.
        for key in known(&format!("[{table}]\nunknown = 1")) {
            let shown = [format!("\n#{key} = "), format!(" Example: {key} = ")];
            assert!(shown.iter().any(|shown| section.contains(shown)), "[{table}] {key}");
        }
    }
    let served = Config { http: Some("127.0.0.1:24180".parse().unwrap()), ..Config::default() };
    let uncommented: Vec<&str> = template
        .lines()
        .map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line))
        .collect();
    for text in [template.clone(), uncommented.join("\n")] {
        let config = Config::parse(&text, "config.toml", Path::new("")).unwrap();
        assert_eq!(format!("{config:?}"), format!("{served:?}"));
    }
    let examples = template.replace(" Example: ", "\n").replace("genesis.json", "chain/genesis.json");
    let config = Config::parse(&examples, "config.toml", &fixture("..")).unwrap();
    assert_eq!(config.store, Some(fixture("../data")));
}

#[test]
fn mainnet_listens_on_its_own_port() {
    let path = fixture("../chain/genesis.json");
    let text = format!("network = {{ name = 'mainnet', genesis = '{}' }}", path.display());
    let config = Config::parse(&text, "", Path::new("")).unwrap();
    assert_eq!(config.network.listen.port(), 24_000);
}

#[test]
fn flags_beat_the_file() {
    let flags = Overrides {
        listen: Some("127.0.0.2:1".parse().unwrap()),
        genesis: Some(fixture("../chain/genesis.json")),
        data: Some("/data".into()),
        log_level: Some("debug".to_owned()),
        log_json: Some(false),
        http: Some("127.0.0.1:2".parse().unwrap()),
        peers: vec!["192.0.2.7".parse().unwrap()],
        whitelisted_peers: vec!["192.0.2.8".parse().unwrap(), "192.0.2.9:1".parse().unwrap()],
        masternode: Some(false),
        time_scale: Some(2),
    };
    let config = Config::load_with(Some(&fixture("every-key.toml")), flags).unwrap();
    assert_eq!(config.network.listen, "127.0.0.2:1".parse().unwrap());
    assert_eq!(config.store, Some("/data".into()));
    assert_eq!((config.log.json, config.log.level.as_str()), (false, "debug"));
    assert_eq!((config.http, config.time_scale), (Some("127.0.0.1:2".parse().unwrap()), 2));
    assert_eq!((config.network.peers.len(), config.network.whitelisted_peers.len()), (1, 2));
    assert_eq!(config.network.peers[0].ip, ip("192.0.2.7"));
    assert!(!config.network.masternode);
    assert_eq!(config.sync.coordinator_interval, Duration::from_secs(10));
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest() {
    insta::assert_snapshot!(error("[sync]\ncoordinater_interval = 30\n"), @r#"
    config.toml: TOML parse error at line 2, column 1
      |
    2 | coordinater_interval = 30
      | ^^^^^^^^^^^^^^^^^^^^
    unknown field `coordinater_interval`, expected one of `coordinator_interval`, `max_sync_batch_size`, `sync_threshold`, `hedge_after`, `leader_rule`, `enable_coordinator`, `trust_whitelisted`, `priority_forks`, `heights_in_pings`, `masternode_timeouts`
    did you mean `coordinator_interval`?
    "#);
    insta::assert_snapshot!(error("[syncs]\n"), @r#"
    config.toml: TOML parse error at line 1, column 2
      |
    1 | [syncs]
      |  ^^^^^
    unknown field `syncs`, expected one of `sync`, `network`, `chain`, `producer`, `store`, `http`, `log`, `test`
    did you mean `sync`?
    "#);
    insta::assert_snapshot!(error("[chain]\ncheckpoints = [{ height = 1, hsh = '' }]\n"), @r#"
    config.toml: TOML parse error at line 2, column 30
      |
    2 | checkpoints = [{ height = 1, hsh = '' }]
      |                              ^^^
    unknown field `hsh`, expected `height` or `hash`
    did you mean `hash`?
    "#);
    insta::assert_snapshot!(error("[log]\nformat = \"jsn\"\n"), @r#"
    config.toml: TOML parse error at line 2, column 10
      |
    2 | format = "jsn"
      |          ^^^^^
    unknown variant `jsn`, expected `text` or `json`
    did you mean `json`?
    "#);
}

#[test]
fn a_bad_value_is_shown_with_its_place() {
    insta::assert_snapshot!(error("[sync]\nmax_sync_batch_size = 501\n"), @r#"
    config.toml: TOML parse error at line 2, column 23
      |
    2 | max_sync_batch_size = 501
      |                       ^^^
    501 is not in 1 to 500
    "#);
    insta::assert_snapshot!(error("[network]\nwhitelisted_peers = [\"192.0.2.1\", \"mn1\"]\n"), @r#"
    config.toml: TOML parse error at line 2, column 21
      |
    2 | whitelisted_peers = ["192.0.2.1", "mn1"]
      |                     ^^^^^^^^^^^^^^^^^^^^
    `mn1`: not an address: write `ip` or `ip:port`, for example `192.0.2.1` or `[2001:db8::1]:24100`
    "#);
    insta::assert_snapshot!(error("[producer]\nslot = 3\nslots = 3\n"), @r#"
    config.toml: TOML parse error at line 1, column 1
      |
    1 | [producer]
      | ^^^^^^^^^^
    slot 3 of 3 slots: the first is 0
    "#);
    insta::assert_snapshot!(error("[network]\nmax_connections = 40\n"), @r#"
    config.toml: TOML parse error at line 1, column 1
      |
    1 | [network]
      | ^^^^^^^^^
    reserved_masternode_slots is 50, but max_connections only 40
    "#);
    insta::assert_snapshot!(error("[log]\nlevel = \"node=loud\"\n"), @r#"
    config.toml: TOML parse error at line 2, column 9
      |
    2 | level = "node=loud"
      |         ^^^^^^^^^^^
    `node=loud`: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    "#);
    insta::assert_snapshot!(error("[sync]\nsync_threshold = \"5\"\n"), @r#"
    config.toml: TOML parse error at line 2, column 18
      |
    2 | sync_threshold = "5"
      |                  ^^^
    invalid type: string "5", expected i64
    "#);
    insta::assert_snapshot!(error("[sync\n"), @r#"
    config.toml: TOML parse error at line 1, column 6
      |
    1 | [sync
      |      ^
    unclosed table, expected `]`
    "#);
    insta::assert_snapshot!(error("chain.checkpoints = [{ height = 1, hash = 'ab' }]"), @r#"
    config.toml: TOML parse error at line 1, column 43
      |
    1 | chain.checkpoints = [{ height = 1, hash = 'ab' }]
      |                                           ^^^^
    `ab`: a hash is 64 hex digits
    "#);
}

/// Both sides of each limit (D-26, D-29).
#[test]
fn limits_are_exact() {
    for (key, least, most) in [
        ("sync.coordinator_interval", 1, 86_400),
        ("sync.hedge_after", 1, 86_400),
        ("sync.max_sync_batch_size", 1, 500),
        ("sync.sync_threshold", 0, 10_000),
        ("producer.interval", 1, 86_400),
        ("producer.slots", 1, 1_000),
        ("test.time_scale", 1, 60),
    ] {
        // The template says the same of it.
        let (_, name) = key.split_once('.').unwrap();
        let template = template(&[]);
        let (above, _) = template.split_once(&format!("\n#{name} = ")).unwrap();
        let said = above.lines().last().unwrap();
        assert!(said.contains(&format!(" {least} to {most}")), "{name}: {said}");
        for value in [least, most] {
            let text = format!("{key} = {value}");
            assert!(error(&text).starts_with("accepted"), "{}", error(&text));
        }
        for value in [i64::MIN, -1, least - 1, most + 1, i64::MAX] {
            let text = format!("{key} = {value}");
            let want = format!("{value} is not in {least} to {most}");
            assert!(error(&text).ends_with(&want), "{}", error(&text));
        }
    }
    for bad in [
        "sync.coordinator_interval = 1.5",
        "sync.coordinator_interval = '30s'",
        "network.max_connections = 0",
        "network.name = ''",
        "network.name = 'a b'",
        "network.listen = '127.0.0.1'",
        "producer.slot = -1",
        "chain.checkpoints = [{ height = -1, hash = '00' }]",
        "sync.leader_rule = 1",
        "sync = 1",
        "sync.leader_rule = true\nsync.leader_rule = true",
    ] {
        assert!(error(bad).contains("at line "), "{bad}: {}", error(bad));
    }
    let hash = "00".repeat(32);
    let two = format!(
        "chain.checkpoints = [{{height = 1, hash = '{hash}'}}, {{height = 1, hash = '{}'}}]",
        hash.replace("00", "11")
    );
    assert!(error(&two).contains("two hashes for height 1"), "{}", error(&two));
}

#[test]
fn a_genesis_is_needed_and_must_be_one() {
    insta::assert_snapshot!(error("network.name = \"devnet\""), @r#"network `devnet` needs a genesis: name its file in `[network] genesis` or with --genesis"#);
    let missing = Config::parse("network.genesis = 'none.json'", "", Path::new("/nowhere"));
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })), "{missing:?}");
    let config = fixture("every-key.toml");
    let text = format!("network.genesis = '{}'", config.display());
    let wrong = Config::parse(&text, "", Path::new(""));
    assert!(matches!(wrong, Err(ConfigError::BadGenesis { .. })), "{wrong:?}");
}

#[test]
fn an_unreadable_file_is_no_bad_file() {
    let missing = Config::load(Path::new("/nowhere/config.toml"));
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })), "{missing:?}");
    let folder = Config::load(Path::new("/"));
    assert!(matches!(folder, Err(ConfigError::Unreadable { .. })), "{folder:?}");
}
