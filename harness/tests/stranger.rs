//! What a profile says of a node comes true for it, on real sockets: a program that insists on everything, and nodes that run already.
use std::fs;
use std::io::Write;
use std::net::{ToSocketAddrs, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

const NODE: &str = env!("CARGO_BIN_EXE_reference-node");

fn main() {
    if std::env::var_os("LOCKSTEP_STRANGER").is_some() {
        if let Err(why) = insist() {
            eprintln!("{why}");
            std::process::exit(4);
        }
        return;
    }
    let without = std::env::var("LOCKSTEP_NO_NAMESPACES").is_ok_and(|value| value == "1");
    let namespaces = |name: &str, test: fn() -> Result<(), Failed>| Trial::test(name, test).with_ignored_flag(without);
    let tests = vec![
        namespaces("a node that insists on a port, names, a clock and helpers gets them", gets_all),
        namespaces("the wrong clock is not what it gets", gets_another_clock),
        namespaces("time may go faster, without a verdict", goes_faster),
        namespaces("a clock that is moved is told in its pings", moves_clock)
            .with_ignored_flag(without || !Path::new(FAKETIME).exists()),
        namespaces("a clock that doesn't move has shown nothing", keeps_clock),
        Trial::test("one that never gets ready is told so", never_ready),
        Trial::test("a helper that fails is the harness's error", helper_fails),
        Trial::test("a node that runs already is judged", attached),
        Trial::test("nobody listens where a node should run", attached_to_nobody),
    ];
    let mut arguments = Arguments::from_args();
    // They mostly wait.
    arguments.test_threads.get_or_insert(tests.len());
    libtest_mimic::run(&arguments, tests).exit();
}

/// The node that insists: what it gets is checked, then it becomes the reference node.
fn insist() -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("no {name}"));
    let words: Vec<String> = std::env::args().skip(1).collect();
    let clock: i64 = variable("CLOCK")?.parse().map_err(|_| "the clock is no number")?;
    let (date, off) = (variable("DATE")?, variable("OFF")?.parse::<i64>().map_err(|_| "no number")?);
    if date.len() != "2025-12-02 17:45:57".len() {
        return Err(format!("`{date}` is no date"));
    }
    if variable("ADDRESS")? != variable("LISTEN")?.trim_end_matches(":24555") {
        return Err("not the address and port that it wants".to_owned());
    }
    let server = "time.lockstep.test:123".to_socket_addrs().map_err(|error| error.to_string())?.next();
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(Duration::from_millis(200))).map_err(|error| error.to_string())?;
    let mut question = [0; 48];
    question[0] = 0b00_100_011;
    // The helper was started just before.
    let answered = (0..50).find_map(|_| {
        socket.send_to(&question, server?).ok()?;
        let mut answer = [0; 48];
        socket.recv(&mut answer).ok().filter(|bytes| *bytes == 48).map(|_| answer)
    });
    let answer = answered.ok_or("nobody tells the time")?;
    let told = u32::from_be_bytes([answer[40], answer[41], answer[42], answer[43]]);
    let told = i64::from(told) - 2_208_988_800;
    if (told - clock - off).abs() > 5 {
        return Err(format!("it is {told}, not {clock}"));
    }
    println!("all is as it should be");
    Err(Command::new(NODE).args(words).exec().to_string())
}

/// A short case, at a height whose time is 24,000 s after the genesis.
const CASE: &str = "\
title: It answers
why: Nothing is shorter.
requirements: [MNS-P1-02]
case: {way: inbound}
runs_for: 3s
nodes:
  a: {chain: main@40, whitelists: [w]}
peers:
  w: {chain: main@40}
  p: {chain: main@40}
timeline:
  - {at: 1s, do: {send: {peers: [p], line: '{\"Ping\":{\"nonce\":7,\"timestamp\":1764571200,\"height\":40}}'}}}
expect:
  - sequence: [{see: {on: p, wire: Pong, where: {nonce: 7}}, by: 3s}]
";

/// What the reference node needs, but for the text after it.
const CONFIG: &str = "
arguments: [run, --config, '{{dir}}/config.toml']
files:
  config.toml: |
    [network]
    listen = \"{{listen}}\"
    whitelisted_peers = [{{whitelisted|quoted}}]
    [store]
    path = \"data\"
    [http]
    listen = \"{{ip}}:9100\"
    [test]
    time_scale = {{time_scale}}
";

