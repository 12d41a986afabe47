//! The heights of the incident and of its runs as a picture, one above the other on one time axis.
use plotters::prelude::{IntoDrawingArea, SVGBackend};

use super::clock;
use super::series::{Picture, Series};
use crate::replay::report::Report;
use crate::report::chart::{ChartError, Panel, Track, WIDTH, draw, minutes, spoken};
use crate::report::plain;

const HEIGHT: u32 = 240;

/// An SVG element, with a text for those who can't see it; `None`: no height is known.
///
/// # Errors
/// Those of the drawing library.
pub fn chart(report: &Report<'_>) -> Result<Option<String>, ChartError> {
    let picture = Picture::new(report);
    let scales = picture.series.iter().filter_map(|series| series.scale(picture.end));
    let Some(scale) = scales.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
        return Ok(None);
    };
    let titles = [format!("the incident, {} UTC", clock(report.incident.begins, "%Y-%m-%d"))]
        .into_iter()
        .chain(picture.runs.iter().map(|arm| format!("the run: {arm}")));
    let titles: Vec<String> = titles.map(|title| plain(&title)).collect();
    let (clockwork, begins) = (&report.matching.clockwork, report.incident.begins);
    let time = |at: i64| clockwork.to_run(at.saturating_sub(begins));
    let of_incident = |at: i64| clock(begins.saturating_add(clockwork.to_incident(at)), "%H:%M:%S");
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, titles.len() as u32 * HEIGHT)).into_drawing_area();
    for (index, (area, title)) in root.split_evenly((titles.len(), 1)).iter().zip(&titles).enumerate() {
        let panel = Panel {
            title,
            scale,
            end: picture.end,
            lines: picture
                .series
                .iter()
                .map(|series| track(series, index).map_or(&[][..], std::slice::from_ref))
                .collect(),
            consensus: None,
            bands: picture.faults.iter().map(|band| (time(band.from), time(band.until))).collect(),
            marks: Vec::new(),
            label: if index == 0 { &of_incident } else { &minutes },
        };
        draw(area, &panel)?;
    }
    root.present().map_err(ChartError::from)?;
    drop(root);
    Ok(Some(spoken(&svg, "heights", "Heights over time", &words(&picture, &titles))))
}

/// The track in the picture of this number: first the incident, then the runs.
fn track(series: &Series, index: usize) -> Option<&Track> {
    index.checked_sub(1).map_or(series.incident.as_ref(), |run| series.runs.get(run)?.as_ref())
}

fn words(picture: &Picture<'_>, titles: &[String]) -> String {
    let mut text = String::new();
    for (index, title) in titles.iter().enumerate() {
        let tracks = picture.series.iter().filter_map(|series| Some((&series.name, track(series, index)?)));
        let words = tracks.map(|(name, track)| {
            let ends = |step: Option<&(i64, u64)>| step.map_or(0, |(_, height)| *height);
            format!("{} from {} to {}", plain(name), ends(track.steps.first()), ends(track.steps.last()))
        });
        let words: Vec<String> = words.collect();
        let words = if words.is_empty() { "no heights".into() } else { words.join(", ") };
        text += &format!("{}{title}: {words}.", if index > 0 { " " } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn names_are_text_and_the_picture_is_spoken() {
        let mut sample = Sample::new();
        sample.incident.hosts[0].name = "</desc><script>".into();
        let svg = chart(&sample.report()).unwrap().unwrap();
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt; from 3724"), "{svg}");
        assert!(svg.starts_with("<svg role=\"img\""), "{svg}");
        sample.incident.hosts.clear();
        sample.runs.clear();
        assert!(chart(&sample.report()).unwrap().is_none());
    }
}
