//! Dots with their names beside them, where there are too many kinds for a legend.

use super::axes::{Axis, Plot, TICK, WIDTH, error_bar, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, LIGHT_GREY, Rgb, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::xy::panel;
use sapo_metrics::Estimate;

/// What [`named_points`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPoints {
    /// Title of the figure.
    pub title: String,
    /// Name and unit of the x axis.
    pub x: String,
    /// Name and unit of the y axis.
    pub y: String,
    /// The dots.
    pub points: Vec<NamedPoint>,
    /// A corner to reach: its x and y are drawn as dashed lines.
    pub goal: Option<(f64, f64)>,
}

/// A dot with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPoint {
    /// The name.
    pub name: String,
    /// x.
    pub x: f64,
    /// y with its interval, which is drawn where it is wider than the dot.
    pub y: Estimate,
    /// Whether it stands out: in colour, the others in grey.
    pub bold: bool,
}

const RADIUS: f64 = 11.0;

/// Half the width of an interval's ends.
const CAP: f64 = 8.0;

/// Dots with their names beside them.
///
/// # Errors
/// [`PlotError`] where there is no dot, a name occurs twice, or a number is not finite.
pub fn named_points(data: &NamedPoints) -> Result<Figure, PlotError> {
    let check = Check("named points");
    check.some(&data.points, "points")?;
    check.distinct(data.points.iter().map(|point| point.name.as_str()))?;
    for point in &data.points {
        check.finite(point.x, || format!("x of {}", point.name))?;
        check.estimate(&point.y, || format!("y of {}", point.name))?;
    }
    let goal = data.goal.iter();
    let x = Axis::covering(data.points.iter().map(|p| p.x).chain(goal.clone().map(|g| g.0)), 6);
    let ys = data.points.iter().flat_map(|point| [point.y.low, point.y.high]);
    let y = Axis::covering(ys.chain(goal.map(|g| g.1)), 5);

    let mut scene = Scene::new(WIDTH);
    let top = title(&mut scene, &data.title);
    let plot = panel(&mut scene, top, x, y, &data.x, &data.y);
    if let Some((x, y)) = data.goal {
        let (across, up) = (plot.at(plot.x.low, y), plot.at(x, plot.y.low));
        scene.dashed(across, (plot.right, across.1), 2.0, LIGHT_GREY);
        scene.dashed((up.0, plot.top), up, 2.0, LIGHT_GREY);
    }
    let bold = data.points.iter().filter(|point| point.bold).map(|point| point.name.as_str());
    let mut paints = colours(bold).into_iter();
    let paints: Vec<Rgb> = data
        .points
        .iter()
        .map(|point| if point.bold { paints.next().unwrap_or(BLACK) } else { GREY })
        .collect();
    let mut taken = Vec::new();
    for (point, paint) in data.points.iter().zip(&paints) {
        let (dot, ends) = (plot.at(point.x, point.y.mean), (plot.py(point.y.low), plot.py(point.y.high)));
        error_bar(&mut scene, dot.0, ends, CAP, 3.0, *paint);
        scene.disc(dot, RADIUS, *paint, 0.9);
        taken.extend([Room::of_dot(dot), Room::of_interval(dot.0, ends)]);
    }
    for (point, paint) in data.points.iter().zip(&paints) {
        let dot = plot.at(point.x, point.y.mean);
        let (at, align, room) = place(&point.name, dot, &plot, &taken);
        taken.push(room);
        if (at.1 - dot.1).abs() > TICK.line() {
            let gap = if align == Align::Left { -5.0 } else { 5.0 };
            scene.line(&[dot, (at.0 + gap, at.1)], 1.5, LIGHT_GREY);
        }
        scene.text_in(at, point.name.as_str(), TICK, align, if point.bold { *paint } else { BLACK });
    }
    Ok(Figure { scene })
}

/// A rectangle that is taken: left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
struct Room([f64; 4]);

impl Room {
    fn of_dot((x, y): (f64, f64)) -> Self {
        Self([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS])
    }

    /// The interval of a dot at this x, between the y of its two ends.
    fn of_interval(x: f64, (one, other): (f64, f64)) -> Self {
        Self([x - CAP, one.min(other), x + CAP, one.max(other)])
    }

