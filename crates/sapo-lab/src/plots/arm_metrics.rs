//! AP, BWT and FWT of every arm side by side.

use super::axes::{
    Axis, LABEL, MARGIN, PANEL, Plot, SlotLabels, TICK, WIDTH, error_bar, jitter, number, title,
};
use super::check::Check;
use super::error::PlotError;
use super::palette::{GREY, WHITE, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;
use sapo_metrics::Estimate;

/// What [`arm_metrics`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmMetrics {
    /// Title of the figure.
    pub title: String,
    /// Unit of all metrics: `ROUGE-L points`.
    pub unit: String,
    /// The arms, in the order of the panels' columns.
    pub arms: Vec<String>,
    /// One panel each.
    pub metrics: Vec<Metric>,
}

/// One metric of all arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name, for the panel: `BWT`.
    pub name: String,
    /// A few words below the name: `forgetting when negative`. May be empty.
    pub note: String,
    /// Whether zero means something, so that it must be in sight.
    pub signed: bool,
    /// `[arm]`: the mean over seeds with its interval.
    pub estimates: Vec<Estimate>,
    /// `[arm][seed]`; an inner list may be empty.
    pub seeds: Vec<Vec<f64>>,
}

/// The names of the usual metrics, each with a few words on what it says.
pub const TRANSFER_METRICS: [(&str, &str); 3] =
    [("AP", "mean of the last row"), ("BWT", "below 0: forgetting"), ("FWT", "below 0: unseen tasks suffer")];

/// A panel for each metric: a dot with its interval for each arm, the seeds faint behind it, the means above.
///
/// # Errors
/// [`PlotError`] where there is no arm or metric, lengths disagree, or a number is not finite.
pub fn arm_metrics(data: &ArmMetrics) -> Result<Figure, PlotError> {
    check(data)?;
    let paints = colours(data.arms.iter().map(String::as_str));
    let axes: Vec<Axis> = data.metrics.iter().map(axis).collect();

    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let tick_room = axes.iter().map(|axis| axis.label_width(TICK)).fold(0.0, f64::max) + 14.0;
    let name_room = LABEL.em + 16.0;
    let gap = 26.0;
    let pitch_x = |columns: usize| (WIDTH - 2.0 * MARGIN - name_room + gap) / columns as f64;
    let slot = |columns: usize| (pitch_x(columns) - gap - tick_room) / data.arms.len() as f64;
    // Many arms get fewer panels a row, so that their means stay legible.
    let columns = (1..=data.metrics.len().min(3)).rev().find(|n| slot(*n) >= 70.0).unwrap_or(1);
    let (pitch_x, slot) = (pitch_x(columns), slot(columns));
    let width = slot * data.arms.len() as f64;
    let labels = SlotLabels::new(&data.arms, slot);
    let note_face = Face::regular(26.0);
    let has_notes = data.metrics.iter().any(|metric| !metric.note.is_empty());
    let notes = if has_notes { note_face.line() } else { 0.0 };
    let values = value_face(slot);
    let heading = PANEL.line() + notes + 8.0 + values.line() + 14.0;
    let height = 480.0;
    let pitch_y = heading + height + 14.0 + labels.height() + 36.0;

    for (i, (metric, y)) in data.metrics.iter().zip(axes).enumerate() {
        let (row, column) = (i / columns, i % columns);
        let x0 = MARGIN + name_room + column as f64 * pitch_x + tick_room;
        let y0 = top + row as f64 * pitch_y + heading;
        let x = Axis::counting(0, data.arms.len(), data.arms.len());
        let plot = Plot { left: x0, top: y0, right: x0 + width, bottom: y0 + height, x, y };
        let mut line = y0 - heading + PANEL.em / 2.0;
        scene.text((x0, line), PANEL.fit(&metric.name, width), PANEL, Align::Left);
        line += PANEL.line();
        if has_notes {
            let note = note_face.fit(&metric.note, width);
            scene.text_in((x0, line), note, note_face, Align::Left, GREY);
        }
        plot.draw_y(&mut scene, true);
        if column == 0 {
            plot.name_y(&mut scene, &data.unit, tick_room + 16.0 + LABEL.em / 2.0);
        }
        for (arm, estimate) in metric.estimates.iter().enumerate() {
            let middle = plot.left + slot * (arm as f64 + 0.5);
            for (seed, value) in metric.seeds[arm].iter().enumerate() {
                let x = middle + jitter(seed) * slot * 0.28;
                scene.disc((x, plot.py(*value)), 6.5, paints[arm], 0.3);
            }
            // caps wider than the dot: a short interval shows beside it
            let (mean, ends) = (plot.py(estimate.mean), (plot.py(estimate.low), plot.py(estimate.high)));
            scene.disc((middle, mean), 10.0, WHITE, 1.0);
            error_bar(&mut scene, middle, ends, (slot * 0.16).clamp(12.0, 20.0), 4.0, paints[arm]);
            scene.disc((middle, mean), 8.0, paints[arm], 1.0);
            let above = (middle, y0 - 16.0 - values.em / 2.0);
            scene.text_in(above, number(estimate.mean, 1), values, Align::Centre, paints[arm]);
            labels.draw(&mut scene, arm, middle, plot.bottom + 14.0);
        }
    }
    let rows = data.metrics.len().div_ceil(columns);
    scene.height = top + pitch_y * rows as f64 - 36.0 + MARGIN;
    Ok(Figure { scene })
}

fn axis(metric: &Metric) -> Axis {
    let ends = metric.estimates.iter().flat_map(|e| [e.low, e.high]);
    let zero = metric.signed.then_some(0.0);
    Axis::covering(ends.chain(metric.seeds.iter().flatten().copied()).chain(zero), 5)
}

/// The means above the panels shrink rather than touch each other.
fn value_face(slot: f64) -> Face {
    Face::bold(((slot - 10.0) / Face::bold(1.0).width("−00.0")).clamp(12.0, 28.0).floor())
}

fn check(data: &ArmMetrics) -> Result<(), PlotError> {
    let check = Check("arm_metrics");
    check.some(&data.arms, "arms")?;
    check.some(&data.metrics, "metrics")?;
    check.distinct(data.arms.iter().map(String::as_str))?;
    check.distinct(data.metrics.iter().map(|metric| metric.name.as_str()))?;
    for metric in &data.metrics {
        check.length(metric.estimates.len(), data.arms.len(), format!("estimates of {}", metric.name))?;
        check.length(metric.seeds.len(), data.arms.len(), format!("lists of seeds of {}", metric.name))?;
        for ((arm, estimate), seeds) in data.arms.iter().zip(&metric.estimates).zip(&metric.seeds) {
            check.estimate(estimate, || format!("{} of {arm}", metric.name))?;
            for (seed, value) in seeds.iter().enumerate() {
                check.finite(*value, || format!("{} of {arm}, seed {seed}", metric.name))?;
            }
        }
    }
    Ok(())
}
