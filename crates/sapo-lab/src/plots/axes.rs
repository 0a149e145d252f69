//! Round numbers for an axis, the rectangle that maps data onto the sheet, and what stands around it.

use super::palette::{BLACK, GREY, GRID, Rgb};
use super::scene::{Align, Scene};
use super::text::Face;

/// Width of every figure in dots: twice what a notebook shows, and sharp at half a page.
pub(crate) const WIDTH: f64 = 1600.0;
pub(crate) const MARGIN: f64 = 36.0;
pub(crate) const TICK: Face = Face::regular(28.0);
pub(crate) const LABEL: Face = Face::regular(30.0);
pub(crate) const PANEL: Face = Face::bold(32.0);
const TITLE: Face = Face::bold(38.0);

/// The ends of an axis and its round ticks between them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// An axis from round number to round number that covers all `values`, with about `wanted` steps.
    pub(crate) fn covering(values: impl IntoIterator<Item = f64>, wanted: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            low = low.min(value);
            high = high.max(value);
        }
        if high - low < 1e-9 * high.abs().max(1.0) {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / wanted as f64);
        Self::stepping((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step, step)
    }

    /// The whole numbers `from..=to`, with at most about `wanted` labels.
    pub(crate) fn counting(from: usize, to: usize, wanted: usize) -> Self {
        let (from, to) = (from as f64, to as f64);
        let step = round_step((to - from) / wanted as f64).max(1.0).ceil();
        let mut axis = Self::stepping(from, to, step);
        axis.high = to;
        axis
    }

    /// Scores from 0 to 100.
    pub(crate) fn percent() -> Self {
        Self::stepping(0.0, 100.0, 25.0)
    }

    /// The same ticks, with this share of the axis free beyond either end: what stands aside of an outermost value does not
    /// reach into the labels of the other axis.
    pub(crate) fn widened(mut self, share: f64) -> Self {
        let room = share * (self.high - self.low);
        (self.low, self.high) = (self.low - room, self.high + room);
        self
    }

    fn stepping(low: f64, high: f64, step: f64) -> Self {
        let count = ((high - low) / step + 1e-9).floor() as usize;
        // `+ 0.0` makes a negative zero an ordinary one.
        let ticks = (0..=count).map(|i| ((low / step).round() + i as f64) * step + 0.0).collect();
        let decimals = (0..6).find(|d| is_whole(step * 10_f64.powi(*d))).unwrap_or(6) as usize;
        Self { low, high, ticks, decimals }
    }

    pub(crate) fn label(&self, tick: f64) -> String {
        number(tick, self.decimals)
    }

    /// Room that the widest label takes.
    pub(crate) fn label_width(&self, face: Face) -> f64 {
        self.ticks.iter().map(|t| face.width(&self.label(*t))).fold(0.0, f64::max)
    }

    fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

/// 1, 2, 2.5 or 5 times a power of ten, not below `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let times = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|m| m * power >= raw * 0.999).unwrap_or(10.0);
    times * power
}

/// A number with a true minus sign, and no minus before a zero.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    match plain.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_string(),
        Some(rest) => format!("−{rest}"),
        None => plain,
    }
}

/// Where a panel's data lie on the sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Plot {
    pub(crate) fn px(&self, x: f64) -> f64 {
        self.left + self.x.fraction(x) * (self.right - self.left)
    }

    pub(crate) fn py(&self, y: f64) -> f64 {
        self.bottom - self.y.fraction(y) * (self.bottom - self.top)
    }

    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    /// Faint horizontal lines at the y ticks, a firmer one at zero, their labels, and the line below.
    pub(crate) fn draw_y(&self, scene: &mut Scene, labels: bool) {
        for tick in &self.y.ticks {
            let y = self.py(*tick);
            scene.line(&[(self.left, y), (self.right, y)], 2.0, GRID);
            if labels {
                scene.text((self.left - 14.0, y), self.y.label(*tick), TICK, Align::Right);
            }
        }
        if self.y.low < 0.0 && self.y.high > 0.0 {
            let zero = self.py(0.0);
            scene.line(&[(self.left, zero), (self.right, zero)], 2.0, GREY);
        }
        scene.line(&[(self.left, self.bottom), (self.right, self.bottom)], 2.0, BLACK);
    }

    /// Short marks below the x axis, with their labels.
    pub(crate) fn draw_x(&self, scene: &mut Scene, labels: bool) {
        for tick in &self.x.ticks {
            let x = self.px(*tick);
            scene.line(&[(x, self.bottom), (x, self.bottom + 8.0)], 2.0, BLACK);
            if labels {
                let below = self.bottom + 14.0 + TICK.em / 2.0;
                scene.text((x, below), self.x.label(*tick), TICK, Align::Centre);
            }
        }
    }

    /// The name of the y axis, `away` from its line, read from below.
    pub(crate) fn name_y(&self, scene: &mut Scene, name: &str, away: f64) {
        let middle = (self.top + self.bottom) / 2.0;
        let room = self.bottom - self.top + 60.0;
        scene.text_up((self.left - away, middle), LABEL.fit(name, room), LABEL, Align::Centre);
    }
}

