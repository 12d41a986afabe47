//! A campaign's ledger as one page that needs nothing else: budgets against their limits, what was reached, and what failed.
use std::time::Duration;

use maud::{Markup, html};

use super::ledger::{Budget, Distribution};
use super::results::{Results, Stretch};
use crate::check::Verdict;
use crate::report::page::{Page, bar, left, part, verdict};
use crate::report::plain;

/// The page.
pub fn html(results: &Results) -> String {
    let whole = results.whole();
    let title = "What was explored";
    let body = html! {
        header {
            h1 { (title) }
            p { (verdict(whole.verdict())) " " (whole.count()) " seeds, " (whole.simulated()) ": "
                (whole.of(Verdict::Pass)) " passed, " (whole.failures.len()) " failed, " (whole.undecided.len()) " undecided" }
            @if let Some(head) = &results.head {
                dl {
                    dt { "Lockstep" } dd { (plain(&head.version)) }
                    dt { "scenarios" } dd { (plain(&head.limits)) }
                    @if let Some(mutant) = &head.mutant { dt { "defect of the nodes" } dd { code { (plain(mutant)) } } }
                }
            }
        }
        main { (failures(whole)) (undecided(whole)) (budgets(whole)) (marks(whole)) }
    };
    Page { title, style: "", script: None }.around(&body)
}

fn failures(whole: &Stretch) -> Markup {
    html! {
        @if !whole.failures.is_empty() {
            h2 { "Failures" }
            div.wide { table {
                tr { th.n { "seeds" } th { "what failed" } th { "the first" } }
                @for (fingerprint, (count, first)) in whole.by_fingerprint() {
                    tr {
                        td.n { (count) }
                        td { (verdict(Verdict::Fail)) " " (plain(&fingerprint.to_string())) }
                        td { "seed " (first.seed) ": " (plain(&first.what)) }
                    }
                }
            } }
            p.m { code { "lockstep explore --show SEED" } ", with the campaign's own limits, prints a seed's scenario." }
        }
    }
}

fn undecided(whole: &Stretch) -> Markup {
    html! {
        @if let Some((seed, why)) = whole.undecided.first_key_value() {
            h2 { "Undecided" }
            p { (whole.undecided.len()) " seeds, the first: seed " (seed) ": " (plain(why)) }
        }
    }
}

/// Each quantile as a bar of the limit; where the scenario has its own, of the longest.
fn budgets(whole: &Stretch) -> Markup {
    let told = |budget| whole.ledger.get(budget).map(|seen| (budget, seen));
    html! {
        h2 { "Budgets" }
        p.m { "Limits are the text's, for a healthy network. These were hurt on purpose: a seed fails by its own checks, not by a bar that is full." }
        div.wide { table {
            tr { th { "from what until what" } th.n { "seen" } th { } th.n { "took" } th { } th.n { "limit" } th.n { "left" } }
            @for (budget, seen) in Budget::ALL.into_iter().filter_map(told) {
                @for (row, (name, took)) in quantiles(seen).into_iter().enumerate() {
                    @let (used, limit) = (took.as_secs_f64(), budget.limit());
                    tr {
                        td { @if row == 0 { strong { (budget.name()) } " " span.m { (budget.meaning()) } } }
                        td.n { @if row == 0 { (seen.count) } }
                        td.p.m { (name) }
                        td.n { (seconds(took)) }
                        @match limit {
                            Some(limit) => {
                                td { (bar(used, limit.as_secs_f64())) }
                                td.n { (seconds(limit)) }
                                td.n { (left(used, limit.as_secs_f64())) }
                            }
                            None => {
                                td { (part(used, seen.max_ms as f64 / 1e3)) }
                                td.n { "the scenario's" }
                                td {}
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn quantiles(seen: &Distribution) -> [(&'static str, Duration); 3] {
    let quantile = |share| seen.quantile(share).unwrap_or_default();
    [("p50", quantile(0.5)), ("p99", quantile(0.99)), ("max", Duration::from_millis(seen.max_ms))]
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn marks(whole: &Stretch) -> Markup {
    html! {
        h2 { "Reached" }
        div.wide { table {
            tr { th.n { "times" } th { "mark" } th { "what it stands for" } }
            @for (name, meaning, count) in whole.marks.all() {
                tr {
                    td.n { @if count == 0 { span.fail { "never" } } @else { (count) } }
                    td { code { (name) } }
                    td { (meaning) }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::results::Head;
    use super::*;
    use crate::explore::generate::Limits;
    use crate::explore::trial::play;

    #[test]
    fn a_campaign_is_told_in_full_and_what_failed_is_text() {
        let mut results = Results::default();
        results.head = Some(Head::new("3 to 5 nodes".into(), None));
        let mut stretch = Stretch::at(1);
        stretch.add(play(1, &Limits { nodes: 3..=5, longest: Duration::from_secs(600) }, None));
        results.add(stretch);
        let page = html(&results);
        assert!(page.contains("1 seeds") && page.contains("3 to 5 nodes") && page.contains("never"), "{page}");
        for budget in Budget::ALL.into_iter().filter(|budget| results.whole().ledger.get(*budget).is_some()) {
            assert!(page.contains(budget.meaning()), "{}", budget.name());
        }
        assert!(!page.contains("Failures") && !page.contains("Undecided"), "{page}");
        // As from a file that somebody else wrote.
        let evil = "</table><script>alert(1)</script>\u{1b}[2J";
        let line = |from: u64, verdict: Verdict, key: &str, value: serde_json::Value| {
            let verdicts = [(verdict.to_string(), 1)].into();
            let mut line =
                serde_json::to_value(Stretch { from, to: from + 1, verdicts, ..Stretch::default() }).unwrap();
            line[key] = value;
            line.to_string()
        };
        let fingerprint = json!({ "check": evil, "symptom": evil, "claim": "general", "requirements": [] });
        let lines = [
            serde_json::to_string(&Head::new("3 to 5 nodes".into(), None)).unwrap(),
            line(2, Verdict::Inconclusive, "undecided", json!({ "2": evil })),
            line(3, Verdict::Fail, "failures", json!([{ "seed": 3, "fingerprint": fingerprint, "what": evil }])),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.jsonl");
        std::fs::write(&path, lines.map(|line| line + "\n").concat()).unwrap();
        results.read(&path).unwrap();
        let page = html(&results);
        assert!(
            page.contains("Undecided") && page.contains("Failures") && page.contains("seed 3: &lt;/table&gt;"),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains('\u{1b}'), "{page}");
    }
}
