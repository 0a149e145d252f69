//! A scene as PNG and as SVG, by the backends of plotters.

use super::error::PlotError;
use super::palette::{Rgb, WHITE};
use super::scene::{Align, Scene, Shape};
use super::text::{FAMILIES, Face};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
};
use sapo_files::whole;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The bitmap is painted this many times as wide and high and then averaged: plotters places things on whole dots.
const FINE: usize = 3;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub(crate) scene: Scene,
}

/// The files of one figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureFiles {
    /// The bitmap.
    pub png: PathBuf,
    /// The vector drawing.
    pub svg: PathBuf,
}

impl Figure {
    /// Width and height of the PNG.
    ///
    /// # Units
    /// Dots; shown at half that width, texts have the size of those around them.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.scene.width.ceil() as u32, self.scene.height.ceil() as u32)
    }

    /// Writes `<folder>/<name>.png` and `<folder>/<name>.svg`, each whole or not at all, with the same bytes each time.
    ///
    /// # Errors
    /// [`PlotError::Draw`] and [`PlotError::Io`] with the path of the file.
    pub fn write(&self, folder: impl AsRef<Path>, name: &str) -> Result<FigureFiles, PlotError> {
        let path = |extension: &str| folder.as_ref().join(format!("{name}.{extension}"));
        let files = FigureFiles { png: path("png"), svg: path("svg") };
        self.save(&files.png)?;
        self.save(&files.svg)?;
        Ok(files)
    }

    /// Writes the one file, whole or not at all, in the form that its name asks for: `.png` or `.svg`.
    ///
    /// # Errors
    /// [`PlotError::Draw`], also for a name of another ending, and [`PlotError::Io`] with the path of the file.
    pub fn save(&self, path: &Path) -> Result<(), PlotError> {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        let drawn = match ending.as_deref().and_then(OsStr::to_str) {
            Some("png") => self.png(),
            Some("svg") => self.svg(),
            _ => Err("expected a name that ends in .png or .svg".into()),
        };
        let bytes = drawn.map_err(|message| PlotError::Draw { path: path.into(), message })?;
        whole::write(path, &bytes).map_err(|source| PlotError::Io { path: path.into(), source })
    }

    fn png(&self) -> Result<Vec<u8>, String> {
        let (width, height) = self.size();
        let (fine_w, fine_h) = (width as usize * FINE, height as usize * FINE);
        let mut fine = vec![0xff_u8; fine_w * fine_h * 3];
        let mut backend = BitMapBackend::with_buffer(&mut fine, (fine_w as u32, fine_h as u32));
        for shape in &self.scene.shapes {
            paint(&mut backend, shape, FINE as f64, bitmap_text)?;
        }
        backend.present().map_err(|error| error.to_string())?;
        drop(backend);
        encoded(&averaged(&fine, width as usize, height as usize), width, height)
    }

    /// The vector drawing, for who puts it elsewhere than into a file.
    pub(crate) fn svg(&self) -> Result<Vec<u8>, String> {
        let mut document = String::new();
        let mut backend = SVGBackend::with_string(&mut document, self.size());
        let to = (f64::from(self.size().0), f64::from(self.size().1));
        let sheet = Shape::Box { from: (0.0, 0.0), to, colour: WHITE };
        for shape in std::iter::once(&sheet).chain(&self.scene.shapes) {
            paint(&mut backend, shape, 1.0, svg_text)?;
        }
        backend.present().map_err(|error| error.to_string())?;
        drop(backend);
        Ok(document.into_bytes())
    }
}

/// A text with everything that the two ways of writing it need.
struct Words<'a> {
    at: (f64, f64),
    text: &'a str,
    face: Face,
    align: Align,
    upright: bool,
    colour: Rgb,
}

