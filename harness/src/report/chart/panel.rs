//! One picture of heights over time, with what was in force and what happened meanwhile.
use std::collections::BTreeSet;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::palette::{INK, LINE, SOFT, stand_in};
use super::track::Track;

/// Width of a picture in pixels.
pub const WIDTH: u32 = 1040;
/// Pixels right of the plot, and what labels take below it and above it.
const RIGHT: u32 = 24;
const LABELS: u32 = 26;
const TITLE: u32 = 24;
/// What a band's number takes of the width.
const NUMBER: f64 = 0.02;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Axes<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
type Error = DrawingAreaErrorKind<std::io::Error>;

/// What is drawn. Times are microseconds from 0 on.
pub struct Panel<'a> {
    /// Its title.
    pub title: &'a str,
    /// The lowest and the highest height.
    pub scale: (u64, u64),
    /// Where the time axis ends; above 0.
    pub end: i64,
    /// A line for each party, in pieces where it is not known throughout; one without pieces takes its colour and shows nothing.
    pub lines: Vec<&'a [Track]>,
    /// A line that is not one of the parties': drawn above all, dashed.
    pub consensus: Option<&'a Track>,
    /// What was in force from when until when; numbered from 1.
    pub bands: Vec<(i64, i64)>,
    /// What happened when, at which height, on which line.
    pub marks: Vec<(Mark, i64, u64, usize)>,
    /// A time in words.
    pub label: &'a dyn Fn(i64) -> String,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A request for blocks: a ring.
    Request,
    /// A chain was reorganised: a filled triangle.
    Reorg,
}

impl Panel<'_> {
    /// Pixels left of the plot.
    pub fn left(&self) -> u32 {
        20 + 7 * self.scale.1.to_string().len() as u32
    }

    /// Pixels from the left edge to the plot's right end.
    pub fn right(&self) -> u32 {
        WIDTH - RIGHT
    }
}

/// Draws it.
///
/// # Errors
/// Those of the drawing library.
pub fn draw(area: &Area<'_>, panel: &Panel<'_>) -> Result<(), Error> {
    let bold = ("sans-serif", 14).into_font().style(FontStyle::Bold).color(&INK);
    area.draw(&Text::new(panel.title.to_owned(), (8, 6), bold))?;
    let (heights, times) = (Axis::heights(panel.scale.0, panel.scale.1), Axis::times(panel.end));
    let (bottom, top) = (heights.range.start, heights.range.end);
    let (left, right) = (times.range.start, times.range.end);
    let marks = heights.marks.len().max(times.marks.len());
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .margin_top(TITLE)
        .set_label_area_size(LabelAreaPosition::Left, panel.left())
        .set_label_area_size(LabelAreaPosition::Bottom, LABELS)
        .build_cartesian_2d(times, heights)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_labels(marks)
        .y_labels(marks)
        .bold_line_style(LINE)
        .axis_style(SOFT)
        .label_style(("sans-serif", 12).into_font().color(&SOFT))
        .x_label_formatter(&|at| (panel.label)(*at as i64))
        .y_label_formatter(&|height| format!("{height:.0}"))
        .draw()?;
    let mut last = f64::NEG_INFINITY;
    for (number, (from, until)) in panel.bands.iter().enumerate() {
        let time = |at: i64| (at as f64).clamp(left, right);
        let (from, until) = (time(*from), time(*until));
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
    lines(&mut chart, panel)?;
    happened(&mut chart, panel)
}

/// Lines that lie on each other are seen all: the first ones are wider.
fn lines(chart: &mut Axes<'_, '_>, panel: &Panel<'_>) -> Result<(), Error> {
    for (index, pieces) in panel.lines.iter().enumerate() {
        let colour = stand_in(index);
        let width = (2 * (panel.lines.len() - index)).min(6) as u32;
        let pieces = pieces.iter().map(|track| PathElement::new(corners(track, panel.end), colour.stroke_width(width)));
        chart.draw_series(pieces)?;
    }
    if let Some(track) = panel.consensus {
        let dashes = DashedLineSeries::new(corners(track, panel.end), 6, 4, INK.stroke_width(1));
        chart.draw_series(dashes)?;
    }
    Ok(())
}

fn happened(chart: &mut Axes<'_, '_>, panel: &Panel<'_>) -> Result<(), Error> {
    let mut drawn = BTreeSet::new();
    for (mark, at, height, line) in &panel.marks {
        // Of those that can't be told apart, one.
        let pixel = i128::from(*at) * i128::from(WIDTH) / i128::from(panel.end.max(1)) / 4;
        if !drawn.insert((pixel, *height, *line)) {
            continue;
        }
        let colour = stand_in(*line);
        let place = (*at as f64, *height as f64);
        match mark {
            Mark::Request => chart.draw_series([Circle::new(place, 4, colour.stroke_width(2))])?,
            Mark::Reorg => chart.draw_series([TriangleMarker::new(place, 7, colour.filled())])?,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_extremes_and_no_more_than_it_can_show() {
        let mut steps: Vec<(i64, u64)> = (0..500_000).map(|at| (at * 100, 10 + (at as u64 % 2))).collect();
        steps[250_000].1 = 99;
        let corners = corners(&Track { steps, until: 50_000_000 }, 50_000_000);
        assert!(corners.len() < 10_000, "{}", corners.len());
        assert!(corners.iter().any(|(_, height)| *height == 99.0));
    }
}
