//! Many small samples side by side: a strip of dots for each, under several quantities at once.

use itertools::Itertools;

use super::axes::{Axis, LABEL, MARGIN, Plot, Swatch, TICK, WIDTH, jitter, legend, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, GRID, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;

/// What [`strips`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Strips {
    /// Title of the figure.
    pub title: String,
    /// The quantities, one panel each: name and unit.
    pub panels: Vec<String>,
    /// One row each, from top to bottom.
    pub strips: Vec<Strip>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// Name of the row.
    pub name: String,
    /// Rows of a group have one colour and stand in the legend once.
    pub group: String,
    /// `[panel]`: its values; none where the quantity was not measured.
    pub values: Vec<Vec<f64>>,
}

const ROW: f64 = 34.0;
const NAME: Face = Face::regular(24.0);
const LONGEST_NAME: f64 = 360.0;

/// A strip of dots for each sample and quantity, with its median.
///
/// # Errors
/// [`PlotError`] where there is no panel or strip, a strip has another number of panels, or a value is not finite.
pub fn strips(data: &Strips) -> Result<Figure, PlotError> {
    check(data)?;
    let groups: Vec<&str> = data.strips.iter().map(|strip| strip.group.as_str()).unique().collect();
    let paints = colours(groups.iter().copied());
    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let mut entries: Vec<(Swatch, String)> = groups
        .iter()
        .zip(&paints)
        .map(|(group, paint)| (Swatch::Dots(vec![*paint], 9.0), (*group).to_string()))
        .collect();
    entries.push((Swatch::Dots(vec![BLACK], 9.0), "median".into()));
    let top = legend(&mut scene, top, &entries);

    let names: Vec<String> = data.strips.iter().map(|strip| NAME.fit(&strip.name, LONGEST_NAME)).collect();
    let room = names.iter().map(|name| NAME.width(name)).fold(0.0, f64::max) + 18.0;
    let axes: Vec<Axis> = (0..data.panels.len())
        .map(|panel| {
            let values = data.strips.iter().flat_map(|strip| &strip.values[panel]).copied();
            Axis::covering(values.chain([0.0]), 3)
        })
        .collect();
    // labels of neighbouring axes end at their panels' edges
    let gap = 20.0 + axes.iter().map(|axis| axis.label_width(TICK)).fold(0.0, f64::max);
    let left = MARGIN + room;
    let panels = data.panels.len();
    let width = (WIDTH - MARGIN - left - gap * (panels as f64 - 0.5)) / panels as f64;
    let headings: Vec<Vec<String>> =
        data.panels.iter().map(|name| LABEL.wrap(name, width + gap / 2.0, 2)).collect();
    let lines = headings.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let top = top + lines * LABEL.line() + 8.0;
    let bottom = top + ROW * data.strips.len() as f64;
    let middle = |row: usize| top + ROW * (row as f64 + 0.5);
    for (row, name) in names.iter().enumerate() {
        scene.text((left - 18.0, middle(row)), name, NAME, Align::Right);
    }
    for (panel, heading) in headings.iter().enumerate() {
        let from = left + panel as f64 * (width + gap);
        let y = Axis::counting(0, 1, 1);
        let plot = Plot { left: from, top, right: from + width, bottom, x: axes[panel].clone(), y };
        for (line, text) in heading.iter().rev().enumerate() {
            let above = top - 8.0 - LABEL.line() * (line as f64 + 0.5);
            scene.text((from, above), text, LABEL, Align::Left);
        }
        for tick in &plot.x.ticks {
            scene.line(&[(plot.px(*tick), top), (plot.px(*tick), bottom)], 2.0, GRID);
        }
        scene.line(&[(from, bottom), (from + width, bottom)], 2.0, BLACK);
        plot.draw_x(&mut scene, true);
        for (row, strip) in data.strips.iter().enumerate() {
            let group = groups.iter().position(|group| *group == strip.group).unwrap_or(0);
            for (i, value) in strip.values[panel].iter().enumerate() {
                let place = (plot.px(*value), middle(row) + jitter(i) * ROW * 0.22);
                scene.disc(place, 6.0, paints[group], 0.55);
            }
            if let Some(median) = median(&strip.values[panel]) {
                scene.disc((plot.px(median), middle(row)), 7.0, BLACK, 1.0);
            } else {
                let nothing = "not measured";
                scene.text_in((from + 8.0, middle(row)), nothing, NAME, Align::Left, GREY);
            }
        }
    }
    scene.height = bottom + 14.0 + TICK.line() + MARGIN;
    Ok(Figure { scene })
}

pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) / 2.0)
}

fn check(data: &Strips) -> Result<(), PlotError> {
    let check = Check("strips");
    check.some(&data.panels, "panels")?;
    check.some(&data.strips, "strips")?;
    for Strip { name, values, .. } in &data.strips {
        check.length(values.len(), data.panels.len(), format!("panels of {name}"))?;
        for (panel, values) in values.iter().enumerate() {
            for (i, value) in values.iter().enumerate() {
                check.finite(*value, || format!("value {i} of {name} in panel {}", panel + 1))?;
            }
        }
    }
    Ok(())
}
