//! How samples are distributed: a violin with its dots and its median for each, side by side.

use super::axes::{Axis, LABEL, MARGIN, PANEL, Plot, SlotLabels, Swatch, TICK, WIDTH, jitter, legend, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, GRID, WHITE, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::strips::median;

/// What [`violins`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Violins {
    /// Title of the figure.
    pub title: String,
    /// Name and unit of the y axis of all panels.
    pub y: String,
    /// One colour each, in the order in which violins stand side by side.
    pub groups: Vec<String>,
    /// One below the other.
    pub panels: Vec<ViolinPanel>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct ViolinPanel {
    /// What stands above it; may be empty.
    pub name: String,
    /// From left to right.
    pub slots: Vec<ViolinSlot>,
}

/// What stands together under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct ViolinSlot {
    /// Name below.
    pub name: String,
    /// `[group]`: its values; none where nothing was measured.
    pub samples: Vec<Vec<f64>>,
}

const HEIGHT: f64 = 330.0;
/// Share of a slot that is left empty.
const APART: f64 = 0.16;

/// A violin for each sample: a Gaussian kernel density over the range of the values, all of one width at their widest.
///
/// # Errors
/// [`PlotError`] where there is no group, panel or slot, lengths disagree, or a value is not finite.
pub fn violins(data: &Violins) -> Result<Figure, PlotError> {
    check(data)?;
    let paints = colours(data.groups.iter().map(String::as_str));
    let mut scene = Scene::new(WIDTH);
    let mut top = title(&mut scene, &data.title);
    let entries = data.groups.iter().zip(&paints);
    let mut entries: Vec<(Swatch, String)> =
        entries.map(|(group, paint)| (Swatch::Dots(vec![*paint], 11.0), group.clone())).collect();
    entries.push((Swatch::Dots(vec![BLACK], 9.0), "median".into()));
    top = legend(&mut scene, top, &entries);
    let axes: Vec<Axis> = data.panels.iter().map(axis).collect();
    let room = axes.iter().map(|axis| axis.label_width(TICK)).fold(0.0, f64::max);
    let left = MARGIN + LABEL.em + 22.0 + room + 14.0;
    let right = WIDTH - MARGIN;

    for (panel, y) in data.panels.iter().zip(axes) {
        if !panel.name.is_empty() {
            let name = PANEL.fit(&panel.name, right - left);
            scene.text((left, top + PANEL.em / 2.0), name, PANEL, Align::Left);
            top += PANEL.line() + 4.0;
        }
        top += 12.0;
        let x = Axis::counting(0, panel.slots.len(), panel.slots.len());
        let plot = Plot { left, top, right, bottom: top + HEIGHT, x, y };
        plot.draw_y(&mut scene, true);
        let middle = (plot.top + plot.bottom) / 2.0;
        let name = LABEL.fit(&data.y, HEIGHT + 40.0);
        scene.text_up((MARGIN + LABEL.em / 2.0, middle), name, LABEL, Align::Centre);
        let slot = (right - left) / panel.slots.len() as f64;
        let names: Vec<String> = panel.slots.iter().map(|slot| slot.name.clone()).collect();
        let labels = SlotLabels::new(&names, slot);
        let width = slot * (1.0 - APART) / data.groups.len() as f64;
        for (i, of_slot) in panel.slots.iter().enumerate() {
            let from = left + slot * i as f64;
            if i > 0 {
                scene.line(&[(from, plot.top), (from, plot.bottom)], 2.0, GRID);
            }
            for (group, sample) in of_slot.samples.iter().enumerate() {
                let middle = from + slot * APART / 2.0 + width * (group as f64 + 0.5);
                violin(&mut scene, &plot, middle, width, sample, paints[group]);
            }
            labels.draw(&mut scene, i, from + slot / 2.0, plot.bottom + 14.0);
        }
        top = plot.bottom + 14.0 + labels.height() + 26.0;
    }
    scene.height = top - 26.0 + MARGIN;
    Ok(Figure { scene })
}

