//! A figure as a list of plain shapes, before any file format.
//!
//! Every figure draws into this one list, so PNG and SVG cannot differ, and a test can ask whether two texts overlap.

use super::palette::{BLACK, Rgb};
use super::text::Face;

/// Where the given point lies along a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// One thing to paint; later ones cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A filled rectangle.
    Box { from: (f64, f64), to: (f64, f64), colour: Rgb },
    /// An open line of straight pieces.
    Line { points: Vec<(f64, f64)>, width: f64, colour: Rgb },
    /// A filled polygon.
    Area { points: Vec<(f64, f64)>, colour: Rgb, alpha: f64 },
    /// A filled disc.
    Disc { at: (f64, f64), radius: f64, colour: Rgb, alpha: f64 },
    /// A line of text, its capitals centred on `at`; upright texts read from left to right, others from below.
    Text { at: (f64, f64), text: String, face: Face, align: Align, upright: bool, colour: Rgb },
}

/// A sheet of paper, in dots from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
}

impl Scene {
    /// A sheet whose height is set when the figure knows it.
    pub(crate) fn new(width: f64) -> Self {
        Self { width, height: 0.0, shapes: Vec::new() }
    }

    pub(crate) fn fill(&mut self, from: (f64, f64), to: (f64, f64), colour: Rgb) {
        self.shapes.push(Shape::Box { from, to, colour });
    }

    pub(crate) fn line(&mut self, points: &[(f64, f64)], width: f64, colour: Rgb) {
        self.shapes.push(Shape::Line { points: points.to_vec(), width, colour });
    }

    /// A straight dashed line.
    pub(crate) fn dashed(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        const DASH: f64 = 9.0;
        const PERIOD: f64 = 16.0;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let mut start = 0.0;
        while start < length {
            let end = (start + DASH).min(length);
            let at = |t: f64| (from.0 + dx * t / length, from.1 + dy * t / length);
            self.line(&[at(start), at(end)], width, colour);
            start += PERIOD;
        }
    }

    /// The outline of a rectangle, its line centred on the edge.
    pub(crate) fn frame(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        let h = width / 2.0;
        self.fill((from.0 - h, from.1 - h), (to.0 + h, from.1 + h), colour);
        self.fill((from.0 - h, to.1 - h), (to.0 + h, to.1 + h), colour);
        self.fill((from.0 - h, from.1 + h), (from.0 + h, to.1 - h), colour);
        self.fill((to.0 - h, from.1 + h), (to.0 + h, to.1 - h), colour);
    }

    pub(crate) fn area(&mut self, points: Vec<(f64, f64)>, colour: Rgb, alpha: f64) {
        self.shapes.push(Shape::Area { points, colour, alpha });
    }

    pub(crate) fn disc(&mut self, at: (f64, f64), radius: f64, colour: Rgb, alpha: f64) {
        self.shapes.push(Shape::Disc { at, radius, colour, alpha });
    }

    /// Horizontal text in the ordinary ink.
    pub(crate) fn text(&mut self, at: (f64, f64), text: impl Into<String>, face: Face, align: Align) {
        self.text_in(at, text, face, align, BLACK);
    }

    /// Horizontal text in a colour.
    pub(crate) fn text_in(
        &mut self,
        at: (f64, f64),
        text: impl Into<String>,
        face: Face,
        align: Align,
        colour: Rgb,
    ) {
        self.shapes.push(Shape::Text { at, text: text.into(), face, align, upright: true, colour });
    }

    /// Text turned to read from below.
    pub(crate) fn text_up(&mut self, at: (f64, f64), text: impl Into<String>, face: Face, align: Align) {
        self.shapes.push(Shape::Text { at, text: text.into(), face, align, upright: false, colour: BLACK });
    }
}

#[cfg(test)]
impl Scene {
    /// Texts that leave the sheet or touch another text; a good figure has none.
    pub(crate) fn crowded(&self) -> Vec<String> {
        let boxes: Vec<(String, [f64; 4])> = self.shapes.iter().filter_map(text_box).collect();
        let mut bad = Vec::new();
        for (i, (text, [l, t, r, b])) in boxes.iter().enumerate() {
            if *l < 0.0 || *t < 0.0 || *r > self.width || *b > self.height {
                bad.push(format!("{text:?} leaves the sheet"));
            }
            for (other, [ol, ot, or, ob]) in &boxes[..i] {
                if l < or && ol < r && t < ob && ot < b {
                    bad.push(format!("{text:?} touches {other:?}"));
                }
            }
        }
        bad
    }

    /// The rectangle of the first such text: left, top, right, bottom.
    pub(crate) fn room_of(&self, wanted: &str) -> Option<[f64; 4]> {
        self.shapes.iter().filter_map(text_box).find(|(text, _)| text == wanted).map(|(_, room)| room)
    }
}

#[cfg(test)]
fn text_box(shape: &Shape) -> Option<(String, [f64; 4])> {
    let Shape::Text { at: (x, y), text, face, align, upright, .. } = shape else { return None };
    let (long, half) = (face.width(text), face.em * 0.45);
    let start = match align {
        Align::Left => 0.0,
        Align::Centre => -long / 2.0,
        Align::Right => -long,
    };
    let corners = if *upright {
        [x + start, y - half, x + start + long, y + half]
    } else {
        [x - half, y - start - long, x + half, y - start]
    };
    Some((text.clone(), corners))
}