const INSISTS: &str = "
name: one that insists
port: 24555
setup: 6s
ready: {within: 10s, log: '^all is as it should be'}
log: {}
environment:
  LOCKSTEP_STRANGER: '1'
  CLOCK: '{{clock}}'
  DATE: '{{clock|date}}'
  LISTEN: '{{listen}}'
  ADDRESS: '{{external_address}}'
hosts: {time.lockstep.test: '{{ip}}'}
helpers: [['{{lockstep}}', ntp, --listen, '{{ip}}:123', --clock, '{{clock}}']]
";

struct Place(tempfile::TempDir);

impl Place {
    /// A folder with the case and this profile.
    fn new(profile: &str) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("cases"))?;
        fs::write(dir.path().join("cases/short.yaml"), CASE)?;
        fs::write(dir.path().join("profile.yaml"), profile)?;
        Ok(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What is said, and the exit code.
    fn certify(&self, words: &[&str]) -> Result<(Option<i32>, String), Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command.args(["certify", "--profile", "profile.yaml", "--cases", "cases", "--out", "out"]).args(words);
        let Output { status, stdout, stderr } = command.current_dir(self.path()).stdin(Stdio::null()).output()?;
        Ok((status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)))
    }
}

fn says((code, said): (Option<i32>, String), wanted: i32, words: &[&str]) -> Result<(), Failed> {
    match words.iter().find(|words| !said.contains(**words)) {
        None if code == Some(wanted) => Ok(()),
        missing => Err(format!("exit code {code:?}, without {missing:?}: {said}").into()),
    }
}

fn me() -> Result<String, Failed> {
    Ok(std::env::current_exe()?.display().to_string())
}

fn gets_all() -> Result<(), Failed> {
    let place = Place::new(&(INSISTS.replace("environment:", "environment:\n  OFF: '0'") + CONFIG))?;
    says(place.certify(&["--exec", &me()?])?, 0, &["1 pass, 69 not tried"])?;
    let verified = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["verify", "out", "--cases", "cases"])
        .current_dir(place.path())
        .output()?;
    says((verified.status.code(), String::from_utf8_lossy(&verified.stdout).into_owned()), 0, &["says the same"])
}

fn gets_another_clock() -> Result<(), Failed> {
    let place = Place::new(&(INSISTS.replace("environment:", "environment:\n  OFF: '600'") + CONFIG))?;
    says(place.certify(&["--exec", &me()?])?, 2, &["it ended: exit status: 4, it is 17645712"])
}

fn goes_faster() -> Result<(), Failed> {
    let place = Place::new(&format!("name: a fast one\nsetup: 5s{CONFIG}"))?;
    let said = place.certify(&["--exec", NODE, "--time-scale", "10"])?;
    says(said, 0, &["1 pass, 69 not tried (no verdict: every interval was divided by 10)"])?;
    let place = Place::new(&format!("name: a slow one\n{}", CONFIG.replace("{{time_scale}}", "1")))?;
    says(place.certify(&["--exec", NODE, "--time-scale", "10"])?, 2, &["the profile has no {{time_scale}}"])
}

/// For those that read it (Debian's package libfaketime).
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const CLOCK: &str = "
name: one with a clock
setup: 6s
clock: {file: its/clock}
environment:
  FAKETIME_TIMESTAMP_FILE: '{{dir}}/its/clock'
  FAKETIME_NO_CACHE: '1'
  FAKETIME_DONT_FAKE_MONOTONIC: '1'
";

/// The case with a clock that is an hour ahead while the node is asked.
fn with_moved_clock(profile: &str) -> Result<(Option<i32>, String), Failed> {
    let place = Place::new(&format!("{profile}{CONFIG}"))?;
    let moved = CASE
        .replace("{at: 1s,", "{at: 500ms, do: {skew: {who: [a], offset: 1h, for: 4s}}}\n  - {at: 4s,")
        .replace("3s", "6s");
    fs::write(place.path().join("cases/short.yaml"), moved)?;
    place.certify(&["--exec", NODE])
}

fn moves_clock() -> Result<(), Failed> {
    says(with_moved_clock(&format!("{CLOCK}  LD_PRELOAD: {FAKETIME}"))?, 0, &["1 pass, 69 not tried"])
}

fn keeps_clock() -> Result<(), Failed> {
    says(with_moved_clock(CLOCK)?, 2, &["the fault did not bite: nothing was affected"])?;
    says(with_moved_clock("name: one without\nsetup: 6s")?, 2, &["`skew`: processes share the machine's clock"])
}

