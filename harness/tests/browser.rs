//! The pages in a real Chromium: they load without an error and without asking anybody for anything, filter, and link the log with the pictures.
//! Without `chromedriver` the tests are shown as ignored; `LOCKSTEP_REQUIRE_BROWSER=1` makes that a failure. Screenshots are kept in
//! `target/screenshots`.
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

const LOCKSTEP: &str = env!("CARGO_BIN_EXE_lockstep");
const DRIVER: &str = "chromedriver";
/// The scenario that the README breaks: a node that looks for no consensus never catches up.
const BEHIND: &str = "scenarios/phase-3/01-behind-by-100.yaml";
const BROKEN: (&str, &str) =
    ("    chain: main@1000\n", "    chain: main@1000\n    config: {sync: {enable_coordinator: false}}\n");
/// A limit of a case that nobody keeps.
const WITHIN: (&str, &str) = ("        by: 135s\n", "        by: 101s\n");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    let arguments = Arguments::from_args();
    let there = Command::new(DRIVER).arg("--version").output().is_ok();
    let required = std::env::var("LOCKSTEP_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
    let test = |name: &str, test: fn(&Path) -> Result<()>| {
        let run = move || {
            let dir = tempfile::tempdir()?;
            test(dir.path()).map_err(|error| Failed::from(error.to_string()))
        };
        Trial::test(name, run).with_ignored_flag(!there && !required)
    };
    let tests = vec![
        test("a page of a failure shows its moment, quietly", shows_the_moment),
        test("a page of silence opens with what was said last", opens_with_something_to_see),
        test("the log is filtered, and linked with the pictures", filters_and_links),
        test("what a node wrote is text", hostile_text),
        test("fifty nodes for an hour are one small page", fifty_nodes),
        test("a statement leads to the page of what failed", statement),
        test("an incident and a campaign have pages like a run's", incident_and_campaign),
    ];
    if !there {
        println!("no {DRIVER} here: Debian has it as chromium-driver");
    }
    libtest_mimic::run(&arguments, tests).exit();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a scenario, and returns its page.
fn page(scenario: &Path, dir: &Path, more: &[&str], exit: i32) -> Result<PathBuf> {
    let mut run = Command::new(LOCKSTEP);
    let out = run.arg("run").arg(scenario).arg("--out").arg(dir).args(more).current_dir(root()).output()?;
    if out.status.code() != Some(exit) {
        return Err(format!("{}\n{}", out.status, String::from_utf8_lossy(&out.stdout)).into());
    }
    let told = String::from_utf8_lossy(&out.stdout);
    let folder =
        scenario.strip_prefix(root().join("scenarios")).unwrap_or(Path::new(scenario.file_name().unwrap_or_default()));
    let page = dir.join(format!("{}-seed1/report.html", folder.with_extension("").display()));
    if page.is_file() { Ok(page) } else { Err(format!("no {}\n{told}", page.display()).into()) }
}

/// The page of the scenario that fails.
fn failed(dir: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(root().join(BEHIND))?.replacen(BROKEN.0, BROKEN.1, 1);
    let scenario = dir.join("broken.yaml");
    fs::write(&scenario, text)?;
    page(&scenario, dir, &[], 1)
}

/// A driver that ends with the test.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is asked of a page that is open.
struct Browser {
    client: Client,
    runtime: tokio::runtime::Runtime,
    _driver: Driver,
}

impl Browser {
    /// Opens a page, and waits until its script is done.
    fn open(page: &Path) -> Result<Self> {
        let mut driver = Command::new(DRIVER).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let told = driver.stdout.take().ok_or("no output")?;
        let driver = Driver(driver);
        let port = BufReader::new(told)
            .lines()
            .map_while(std::io::Result::ok)
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok())
            .ok_or("the driver does not start")?;
        let options = json!({"args": ["headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "hide-scrollbars", "window-size=1200,1600"]});
        let wanted = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let wanted = wanted.as_object().cloned().unwrap_or_default();
        let url = format!("file://{}", page.canonicalize()?.display());
        let client = runtime.block_on(async {
            let client = ClientBuilder::new(HttpConnector::new())
                .capabilities(wanted)
                .connect(&format!("http://127.0.0.1:{port}"))
                .await?;
            client.goto(&url).await?;
            // Only a page that has a script says that it is done.
            let ready = Locator::Css("body[data-ready], body:not(:has(> script))");
            client.wait().at_most(Duration::from_secs(30)).for_element(ready).await?;
            Ok::<_, Box<dyn Error>>(client)
        })?;
        Ok(Self { client, runtime, _driver: driver })
    }

    /// What a script returns.
    fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.runtime.block_on(self.client.execute(&format!("return {script}"), Vec::new()))?)
    }

    fn text(&self, css: &str) -> Result<String> {
        let text = self.ask(&format!("document.querySelector({css:?}).textContent"))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn number(&self, script: &str) -> Result<f64> {
        self.ask(script)?.as_f64().ok_or_else(|| format!("{script} is no number").into())
    }

    fn act(&self, script: &str) -> Result<()> {
        self.runtime.block_on(self.client.execute(script, Vec::new()))?;
        Ok(())
    }

    fn command(&self, name: &'static str, body: Value) -> Result<Value> {
        Ok(self.runtime.block_on(self.client.issue_cmd(Own { name, body }))?)
    }

    /// Fails where the console has a message, or where anything was asked for.
    fn is_quiet(&self) -> Result<()> {
        let messages = self.command("se/log", json!({"type": "browser"}))?;
        let asked = self.ask("performance.getEntriesByType('resource').map(entry => entry.name)")?;
        let nothing = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        match nothing(&messages) && nothing(&asked) {
            true => Ok(()),
            false => Err(format!("console: {messages}\nasked for: {asked}").into()),
        }
    }

    fn screenshot(&self, scheme: &str, name: &str) -> Result<()> {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("goog/cdp/execute", json!({"cmd": "Emulation.setEmulatedMedia", "params": media}))?;
        let picture = self.runtime.block_on(self.client.screenshot())?;
        let dir = root().join("target/screenshots");
        fs::create_dir_all(&dir)?;
        Ok(fs::write(dir.join(format!("{name}-{scheme}.png")), picture)?)
    }

    /// The cursor's place in the heights, in percent of their width.
    fn cursor(&self) -> Result<f64> {
        self.number("parseFloat(document.querySelector('#chart .cursor').style.left)")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.clone().close());
    }
}

/// What Chromium's driver has beyond the standard.
#[derive(Debug)]
struct Own {
    name: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> std::result::Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.name))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

