//! Two plain figures for whatever else an experiment asks: dots, and lines with intervals.

use super::axes::{Axis, LABEL, MARGIN, Plot, Swatch, TICK, WIDTH, error_bar, legend, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{GREY, Rgb, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use sapo_metrics::Estimate;

/// What [`scatter`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// Title of the figure.
    pub title: String,
    /// Name and unit of the x axis.
    pub x: String,
    /// Name and unit of the y axis.
    pub y: String,
    /// One colour each; a single group has no legend.
    pub groups: Vec<Dots>,
    /// A word on the whole, such as `r = −0.42 [−0.61, −0.19], n = 120`; stands above the dots.
    pub remark: Option<String>,
}

/// Dots of one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Dots {
    /// Name in the legend.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
}

/// What [`lines`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// Title of the figure.
    pub title: String,
    /// Name and unit of the x axis.
    pub x: String,
    /// Name and unit of the y axis.
    pub y: String,
    /// One colour each.
    pub series: Vec<Series>,
}

/// A line with its intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// x and the estimate of y there, x ascending.
    pub points: Vec<(f64, Estimate)>,
}

const HEIGHT: f64 = 760.0;
/// From one series of lines to the next.
const ASIDE: f64 = 12.0;
/// Half of the width of an interval's cap.
const CAP: f64 = 10.0;

/// Dots in groups, with a remark (a correlation, say) above them.
///
/// # Errors
/// [`PlotError`] where there is no group or dot, a name occurs twice, or a number is not finite.
pub fn scatter(data: &Scatter) -> Result<Figure, PlotError> {
    let check = Check("scatter");
    check.some(&data.groups, "groups")?;
    check.distinct(data.groups.iter().map(|group| group.name.as_str()))?;
    for group in &data.groups {
        check.some(&group.points, format!("points of {}", group.name))?;
        for (i, (x, y)) in group.points.iter().enumerate() {
            check.finite(*x, || format!("x of point {i} of {}", group.name))?;
            check.finite(*y, || format!("y of point {i} of {}", group.name))?;
        }
    }
    let all = || data.groups.iter().flat_map(|group| &group.points);
    let (x, y) = (Axis::covering(all().map(|p| p.0), 6), Axis::covering(all().map(|p| p.1), 5));

    let paints = colours(data.groups.iter().map(|group| group.name.as_str()));
    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let names = data.groups.iter().map(|group| group.name.as_str());
    let mut top = key(&mut scene, top, names, |i| Swatch::Dots(vec![paints[i]], 11.0));
    if let Some(remark) = &data.remark {
        let remark = LABEL.fit(remark, WIDTH - 2.0 * MARGIN);
        scene.text_in((MARGIN, top + LABEL.em / 2.0), remark, LABEL, Align::Left, GREY);
        top += LABEL.line() + 18.0;
    }
    let plot = panel(&mut scene, top, x, y, &data.x, &data.y);
    // Many dots become small and let each other through.
    let radius = if all().count() > 200 { 7.0 } else { 10.0 };
    for (group, paint) in data.groups.iter().zip(&paints) {
        for (x, y) in &group.points {
            scene.disc(plot.at(*x, *y), radius, *paint, 0.6);
        }
    }
    Ok(Figure { scene })
}

/// Lines with an interval at every point; series stand a little aside of each other, so that none hides another's.
///
/// # Errors
/// [`PlotError`] where there is no series or point, a name occurs twice, or a number is not finite.
pub fn lines(data: &Lines) -> Result<Figure, PlotError> {
    let check = Check("lines");
    check.some(&data.series, "series")?;
    check.distinct(data.series.iter().map(|series| series.name.as_str()))?;
    for Series { name, points } in &data.series {
        check.some(points, format!("points of {name}"))?;
        for (i, (x, estimate)) in points.iter().enumerate() {
            check.finite(*x, || format!("x of point {i} of {name}"))?;
            check.estimate(estimate, || format!("point {i} of {name}"))?;
        }
    }
    let all = || data.series.iter().flat_map(|series| &series.points);
    let middle = (data.series.len() as f64 - 1.0) / 2.0;
    let aside = middle * ASIDE + 2.0 * CAP;
    let x = Axis::covering(all().map(|p| p.0), 6).widened(aside / WIDTH);
    let y = Axis::covering(all().flat_map(|p| [p.1.low, p.1.high]), 5);

    let paints: Vec<Rgb> = colours(data.series.iter().map(|series| series.name.as_str()));
    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let names = data.series.iter().map(|series| series.name.as_str());
    let top = key(&mut scene, top, names, |i| Swatch::Line(paints[i]));
    let plot = panel(&mut scene, top, x, y, &data.x, &data.y);
    for (i, (series, paint)) in data.series.iter().zip(&paints).enumerate() {
        let px = |x: f64| plot.px(x) + (i as f64 - middle) * ASIDE;
        let points: Vec<_> = series.points.iter().map(|(x, e)| (px(*x), plot.py(e.mean))).collect();
        scene.line(&points, 4.0, *paint);
        for ((x, estimate), point) in series.points.iter().zip(points) {
            let ends = (plot.py(estimate.low), plot.py(estimate.high));
            error_bar(&mut scene, px(*x), ends, CAP, 4.0, *paint);
            scene.disc(point, 8.0, *paint, 1.0);
        }
    }
    Ok(Figure { scene })
}

/// The legend, where there is more than one thing to tell apart.
fn key<'a>(
    scene: &mut Scene,
    top: f64,
    names: impl ExactSizeIterator<Item = &'a str>,
    swatch: impl Fn(usize) -> Swatch,
) -> f64 {
    if names.len() < 2 {
        return top;
    }
    let entries: Vec<_> = names.enumerate().map(|(i, name)| (swatch(i), name.to_string())).collect();
    legend(scene, top, &entries)
}

/// The one large panel with both axes; sets the height of the sheet.
pub(super) fn panel(scene: &mut Scene, top: f64, x: Axis, y: Axis, x_name: &str, y_name: &str) -> Plot {
    let room = LABEL.em + 22.0 + y.label_width(TICK) + 14.0;
    let (left, top) = (MARGIN + room, top + 12.0);
    let right = WIDTH - MARGIN - x.label_width(TICK) / 2.0;
    let plot = Plot { left, top, right, bottom: top + HEIGHT, x, y };
    plot.draw_y(scene, true);
    plot.draw_x(scene, true);
    plot.name_y(scene, y_name, room - LABEL.em / 2.0);
    let below = plot.bottom + 14.0 + TICK.line() + 14.0 + LABEL.em / 2.0;
    let name = LABEL.fit(x_name, right - left);
    scene.text(((left + right) / 2.0, below), name, LABEL, Align::Centre);
    scene.height = below + LABEL.em / 2.0 + MARGIN;
    plot
}
