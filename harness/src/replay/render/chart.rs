//! The heights of the incident and of its runs as a picture, one above the other on one time axis.
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

use super::axis::Axis;
use super::clock;
use super::palette::{COLOURS, INK, LINE, SOFT};
use super::series::Picture;
use crate::replay::clockwork::minutes;
use crate::replay::report::Report;
use crate::replay::track::Track;
use crate::report::plain;

const WIDTH: u32 = 1040;
const PANEL: u32 = 190;
const LABELS: u32 = 26;
const TITLE: u32 = 24;
/// What a fault's number takes of the width.
const NUMBER: f64 = 0.02;

type Axes<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// The picture could not be drawn.
#[derive(Debug, Error)]
#[error("the picture could not be drawn: {0}")]
pub struct ChartError(#[from] DrawingAreaErrorKind<std::io::Error>);

/// An SVG element, with a text for those who can't see it; `None`: no height is known.
///
/// # Errors
/// Those of the drawing library.
pub fn chart(report: &Report<'_>) -> Result<Option<String>, ChartError> {
    let picture = Picture::new(report);
    let scales = picture.series.iter().filter_map(|series| series.scale(picture.end));
    let Some((low, high)) = scales.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
        return Ok(None);
    };
    let titles = [format!("the incident, {} UTC", clock(report.incident.begins, "%Y-%m-%d"))]
        .into_iter()
        .chain(picture.runs.iter().map(|arm| format!("the run: {arm}")));
    let titles: Vec<String> = titles.map(|title| plain(&title)).collect();
    let panels = titles.len() as u32;
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, panels * (PANEL + LABELS + TITLE))).into_drawing_area();
    for (index, (area, title)) in root.split_evenly((panels as usize, 1)).iter().zip(&titles).enumerate() {
        let tracks = picture.series.iter().map(|series| match index.checked_sub(1) {
            None => series.incident.as_ref(),
            Some(run) => series.runs.get(run).and_then(Option::as_ref),
        });
        area.draw(&Text::new(
            title.clone(),
            (8, 6),
            ("sans-serif", 14).into_font().style(FontStyle::Bold).color(&INK),
        ))?;
        panel(area, report, &picture, (low, high), index == 0, &tracks.collect::<Vec<_>>())?;
    }
    root.present()?;
    drop(root);
    let spoken = escaped(&spoken(&picture, &titles));
    let opening = "<svg role=\"img\" aria-labelledby=\"heights-title heights-text\" ";
    let svg = svg.replacen("<svg ", opening, 1);
    let title =
        format!("><title id=\"heights-title\">Heights over time</title><desc id=\"heights-text\">{spoken}</desc>");
    Ok(Some(svg.replacen('>', &title, 1)))
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    report: &Report<'_>,
    picture: &Picture<'_>,
    (low, high): (u64, u64),
    is_incident: bool,
    tracks: &[Option<&Track>],
) -> Result<(), ChartError> {
    let (heights, times) = (Axis::heights(low, high), Axis::times(picture.end));
    let (bottom, top) = (heights.range.start, heights.range.end);
    let (left, right) = (times.range.start, times.range.end);
    let marks = heights.marks.len().max(times.marks.len());
    let digits = high.to_string().len() as u32;
    let mut chart = ChartBuilder::on(area)
        .margin_right(24)
        .margin_top(TITLE)
        .set_label_area_size(LabelAreaPosition::Left, 20 + 7 * digits)
        .set_label_area_size(LabelAreaPosition::Bottom, LABELS)
        .build_cartesian_2d(times, heights)?;
    let clockwork = &report.matching.clockwork;
    let begins = report.incident.begins;
    let label = |at: &f64| match is_incident {
        true => clock(begins.saturating_add(clockwork.to_incident(*at as i64)), "%H:%M:%S"),
        false => minutes(*at as i64),
    };
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_labels(marks)
        .y_labels(marks)
        .bold_line_style(LINE)
        .axis_style(SOFT)
        .label_style(("sans-serif", 12).into_font().color(&SOFT))
        .x_label_formatter(&label)
        .y_label_formatter(&|height| format!("{height:.0}"))
        .draw()?;
    let mut last = f64::NEG_INFINITY;
    for (number, band) in picture.faults.iter().enumerate() {
        let time = |at: i64| (clockwork.to_run(at.saturating_sub(begins)) as f64).clamp(left, right);
        let (from, until) = (time(band.from), time(band.until));
        chart.draw_series([Rectangle::new([(from, bottom), (until, top)], SOFT.mix(0.16).filled())])?;
        // A number that would lie on the one before is left to the legend's times.
        let middle = (from + until) / 2.0;
        if (middle - last) / (right - left) < NUMBER {
            continue;
        }
        last = middle;
        let style = ("sans-serif", 11).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
        chart.draw_series([Text::new((number + 1).to_string(), (middle, top), style)])?;
    }
    lines(&mut chart, picture.end, tracks)
}

/// Lines that lie on each other are seen all: the first ones are wider.
fn lines(chart: &mut Axes<'_, '_>, end: i64, tracks: &[Option<&Track>]) -> Result<(), ChartError> {
    for (index, track) in tracks.iter().enumerate() {
        let Some(track) = track else { continue };
        let (colour, _) = COLOURS[index % COLOURS.len()];
        let width = (2 * (tracks.len() - index)).min(6) as u32;
        chart.draw_series([PathElement::new(corners(track, end), colour.stroke_width(width))])?;
    }
    Ok(())
}

/// The corners of a line of steps between 0 and `end`: no more than a picture can show.
fn corners(track: &Track, end: i64) -> Vec<(f64, f64)> {
    let until = track.until.min(end);
    let Some(mut height) = track.height(track.from().max(0)) else { return Vec::new() };
    let mut corners = vec![(track.from().max(0) as f64, height as f64)];
    let pixel = |at: i64| (i128::from(at) * i128::from(WIDTH) / i128::from(end.max(1))) as i64;
    let steps: Vec<(i64, u64)> = track.steps.iter().copied().filter(|(at, _)| (1..=until).contains(at)).collect();
    for steps in steps.chunk_by(|one, other| pixel(one.0) == pixel(other.0)) {
        // Of one pixel's steps: the first, the lowest, the highest and the last.
        let lowest = steps.iter().min_by_key(|(_, height)| *height);
        let highest = steps.iter().max_by_key(|(_, height)| *height);
        let mut kept: Vec<&(i64, u64)> = [steps.first(), lowest, highest, steps.last()].into_iter().flatten().collect();
        kept.sort_by_key(|(at, _)| *at);
        for (at, next) in kept {
            corners.push((*at as f64, height as f64));
            corners.push((*at as f64, *next as f64));
            height = *next;
        }
    }
    corners.push((until as f64, height as f64));
    corners
}

fn spoken(picture: &Picture<'_>, titles: &[String]) -> String {
    let mut text = String::new();
    for (index, title) in titles.iter().enumerate() {
        let tracks = picture.series.iter().filter_map(|series| {
            let track = index.checked_sub(1).map_or(series.incident.as_ref(), |run| series.runs.get(run)?.as_ref());
            Some((&series.name, track?))
        });
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn a_picture_keeps_extremes_and_no_more_than_it_can_show() {
        let mut steps: Vec<(i64, u64)> = (0..500_000).map(|at| (at * 100, 10 + (at as u64 % 2))).collect();
        steps[250_000].1 = 99;
        let corners = corners(&Track { steps, until: 50_000_000 }, 50_000_000);
        assert!(corners.len() < 10_000, "{}", corners.len());
        assert!(corners.iter().any(|(_, height)| *height == 99.0));
    }

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
