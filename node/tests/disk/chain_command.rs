//! `masternode chain`
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use node::chain::{BuiltChain, SealedBlock, compact_json};
use tempfile::TempDir;

use crate::scratch::{chain, folder};

const CHAIN: &str = include_str!("../../../fixtures/chain/chain-v1.ndjson");
const TIP: &str = "52c2a9b2bbc447b84cb9bccff85bda0e8360f725348ac6c4e20eb475437e1920";

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// `masternode chain ACTION --data FOLDER ...` with these bytes on stdin.
fn run(folder: &Path, action: &str, more: &[&str], stdin: &[u8]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode"));
    command.args(["chain", action, "--data"]).arg(folder).args(more);
    ended(command, stdin)
}

fn ended(mut command: Command, stdin: &[u8]) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // It may end before it has read everything.
    let feeder = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let done = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: done.status.code(), stdout: text(done.stdout), stderr: text(done.stderr) }
}

/// A chain as `export` writes it.
fn lines(chain: &BuiltChain) -> Vec<Vec<u8>> {
    chain.upto(u64::MAX).map(|block: SealedBlock| [compact_json(&block), b"\n".to_vec()].concat()).collect()
}

#[test]
fn the_real_chain_goes_in_and_comes_out_byte_for_byte() {
    let folder = folder();
    let data = folder.path().join("new/folder");
    let imported = run(&data, "import", &[], CHAIN.as_bytes());
    let said = format!("40 blocks appended, 1 were there; tip 40 {TIP}\n");
    assert_eq!((imported.code, imported.stdout, imported.stderr), (Some(0), said, String::new()));
    let head = run(&data, "head", &[], b"");
    assert_eq!((head.code, head.stdout), (Some(0), format!("height 40\nhash {TIP}\ntime 1764571200\n")));
    let verified = run(&data, "verify", &[], b"");
    let said = format!("41 blocks checked (bytes, hash, merkle root, rewards, link), none wrong; tip 40 {TIP}\n");
    assert_eq!((verified.code, verified.stdout), (Some(0), said));
    assert_eq!(run(&data, "export", &[], b"").stdout, CHAIN);

    let file = folder.path().join("blocks.ndjson");
    assert_eq!(run(&data, "export", &["--from", "7", "--to", "9", file.to_str().unwrap()], b"").code, Some(0));
    let want: String = CHAIN.lines().skip(7).take(3).map(|line| format!("{line}\n")).collect();
    assert_eq!(fs::read_to_string(&file).unwrap(), want);
}

#[test]
fn an_import_goes_on_where_another_ended() {
    let folder = folder();
    let lines = lines(&chain(1_200));
    assert_eq!(run(folder.path(), "import", &[], &lines[..700].concat()).code, Some(0));
    let all = run(folder.path(), "import", &["-"], &lines.concat());
    assert!(all.stdout.starts_with("501 blocks appended, 700 were there; tip 1200 "), "{}", all.stdout);
    assert_eq!(run(folder.path(), "export", &["--from", "1200"], b"").stdout.as_bytes(), lines[1_200]);
}