/// Paints one shape, `scale` dots to a unit of the scene; text is the business of `write`.
fn paint<B: DrawingBackend>(
    backend: &mut B,
    shape: &Shape,
    scale: f64,
    write: impl FnOnce(&mut B, &Words<'_>, f64) -> Result<(), String>,
) -> Result<(), String> {
    let dot = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    let dots = |points: &[(f64, f64)]| points.iter().map(|p| dot(*p)).collect::<Vec<_>>();
    let pen = |rgb, alpha, width: f64| ShapeStyle {
        color: ink(rgb, alpha),
        filled: true,
        stroke_width: (width * scale).round().max(1.0) as u32,
    };
    let drawn = match shape {
        Shape::Box { from, to, colour } => {
            backend.draw_rect(dot(*from), dot(*to), &pen(*colour, 1.0, 1.0), true)
        }
        Shape::Line { points, width, colour } => backend.draw_path(dots(points), &pen(*colour, 1.0, *width)),
        Shape::Area { points, colour, alpha } => {
            backend.fill_polygon(dots(points), &pen(*colour, *alpha, 1.0))
        }
        Shape::Disc { at, radius, colour, alpha } => {
            let radius = (radius * scale).round().max(1.0) as u32;
            backend.draw_circle(dot(*at), radius, &pen(*colour, *alpha, 1.0), true)
        }
        Shape::Text { at, text, face, align, upright, colour } => {
            let words =
                Words { at: *at, text, face: *face, align: *align, upright: *upright, colour: *colour };
            return write(backend, &words, scale);
        }
    };
    drawn.map_err(|error| error.to_string())
}

fn bitmap_text<B: DrawingBackend>(backend: &mut B, words: &Words<'_>, scale: f64) -> Result<(), String> {
    let face = Face { em: words.face.em * scale, ..words.face };
    let left = match words.align {
        Align::Left => 0.0,
        Align::Centre => -face.width(words.text) / 2.0,
        Align::Right => -face.width(words.text),
    };
    let (x, y) = ((words.at.0 * scale).round() as i32, (words.at.1 * scale).round() as i32);
    let mut drawn = Ok(());
    face.dots(words.text, (left, face.drop()), |right, down, cover| {
        let at = if words.upright { (x + right, y + down) } else { (x + down, y - 1 - right) };
        if drawn.is_ok() && cover > 0.0 {
            drawn = backend.draw_pixel(at, ink(words.colour, f64::from(cover)).to_backend_color());
        }
    });
    drawn.map_err(|error| error.to_string())
}

fn svg_text<B: DrawingBackend>(backend: &mut B, words: &Words<'_>, _scale: f64) -> Result<(), String> {
    // plotters hangs the baseline half an x-height below the point; capitals want a little more.
    let shift = words.face.drop() - words.face.em * 0.27;
    let at = if words.upright { (words.at.0, words.at.1 + shift) } else { (words.at.0 + shift, words.at.1) };
    let weight = if words.face.bold { FontStyle::Bold } else { FontStyle::Normal };
    let turn = if words.upright { FontTransform::None } else { FontTransform::Rotate270 };
    // plotters divides the size that it is given by 1.24.
    let font = FontDesc::new(FontFamily::Name(FAMILIES), words.face.em * 1.24, weight).transform(turn);
    let h_pos = match words.align {
        Align::Left => HPos::Left,
        Align::Centre => HPos::Center,
        Align::Right => HPos::Right,
    };
    let colour = ink(words.colour, 1.0);
    let style = TextStyle::from(font).color(&colour).pos(Pos::new(h_pos, VPos::Center));
    let point = (at.0.round() as i32, at.1.round() as i32);
    backend.draw_text(words.text, &style, point).map_err(|error| error.to_string())
}

fn ink([r, g, b]: Rgb, alpha: f64) -> RGBAColor {
    RGBAColor(r, g, b, alpha)
}

/// The mean of every `FINE` x `FINE` block of dots.
fn averaged(fine: &[u8], width: usize, height: usize) -> Vec<u8> {
    let stride = width * FINE * 3;
    let count = (FINE * FINE) as u32;
    let mut dots = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0_u32;
                for row in 0..FINE {
                    let start = (y * FINE + row) * stride + x * FINE * 3 + channel;
                    sum += (0..FINE).map(|column| u32::from(fine[start + column * 3])).sum::<u32>();
                }
                dots.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    dots
}

fn encoded(dots: &[u8], width: u32, height: u32) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Results are kept in the repository: a third of the size for a second of work.
    encoder.set_compression(png::Compression::Best);
    encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(dots).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}
