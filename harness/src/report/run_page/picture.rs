//! The heights of a run: who was where when, what the network agreed on, and what happened to whom.
use std::collections::BTreeMap;

use plotters::prelude::{IntoDrawingArea, SVGBackend};

use crate::history::{Field, Fields, History, What};
use crate::report::chart::{ChartError, Mark, Panel, Track, WIDTH, draw, minutes, spoken};
use crate::report::plain;

const HEIGHT: u32 = 320;

/// All that is drawn of it.
#[derive(Debug, Default)]
pub struct Picture {
    /// Nodes with what is known of their heights, in pieces: none while their process is down.
    pub nodes: Vec<(String, Vec<Track>)>,
    /// The median that nodes told last, whoever told it.
    pub consensus: Option<Track>,
    /// From when until when faults were in force, in words.
    pub faults: Vec<(i64, i64, String)>,
    marks: Vec<(Mark, i64, u64, usize)>,
    /// The last time that is shown, in microseconds; above 0.
    pub end: i64,
}

impl Picture {
    /// The picture of a history.
    pub fn new(history: &History) -> Self {
        let end = history.observations().last().map_or(1, |last| micros(last.at)).max(1);
        let mut picture = Self { end, ..Self::default() };
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut consensus: Vec<(i64, u64)> = Vec::new();
        for seen in history.observations() {
            let at = micros(seen.at);
            match &seen.what {
                What::Chain { height, .. } => {
                    let number = *numbers.entry(&seen.source).or_insert_with(|| {
                        picture.nodes.push((seen.source.clone(), Vec::new()));
                        picture.nodes.len() - 1
                    });
                    let pieces = &mut picture.nodes[number].1;
                    match pieces.last_mut().filter(|piece| piece.until == i64::MAX) {
                        Some(piece) => piece.steps.push((at, *height)),
                        None => pieces.push(Track { steps: vec![(at, *height)], until: i64::MAX }),
                    }
                }
                What::Process { up, .. } => {
                    let Some(number) = numbers.get(seen.source.as_str()) else { continue };
                    let pieces = &mut picture.nodes[*number].1;
                    match (up, pieces.last_mut()) {
                        (false, Some(piece)) => piece.until = piece.until.min(at),
                        // It is where it was, unless it says otherwise at once.
                        (true, Some(piece)) if piece.until <= at => {
                            let height = piece.steps.last().map_or(0, |(_, height)| *height);
                            pieces.push(Track { steps: vec![(at, height)], until: i64::MAX });
                        }
                        _ => {}
                    }
                }
                What::Log { event, fields, .. } => {
                    if let Some(height) = number(fields, "consensus") {
                        consensus.push((at, height));
                    }
                    let mark = match event.as_str() {
                        "requested" => Some((Mark::Request, number(fields, "start"))),
                        "reorg" => Some((Mark::Reorg, number(fields, "new_height"))),
                        _ => None,
                    };
                    if let Some((mark, Some(height))) = mark
                        && let Some(line) = numbers.get(seen.source.as_str())
                    {
                        picture.marks.push((mark, at, height, *line));
                    }
                }
                _ => {}
            }
        }
        picture.in_order();
        let last = consensus.last().map(|(at, _)| *at);
        picture.consensus = last.map(|until| Track { steps: consensus, until });
        let faults = history.faults().into_iter();
        picture.faults =
            faults.map(|fault| (micros(fault.from), fault.until.map_or(end, micros), fault.what)).collect();
        picture
    }

    /// An SVG element and where its plot begins and ends, as shares of its width; `None`: no height is known.
    ///
    /// # Errors
    /// Those of the drawing library.
    pub fn svg(&self) -> Result<Option<(String, f64, f64)>, ChartError> {
        let pieces = || self.nodes.iter().flat_map(|(_, pieces)| pieces).chain(&self.consensus);
        let scales = pieces().filter_map(|track| track.scale(self.end));
        let Some(scale) = scales.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
            return Ok(None);
        };
        let panel = Panel {
            title: "",
            scale,
            end: self.end,
            lines: self.nodes.iter().map(|(_, pieces)| pieces.as_slice()).collect(),
            consensus: self.consensus.as_ref(),
            bands: self.faults.iter().map(|(from, until, _)| (*from, *until)).collect(),
            marks: self.marks.clone(),
            label: &minutes,
        };
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        draw(&root, &panel)?;
        root.present().map_err(ChartError::from)?;
        drop(root);
        let share = |pixels: u32| f64::from(pixels) / f64::from(WIDTH);
        let svg = spoken(&svg, "heights", "Heights over time", &self.words());
        Ok(Some((svg, share(panel.left()), share(panel.right()))))
    }

    /// As people count: n2 before n10.
    fn in_order(&mut self) {
        let key = |name: &str| {
            let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
            (word.to_owned(), name[word.len()..].parse::<u64>().ok(), name.to_owned())
        };
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|number| key(&self.nodes[*number].0));
        let place: Vec<usize> =
            (0..order.len()).map(|number| order.iter().position(|old| *old == number).unwrap_or(number)).collect();
        self.marks.iter_mut().for_each(|(.., line)| *line = place[*line]);
        let mut nodes = std::mem::take(&mut self.nodes).into_iter().map(Some).collect::<Vec<_>>();
        self.nodes = order.iter().filter_map(|number| nodes[*number].take()).collect();
    }

    fn words(&self) -> String {
        let words = self.nodes.iter().filter_map(|(name, pieces)| {
            let first = pieces.first()?.steps.first()?.1;
            let last = pieces.last()?.steps.last()?.1;
            Some(format!("{} from {first} to {last}", plain(name)))
        });
        let words: Vec<String> = words.collect();
        format!("{}.", words.join(", "))
    }
}

/// Microseconds since the start.
pub fn micros(at: std::time::Duration) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

/// A field that is a whole number.
pub fn number(fields: &Fields, name: &str) -> Option<u64> {
    match fields.get(name)? {
        Field::Number(number) => Some(*number),
        Field::Text(text) => text.parse().ok(),
    }
}
