//! Differences from a baseline with their intervals: a row for each place (a stream, a method), a panel for each metric.
//! Numbers of others, without intervals, can stand below ours as marks.

use super::axes::{
    Axis, LABEL, MARGIN, PANEL, Plot, Swatch, TICK, WIDTH, draw_mark, legend, lying_error_bar, title,
};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, GRID, Rgb, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;
use sapo_metrics::Estimate;

/// What [`differences`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// Title of the figure.
    pub title: String,
    /// What stands below the panels: `minus static (ROUGE-L points)`.
    pub unit: String,
    /// The panels, in order.
    pub metrics: Vec<String>,
    /// One colour each.
    pub arms: Vec<String>,
    /// All that a figure beside this one shows, those of `arms` among them: each arm then has the same colour in both.
    /// Empty where there is no such figure.
    pub beside: Vec<String>,
    /// What numbers without an interval are of: one colour and shape each, on a line of its own below the arms. Often
    /// none.
    pub marks: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<DifferenceRow>,
}

/// The differences at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    /// Name of the place.
    pub name: String,
    /// Whether it stands for several others: its name is bold.
    pub whole: bool,
    /// `[metric][arm]`; none where it was not measured.
    pub values: Vec<Vec<Option<Estimate>>>,
    /// `[metric][mark]`; none where there is none. Empty where the figure has no marks.
    pub marks: Vec<Vec<Option<f64>>>,
}

const SLOT: f64 = 30.0;
const MARK_SLOT: f64 = 17.0;
const PAD: f64 = 16.0;
const LONGEST_NAME: f64 = 330.0;
/// Half the height of an interval's ends: above the dot, so that an interval narrower than the dot is seen too.
const CAP: f64 = 10.0;
const DOT: f64 = 6.0;

/// A dot with its interval for each arm, in rows, about a line at zero.
///
/// # Errors
/// [`PlotError`] where there is no metric, arm or row, lengths disagree, or a number is not finite.
pub fn differences(data: &Differences) -> Result<Figure, PlotError> {
    check(data)?;
    let (paints, mark_paints) = paints(data);
    let mut scene = Scene::new(WIDTH);
    let mut top = title(&mut scene, &data.title);
    if data.arms.len() + data.marks.len() > 1 {
        let arms = data.arms.iter().zip(&paints).map(|(arm, paint)| (Swatch::Line(*paint), arm.clone()));
        let marks = data.marks.iter().zip(&mark_paints).enumerate();
        let marks = marks.map(|(shape, (name, paint))| (Swatch::Mark(shape, *paint), name.clone()));
        top = legend(&mut scene, top, &arms.chain(marks).collect::<Vec<_>>());
    }
    let face = |row: &DifferenceRow| if row.whole { Face::bold(TICK.em) } else { TICK };
    let names: Vec<String> = data.rows.iter().map(|row| face(row).fit(&row.name, LONGEST_NAME)).collect();
    let widths = data.rows.iter().zip(&names).map(|(row, name)| face(row).width(name));
    let room = widths.fold(0.0, f64::max) + 18.0;
    let axes: Vec<Axis> = (0..data.metrics.len()).map(|metric| axis(data, metric)).collect();
    let gap = 20.0 + axes.iter().map(|axis| axis.label_width(TICK)).fold(0.0, f64::max);
    let panels = data.metrics.len() as f64;
    let left = MARGIN + room;
    let width = (WIDTH - MARGIN - left - gap * (panels - 0.5)) / panels;
    let top = top + PANEL.line() + 8.0;
    let own = SLOT * data.arms.len() as f64;
    let pitch = own + MARK_SLOT * data.marks.len() as f64 + PAD;
    let bottom = top + pitch * data.rows.len() as f64;

    for (i, (row, name)) in data.rows.iter().zip(&names).enumerate() {
        scene.text((left - 18.0, top + pitch * (i as f64 + 0.5)), name, face(row), Align::Right);
    }
    for (metric, (heading, x)) in data.metrics.iter().zip(axes).enumerate() {
        let from = left + metric as f64 * (width + gap);
        let plot = Plot { left: from, top, right: from + width, bottom, x, y: Axis::counting(0, 1, 1) };
        scene.text((from, top - 8.0 - PANEL.line() / 2.0), PANEL.fit(heading, width), PANEL, Align::Left);
        for tick in &plot.x.ticks {
            scene.line(&[(plot.px(*tick), top), (plot.px(*tick), bottom)], 2.0, GRID);
        }
        for i in 1..data.rows.len() {
            let y = top + pitch * i as f64;
            scene.line(&[(from, y), (from + width, y)], 2.0, GRID);
        }
        scene.line(&[(plot.px(0.0), top), (plot.px(0.0), bottom)], 3.0, GREY);
        scene.line(&[(from, bottom), (from + width, bottom)], 2.0, BLACK);
        plot.draw_x(&mut scene, true);
        for (i, row) in data.rows.iter().enumerate() {
            for (arm, value) in row.values[metric].iter().enumerate() {
                let Some(value) = value else { continue };
                let y = top + pitch * i as f64 + PAD / 2.0 + SLOT * (arm as f64 + 0.5);
                let (low, high) = (plot.px(value.low), plot.px(value.high));
                lying_error_bar(&mut scene, (low, high), y, CAP, 4.0, paints[arm]);
                scene.disc((plot.px(value.mean), y), DOT, paints[arm], 1.0);
            }
            for (shape, value) in row.marks.get(metric).into_iter().flatten().enumerate() {
                let Some(value) = value else { continue };
                let y = top + pitch * i as f64 + PAD / 2.0 + own + MARK_SLOT * (shape as f64 + 0.5);
                draw_mark(&mut scene, (plot.px(*value), y), shape, mark_paints[shape]);
            }
        }
    }
    let below = bottom + 14.0 + TICK.line() + 10.0 + LABEL.em / 2.0;
    let unit = LABEL.fit(&data.unit, WIDTH - MARGIN - left);
    scene.text(((left + WIDTH - MARGIN) / 2.0, below), unit, LABEL, Align::Centre);
    scene.height = below + LABEL.em / 2.0 + MARGIN;
    Ok(Figure { scene })
}

