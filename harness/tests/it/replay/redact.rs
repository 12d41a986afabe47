//! Nothing of what is redacted is told anywhere.
use std::path::{Path, PathBuf};

use super::{GOOD, logs, printed, replay};

#[test]
fn redacted_output_names_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (logs_dir, out) = (dir.path().join("acme-prod"), dir.path().join("out"));
    std::fs::create_dir(&logs_dir).unwrap();
    let own = logs("lone-leader").into_iter().map(PathBuf::from);
    for (from, to) in own.zip(["leader-eu.log", "second-us.log", "third-us.log"]) {
        // Lines that no pattern knows tell of more than the hosts.
        let more = "2026-01-06 09:31:00.000 [vps52]  INFO sshd: carol@bastion.acme.example let in, key TIME0Jx8RkTZq7TtUuVvWwXxYyZz11\n";
        let log = std::fs::read_to_string(from).unwrap() + more;
        std::fs::write(logs_dir.join(to), log).unwrap();
    }
    let of = |name: &str| logs_dir.join(name).display().to_string();
    let path = |path: &Path| path.display().to_string();
    // A folder with a log in it that is wrong.
    let with = |name: &str, bytes: &[u8]| {
        let folder = dir.path().join(name).join("acme-prod");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("leader-eu.log"), bytes).unwrap();
        path(&folder)
    };
    let foreign = with("foreign", b"Jan  7 10:00:00 ohio sshd[7]: Accepted key of carol from 203.0.113.51\n");
    let falls = with("falls", (GOOD.to_owned() + &GOOD.replace("10:00", "10:20").replace("1754", "12")).as_bytes());
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut cut, GOOD.repeat(4_000).as_bytes()).unwrap();
    let cut = with("cut", &cut.finish().unwrap()[..100_000]);
    let binary = with("binary", &[0; 64]);
    let empty = dir.path().join("acme-empty");
    std::fs::create_dir(&empty).unwrap();
    let (all, page, empty, file) = (path(&logs_dir), path(&out), path(&empty), dir.path().join("redacted.yaml"));
    let (file, missing) = (path(&file), of("leader-asia.log"));
    let cases: &[(&[&str], i32, &str)] = &[
        (&[&all], 0, "  # log-2:61: host-2 rejects the chain of host-1"),
        (
            &[&all, "-o", &file, "--title", "mn51 at 203.0.113.51 leads alone"],
            0,
            "27 lines of 8 kinds are not understood\n",
        ),
        (&[&all, "--run", "--out", &page], 0, "from log-1, log-2, log-3"),
        (&[&all, "--run", "--out", &page, "--format", "json", "--map", "203.0.113.77=vps53"], 0, "\"host-3\""),
        (&[&missing], 4, "cannot read argument 1: No such file"),
        (&[&all, &empty], 3, "argument 2: no files in this folder"),
        (&[&all, "--host", &format!("{missing}=mn51")], 3, "a file of --host is not among the files that are read"),
        (
            &[&all, "--offset", "mn52=5s"],
            3,
            "no log is of the host that --map or --offset names: there are host-1, host-2, host-3",
        ),
        (&[&foreign], 3, "log-1: not one line is known: is it another program's log? --patterns adds"),
        (&[&binary], 3, "log-1: this is no log"),
        (&[&cut], 3, "log-1:"),
        (&[&cut, "--lenient"], 0, "warning: log-1:"),
        (&[&falls], 3, "log-1:2: host-1 is at height 12 here, but was at 1754 (log-1:1), and nothing says"),
        (&[&falls, "--lenient"], 0, "warning: log-1:2: host-1 is at height 12 here"),
        (&[&all, &foreign, "--lenient"], 0, "warning: log-4: not one line is known"),
    ];
    let plain = printed(&replay(&[&all]).success());
    assert!(["mn51", "vps52", "203.0.113.51", "leader-eu.log"].iter().all(|name| plain.contains(name)), "{plain}");
    for (words, code, told) in cases {
        for path in [&file, &page] {
            let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
        }
        let done = replay(&[words, &["--redact"][..]].concat()).code(*code);
        let mut all = printed(&done);
        assert!(all.contains(told), "{words:?}: {all}");
        let files = ["scenario.yaml", "report.html", "report.json"].map(|name| out.join(name));
        let written: Vec<PathBuf> =
            files.into_iter().chain([PathBuf::from(&file)]).filter(|file| file.exists()).collect();
        let wanted = if words.contains(&"--run") { 3 } else { usize::from(words.contains(&"-o")) };
        assert_eq!(written.len(), wanted, "{words:?}");
        written.iter().for_each(|file| all += &std::fs::read_to_string(file).unwrap());
        for secret in [
            "mn51",
            "mn52",
            "vps5",
            "mn7",
            "203.0.113",
            "acme",
            "leader-",
            "second-us",
            "third-us",
            "carol",
            "bastion",
            "ohio",
            "TIME0",
        ] {
            assert!(!all.contains(secret), "{secret} in what {words:?} tells: {all}");
        }
    }
}
