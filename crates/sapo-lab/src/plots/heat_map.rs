//! A table of signed numbers as colours about zero, with the numbers on them: correlations, cosines.

use super::axes::{Axis, LABEL, MARGIN, SlotLabels, TICK, WIDTH, number, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{GREY, diverging, ink_on};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;
use super::transfer_matrices::{BAR, BAR_GAP, colour_bar};

/// What [`heat_map`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Title of the figure.
    pub title: String,
    /// What the numbers are, above the colour bar.
    pub value: String,
    /// From left to right.
    pub columns: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<HeatRow>,
    /// The colours reach from minus this, rounded up, to this; numbers beyond have the colour of the end.
    pub limit: f64,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatRow {
    /// Name of the row.
    pub name: String,
    /// Whether it stands for several others: its name is bold and a gap above it.
    pub whole: bool,
    /// `[column]`; none where the number is not defined.
    pub values: Vec<Option<f64>>,
}

const LONGEST_NAME: f64 = 380.0;
const GAP: f64 = 12.0;

/// Red for negative numbers, blue for positive ones, nearly white at zero; two decimals on each cell.
///
/// # Errors
/// [`PlotError`] where there is no column or row, lengths disagree, or a number is not finite.
pub fn heat_map(data: &HeatMap) -> Result<Figure, PlotError> {
    check(data)?;
    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let axis = Axis::covering([-data.limit, data.limit], 4);
    let bar_room = BAR_GAP + BAR + 12.0 + axis.label_width(TICK);
    // many rows become lower, so that a figure stays on its page
    let height = if data.rows.len() > 24 { 30.0 } else { 52.0 };
    let em = if data.rows.len() > 24 { 22.0 } else { 26.0 };
    let face = |row: &HeatRow| if row.whole { Face::bold(em) } else { Face::regular(em) };
    let names: Vec<String> = data.rows.iter().map(|row| face(row).fit(&row.name, LONGEST_NAME)).collect();
    let widths = data.rows.iter().zip(&names).map(|(row, name)| face(row).width(name));
    let left = MARGIN + widths.fold(0.0, f64::max) + 18.0;
    let width = ((WIDTH - MARGIN - bar_room - left) / data.columns.len() as f64).min(180.0);
    let labels = SlotLabels::new(&data.columns, width);
    let right = left + width * data.columns.len() as f64;
    let value = Face::regular(((width - 10.0) / Face::regular(1.0).width("−0.00")).clamp(10.0, em).floor());

    let heading = LABEL.line() + 8.0;
    let name = LABEL.fit(&data.value, WIDTH - 2.0 * MARGIN);
    scene.text((left, top + LABEL.em / 2.0), name, LABEL, Align::Left);
    let mut y = top + heading;
    let bar_top = y;
    for (row, name) in data.rows.iter().zip(&names) {
        if row.whole && y > bar_top {
            y += GAP;
        }
        scene.text((left - 14.0, y + height / 2.0), name, face(row), Align::Right);
        for (column, cell) in row.values.iter().enumerate() {
            let x = left + width * column as f64;
            let middle = (x + width / 2.0, y + height / 2.0);
            let Some(cell) = cell else {
                scene.text_in(middle, "–", value, Align::Centre, GREY);
                continue;
            };
            let shade = diverging(cell / axis.high);
            scene.fill((x + 1.0, y + 1.0), (x + width - 1.0, y + height - 1.0), shade);
            scene.text_in(middle, number(*cell, 2), value, Align::Centre, ink_on(shade));
        }
        y += height;
    }
    for (column, middle) in (0..data.columns.len()).map(|i| (i, left + width * (i as f64 + 0.5))) {
        labels.draw(&mut scene, column, middle, y + 12.0);
    }
    let bar_bottom = y.max(bar_top + 180.0);
    let place = (right + BAR_GAP, bar_top, bar_bottom);
    colour_bar(&mut scene, &axis, place, |share| diverging(2.0 * share - 1.0));
    scene.height = (y + 12.0 + labels.height()).max(bar_bottom + TICK.em / 2.0) + MARGIN;
    Ok(Figure { scene })
}

fn check(data: &HeatMap) -> Result<(), PlotError> {
    let check = Check("heat_map");
    check.some(&data.columns, "columns")?;
    check.some(&data.rows, "rows")?;
    check.finite(data.limit, || "the limit".to_string())?;
    for row in &data.rows {
        check.length(row.values.len(), data.columns.len(), format!("columns of {}", row.name))?;
        for (column, value) in data.columns.iter().zip(&row.values) {
            if let Some(value) = value {
                check.finite(*value, || format!("{column} of {}", row.name))?;
            }
        }
    }
    Ok(())
}
