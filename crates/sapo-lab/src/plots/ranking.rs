//! Wordings from best to worst, by how far each is behind the winner.

use sapo_metrics::Estimate;

use super::axes::{Axis, LABEL, MARGIN, PANEL, Plot, Swatch, TICK, diamond, legend, lying_error_bar, title};
use super::check::Check;
use super::error::PlotError;
use super::palette::{BLACK, GREY, GRID, Rgb, colours};
use super::render::Figure;
use super::scene::{Align, Scene};
use super::text::Face;

/// What [`ranking`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Title of the figure.
    pub title: String,
    /// Name and unit of the differences: `nats a token above the winner`.
    pub axis: String,
    /// One row each, from top to bottom.
    pub wordings: Vec<RankedWording>,
}

/// One wording.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedWording {
    /// Its id, the label of the row.
    pub id: String,
    /// Its mean minus the winner's, with an interval, over the examples that it was asked about; absent where it was
    /// not asked. Ends that are equal are drawn as a point.
    pub behind: Option<Estimate>,
    /// Whether it won.
    pub winner: bool,
    /// Whether it is the task's own instruction.
    pub original: bool,
}

/// Narrower than other figures, with the same letters: they are still legible at half the width of a page.
const NARROW: f64 = 1000.0;
const ROW: f64 = 44.0;
const LONGEST_ID: f64 = 260.0;
const SEEN: &str = "examples";

/// A row for each wording: its difference to the winner with the interval, and how many examples it was asked about.
/// What may be as good as the winner, because its interval reaches 0, has the winner's colour.
///
/// # Errors
/// [`PlotError`] where there is no wording, an id occurs twice, or an interval does not hold its mean.
pub fn ranking(data: &Ranking) -> Result<Figure, PlotError> {
    check(data)?;
    let best = colours(["sapo"])[0];
    let paint = |wording: &RankedWording| if may_be_best(wording) { best } else { GREY };

    let mut scene = Scene::new(NARROW);
    let top = title(&mut scene, &data.title);
    let top = legend(&mut scene, top, &entries(data, best));

    let face = |wording: &RankedWording| if wording.original { Face::bold(TICK.em) } else { TICK };
    let ids: Vec<String> = data.wordings.iter().map(|w| face(w).fit(&w.id, LONGEST_ID)).collect();
    let id_room = ids.iter().zip(&data.wordings).map(|(id, w)| face(w).width(id)).fold(0.0, f64::max) + 26.0;
    let seen_room = TICK.width(SEEN) + 20.0;
    let (left, right) = (MARGIN + id_room, NARROW - MARGIN - seen_room);
    let top = top + PANEL.line();
    let bottom = top + ROW * data.wordings.len() as f64;
    let ends = data.wordings.iter().filter_map(|w| w.behind).flat_map(|e| [e.low, e.high, e.mean]);
    let (x, y) = (Axis::covering(ends.chain([0.0]), 4), Axis::counting(0, 1, 1));
    let plot = Plot { left, top, right, bottom, x, y };
    let middle = |row: usize| top + ROW * (row as f64 + 0.5);

    for tick in &plot.x.ticks {
        scene.line(&[(plot.px(*tick), top), (plot.px(*tick), bottom)], 2.0, GRID);
    }
    for row in 0..data.wordings.len() {
        scene.line(&[(left, middle(row)), (right, middle(row))], 1.0, GRID);
    }
    scene.line(&[(plot.px(0.0), top), (plot.px(0.0), bottom)], 3.0, BLACK);
    scene.line(&[(left, bottom), (right, bottom)], 2.0, BLACK);
    plot.draw_x(&mut scene, true);
    let under = bottom + 14.0 + TICK.line();
    let name = LABEL.fit(&data.axis, NARROW - 2.0 * MARGIN);
    let half = LABEL.width(&name) / 2.0;
    let centre = ((left + right) / 2.0).clamp(MARGIN + half, NARROW - MARGIN - half);
    scene.text((centre, under + LABEL.em / 2.0), name, LABEL, Align::Centre);
    scene.text_in((NARROW - MARGIN, top - PANEL.line() / 2.0), SEEN, TICK, Align::Right, GREY);

    for (row, (wording, id)) in data.wordings.iter().zip(ids).enumerate() {
        let y = middle(row);
        scene.text((left - 26.0, y), id, face(wording), Align::Right);
        let Some(behind) = wording.behind else {
            scene.text_in((left + 12.0, y), "not asked", TICK, Align::Left, GREY);
            continue;
        };
        scene.text_in((NARROW - MARGIN, y), behind.n.to_string(), TICK, Align::Right, GREY);
        if behind.low < behind.high {
            let ends = (plot.px(behind.low), plot.px(behind.high));
            lying_error_bar(&mut scene, ends, y, 9.0, 5.0, paint(wording));
        }
        scene.disc((plot.px(behind.mean), y), if wording.winner { 14.0 } else { 10.0 }, paint(wording), 1.0);
        if wording.original {
            diamond(&mut scene, (plot.px(behind.mean), y));
        }
    }
    scene.height = under + LABEL.line() + MARGIN;
    Ok(Figure { scene })
}

