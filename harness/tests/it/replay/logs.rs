//! Logs as they come: packed, damaged, contradictory, and any bytes at all.
use std::time::Duration;

use harness::replay::draft::{Draft, Options};
use harness::replay::fold::{Fold, Known};
use harness::replay::read::{self, read};
use harness::scenario::Scenario;

use super::{GOOD, logs, printed, replay};

#[test]
fn packed_logs_are_read() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let plain = std::fs::read(&logs("disconnects-mid-sync")[0]).unwrap();
    std::fs::create_dir_all(dir.path().join("plain")).unwrap();
    std::fs::write(path("plain/mn21.log"), &plain).unwrap();
    std::fs::write(path("mn21.log"), compress_to_vec(&*plain, CompressionLevel::Fastest)).unwrap();
    let wanted = printed(&replay(&[&path("plain/mn21.log")]).success());
    // By what is in it, whatever its name.
    assert_eq!(printed(&replay(&[&path("mn21.log")]).success()), wanted);
    std::fs::rename(path("mn21.log"), path("mn21.log.zst")).unwrap();
    let packed = printed(&replay(&[&path("mn21.log.zst")]).success());
    assert_eq!(
        packed.replace("mn21.log.zst", "mn21.log").split_whitespace().collect::<Vec<_>>(),
        wanted.split_whitespace().collect::<Vec<_>>()
    );
    let half = std::fs::read(path("mn21.log.zst")).unwrap();
    std::fs::write(path("half.log.zst"), &half[..half.len() / 2]).unwrap();
    let refused = printed(&replay(&[&path("half.log.zst")]).code(3));
    assert!(refused.contains("half.log.zst:") && refused.contains("breaks off or is damaged here"), "{refused}");
}

#[test]
fn bad_logs_are_refused_with_their_place_and_used_where_that_is_wanted() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let good = GOOD;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    (0..2_000_u32).for_each(|i| {
        packed.write_all(good.replace("10:00", &format!("{}:{:02}", 10 + i / 60 % 10, i % 60)).as_bytes()).unwrap()
    });
    let packed = packed.finish().unwrap();
    let long = format!("{good}{}\n{good}", "x".repeat(1 << 20));
    let falls = format!("{good}2026-01-07 10:20:00 [mn7]  INFO Status: Height=12, Active Masternodes=1\n");
    let cases: [(&str, Vec<u8>, &str, bool); 6] = [
        ("empty.log", Vec::new(), "empty.log", false),
        ("binary.log", vec![0; 4096], "binary.log", false),
        ("other.log", b"2026-01-07 10:00:00 sshd[12]: session opened\n".to_vec(), "other.log", false),
        ("timeless.log", b"Status: Height=1754, Active Masternodes=1\n".to_vec(), "timeless.log", true),
        ("cut.log.gz", packed[..packed.len() / 2].to_vec(), "cut.log.gz", true),
        ("falls.log", falls.into_bytes(), "falls.log:2: mn7 is at height 12 here, but was at 1754 (falls.log:1)", true),
    ];
    for (name, content, message, of_use) in cases {
        std::fs::write(path(name), content).unwrap();
        let refused = replay(&[&path(name)]).code(3).get_output().clone();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(message) && told.contains("--lenient"), "{name}: {told}");
        let lenient = replay(&[&path(name), "--lenient"]);
        let _ = if of_use { lenient.success() } else { lenient.code(3) };
    }
    std::fs::write(path("long.log"), long).unwrap();
    replay(&[&path("long.log")]).success();
    replay(&[&path("missing.log")]).code(4);
}

#[test]
fn no_bytes_make_it_panic() {
    use rand::{Rng, RngCore, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let names = ["passive-node", "sync-loop-2626", "same-height-fork", "lone-leader", "disconnects-mid-sync"];
    let all: Vec<Vec<u8>> = names.iter().flat_map(|name| logs(name)).map(|path| std::fs::read(path).unwrap()).collect();
    let lines: Vec<&[u8]> = all.iter().flat_map(|log| log.split(|byte| *byte == b'\n')).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut drafts = 0;
    for round in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..rng.random_range(1..60) {
            let mut line = lines[rng.random_range(0..lines.len())].to_vec();
            match rng.random_range(0..6) {
                0 => line.truncate(rng.random_range(0..=line.len())),
                1 if !line.is_empty() => line.drain(..rng.random_range(0..line.len())).for_each(drop),
                2 => line.iter_mut().for_each(|byte| {
                    if byte.is_ascii_digit() && rng.random_ratio(1, 3) {
                        *byte = b'0' + rng.random_range(0..10_u8);
                    }
                }),
                3 => {
                    let mut junk = vec![0; rng.random_range(0..200)];
                    rng.fill_bytes(&mut junk);
                    line.extend(junk);
                }
                _ => {}
            }
            bytes.extend(line);
            bytes.push(b'\n');
        }
        let path = dir.path().join(format!("{round}.log"));
        std::fs::write(&path, bytes).unwrap();
        let mut fold = Fold::default();
        let options = read::Options { lenient: true, ..read::Options::default() };
        let Ok(reading) = read(&[path], &options, &mut |told| fold.tell(told)) else { continue };
        let _ = fold.contradictions(&reading.hosts, &reading.names());
        let incident = fold.finish(&reading.hosts, &reading.names(), &Known::default());
        if incident.hosts.is_empty() {
            continue;
        }
        let squeeze = rng.random_bool(0.5).then(|| Duration::from_secs(60));
        let draft = Draft::of(&incident, &Options { squeeze, ..Options::default() });
        let yaml = draft.to_string();
        match Scenario::parse("x", &yaml) {
            Ok(_) => drafts += 1,
            Err(error) => assert!(draft.runs_for() > Duration::from_secs(7 * 86_400), "{error}\n{yaml}"),
        }
    }
    assert!(drafts > 50, "{drafts}");
}
