//! What all pages look like.

/// Colours by name for light and dark, text, tables, verdicts.
pub const STYLE: &str = "\
:root{--ink:#1f2933;--soft:#5f6c7b;--line:#d9e0e7;--back:#fff;--tint:#f5f7fa}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#384454;--back:#151b23;--tint:#1e2631}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:68rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .4rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
details{border-top:1px solid var(--line);padding:.35rem 0}details details{margin-left:1.2rem}summary{cursor:pointer}\
code,pre{font:12.5px/1.45 ui-monospace,monospace}pre{background:var(--tint);padding:.6rem;overflow-x:auto}\
table{border-collapse:collapse;width:100%;margin:.4rem 0}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-top:1px solid var(--line)}\
.s{display:inline-block;min-width:8.2em;font-weight:600}.pass{color:#2d8a4e}.fail,.unexpected_pass,.harness_error{color:#d0453a}\
.expected_fail,.unsupported,.inconclusive,.not_tried{color:#b7791f}.m{color:var(--soft)}";