/// The figure's title at the top, on at most two lines. Returns where the next thing may begin.
pub(crate) fn title(scene: &mut Scene, text: &str) -> f64 {
    if text.is_empty() {
        return MARGIN;
    }
    let mut y = MARGIN;
    for line in TITLE.wrap(text, scene.width - 2.0 * MARGIN, 2) {
        scene.text((MARGIN, y + TITLE.em / 2.0), line, TITLE, Align::Left);
        y += TITLE.line();
    }
    y + 10.0
}

/// How an entry of a legend looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Swatch {
    /// A line with a dot.
    Line(Rgb),
    /// Dots of this radius side by side, one of each colour.
    Dots(Vec<Rgb>, f64),
    /// The mark of the original instruction.
    Diamond,
    /// A dashed upright line.
    Dashes,
    /// One of the shapes of [`draw_mark`].
    Mark(usize, Rgb),
}

/// A row of entries (more rows if they do not fit), outside of every panel. Returns where the next thing may begin.
pub(crate) fn legend(scene: &mut Scene, top: f64, entries: &[(Swatch, String)]) -> f64 {
    const GAP: f64 = 40.0;
    let right = scene.width - MARGIN;
    let (mut x, mut y) = (MARGIN, top + LABEL.em / 2.0);
    for (swatch, name) in entries {
        let mark = match swatch {
            Swatch::Line(_) => 52.0,
            Swatch::Dots(colours, radius) => colours.len() as f64 * (2.0 * radius + 6.0),
            Swatch::Diamond | Swatch::Dashes | Swatch::Mark(..) => 36.0,
        };
        let name = LABEL.fit(name, right - MARGIN - mark - 12.0);
        let width = mark + 12.0 + LABEL.width(&name);
        if x > MARGIN && x + width > right {
            x = MARGIN;
            y += LABEL.line() + 4.0;
        }
        let middle = x + mark / 2.0;
        match swatch {
            Swatch::Line(colour) => {
                scene.line(&[(x, y), (x + mark, y)], 5.0, *colour);
                scene.disc((middle, y), 8.0, *colour, 1.0);
            }
            Swatch::Dots(colours, radius) => {
                for (i, colour) in colours.iter().enumerate() {
                    let x = x + (i as f64 + 0.5) * (2.0 * radius + 6.0);
                    scene.disc((x, y), *radius, *colour, 1.0);
                }
            }
            Swatch::Diamond => diamond(scene, (middle, y)),
            Swatch::Dashes => scene.dashed((middle, y - 18.0), (middle, y + 18.0), 3.0, GREY),
            Swatch::Mark(shape, colour) => draw_mark(scene, (middle, y), *shape, *colour),
        }
        scene.text((x + mark + 12.0, y), name, LABEL, Align::Left);
        x += width + GAP;
    }
    y + LABEL.em / 2.0 + 18.0
}

/// A hollow diamond that fits around a chosen dot.
pub(crate) fn diamond(scene: &mut Scene, (x, y): (f64, f64)) {
    let corners = |r: f64| [(x, y - r), (x + r, y), (x, y + r), (x - r, y), (x, y - r)];
    let (outer, inner) = (corners(20.0), corners(15.0));
    for side in 0..4 {
        let points = vec![outer[side], outer[side + 1], inner[side + 1], inner[side]];
        scene.area(points, BLACK, 1.0);
    }
}

/// A small filled shape: square, triangle, diamond, hanging triangle, and round again from the fifth.
pub(crate) fn draw_mark(scene: &mut Scene, (x, y): (f64, f64), shape: usize, colour: Rgb) {
    let corners: &[(f64, f64)] = match shape % 4 {
        0 => &[(-8.0, -8.0), (8.0, -8.0), (8.0, 8.0), (-8.0, 8.0)],
        1 => &[(0.0, -9.0), (10.0, 8.0), (-10.0, 8.0)],
        2 => &[(0.0, -11.0), (11.0, 0.0), (0.0, 11.0), (-11.0, 0.0)],
        _ => &[(-10.0, -8.0), (10.0, -8.0), (0.0, 9.0)],
    };
    scene.area(corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect(), colour, 1.0);
}