/// Whether it is the winner, or not surely behind it.
fn may_be_best(wording: &RankedWording) -> bool {
    wording.winner || wording.behind.is_some_and(|behind| behind.low <= 0.0 && behind.high >= 0.0)
}

/// What of this occurs among the wordings; the original needs no entry, its row is named so.
fn entries(data: &Ranking, best: Rgb) -> Vec<(Swatch, String)> {
    let others =
        || data.wordings.iter().filter(|w| !w.winner).filter_map(|w| Some((may_be_best(w), w.behind?)));
    let spread = others().any(|(_, behind)| behind.low < behind.high);
    let swatch = |colour| if spread { Swatch::Line(colour) } else { Swatch::Dots(vec![colour], 10.0) };
    let mut interval = if spread { ", 95 % interval" } else { "" };
    let mut entries = vec![(Swatch::Dots(vec![best], 14.0), "winner".to_string())];
    if others().any(|(tied, _)| tied) {
        entries.push((swatch(best), format!("may be as good{interval}")));
        interval = "";
    }
    if others().any(|(tied, _)| !tied) {
        // what wins by another rule than the lowest loss has others below it
        let name = if others().any(|(_, behind)| behind.high < 0.0) { "others" } else { "behind" };
        entries.push((swatch(GREY), format!("{name}{interval}")));
    }
    entries
}

fn check(data: &Ranking) -> Result<(), PlotError> {
    let check = Check("ranking");
    check.some(&data.wordings, "wordings")?;
    check.distinct(data.wordings.iter().map(|wording| wording.id.as_str()))?;
    for wording in &data.wordings {
        if let Some(behind) = &wording.behind {
            check.estimate(behind, || format!("distance of {}", wording.id))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wording(id: &str, place: usize, half: f64) -> RankedWording {
        let mean = 0.011 * (place as f64).powf(1.3);
        let (winner, original) = (place == 0, id == "original");
        let half = if winner { 0.0 } else { half };
        let behind = Estimate { mean, low: mean - half, high: mean + half, n: 250 - 10 * place.min(24) };
        RankedWording { id: id.into(), behind: Some(behind), winner, original }
    }

    fn ranking_of(count: usize, half: f64) -> Ranking {
        let id = |i: usize| if i == count / 2 { "original".to_string() } else { format!("p{i:02}") };
        Ranking {
            title: "reviews: what each wording costs the model before training".into(),
            axis: "nats a token above the winner".into(),
            wordings: (0..count).map(|i| wording(&id(i), i, half)).collect(),
        }
    }

    #[test]
    fn no_text_is_cut_off_or_touches_another() {
        let mut odd = ranking_of(21, 0.03);
        odd.wordings[3].id = "a name of several ordinary words that goes on and on".into();
        odd.wordings[20].behind = None;
        let mut one_sided = ranking_of(3, 0.0);
        for wording in &mut one_sided.wordings {
            wording.behind =
                wording.behind.map(|b| Estimate { mean: -b.mean, low: -b.high, high: -b.low, ..b });
        }
        for data in [ranking_of(1, 0.0), ranking_of(21, 0.0), ranking_of(96, 0.2), odd, one_sided] {
            let figure = ranking(&data).unwrap();
            assert_eq!(figure.scene.crowded(), Vec::<String>::new(), "{} rows", data.wordings.len());
        }
    }

    #[test]
    fn the_legend_names_what_is_there() {
        let names = |half| -> Vec<String> {
            let data = ranking_of(5, half);
            entries(&data, BLACK).into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(names(0.0), ["winner", "behind"]);
        assert_eq!(names(0.001), ["winner", "behind, 95 % interval"]);
        assert_eq!(names(0.02), ["winner", "may be as good, 95 % interval", "behind"]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert!(matches!(ranking(&ranking_of(0, 0.0)), Err(PlotError::Empty { .. })));
        let mut data = ranking_of(3, 0.0);
        data.wordings[1].id = "p00".into();
        assert!(matches!(ranking(&data), Err(PlotError::Duplicate { .. })));
        let mut data = ranking_of(3, 0.0);
        data.wordings[2].behind = Some(Estimate { mean: f64::NAN, low: 0.0, high: 1.0, n: 3 });
        assert!(matches!(ranking(&data), Err(PlotError::NotFinite { .. })));
        data.wordings[2].behind = Some(Estimate { mean: 2.0, low: 0.0, high: 1.0, n: 3 });
        assert!(matches!(ranking(&data), Err(PlotError::Interval { .. })));
    }

    #[test]
    fn the_ending_of_a_name_decides_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let figure = ranking(&ranking_of(5, 0.02)).unwrap();
        figure.save(&folder.path().join("deep/a.png")).unwrap();
        figure.save(&folder.path().join("a.SVG")).unwrap();
        let png = std::fs::read(folder.path().join("deep/a.png")).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        assert!(
            std::fs::read_to_string(folder.path().join("a.SVG")).unwrap().starts_with("<svg width=\"1000\"")
        );
        let error = figure.save(&folder.path().join("a.pdf")).unwrap_err();
        assert!(error.to_string().contains("expected a name that ends in .png or .svg"), "{error}");
        assert!(!folder.path().join("a.pdf").exists());
    }
}