/// The colours of the arms and of the marks.
fn paints(data: &Differences) -> (Vec<Rgb>, Vec<Rgb>) {
    let named = if data.beside.is_empty() { &data.arms } else { &data.beside };
    let mut paints = colours(named.iter().chain(&data.marks).map(String::as_str));
    let marks = paints.split_off(named.len());
    let of_arm = |arm| named.iter().zip(&paints).find(|(name, _)| *name == arm).map(|(_, paint)| *paint);
    (data.arms.iter().filter_map(of_arm).collect(), marks)
}

fn axis(data: &Differences, metric: usize) -> Axis {
    let values = data.rows.iter().flat_map(|row| row.values[metric].iter().flatten());
    let marks = data.rows.iter().filter_map(|row| row.marks.get(metric)).flatten().flatten().copied();
    Axis::covering(values.flat_map(|value| [value.low, value.high]).chain(marks).chain([0.0]), 3)
}

fn check(data: &Differences) -> Result<(), PlotError> {
    let check = Check("differences");
    check.some(&data.metrics, "metrics")?;
    check.some(&data.arms, "arms")?;
    check.some(&data.rows, "rows")?;
    check.distinct(data.arms.iter().chain(&data.marks).map(String::as_str))?;
    if !data.beside.is_empty() {
        check.distinct(data.beside.iter().map(String::as_str))?;
        let coloured = data.arms.iter().filter(|arm| data.beside.contains(arm)).count();
        check.length(coloured, data.arms.len(), "arms among those of the figure beside")?;
    }
    for row in &data.rows {
        check.length(row.values.len(), data.metrics.len(), format!("metrics of {}", row.name))?;
        for (metric, values) in data.metrics.iter().zip(&row.values) {
            check.length(values.len(), data.arms.len(), format!("arms of {metric} of {}", row.name))?;
            for (arm, value) in data.arms.iter().zip(values) {
                if let Some(value) = value {
                    check.estimate(value, || format!("{metric} of {arm}, {}", row.name))?;
                }
            }
        }
        let panels = if data.marks.is_empty() { 0 } else { data.metrics.len() };
        check.length(row.marks.len(), panels, format!("metrics of the marks of {}", row.name))?;
        for (metric, values) in data.metrics.iter().zip(&row.marks) {
            check.length(values.len(), data.marks.len(), format!("marks of {metric} of {}", row.name))?;
            for (mark, value) in data.marks.iter().zip(values) {
                let value = value.unwrap_or(0.0);
                check.finite(value, || format!("{metric} of {mark}, {}", row.name))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(rows: usize) -> Differences {
        let estimate = |mean: f64| Some(Estimate { mean, low: mean - 1.3, high: mean + 2.0, n: 30 });
        let row = |i: usize| DifferenceRow {
            name: if i == 0 {
                "all".into()
            } else {
                format!("stream number {i} with a long name that goes on")
            },
            whole: i == 0,
            values: (0..3).map(|m| vec![estimate((i * m) as f64 - 3.0), estimate(-12.0), None]).collect(),
            marks: vec![],
        };
        Differences {
            title: "Each arm against static".into(),
            unit: "minus static (ROUGE-L points), mean and 95 % interval".into(),
            metrics: ["AP", "BWT", "FWT"].map(String::from).to_vec(),
            arms: ["sapo", "sapp", "random"].map(String::from).to_vec(),
            beside: vec![],
            marks: vec![],
            rows: (0..rows).map(row).collect(),
        }
    }

    /// The same with five marks, the last of them far off.
    fn marked(rows: usize) -> Differences {
        let marks: Vec<String> = (1..=5).map(|i| format!("Model-{i}b-chat, published")).collect();
        let mut data = Differences { marks, ..data(rows) };
        for (i, row) in data.rows.iter_mut().enumerate() {
            let of_metric = |m: usize| vec![Some(0.3), Some(m as f64), None, Some(-(i as f64)), Some(40.0)];
            row.marks = (0..3).map(of_metric).collect();
        }
        data
    }

    #[test]
    fn texts_do_not_touch() {
        for data in [data(1), data(7), marked(1), marked(7)] {
            let crowded = differences(&data).unwrap().scene.crowded();
            assert!(crowded.is_empty(), "{crowded:?}");
        }
    }

    #[test]
    fn marks_lie_in_their_panel_below_what_is_ours() {
        let (plain, figure) = (differences(&data(2)).unwrap(), differences(&marked(2)).unwrap());
        let added = figure.scene.height - plain.scene.height;
        assert!(added >= 2.0 * 5.0 * MARK_SLOT, "{added}");
        let wide = axis(&marked(2), 0);
        assert!(wide.high >= 40.0 && axis(&data(2), 0).high < 40.0);
    }

    #[test]
    fn an_arm_has_the_colour_that_it_has_in_the_figure_beside() {
        let arms = ["ewc", "lwf"].map(String::from).to_vec();
        let beside = ["seq-lora", "ewc", "lwf"].map(String::from).to_vec();
        let expected = colours(beside.iter().map(String::as_str));
        assert_eq!(paints(&Differences { arms, beside, ..data(1) }).0, expected[1..]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let unknown = Differences { beside: vec!["sapo".into()], ..data(1) };
        assert!(matches!(differences(&unknown), Err(PlotError::Mismatch { .. })));
        assert!(matches!(differences(&data(0)), Err(PlotError::Empty { .. })));
        let mut short = data(2);
        short.rows[1].values[2].pop();
        assert!(matches!(differences(&short), Err(PlotError::Mismatch { .. })));
        let mut short = marked(2);
        short.rows[1].marks[2].pop();
        assert!(matches!(differences(&short), Err(PlotError::Mismatch { .. })));
        let unnamed = Differences { marks: vec![], ..marked(2) };
        assert!(matches!(differences(&unnamed), Err(PlotError::Mismatch { .. })));
        let mut nowhere = marked(2);
        nowhere.rows[0].marks[1][0] = Some(f64::NAN);
        assert!(matches!(differences(&nowhere), Err(PlotError::NotFinite { .. })));
    }
}