fn check(holds: bool, what: impl Into<String>) -> Result<()> {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

fn shows_the_moment(dir: &Path) -> Result<()> {
    let browser = Browser::open(&failed(dir)?)?;
    let title = browser.ask("document.title")?;
    check(title == "broken: fail", format!("{title}"))?;
    let why = browser.text(".why")?;
    check(why.contains("sequence: behind on a") && why.contains("33.000 s"), why)?;
    // The moment is in the middle of what the picture of messages shows.
    let window = browser.text("#window")?;
    check(window == "0:23.000 to 0:43.000", window)?;
    let pings = browser.number("document.querySelectorAll('#space path.m').length")?;
    check(pings >= 3.0, format!("{pings} messages"))?;
    let bad = browser.text(".source .bad")?;
    check(bad.contains("- sequence:"), bad)?;
    check(browser.text("#space")?.contains("Ping at height 1100"), "a message says what it is")?;
    for scheme in ["light", "dark"] {
        browser.screenshot(scheme, "failure")?;
    }
    browser.is_quiet()
}

fn opens_with_something_to_see(dir: &Path) -> Result<()> {
    // Heights are told each 30 s, and nothing is sent in the last 20.
    let text = concat!(
        "title: x\nwhy: y\nruns_for: 149s\nexpect: [tip: {who: [a], is: main@1100, by: 149s}]\nnodes:\n",
        "  a: {chain: main@1000, whitelists: [m], config: {sync: {enable_coordinator: false}}}\n",
        "  m: {count: 3, chain: main@1100, masternode: true}\n",
    );
    let scenario = dir.join("silent.yaml");
    fs::write(&scenario, text)?;
    let browser = Browser::open(&page(&scenario, dir, &[], 1)?)?;
    let messages = browser.number("document.querySelectorAll('#space path.m').length")?;
    check(messages >= 1.0, format!("{messages} messages in {}", browser.text("#window")?))?;
    browser.is_quiet()
}

fn filters_and_links(dir: &Path) -> Result<()> {
    let browser = Browser::open(&page(&root().join("scenarios/fork/masternode-fork-500-deep.yaml"), dir, &[], 0)?)?;
    let count =
        |browser: &Browser| browser.number("Number(document.getElementById('count').textContent.split(' ').at(-1))");
    let all = count(&browser)?;
    let set = |id: &str, value: &str, event: &str| {
        browser.act(&format!(
            "const e = document.getElementById({id:?}); e.value = {value:?}; e.dispatchEvent(new Event({event:?}))"
        ))
    };
    browser.act("const e = document.getElementById('routine'); e.click()")?;
    let with_routine = count(&browser)?;
    check(with_routine > all, format!("{with_routine} rows with routine, {all} without"))?;
    set("words", "ancestor", "input")?;
    let rows = browser.ask("[...document.querySelectorAll('#log tbody tr')].map(row => row.textContent)")?;
    let rows: Vec<&str> =
        rows.as_array().map(|rows| rows.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    check(!rows.is_empty() && rows.iter().all(|row| row.to_lowercase().contains("ancestor")), format!("{rows:?}"))?;
    // From the log into the pictures.
    browser.act("location.hash = '#t=0'")?;
    std::thread::sleep(Duration::from_millis(200));
    let before = browser.cursor()?;
    browser.act("document.querySelector('#log tbody button').click()")?;
    let after = browser.cursor()?;
    check(after > before, format!("the cursor went from {before} to {after}"))?;
    check(browser.number("document.querySelectorAll('#space .now').length")? == 1.0, "no cursor between the parties")?;
    check(browser.number("document.querySelectorAll('#log tr.here').length")? == 1.0, "no row is marked")?;
    // From the picture into the log.
    browser.act("document.getElementById('all').click()")?;
    browser.act(
        "const c = document.getElementById('chart'), b = c.getBoundingClientRect(); \
         c.dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width * 0.95, clientY: b.top + 50}))",
    )?;
    let late = browser.cursor()?;
    check((late - 95.0).abs() < 0.5, format!("the cursor is at {late}"))?;
    set("from", "9:99:99", "input")?;
    check(browser.text("#count")? == "nothing matches", "a time beyond the end")?;
    // By keys.
    let window = browser.text("#window")?;
    browser.act("document.getElementById('space').dispatchEvent(new KeyboardEvent('keydown', {key: '-'}))")?;
    check(browser.text("#window")? != window, "the key - looks wider")?;
    browser.is_quiet()
}

fn hostile_text(dir: &Path) -> Result<()> {
    let evil = "</script></svg><script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">\u{1b}[2J\u{202e}&amp;";
    let folder = failed(dir)?.with_file_name("");
    let history = folder.join("history.jsonl");
    let mut lines = fs::read_to_string(&history)?;
    let log =
        json!({"log": {"level": "ERROR", "event": evil, "text": evil, "fields": {evil: evil, "consensus": evil}}});
    let end = lines.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok()).ok_or("no end")?;
    for (source, what) in [
        ("a", log.clone()),
        (evil, log),
        (evil, json!({"chain": {"ancestor": 0, "height": 7, "tip": evil, "broken": evil}})),
    ] {
        lines += &format!("{}\n", json!({"at_us": end["at_us"], "source": source, "what": what}));
    }
    fs::write(&history, lines)?;
    let path = folder.join("verdict.json");
    let mut told: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    for key in ["scenario", "title", "repeat", "backend"] {
        told[key] = evil.into();
    }
    told["requirements"] = json!([evil]);
    for key in ["check", "expected", "actual", "nearest"] {
        told["findings"][0][key] = evil.into();
    }
    fs::write(&path, told.to_string())?;
    fs::write(folder.join("scenario.yaml"), evil)?;
    let report = Command::new(LOCKSTEP).arg("report").arg(&folder).output()?;
    check(report.status.success(), String::from_utf8_lossy(&report.stderr))?;
    let browser = Browser::open(&folder.join("report.html"))?;
    let title = browser.ask("document.title")?;
    check(title.as_str().is_some_and(|title| title.starts_with("</script>")), format!("{title}"))?;
    let elements = browser.ask("[document.scripts.length, document.images.length]")?;
    check(elements == json!([2, 0]), format!("scripts and images: {elements}"))?;
    let log = browser.text("#log")?;
    check(log.contains("<img src=x") && !log.contains('\u{1b}'), log)?;
    browser.is_quiet()
}

/// Runs `lockstep`, and wants this exit code.
fn lockstep(arguments: &[&str], exit: i32) -> Result<()> {
    let out = Command::new(LOCKSTEP).args(arguments).current_dir(root()).output()?;
    let told = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    check(out.status.code() == Some(exit), format!("{}: {told}", out.status))
}

fn statement(dir: &Path) -> Result<()> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("no path");
    let (cases, out) = (dir.join("cases"), dir.join("statement"));
    fs::create_dir(&cases)?;
    let name = "MNS-SC-01.yaml";
    let case = fs::read_to_string(root().join("fixtures/cases").join(name))?;
    let impossible = case.replacen(WITHIN.0, WITHIN.1, 1);
    check(impossible != case, "the case has another limit")?;
    fs::write(cases.join(name), impossible)?;
    lockstep(&["certify", "--reference", "--cases", &text(&cases)?, "--out", &text(&out)?], 1)?;
    let browser = Browser::open(&out.join("statement.html"))?;
    check(browser.ask("document.title")?.as_str().is_some_and(|title| title.ends_with(": conformance")), "a title")?;
    for scheme in ["light", "dark"] {
        browser.screenshot(scheme, "statement")?;
    }
    browser.is_quiet()?;
    browser.act("document.querySelector('details#MNS-SC-01 a[href]').click()")?;
    std::thread::sleep(Duration::from_secs(1));
    let why = browser.text(".why")?;
    check(why.contains("fail"), why)?;
    check(browser.number("document.querySelectorAll('#space path.m').length")? >= 1.0, "messages")?;
    browser.is_quiet()
}

fn incident_and_campaign(dir: &Path) -> Result<()> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("no path");
    let (out, page) = (dir.join("replay"), dir.join("campaign.html"));
    let logs = ["mn11", "mn12", "mn13", "mn14"].map(|host| format!("fixtures/incidents/passive-node/{host}.log"));
    let [a, b, c, d] = logs.each_ref().map(String::as_str);
    lockstep(&["replay", a, b, c, d, "--run", "--out", &text(&out)?], 0)?;
    lockstep(&["explore", "--seeds", "10", "--page", &text(&page)?, "--out", &text(dir)?], 0)?;
    for (page, name, words) in [(out.join("report.html"), "incident", "Fidelity"), (page, "campaign", "Budgets")] {
        let browser = Browser::open(&page)?;
        check(browser.text("body")?.contains(words), words)?;
        for scheme in ["light", "dark"] {
            browser.screenshot(scheme, name)?;
        }
        browser.is_quiet()?;
    }
    Ok(())
}