/// An upright error bar with caps.
pub(crate) fn error_bar(
    scene: &mut Scene,
    x: f64,
    (low, high): (f64, f64),
    cap: f64,
    width: f64,
    colour: Rgb,
) {
    scene.line(&[(x, low), (x, high)], width, colour);
    for y in [low, high] {
        scene.line(&[(x - cap, y), (x + cap, y)], width, colour);
    }
}

/// A lying error bar with caps.
pub(crate) fn lying_error_bar(
    scene: &mut Scene,
    (low, high): (f64, f64),
    y: f64,
    cap: f64,
    width: f64,
    colour: Rgb,
) {
    scene.line(&[(low, y), (high, y)], width, colour);
    for x in [low, high] {
        scene.line(&[(x, y - cap), (x, y + cap)], width, colour);
    }
}

/// Names below a row of slots: on lines side by side where they fit whole, else read from below.
pub(crate) struct SlotLabels {
    labels: Vec<Vec<String>>,
    face: Face,
    upright: bool,
}

impl SlotLabels {
    const LONGEST: f64 = 290.0;

    pub(crate) fn new(names: &[String], slot: f64) -> Self {
        let whole = |lines: &[String], name: &str| !lines.concat().contains('…') || name.contains('…');
        for em in [TICK.em, 26.0, 24.0, 22.0] {
            let face = Face::regular(em);
            let labels: Vec<Vec<String>> = names.iter().map(|name| face.wrap(name, slot - 10.0, 2)).collect();
            if labels.iter().zip(names).all(|(lines, name)| whole(lines, name)) {
                return Self { labels, face, upright: true };
            }
        }
        let face = Face::regular((slot / 1.25).clamp(12.0, 26.0));
        let labels = names.iter().map(|name| vec![face.fit(name, Self::LONGEST)]).collect();
        Self { labels, face, upright: false }
    }

    pub(crate) fn height(&self) -> f64 {
        if self.upright {
            return self.labels.iter().map(Vec::len).max().unwrap_or(1) as f64 * self.face.line();
        }
        self.labels.iter().flatten().map(|text| self.face.width(text)).fold(0.0, f64::max)
    }

    pub(crate) fn draw(&self, scene: &mut Scene, slot: usize, x: f64, top: f64) {
        for (i, line) in self.labels[slot].iter().enumerate() {
            if self.upright {
                let y = top + self.face.line() * (i as f64 + 0.5);
                scene.text((x, y), line, self.face, Align::Centre);
            } else {
                scene.text_up((x, top), line, self.face, Align::Right);
            }
        }
    }
}

/// A place in -1..1 for the `index`-th dot of a strip: spread evenly, and the same in every run.
pub(crate) fn jitter(index: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    ((index as f64 + 0.5) * GOLDEN).fract() * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_data() {
        let axis = Axis::covering([31.7, 68.2], 4);
        assert_eq!(axis.ticks, [30.0, 40.0, 50.0, 60.0, 70.0]);
        assert_eq!(
            axis.ticks.iter().map(|t| axis.label(*t)).collect::<Vec<_>>(),
            ["30", "40", "50", "60", "70"]
        );
        let small = Axis::covering([-0.013, 0.004], 4);
        assert!(small.low <= -0.013 && small.high >= 0.004);
        assert_eq!(small.label(small.ticks[0]), "−0.015");
        let flat = Axis::covering([5.0], 4);
        assert!(flat.low < 5.0 && flat.high > 5.0);
        assert_eq!(Axis::counting(0, 5, 6).ticks.len(), 6);
        assert_eq!(Axis::counting(0, 15, 6).ticks, [0.0, 3.0, 6.0, 9.0, 12.0, 15.0]);
    }

    #[test]
    fn minus_is_a_minus_and_zero_has_none() {
        assert_eq!(number(-1.25, 1), "−1.2");
        assert_eq!(number(-0.01, 1), "0.0");
    }

    #[test]
    fn jitter_is_spread() {
        let mut places: Vec<f64> = (0..20).map(jitter).collect();
        places.sort_by(f64::total_cmp);
        assert!(places[0] >= -1.0 && places[19] < 1.0);
        assert!(places.windows(2).all(|w| w[1] - w[0] > 0.04));
    }
}
