//! How well each task is done along the stream, a small panel a task.

use super::axes::{Axis, LABEL, MARGIN, PANEL, Plot, Swatch, TICK, WIDTH, legend, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{GREY, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use sapo_metrics::Estimate;

/// What [`stream_curves`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamCurves {
    /// Title of the figure.
    pub title: String,
    /// What the scores are, for the y axis: `ROUGE-L`.
    pub score: String,
    /// Short names of the tasks in stream order, one panel each.
    pub tasks: Vec<String>,
    /// One line in every panel each.
    pub arms: Vec<ArmCurves>,
}

/// The curves of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmCurves {
    /// Name of the arm.
    pub arm: String,
    /// `[task][step]`, 0 to 100; step 0 is the untouched model, so N tasks have N + 1 steps.
    pub scores: Vec<Vec<Estimate>>,
}

/// One panel for each task: score against the number of trained tasks, a line with its interval for each arm.
///
/// A dashed line marks the step after which the task itself has been trained.
///
/// # Errors
/// [`PlotError`] where there is no arm or task, a curve has another length, or a number is not finite.
pub fn stream_curves(data: &StreamCurves) -> Result<Figure, PlotError> {
    check(data)?;
    let tasks = data.tasks.len();
    let paints = colours(data.arms.iter().map(|arm| arm.arm.as_str()));

    let mut scene = Scene::new(WIDTH);
    let mut entries: Vec<(Swatch, String)> =
        data.arms.iter().zip(&paints).map(|(arm, paint)| (Swatch::Line(*paint), arm.arm.clone())).collect();
    entries.push((Swatch::Dashes, "this task trained".into()));
    let top = title(&mut scene, &data.title);
    let top = legend(&mut scene, top, &entries);

    let columns = match tasks {
        1..=3 => tasks,
        4 => 2,
        5..=9 => 3,
        _ => 4,
    };
    let y_axis = Axis::percent();
    let y_room = LABEL.em + 22.0 + y_axis.label_width(TICK) + 14.0;
    let gap = 36.0;
    let left = MARGIN + y_room;
    let width = (WIDTH - MARGIN - left - gap * (columns - 1) as f64) / columns as f64;
    let height = (width * 0.62).clamp(230.0, 420.0);
    let heading = PANEL.line() + 10.0;
    let pitch = heading + height + 62.0;

    for (task, name) in data.tasks.iter().enumerate() {
        let (row, column) = (task / columns, task % columns);
        let x0 = left + column as f64 * (width + gap);
        let y0 = top + row as f64 * pitch + heading;
        let x = Axis::counting(0, tasks, (width / 50.0) as usize);
        let plot = Plot { left: x0, top: y0, right: x0 + width, bottom: y0 + height, x, y: y_axis.clone() };
        let heading_text = PANEL.fit(&format!("{}: {name}", task + 1), width);
        scene.text((x0, y0 - heading + PANEL.em / 2.0), heading_text, PANEL, Align::Left);
        plot.draw_y(&mut scene, column == 0);
        plot.draw_x(&mut scene, true);
        if column == 0 {
            plot.name_y(&mut scene, &data.score, y_room - LABEL.em / 2.0);
        }
        let trained = plot.px((task + 1) as f64);
        scene.dashed((trained, plot.top), (trained, plot.bottom), 3.0, GREY);
        for (arm, paint) in data.arms.iter().zip(&paints) {
            let curve = &arm.scores[task];
            let upper = curve.iter().enumerate().map(|(i, e)| plot.at(i as f64, e.high.clamp(0.0, 100.0)));
            let lower =
                curve.iter().enumerate().rev().map(|(i, e)| plot.at(i as f64, e.low.clamp(0.0, 100.0)));
            if curve.iter().any(|e| e.high > e.low) {
                scene.area(upper.chain(lower).collect(), *paint, 0.16);
            }
        }
        // Lines over all bands, so that no arm hides behind another's uncertainty.
        for (arm, paint) in data.arms.iter().zip(&paints) {
            let points: Vec<_> =
                arm.scores[task].iter().enumerate().map(|(i, e)| plot.at(i as f64, e.mean)).collect();
            scene.line(&points, 5.0, *paint);
            for point in &points {
                scene.disc(*point, 7.0, *paint, 1.0);
            }
        }
    }

    let rows = tasks.div_ceil(columns);
    let bottom = top + rows as f64 * pitch;
    let middle = (left + WIDTH - MARGIN) / 2.0;
    let bands = data.arms.iter().flat_map(|arm| arm.scores.iter().flatten()).any(|e| e.high > e.low);
    let foot =
        format!("number of tasks trained so far{}", if bands { "; bands: 95 % intervals" } else { "" });
    scene.text((middle, bottom + LABEL.em / 2.0), foot, LABEL, Align::Centre);
    scene.height = bottom + LABEL.em + MARGIN;
    Ok(Figure { scene })
}

fn check(data: &StreamCurves) -> Result<(), PlotError> {
    let check = Check("stream_curves");
    check.some(&data.tasks, "tasks")?;
    check.some(&data.arms, "arms")?;
    check.distinct(data.arms.iter().map(|arm| arm.arm.as_str()))?;
    let tasks = data.tasks.len();
    for ArmCurves { arm, scores } in &data.arms {
        check.length(scores.len(), tasks, format!("tasks of {arm}"))?;
        for (task, curve) in scores.iter().enumerate() {
            check.length(curve.len(), tasks + 1, format!("steps of {arm} on task {}", task + 1))?;
            for (step, estimate) in curve.iter().enumerate() {
                check.estimate(estimate, || format!("{arm} on task {} at step {step}", task + 1))?;
            }
        }
    }
    Ok(())
}
