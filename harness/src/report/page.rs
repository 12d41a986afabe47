//! What all pages look like, and the parts that they are made of. A page needs nothing else: its security policy allows no request, and no
//! script but its own.
use std::fmt::Display;

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::chart::{look, style};
use super::plain;

const STYLE: &str = include_str!("page.css");
/// Of a budget, what is called tight: less than this share of it is left.
const TIGHT: f64 = 0.2;

/// A whole page.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its own rules beside those of all pages.
    pub style: &'a str,
    /// What it does, if anything.
    pub script: Option<&'a str>,
}

impl Page<'_> {
    /// The page with this body.
    pub fn around(self, body: &Markup) -> String {
        let scripts = self.script.map_or(String::new(), |script| {
            format!("; script-src 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script)))
        });
        let policy = format!("default-src 'none'; style-src 'unsafe-inline'{scripts}");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width";
                    title { (plain(self.title)) }
                    style { (PreEscaped(STYLE)) (PreEscaped(style())) (PreEscaped(self.style)) }
                }
                body {
                    (body)
                    @if let Some(script) = self.script { script { (PreEscaped(script)) } }
                }
            }
        };
        page.into_string()
    }
}

/// A verdict, or a status, in its colour.
pub fn verdict(verdict: impl Display) -> Markup {
    let words = verdict.to_string();
    html! { span class={ "s " (words.replace(' ', "_")) } { (words) } }
}

/// How much of a limit was used; the limit itself is drawn as the whole.
pub fn bar(used: f64, limit: f64) -> Markup {
    let share = share(used, limit);
    let class = if share > 1.0 {
        "bar over"
    } else if share > 1.0 - TIGHT {
        "bar tight"
    } else {
        "bar"
    };
    filled(class, share)
}

fn filled(class: &str, share: f64) -> Markup {
    html! { span class=(class) { i style={ "width:" (format!("{:.1}", share.min(1.0) * 100.0)) "%" } {} } }
}

/// The same where the whole is no limit.
pub fn part(of: f64, whole: f64) -> Markup {
    filled("bar part", share(of, whole))
}

/// What is left of a limit, in words.
pub fn left(used: f64, limit: f64) -> String {
    let share = share(used, limit);
    if share > 1.0 { "none".into() } else { format!("{:.0} %", (1.0 - share) * 100.0) }
}

fn share(used: f64, limit: f64) -> f64 {
    if limit > 0.0 {
        used / limit
    } else if used > 0.0 {
        2.0
    } else {
        0.0
    }
}

/// The entries of a picture's lines, in order.
pub fn lines<'a>(names: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        @for (index, name) in names.enumerate() {
            li data-of=(index) { (swatch(index)) (plain(name)) }
        }
    }
}

/// A line's own colour, and its dashes.
fn swatch(index: usize) -> Markup {
    let (colour, dashes) = look(index);
    html! {
        @match dashes {
            None => i style={ "background:" (colour) } {},
            Some([on, off]) => i style={
                "background:repeating-linear-gradient(90deg," (colour) " 0 " (on) "px,transparent " (on) "px " (on + off) "px)"
            } {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_nobody_and_says_what_was_given() {
        let page = Page { title: "</title><script>", style: "", script: Some("1") };
        let text = page.around(&html! { p { "&" } });
        assert!(
            text.contains("<title>&lt;/title&gt;&lt;script&gt;</title>") && text.contains("<p>&amp;</p>"),
            "{text}"
        );
        // echo -n 1 | openssl dgst -sha256 -binary | base64
        let hash = "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=";
        assert!(text.contains(&format!("script-src &#39;sha256-{hash}&#39;").replace("&#39;", "'")), "{text}");
        assert!(!Page { script: None, ..page }.around(&html! {}).contains("script-src"));
    }

    #[test]
    fn a_bar_is_as_full_as_its_limit_was_used() {
        let class = |used, limit| bar(used, limit).into_string();
        assert!(class(0.3, 0.5).contains("class=\"bar\"") && class(0.3, 0.5).contains("width:60.0%"));
        assert!(class(9.0, 10.0).contains("bar tight") && class(11.0, 10.0).contains("bar over"));
        assert_eq!(
            [left(0.3, 0.5), left(11.0, 10.0), left(0.0, 0.0), left(1.0, 0.0)],
            ["40 %", "none", "100 %", "none"]
        );
    }
}
