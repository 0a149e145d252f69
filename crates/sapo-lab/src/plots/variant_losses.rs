//! What every wording would have cost, and which one was taken.

use super::axes::{
    Axis, LABEL, MARGIN, PANEL, Plot, SlotLabels, Swatch, TICK, WIDTH, diamond, jitter, legend, title,
};
use super::check::Check;
use super::error::PlotError;
use super::palette::{LIGHT_GREY, WHITE, colours};
use super::render::Figure;
use super::scene::{Align, Scene};

/// What [`variant_losses`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantLosses {
    /// Title of the figure.
    pub title: String,
    /// Short names of the tasks in stream order.
    pub tasks: Vec<String>,
    /// One panel each.
    pub arms: Vec<ArmLosses>,
}

/// The losses that one arm measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmLosses {
    /// Name of the arm.
    pub arm: String,
    /// `[task]`: every variant before that task was trained; several seeds may lie in one strip.
    pub tasks: Vec<Vec<VariantDot>>,
}

/// One variant of one task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariantDot {
    /// Mean nats per target token.
    pub loss: f64,
    /// Whether it is the task's own instruction.
    pub original: bool,
    /// Whether it was trained with.
    pub chosen: bool,
}

/// A strip of dots for each task: the pre-update loss of every variant, the chosen and the original one marked.
///
/// # Errors
/// [`PlotError`] where there is no arm, task or variant, an arm has another number of tasks, or a loss is not finite.
pub fn variant_losses(data: &VariantLosses) -> Result<Figure, PlotError> {
    check(data)?;
    let tasks = data.tasks.len();
    let paints = colours(data.arms.iter().map(|arm| arm.arm.as_str()));
    let losses = || data.arms.iter().flat_map(|arm| arm.tasks.iter().flatten()).map(|dot| dot.loss);

    let mut scene = Scene::new(WIDTH);
    let entries = [
        (Swatch::Dots(vec![LIGHT_GREY], 7.0), "variant".to_string()),
        (Swatch::Diamond, "original instruction".to_string()),
        (Swatch::Dots(paints.clone(), 12.0), "chosen by the arm".to_string()),
    ];
    let top = title(&mut scene, &data.title);
    let top = legend(&mut scene, top, &entries);

    let columns = if data.arms.len() > 1 && tasks <= 6 { 2 } else { 1 };
    let y_axis = Axis::covering(losses(), 5);
    let y_room = LABEL.em + 22.0 + y_axis.label_width(TICK) + 14.0;
    let gap = 40.0;
    let left = MARGIN + y_room;
    let width = (WIDTH - MARGIN - left - gap * (columns - 1) as f64) / columns as f64;
    let slot = width / tasks as f64;
    let labels = SlotLabels::new(&data.tasks, slot);
    let heading = PANEL.line() + 10.0;
    let height = 380.0;
    let pitch = heading + height + 14.0 + labels.height() + 30.0;

    for (i, (arm, paint)) in data.arms.iter().zip(&paints).enumerate() {
        let (row, column) = (i / columns, i % columns);
        let x0 = left + column as f64 * (width + gap);
        let y0 = top + row as f64 * pitch + heading;
        let x = Axis::counting(0, tasks, tasks);
        let plot = Plot { left: x0, top: y0, right: x0 + width, bottom: y0 + height, x, y: y_axis.clone() };
        scene.text((x0, y0 - heading + PANEL.em / 2.0), PANEL.fit(&arm.arm, width), PANEL, Align::Left);
        plot.draw_y(&mut scene, column == 0);
        if column == 0 {
            plot.name_y(&mut scene, "loss (nats/token)", y_room - LABEL.em / 2.0);
        }
        for (task, dots) in arm.tasks.iter().enumerate() {
            let middle = plot.left + slot * (task as f64 + 0.5);
            labels.draw(&mut scene, task, middle, plot.bottom + 14.0);
            let place = |i: usize, loss: f64| (middle + jitter(i) * slot * 0.3, plot.py(loss));
            for (i, dot) in dots.iter().enumerate().filter(|(_, dot)| !dot.chosen) {
                scene.disc(place(i, dot.loss), 7.0, LIGHT_GREY, 0.9);
            }
            for (i, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.chosen) {
                scene.disc(place(i, dot.loss), 14.0, WHITE, 1.0);
                scene.disc(place(i, dot.loss), 12.0, *paint, 1.0);
            }
            for (i, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.original) {
                diamond(&mut scene, place(i, dot.loss));
            }
        }
    }
    scene.height = top + pitch * data.arms.len().div_ceil(columns) as f64 - 30.0 + MARGIN;
    Ok(Figure { scene })
}

fn check(data: &VariantLosses) -> Result<(), PlotError> {
    let check = Check("variant_losses");
    check.some(&data.tasks, "tasks")?;
    check.some(&data.arms, "arms")?;
    check.distinct(data.arms.iter().map(|arm| arm.arm.as_str()))?;
    for ArmLosses { arm, tasks } in &data.arms {
        check.length(tasks.len(), data.tasks.len(), format!("tasks of {arm}"))?;
        for (task, dots) in tasks.iter().enumerate() {
            check.some(dots, format!("variants of {arm} on task {}", task + 1))?;
            for (i, dot) in dots.iter().enumerate() {
                check.finite(dot.loss, || format!("loss of variant {i} of {arm} on task {}", task + 1))?;
            }
        }
    }
    Ok(())
}
