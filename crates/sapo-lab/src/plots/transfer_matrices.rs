//! The transfer matrix R of every arm as a heat map, with its values.

use super::axes::{Axis, LABEL, MARGIN, PANEL, SlotLabels, TICK, WIDTH, number, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, Rgb, ink_on, sequential};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;

/// What [`transfer_matrices`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferMatrices {
    /// Title of the figure.
    pub title: String,
    /// What the numbers are, for the colour bar: `ROUGE-L`.
    pub score: String,
    /// Short names of the tasks in stream order.
    pub tasks: Vec<String>,
    /// One panel each.
    pub arms: Vec<ArmMatrices>,
}

/// The matrices of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmMatrices {
    /// Name of the arm.
    pub arm: String,
    /// `[seed][step][task]`; step 0 is the untouched model, so a matrix of N tasks has N + 1 rows.
    pub seeds: Vec<Vec<Vec<f64>>>,
}

pub(super) const BAR: f64 = 34.0;
pub(super) const BAR_GAP: f64 = 32.0;
const ROW_GAP: f64 = 12.0;

/// One heat map of R for each arm: rows are steps, columns tasks, values means over seeds, colours shared.
///
/// The score of a task right after its own training is framed.
///
/// # Errors
/// [`PlotError`] where there is no arm, seed or task, a matrix has another shape, or a score is not finite.
pub fn transfer_matrices(data: &TransferMatrices) -> Result<Figure, PlotError> {
    let means = checked_means(data)?;
    let tasks = data.tasks.len();
    let colour_axis = Axis::covering(means.iter().flatten().flatten().copied(), 5);

    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);

    let columns = if data.arms.len() > 1 && tasks <= 6 { 2 } else { 1 };
    let small = Face::regular(26.0);
    let row_names: Vec<String> = row_names(&data.tasks, small, if columns == 2 { 250.0 } else { 330.0 });
    let names_width = row_names.iter().map(|name| small.width(name)).fold(0.0, f64::max) + 16.0;
    let score = LABEL.fit(&data.score, 220.0);
    let bar_room = BAR_GAP + BAR + 12.0 + colour_axis.label_width(TICK);
    // The score's name ends with the bar and may reach back above the last panel.
    let reach = (LABEL.width(&score) - bar_room + 2.0 * BAR_GAP).max(0.0);
    let left = MARGIN + names_width;
    let gap = 40.0;
    let gaps = gap * (columns - 1) as f64;
    let room = (WIDTH - MARGIN - bar_room - left - gaps) / columns as f64;
    // Few tasks do not fill the sheet, but a panel is never narrower than its heading.
    let cell_width = (room / tasks as f64).min((460.0 / tasks as f64).max(260.0));
    let panel_width = cell_width * tasks as f64;
    let cell_height = (cell_width * 0.62).clamp(44.0, 76.0);
    let labels = SlotLabels::new(&data.tasks, cell_width);
    let cells_height = ROW_GAP + cell_height * (tasks + 1) as f64;
    let heading = PANEL.line() + 8.0;
    let panel_height = heading + cells_height + 10.0 + labels.height() + 34.0;
    let values = ValueFace::fitting(cell_width);

    for (i, (arm, mean)) in data.arms.iter().zip(&means).enumerate() {
        let (row, column) = (i / columns, i % columns);
        let x0 = left + column as f64 * (panel_width + gap);
        let y0 = top + row as f64 * panel_height;
        let name = PANEL.fit(&arm.arm, panel_width - reach);
        scene.text((x0, y0 + PANEL.em / 2.0), name, PANEL, Align::Left);
        let y0 = y0 + heading;
        for (step, scores) in mean.iter().enumerate() {
            let y = y0 + cell_height * step as f64 + if step > 0 { ROW_GAP } else { 0.0 };
            if column == 0 {
                let at = (x0 - 14.0, y + cell_height / 2.0);
                scene.text(at, &row_names[step], small, Align::Right);
            }
            for (task, score) in scores.iter().enumerate() {
                let x = x0 + cell_width * task as f64;
                let fraction = (score - colour_axis.low) / (colour_axis.high - colour_axis.low);
                let shade = sequential(fraction);
                scene.fill((x + 1.0, y + 1.0), (x + cell_width - 1.0, y + cell_height - 1.0), shade);
                let middle = (x + cell_width / 2.0, y + cell_height / 2.0);
                let text = number(*score, values.decimals);
                scene.text_in(middle, text, values.face, Align::Centre, ink_on(shade));
            }
        }
        for task in 0..tasks {
            let x = x0 + cell_width * task as f64;
            let y = y0 + ROW_GAP + cell_height * (task + 1) as f64;
            scene.frame((x + 2.0, y + 2.0), (x + cell_width - 2.0, y + cell_height - 2.0), 4.0, BLACK);
            labels.draw(&mut scene, task, x + cell_width / 2.0, y0 + cells_height + 10.0);
        }
    }

    let rows = data.arms.len().div_ceil(columns);
    let bottom = top + panel_height * rows as f64;
    let bar_left = left + panel_width * columns as f64 + gaps + BAR_GAP;
    let bar_top = top + heading + 14.0;
    let bar_bottom = (top + heading + cells_height).max(bar_top + 200.0);
    colour_bar(&mut scene, &colour_axis, (bar_left, bar_top, bar_bottom), sequential);
    scene.text((bar_left - BAR_GAP + bar_room, top + PANEL.em / 2.0), score, LABEL, Align::Right);

    let seeds = of_seeds(&data.arms);
    let note =
        format!("{seeds}  ·  rows: after training on …  ·  columns: scored task  ·  framed: just trained");
    scene.text_in((MARGIN, bottom + 6.0), note, small, Align::Left, GREY);
    scene.height = bottom + 6.0 + small.em / 2.0 + MARGIN;
    Ok(Figure { scene })
}