#[test]
fn a_bad_line_is_named_and_what_came_before_is_kept() {
    let chain = chain(620);
    let good = lines(&chain);
    let other = lines(&BuiltChain::new(node::chain::testnet(), 9, 10));
    let far = node::chain::next_block(&chain.block(609).unwrap().tip(), i64::MAX / 2, "10.0.0.1", 0);
    let mut wrong_root = node::chain::Block::clone(&chain.block(610).unwrap());
    wrong_root.transactions.clear();
    let json = |block: &SealedBlock| [compact_json(block), b"\n".to_vec()].concat();
    let long = [vec![b' '; 2_000_001], b"\n".to_vec()].concat();
    for (bad, reason) in [
        (b"{\"header\":1}\n".to_vec(), "line 611: not a block: "),
        (b"\n".to_vec(), "line 611: not a block: "),
        (vec![0xff, b'\n'], "line 611: not a block: "),
        (good[611].clone(), "line 611: height 611 does not follow 609"),
        (other[3].clone(), "line 611: the chain has another block 3"),
        (json(&far), "s ahead of our clock"),
        (json(&SealedBlock::new(wrong_root)), "line 611: merkle root mismatch"),
        (long, "line 611: over 2000000 bytes"),
    ] {
        let folder = folder();
        let input = [&good[..610].concat()[..], &bad, &good[610].clone()].concat();
        let ended = run(folder.path(), "import", &[], &input);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.starts_with("masternode: stdin: line 611: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
        assert!(ended.stderr.ends_with("; the chain ends at height 609\n"), "{}", ended.stderr);
        assert!(run(folder.path(), "head", &[], b"").stdout.starts_with("height 609\n"));
    }
}

#[test]
fn checkpoints_of_the_configuration_hold_for_imports() {
    let folder = folder();
    let config = folder.path().join("config.toml");
    let zero = "0".repeat(64);
    fs::write(&config, format!("chain.checkpoints = [{{height = 4, hash = '{zero}'}}]\nstore.path = 'data'\n"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode"));
    command.args(["chain", "import", "--config"]).arg(&config);
    let ended = ended(command, CHAIN.as_bytes());
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("line 5: the checkpoint has another block 4; the chain ends at height 3"),
        "{}",
        ended.stderr
    );
    assert!(folder.path().join("data/chain.redb").exists());
}

#[test]
fn bad_arguments_are_3_and_the_environment_4() {
    let folder = folder();
    let data = folder.path().join("data");
    assert_eq!(run(&data, "import", &[], CHAIN.as_bytes()).code, Some(0));
    for (action, more, code, reason) in [
        ("export", &["--from", "41"] as &[&str], 3, "no heights 41 to 40: the chain ends at 40"),
        ("export", &["--to", "41"], 3, "no heights 0 to 41: the chain ends at 40"),
        ("export", &["--from", "9", "--to", "8"], 3, "no heights 9 to 8"),
        ("export", &["/nowhere/file"], 4, "/nowhere/file: No such file or directory"),
        ("import", &["/nowhere/file"], 4, "/nowhere/file: No such file or directory"),
        ("head", &["--config", "/nowhere/file"], 4, "/nowhere/file: No such file or directory"),
        ("head", &["--height", "1"], 3, "unexpected argument"),
    ] {
        let ended = run(&data, action, more, b"");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{action} {more:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{action} {more:?}: {}", ended.stderr);
    }
    let missing = run(&folder.path().join("none"), "verify", &[], b"");
    assert_eq!(missing.code, Some(4));
    assert!(missing.stderr.contains("no chain here yet"), "{}", missing.stderr);
    let mut unnamed = Command::new(env!("CARGO_BIN_EXE_masternode"));
    unnamed.args(["chain", "head"]);
    assert_eq!(ended(unnamed, b"").code, Some(3));
}

#[test]
fn verify_names_the_place_and_changes_nothing() {
    let folder = folder();
    let file = folder.path().join("chain.redb");
    assert_eq!(run(folder.path(), "import", &[], CHAIN.as_bytes()).code, Some(0));
    let mut bytes = fs::read(&file).unwrap();
    // In an address, which no hash of a block covers.
    let block: SealedBlock = serde_json::from_str(CHAIN.lines().nth(12).unwrap()).unwrap();
    let place = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|part| part == what).unwrap();
    let start = [&[block.header.version as u8, 12][..], &block.previous_hash().0].concat();
    let at = place(&bytes, &start);
    let address = at + place(&bytes[at..], block.masternode_rewards[0].0.as_bytes());
    bytes[address] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let ended = run(folder.path(), "verify", &[], b"");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""));
    assert!(ended.stderr.contains("chain.redb: damaged at block 12: "), "{}", ended.stderr);
    assert_eq!(run(folder.path(), "export", &["--to", "11"], b"").code, Some(0));
    assert_eq!(run(folder.path(), "export", &[], b"").code, Some(3));
    assert!(fs::read(&file).unwrap() == bytes);
}

/// A folder that everybody may look into, and the command in it: as root, nothing is forbidden to ourselves.
fn open_to_all() -> (TempDir, PathBuf) {
    // Memory may be mounted so that nothing there can be run.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("masternode");
    // By another process: a file that we write is busy in every child that a test beside this one has just forked.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_masternode")).arg(&program).status().unwrap();
    assert!(copied.success());
    (folder, program)
}

/// Runs as nobody, where we may become that.
fn as_nobody(program: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    ended(command, CHAIN.as_bytes())
}

#[test]
fn a_folder_or_file_that_must_not_be_written_is_4() {
    let (folder, program) = open_to_all();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    let place = data.to_str().unwrap();
    let refused = as_nobody(&program, &["chain", "import", "--data", place]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("chain.redb: cannot be read and written: "), "{}", refused.stderr);
    assert!(refused.stderr.contains("Permission denied"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);

    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run(&data, "import", &[], CHAIN.as_bytes()).code, Some(0));
    let file = data.join("chain.redb");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let refused = as_nobody(&program, &["run", "--listen", "127.0.0.1:0", "--data", place]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("Permission denied"), "{}", refused.stderr);
    // Reading it is enough for these.
    assert_eq!(as_nobody(&program, &["chain", "export", "--data", place]).stdout, CHAIN);
    assert_eq!(as_nobody(&program, &["chain", "verify", "--data", place]).code, Some(0));
}

#[test]
fn a_full_disk_ends_an_import_with_its_prefix() {
    let folder = folder();
    let lines = lines(&chain(6_000));
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_masternode"));
    command.args(["chain", "import", "--data"]).arg(folder.path());
    let full = ended(command, &lines.concat());
    assert_eq!(full.code, Some(4), "{}", full.stderr);
    assert!(full.stderr.contains("File too large") && full.stderr.contains("goes on from there"), "{}", full.stderr);
    let head = run(folder.path(), "head", &[], b"").stdout;
    let height: u64 = head.lines().next().unwrap().strip_prefix("height ").unwrap().parse().unwrap();
    assert!(height > 0 && height < 6_000 && height.is_multiple_of(500), "{head}");
    let rest = run(folder.path(), "import", &[], &lines.concat());
    assert!(
        rest.stdout.starts_with(&format!("{} blocks appended, ", 6_000 - height)),
        "{} {}",
        rest.stdout,
        rest.stderr
    );
    assert_eq!(run(folder.path(), "verify", &[], b"").code, Some(0));
}
