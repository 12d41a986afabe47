//! `lockstep doctor`: what this machine can do, what each missing thing costs, and how to get it.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run::reference_node;
use super::{CliError, Exit};
use crate::report::plain;
use crate::run::container::{Engine, IMAGE};
use crate::run::privilege::{Ability, ability};

/// Where Debian and its relatives have the library that moves a process's clock.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// What drives a browser in the tests of pages.
const BROWSER: &str = "chromedriver";

/// One thing that was looked for.
struct Row {
    what: &'static str,
    /// How it is there, or why not.
    found: Result<String, String>,
    /// What can't be done without it.
    costs: &'static str,
    /// How to get it.
    how: &'static str,
}

/// Looks for everything, and tells.
pub(super) fn doctor(out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut missing = 0;
    for Row { what, found, costs, how } in rows() {
        let (mark, words) = match &found {
            Ok(words) => ("yes", words),
            Err(why) => ("no", why),
        };
        let mut lines = words.lines();
        writeln!(out, "{mark:<4} {what:<22} {}", plain(lines.next().unwrap_or_default()))?;
        if found.is_err() {
            missing += 1;
            let help: Vec<&str> = lines.chain([how]).filter(|line| !line.is_empty()).collect();
            writeln!(out, "     {:<22} without it: {costs}", "")?;
            help.iter().try_for_each(|line| writeln!(out, "     {:<22} to get it:  {}", "", plain(line)))?;
        }
    }
    let verdict = match missing {
        0 => "everything is there".to_owned(),
        1 => "one thing is missing; all else works".to_owned(),
        missing => format!("{missing} things are missing; all else works"),
    };
    writeln!(out, "\n{verdict}")?;
    Ok(if missing == 0 { Exit::Expected } else { Exit::Undecided })
}

fn rows() -> Vec<Row> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let engine = Engine::connect().map_err(|error| error.to_string());
    let image = match &engine {
        Ok(engine) => engine.image(IMAGE).map(|_| IMAGE.to_owned()).map_err(|error| error.to_string()),
        Err(_) => Err("no engine that could have it".to_owned()),
    };
    vec![
        Row {
            what: "simulation",
            found: Ok(format!("in virtual time, {cores} scenarios at once; nothing is needed")),
            costs: "",
            how: "",
        },
        Row {
            what: "reference node",
            found: reference_node().map(|node| node.display().to_string()).map_err(|error| error.to_string()),
            costs: "no `--backend process`, nor `container`",
            how: "",
        },
        Row {
            what: "processes",
            found: match ability() {
                Ability::Loopback(why) => Err(why),
                _ => Ok("in network namespaces with TUN devices: every fault".to_owned()),
            },
            costs: "`--backend process` runs nodes on loopback addresses, with pauses and kills but no faults of links",
            how: "be root, or allow user namespaces (`sysctl kernel.unprivileged_userns_clone=1`) and /dev/net/tun (`mknod /dev/net/tun c 10 200`, mode 0666)",
        },
        Row {
            what: "containers",
            found: engine.as_ref().map(|engine| engine.described().to_owned()).map_err(String::clone),
            costs: "no `--backend container`, no `certify --image`",
            how: "",
        },
        Row { what: "image of the node", found: image, costs: "no `--backend container` without `--image`", how: "" },
        Row {
            what: "clocks that move",
            found: there(Path::new(FAKETIME)),
            costs: "a case of certification that moves a node's clock says inconclusive, for nodes that need this library for it",
            how: "apt-get install libfaketime",
        },
        Row {
            what: "browser",
            found: version(BROWSER),
            costs: "the tests of pages are shown as ignored; pages themselves need nothing",
            how: "apt-get install chromium chromium-driver",
        },
    ]
}

fn there(path: &Path) -> Result<String, String> {
    let words = path.display().to_string();
    if path.exists() { Ok(words) } else { Err(format!("{words} is not there")) }
}

fn version(program: &str) -> Result<String, String> {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let told = asked.map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8_lossy(&told.stdout).lines().next().unwrap_or(program).to_owned())
}
