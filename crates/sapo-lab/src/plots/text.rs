//! The shipped font: how wide a text is, how it is shortened or broken, and which dots it covers.
//!
//! Text is rasterised here and not by plotters, which drops side bearings and fractions of a dot, so that its
//! letters stand unevenly.

use ab_glyph::{Font, FontRef, GlyphId, InvalidFont, ScaleFont, point};
use std::sync::LazyLock;

/// Preferred families in the SVG, where the viewer's own font is used when Inter is not installed.
pub(crate) const FAMILIES: &str = "Inter, Helvetica, Arial, DejaVu Sans, sans-serif";

/// Height of the capitals over the em, to centre a line of text on its capitals.
const CAP_HEIGHT: f64 = 0.727;

type Loaded = Result<FontRef<'static>, InvalidFont>;

static REGULAR: LazyLock<Loaded> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("../../assets/Inter-Regular.otf")));
static BOLD: LazyLock<Loaded> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("../../assets/Inter-Bold.otf")));

/// Size (dots an em) and weight of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Face {
    pub(crate) em: f64,
    pub(crate) bold: bool,
}

impl Face {
    pub(crate) const fn regular(em: f64) -> Self {
        Self { em, bold: false }
    }

    pub(crate) const fn bold(em: f64) -> Self {
        Self { em, bold: true }
    }

    /// Distance of two lines of text.
    pub(crate) fn line(self) -> f64 {
        self.em * 1.25
    }

    fn font(self) -> Option<&'static FontRef<'static>> {
        // The bytes are part of the program; a test holds that they load.
        if self.bold { BOLD.as_ref().ok() } else { REGULAR.as_ref().ok() }
    }

    /// Width of `text` on one line.
    pub(crate) fn width(self, text: &str) -> f64 {
        self.font().map_or(0.0, |font| layout(font, self.em, text).1)
    }

    /// `text`, or its beginning and an ellipsis, no wider than `room` (at the least one letter and the ellipsis).
    pub(crate) fn fit(self, text: &str, room: f64) -> String {
        if self.width(text) <= room {
            return text.to_string();
        }
        let letters: Vec<char> = text.chars().collect();
        let shortened = |n: usize| {
            let head: String = letters[..n].iter().collect();
            format!("{}…", head.trim_end_matches([' ', '_', '-', ':', ',']))
        };
        (1..letters.len())
            .rev()
            .map(shortened)
            .find(|s| self.width(s) <= room)
            .unwrap_or_else(|| shortened(1))
    }

    /// Breaks `text` at spaces, underscores, hyphens and slashes into at most `lines` lines; the last is shortened.
    pub(crate) fn wrap(self, text: &str, room: f64, lines: usize) -> Vec<String> {
        let mut done: Vec<String> = Vec::new();
        let mut current = String::new();
        for piece in pieces(text) {
            let last = done.len() + 1 >= lines;
            let longer = format!("{current}{piece}");
            if current.is_empty() || last || self.width(longer.trim_end()) <= room {
                current = longer;
            } else {
                done.push(std::mem::replace(&mut current, piece));
            }
        }
        done.push(current);
        done.iter().map(|line| self.fit(line.trim(), room)).collect()
    }

    /// Calls `dot(right, down, cover)` for every dot that `text` touches, from the left end of its baseline.
    pub(crate) fn dots(self, text: &str, (x, y): (f64, f64), mut dot: impl FnMut(i32, i32, f32)) {
        let Some(font) = self.font() else { return };
        let scale = scale(font, self.em);
        for (id, left) in layout(font, self.em, text).0 {
            let glyph = id.with_scale_and_position(scale, point((x + left) as f32, y as f32));
            if let Some(outline) = font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|dx, dy, cover| {
                    dot(corner.x as i32 + dx as i32, corner.y as i32 + dy as i32, cover.clamp(0.0, 1.0));
                });
            }
        }
    }

    /// How far the baseline lies below the middle of the capitals.
    pub(crate) fn drop(self) -> f64 {
        self.em * CAP_HEIGHT / 2.0
    }
}

/// The glyphs with their left ends, and the width of the whole.
fn layout(font: &FontRef<'_>, em: f64, text: &str) -> (Vec<(GlyphId, f64)>, f64) {
    let scaled = font.as_scaled(scale(font, em));
    let mut glyphs: Vec<(GlyphId, f64)> = Vec::new();
    let mut right = 0.0;
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        if let Some((before, _)) = glyphs.last() {
            right += f64::from(scaled.kern(*before, id));
        }
        glyphs.push((id, right));
        right += f64::from(scaled.h_advance(id));
    }
    (glyphs, right)
}

/// ab_glyph measures a font by its whole height, typography by its em.
fn scale(font: &FontRef<'_>, em: f64) -> ab_glyph::PxScale {
    let units = font.units_per_em().unwrap_or(1000.0);
    (em as f32 * font.height_unscaled() / units).into()
}

/// The text cut after every character where a line may break.
fn pieces(text: &str) -> Vec<String> {
    text.split_inclusive([' ', '_', '-', '/']).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: Face = Face::regular(30.0);

    #[test]
    fn the_shipped_fonts_load_and_hold_what_figures_need() {
        for face in [FACE, Face::bold(30.0)] {
            let font = face.font().unwrap();
            for letter in "aZ09…−–×±≤≥→↑↓ρµ·".chars() {
                assert_ne!(font.glyph_id(letter).0, 0, "{letter}");
            }
        }
    }

    #[test]
    fn an_em_is_an_em() {
        // Inter's capital H is 0.744 em wide, bearings included (advance 2096 of 2816 units).
        assert!((FACE.width("H") / 30.0 - 0.744).abs() < 0.005, "{}", FACE.width("H") / 30.0);
    }

    #[test]
    fn shortening_and_breaking_keep_to_the_room() {
        let name = "task1310_amazonreview_rating_classification of a very long kind";
        for room in [60.0, 100.0, 250.0] {
            assert!(FACE.width(&FACE.fit(name, room)) <= room);
            let lines = FACE.wrap(name, room, 3);
            assert!(lines.len() <= 3);
            assert!(lines.iter().all(|line| FACE.width(line) <= room), "{lines:?}");
        }
        assert_eq!(FACE.fit("abc", 200.0), "abc");
        assert_eq!(FACE.wrap("left right", 90.0, 2), ["left", "right"]);
    }
}