/// A minute of the hour is as the next: masternodes on a ring, each with four on either side, a block a minute.
fn fifty_nodes(dir: &Path) -> Result<()> {
    let name = |i: usize| format!("m{}", i % 50);
    let mut text = "title: x\nwhy: y\nruns_for: 1h\nnodes:\n".to_owned();
    for i in 0..50 {
        let others: Vec<String> = (1..=4).flat_map(|step| [name(i + step), name(i + 50 - step)]).collect();
        text += &format!("  m{i}: {{masternode: true, chain: main@100, whitelists: [{}]}}\n", others.join(", "));
    }
    text += "produce: {by: [nodes], every: 60s}\nexpect: [converge: {who: [nodes], on: tips, within: 600s}]\n";
    let scenario = dir.join("fifty.yaml");
    fs::write(&scenario, text)?;
    let page = page(&scenario, dir, &["--backend", "queue"], 0)?;
    let mib = fs::metadata(&page)?.len() as f64 / f64::from(1 << 20);
    check(mib < 5.0, format!("{mib:.1} MiB"))?;
    let browser = Browser::open(&page)?;
    println!(
        "50 nodes, one hour: {mib:.2} MiB, ready after {} ms (goal 1,000)",
        browser.number("+document.body.dataset.ready")?
    );
    check(browser.number("document.querySelectorAll('#log tbody tr').length")? > 100.0, "a log")?;
    // One line of fifty alone, by the keyboard.
    browser.act("document.querySelectorAll('#lines li')[20].focus()")?;
    let lit = browser.ask("[...document.querySelectorAll('#chart .lit')].every(part => part.dataset.line === '20')")?;
    check(lit == true && browser.number("document.querySelectorAll('#chart .lit').length")? >= 1.0, "one line is lit")?;
    browser.screenshot("light", "fifty-nodes")?;
    browser.act("document.activeElement.blur()")?;
    check(browser.number("document.querySelectorAll('#chart.some').length")? == 0.0, "all lines again")?;
    browser.is_quiet()
}