/// The mean matrix of each arm.
fn checked_means(data: &TransferMatrices) -> Result<Vec<Vec<Vec<f64>>>, PlotError> {
    let check = Check("transfer_matrices");
    check.some(&data.tasks, "tasks")?;
    check.some(&data.arms, "arms")?;
    check.distinct(data.arms.iter().map(|arm| arm.arm.as_str()))?;
    let tasks = data.tasks.len();
    let mut means = Vec::new();
    for ArmMatrices { arm, seeds } in &data.arms {
        check.some(seeds, format!("seeds of {arm}"))?;
        let mut mean = vec![vec![0.0; tasks]; tasks + 1];
        for (seed, matrix) in seeds.iter().enumerate() {
            check.length(matrix.len(), tasks + 1, format!("rows of matrix {seed} of {arm}"))?;
            for (step, row) in matrix.iter().enumerate() {
                check.length(
                    row.len(),
                    tasks,
                    format!("columns of matrix {seed} of {arm} at step {step}"),
                )?;
                for (task, score) in row.iter().enumerate() {
                    check.finite(*score, || format!("R[{step}, {}] of seed {seed} of {arm}", task + 1))?;
                    mean[step][task] += score / seeds.len() as f64;
                }
            }
        }
        means.push(mean);
    }
    Ok(means)
}

fn row_names(tasks: &[String], face: Face, room: f64) -> Vec<String> {
    let after = tasks.iter().enumerate().map(|(i, name)| face.fit(&format!("{}: {name}", i + 1), room));
    std::iter::once("before".to_string()).chain(after).collect()
}

/// How many seeds the numbers are means of: `mean of 30 seeds`, or of `1 to 3` where the arms have not all as many.
fn of_seeds(arms: &[ArmMatrices]) -> String {
    let counts = || arms.iter().map(|arm| arm.seeds.len());
    match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
        (1, 1) => "1 seed".to_string(),
        (least, most) if least == most => format!("mean of {most} seeds"),
        (least, most) => format!("mean of {least} to {most} seeds"),
    }
}

/// Size and decimals of the numbers in the cells.
struct ValueFace {
    face: Face,
    decimals: usize,
}

impl ValueFace {
    fn fitting(cell_width: f64) -> Self {
        let size = |sample: &str| ((cell_width - 10.0) / Face::regular(1.0).width(sample)).min(30.0);
        if size("100.0") >= 20.0 {
            return Self { face: Face::regular(size("100.0").floor()), decimals: 1 };
        }
        Self { face: Face::regular(size("100").clamp(10.0, 28.0).floor()), decimals: 0 }
    }
}

/// A bar at these left, top and bottom, `paint` giving the colour of a share of the axis.
pub(super) fn colour_bar(
    scene: &mut Scene,
    axis: &Axis,
    (left, top, bottom): (f64, f64, f64),
    paint: impl Fn(f64) -> Rgb,
) {
    const STEPS: usize = 128;
    for i in 0..STEPS {
        // Each shade reaches to the top and the next covers it: no seams where a viewer smooths edges.
        let low = bottom - (bottom - top) * i as f64 / STEPS as f64;
        scene.fill((left, top), (left + BAR, low), paint((i as f64 + 0.5) / STEPS as f64));
    }
    scene.frame((left, top), (left + BAR, bottom), 2.0, GREY);
    for tick in &axis.ticks {
        let y = bottom - (tick - axis.low) / (axis.high - axis.low) * (bottom - top);
        scene.text((left + BAR + 12.0, y), axis.label(*tick), TICK, Align::Left);
    }
}