    /// How much of it lies in another.
    fn shared(self, other: Self) -> f64 {
        let ([l, t, r, b], [ol, ot, or, ob]) = (self.0, other.0);
        (r.min(or) - l.max(ol)).max(0.0) * (b.min(ob) - t.max(ot)).max(0.0)
    }
}

/// Where a name touches the least of what is there: right of its dot, left, or higher and lower, step by step; a name
/// further off than a line is tied to its dot.
fn place(name: &str, (x, y): (f64, f64), plot: &Plot, taken: &[Room]) -> ((f64, f64), Align, Room) {
    /// Half lines up and down.
    const FURTHEST: i32 = 20;
    let (width, line) = (TICK.width(name), TICK.line());
    let sides = [(Align::Left, RADIUS + 8.0), (Align::Right, -RADIUS - 8.0)];
    let steps = (0..=FURTHEST).flat_map(|half| [-half, half]);
    let at = |step: i32, gap: f64| (x + gap, y + f64::from(step) * line / 2.0);
    let spots = steps.flat_map(|step| sides.map(|(align, gap)| (at(step, gap), align)));
    let rooms = spots.map(|(at, align)| {
        let left = if align == Align::Right { at.0 - width } else { at.0 };
        (at, align, Room([left, at.1 - line / 2.0, left + width, at.1 + line / 2.0]))
    });
    let cost = |room: &Room| {
        let [l, t, r, b] = room.0;
        let outside = l < plot.left || r > plot.right || t < plot.top || b > plot.bottom;
        taken.iter().map(|other| room.shared(*other)).sum::<f64>() + if outside { 1e6 } else { 0.0 }
    };
    let first = ((x, y), Align::Left, Room::of_dot((x, y)));
    rooms.min_by(|(_, _, a), (_, _, b)| cost(a).total_cmp(&cost(b))).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::super::scene::Shape;
    use super::*;

    fn points() -> NamedPoints {
        let point = |i: usize| NamedPoint {
            name: format!("rule {i}"),
            x: 20.0 + (i % 3) as f64,
            y: Estimate::single(97.0 + (i / 3) as f64 / 10.0),
            bold: i == 4,
        };
        let axis = |name: &str| name.to_string();
        NamedPoints {
            title: axis("Nine rules close together"),
            x: axis("median cost (%)"),
            y: axis("good winners (%)"),
            points: (0..9)
                .map(point)
                .chain([NamedPoint {
                    x: 100.0,
                    y: Estimate { low: 99.0, ..Estimate::single(100.0) },
                    ..point(9)
                }])
                .collect(),
            goal: Some((25.0, 98.0)),
        }
    }

    #[test]
    fn names_do_not_touch() {
        let crowded = named_points(&points()).unwrap().scene.crowded();
        assert!(crowded.is_empty(), "{crowded:?}");
    }

    #[test]
    fn a_name_keeps_clear_of_the_interval_of_its_neighbour() {
        let point = |name: &str, x, y| NamedPoint { name: name.to_string(), x, y, bold: false };
        let tall = Estimate { low: 90.0, high: 99.0, ..Estimate::single(95.0) };
        let data = NamedPoints {
            points: vec![
                point("a long name", 40.0, Estimate::single(97.0)),
                point("tall", 42.0, tall),
                point("far", 80.0, Estimate::single(97.0)),
            ],
            ..points()
        };
        let scene = named_points(&data).unwrap().scene;
        let first_dot = scene.shapes.iter().find_map(|shape| match shape {
            Shape::Disc { at, .. } => Some(at.0),
            _ => None,
        });
        let [_, _, right, _] = scene.room_of("a long name").unwrap();
        assert!(Some(right) < first_dot, "ends at {right}, right of its dot at {first_dot:?}");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let none = NamedPoints { points: vec![], ..points() };
        assert!(matches!(named_points(&none), Err(PlotError::Empty { .. })));
        let mut nowhere = points();
        nowhere.points[0].x = f64::NAN;
        assert!(matches!(named_points(&nowhere), Err(PlotError::NotFinite { .. })));
    }
}