fn violin(scene: &mut Scene, plot: &Plot, middle: f64, width: f64, sample: &[f64], paint: [u8; 3]) {
    let Some(median) = median(sample) else {
        let place = (middle, (plot.top + plot.bottom) / 2.0);
        scene.text_in(place, "–", TICK, Align::Centre, GREY);
        return;
    };
    let half = width * 0.44;
    let shape = density(sample);
    let side = |sign: f64| shape.iter().map(move |(y, share)| (middle + sign * half * share, plot.py(*y)));
    if !shape.is_empty() {
        scene.area(side(1.0).chain(side(-1.0).rev()).collect(), paint, 0.35);
    }
    let radius = if sample.len() > 60 { 2.5 } else { 4.0 };
    for (i, value) in sample.iter().enumerate() {
        scene.disc((middle + jitter(i) * half * 0.5, plot.py(*value)), radius, paint, 0.75);
    }
    scene.disc((middle, plot.py(median)), 9.0, WHITE, 1.0);
    scene.disc((middle, plot.py(median)), 7.0, BLACK, 1.0);
}

/// The density of a sample between its ends as shares of its highest; nothing where the values do not differ.
///
/// # Source
/// Bandwidth: Silverman (1986), "Density estimation", equation 3.31.
fn density(sample: &[f64]) -> Vec<(f64, f64)> {
    const POINTS: usize = 64;
    let n = sample.len() as f64;
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mean = sorted.iter().sum::<f64>() / n;
    let deviation = (sorted.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    if deviation <= 0.0 {
        return Vec::new();
    }
    let quartile = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let middle_half = (quartile(0.75) - quartile(0.25)) / 1.34;
    // many equal values leave the quartiles nothing to say
    let spread = if middle_half > 0.0 { deviation.min(middle_half) } else { deviation };
    let bandwidth = 0.9 * spread * n.powf(-0.2);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let at = |y: f64| sorted.iter().map(|v| (-0.5 * ((y - v) / bandwidth).powi(2)).exp()).sum::<f64>();
    let points = (0..POINTS).map(|i| low + (high - low) * i as f64 / (POINTS - 1) as f64);
    let curve: Vec<(f64, f64)> = points.map(|y| (y, at(y))).collect();
    let highest = curve.iter().map(|(_, d)| *d).fold(0.0, f64::max);
    curve.into_iter().map(|(y, d)| (y, d / highest)).collect()
}

fn axis(panel: &ViolinPanel) -> Axis {
    let values = panel.slots.iter().flat_map(|slot| slot.samples.iter().flatten().copied());
    Axis::covering(values.chain([0.0]), 4)
}

fn check(data: &Violins) -> Result<(), PlotError> {
    let check = Check("violins");
    check.some(&data.groups, "groups")?;
    check.some(&data.panels, "panels")?;
    check.distinct(data.groups.iter().map(String::as_str))?;
    for panel in &data.panels {
        check.some(&panel.slots, format!("slots of panel {}", panel.name))?;
        for slot in &panel.slots {
            check.length(slot.samples.len(), data.groups.len(), format!("groups of {}", slot.name))?;
            for (group, sample) in data.groups.iter().zip(&slot.samples) {
                for (i, value) in sample.iter().enumerate() {
                    check.finite(*value, || format!("value {i} of {group} of {}", slot.name))?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_is_highest_where_the_values_are() {
        let curve = density(&[0.0, 4.9, 5.0, 5.1, 5.0, 10.0]);
        let highest = curve.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert!((highest.0 - 5.0).abs() < 0.2 && highest.1 == 1.0, "{highest:?}");
        assert_eq!((curve[0].0, curve[curve.len() - 1].0), (0.0, 10.0));
        assert!(density(&[3.0; 4]).is_empty() && density(&[3.0]).is_empty());
        // quartiles that coincide
        assert!(density(&[3.0, 3.0, 3.0, 3.0, 3.0, 9.0]).iter().all(|(_, share)| share.is_finite()));
    }
}