fn never_ready() -> Result<(), Failed> {
    let place = Place::new(&format!("name: a slow one\nready: {{within: 1s, log: 'never said'}}\nlog: {{}}{CONFIG}"))?;
    let said = place.certify(&["--exec", NODE])?;
    says(said, 2, &["could not begin: it ended: by the harness, as it was not ready within 1s"])?;
    // It listens before it says anything else.
    let place = Place::new(&format!("name: a quick one\nsetup: 6s\nready: {{}}{CONFIG}"))?;
    says(place.certify(&["--exec", NODE])?, 0, &["1 pass"])
}

fn helper_fails() -> Result<(), Failed> {
    let place = Place::new(&format!("name: x\nhelpers: [[sh, -c, 'echo no luck; exit 7']]{CONFIG}"))?;
    says(place.certify(&["--exec", NODE])?, 4, &["`sh` failed: exit status: 7, no luck"])?;
    let place = Place::new(&format!("name: x\nhelpers: [[no-such-helper]]{CONFIG}"))?;
    says(place.certify(&["--exec", NODE])?, 4, &["its helper no-such-helper: No such file"])
}

/// A node at work, until this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that no other run of these tests has: by the number of the process.
fn address(last: u8) -> String {
    let id = std::process::id();
    format!("127.{}.{}.{last}", 32 + (id >> 8) % 32, id % 256)
}

fn running(dir: &Path) -> Result<Running, Failed> {
    let config = dir.join("config.toml");
    let mut file = fs::File::create(&config)?;
    let ip = address(1);
    writeln!(file, "[network]\nlisten = \"{ip}:24100\"\nwhitelisted_peers = [\"{}\"]", address(2))?;
    writeln!(file, "[store]\npath = \"{}\"\n[http]\nlisten = \"{ip}:9100\"", dir.join("data").display())?;
    let log = dir.join("log");
    let mut command = Command::new(NODE);
    command.arg("run").arg("--config").arg(&config).stdout(fs::File::create(&log)?).stdin(Stdio::null());
    let running = Running(command.spawn()?);
    for _ in 0..500 {
        if fs::metadata(&log)?.len() > 0 {
            return Ok(running);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err("the node doesn't start".into())
}

fn attached() -> Result<(), Failed> {
    let place = Place::new(&format!("name: a running one\nsetup: 6s\nattach: {{whitelisted: [{}]}}\n", address(2)))?;
    let _running = running(place.path())?;
    let at = format!("{}:24100", address(1));
    says(place.certify(&["--attach", &at])?, 0, &["1 pass, 69 not tried"])?;
    // It stands where it is; what begins lower, or needs another configuration, can't be had.
    let lower = CASE.replace("main@40", "main@30");
    fs::write(place.path().join("cases/short.yaml"), lower)?;
    says(place.certify(&["--attach", &at])?, 2, &["it stands at 40 already: needs a restart from nothing"])?;
    for (with, instead, why) in [
        ("whitelists: [w]", "whitelists: [w, p]", "2 whitelisted peers: `attach` names 1 addresses"),
        ("a: {", "a: {masternode: true, ", "a node that is a masternode"),
        ("way: inbound", "way: outbound", "regular peers that it dials: needs a restart with another configuration"),
    ] {
        // What is whitelisted is dialled by itself.
        let case = CASE.replace(with, instead);
        fs::write(place.path().join("cases/short.yaml"), case)?;
        says(place.certify(&["--attach", &at])?, 2, &[why])?;
    }
    // The program that lets it begin anew is run once a trial; one that fails is the harness's error.
    fs::write(place.path().join("cases/short.yaml"), CASE)?;
    let profile = place.path().join("profile.yaml");
    let named = fs::read_to_string(&profile)?;
    fs::write(&profile, named.replace("attach: {", "attach: {reset: [sh, -c, 'echo anew >> resets'], "))?;
    says(place.certify(&["--attach", &at])?, 0, &["1 pass"])?;
    if fs::read_to_string(place.path().join("resets"))? != "anew\n" {
        return Err("it did not begin anew once".into());
    }
    fs::write(&profile, named.replace("attach: {", "attach: {reset: [sh, -c, 'echo gone >&2; exit 9'], "))?;
    says(place.certify(&["--attach", &at])?, 4, &["failed: exit status: 9, gone"])
}

fn attached_to_nobody() -> Result<(), Failed> {
    let place = Place::new(&format!("name: nobody\nsetup: 6s\nattach: {{whitelisted: [{}]}}\n", address(4)))?;
    let at = format!("{}:24100", address(3));
    says(place.certify(&["--attach", &at])?, 2, &["could not begin: it tells no height"])?;
    says(place.certify(&["--attach", "nowhere"])?, 3, &["`--attach nowhere`: "])
}
