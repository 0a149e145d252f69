//! Every figure with data like those of real runs: what it writes, what it refuses, and that no two texts touch.

use super::*;
use sapo_metrics::Estimate;

const SHORT: [&str; 15] = [
    "sentiment",
    "reverse words",
    "sort digits",
    "date format",
    "topic",
    "copy last",
    "antonyms",
    "pluralise",
    "yelp",
    "count vowels",
    "agnews",
    "dbpedia",
    "boolq",
    "rte",
    "wic",
];
const LONG: [&str; 3] = [
    "task195_sentiment140_classification_of_short_messages",
    "task1310_amazonreview_rating_classification",
    "a name of several ordinary words that goes on and on",
];
const ARMS: [&str; 4] = ["static", "random", "sapo", "sapp"];

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// A number in 0..1 that looks like noise and is the same in every run.
fn noise(i: usize) -> f64 {
    (i as f64 * 12.9898 + 1.0).sin().mul_add(43758.547, 0.0).rem_euclid(1.0)
}

fn estimate(mean: f64, half: f64) -> Estimate {
    Estimate { mean, low: mean - half, high: mean + half, n: 8 }
}

fn matrices(arms: &[&str], tasks: &[&str], seeds: usize) -> TransferMatrices {
    let n = tasks.len();
    let score = |arm: usize, seed: usize, step: usize, task: usize| {
        let learnt = if step > task { 70.0 - 3.0 * (step - task) as f64 } else { 15.0 };
        learnt + 10.0 * noise(arm + 7 * seed + 31 * step + 101 * task)
    };
    let matrix =
        |arm, seed| (0..=n).map(|step| (0..n).map(|task| score(arm, seed, step, task)).collect()).collect();
    let arm = |(i, name): (usize, &&str)| ArmMatrices {
        arm: name.to_string(),
        seeds: (0..seeds).map(|seed| matrix(i, seed)).collect(),
    };
    TransferMatrices {
        title: "Transfer matrices".into(),
        score: "ROUGE-L".into(),
        tasks: owned(tasks),
        arms: arms.iter().enumerate().map(arm).collect(),
    }
}

fn curves(arms: &[&str], tasks: &[&str]) -> StreamCurves {
    let n = tasks.len();
    let curve = |arm: usize, task: usize| {
        (0..=n).map(|step| estimate(50.0 + 40.0 * noise(arm + 11 * task + 77 * step), 4.0)).collect()
    };
    let arm = |(i, name): (usize, &&str)| ArmCurves {
        arm: name.to_string(),
        scores: (0..n).map(|task| curve(i, task)).collect(),
    };
    StreamCurves {
        title: "Score along the stream".into(),
        score: "ROUGE-L".into(),
        tasks: owned(tasks),
        arms: arms.iter().enumerate().map(arm).collect(),
    }
}

fn losses(arms: &[&str], tasks: &[&str]) -> VariantLosses {
    let dot = |arm: usize, task: usize, i: usize| VariantDot {
        loss: 0.5 + noise(arm + 13 * task + 59 * i),
        original: i == 0,
        chosen: i == 3,
    };
    let arm = |(a, name): (usize, &&str)| ArmLosses {
        arm: name.to_string(),
        tasks: (0..tasks.len()).map(|task| (0..21).map(|i| dot(a, task, i)).collect()).collect(),
    };
    VariantLosses {
        title: "Pre-update losses".into(),
        tasks: owned(tasks),
        arms: arms.iter().enumerate().map(arm).collect(),
    }
}

fn metrics(arms: &[&str], seeds: usize) -> ArmMetrics {
    let metric = |name: &str, base: f64, signed| Metric {
        name: name.into(),
        note: "higher is better".into(),
        signed,
        estimates: (0..arms.len()).map(|arm| estimate(base + arm as f64, 2.0)).collect(),
        seeds: (0..arms.len())
            .map(|arm| (0..seeds).map(|seed| base + arm as f64 + 4.0 * noise(seed) - 2.0).collect())
            .collect(),
    };
    ArmMetrics {
        title: "AP, BWT and FWT by arm".into(),
        unit: "ROUGE-L points".into(),
        arms: owned(arms),
        metrics: vec![metric("AP", 63.0, false), metric("BWT", -14.0, true), metric("FWT", -0.4, true)],
    }
}

fn dots() -> Scatter {
    let group = |name: &str, shift: usize| Dots {
        name: name.into(),
        points: (0..50).map(|i| (noise(i + shift), 60.0 + 10.0 * noise(i + shift + 500))).collect(),
    };
    Scatter {
        title: "Does the loss before training predict the score after it?".into(),
        x: "pre-update loss (nats/token)".into(),
        y: "ROUGE-L".into(),
        groups: vec![group("sentiment", 0), group("topic", 90)],
        remark: Some("r = −0.42 [−0.61, −0.19], n = 100".into()),
    }
}

fn series() -> Lines {
    let points =
        |i: usize| (0..6).map(|k| (f64::from(k), estimate(0.1 * (k as f64 - i as f64), 0.05))).collect();
    Lines {
        title: "Regret".into(),
        x: "examples".into(),
        y: "regret (nats/token)".into(),
        series: (0..3).map(|i| Series { name: format!("policy {i}"), points: points(i) }).collect(),
    }
}

fn samples(rows: usize) -> Strips {
    let values = |row: usize, panel: usize| (0..20).map(|i| noise(row + 50 * panel + 999 * i)).collect();
    let strip = |row: usize| Strip {
        name: format!("{} {row}", LONG[row % 3]),
        group: ["built-in", "bank"][usize::from(row > 3)].into(),
        values: vec![
            values(row, 0),
            if row == 2 { vec![] } else { values(row, 1) },
            values(row, 2),
            values(row, 3),
        ],
    };
    Strips {
        title: "Lengths and distances".into(),
        panels: owned(&["length (words)", "distance to original", "words in common", "nearest"]),
        strips: (0..rows).map(strip).collect(),
    }
}

fn distributions(triples: usize) -> Violins {
    let sample = |slot: usize, group: usize| {
        (0..63).map(|i| 80.0 * noise(slot + 50 * group + 999 * i) - 50.0).collect()
    };
    let slot = |i: usize| ViolinSlot {
        name: format!("{} {i}", if i.is_multiple_of(2) { "G" } else { LONG[i % 3] }),
        samples: vec![sample(i, 0), if i == 2 { vec![] } else { sample(i, 1) }, vec![4.0; 3]],
    };
    let panel = |kind: &str| ViolinPanel { name: kind.into(), slots: (0..triples).map(slot).collect() };
    Violins {
        title: "Change of each task by wording".into(),
        y: "change (ROUGE-L points)".into(),
        groups: owned(&["T1 (seen)", "T2 (trained)", "T3 (unseen)"]),
        panels: ["generation", "classification", ""].map(panel).to_vec(),
    }
}

fn signed(rows: usize, columns: usize) -> HeatMap {
    let value = |row: usize, column: usize| (column != 1).then(|| 2.0 * noise(row + 77 * column) - 1.0);
    let row = |row: usize| HeatRow {
        name: format!("{} {row}", LONG[row % 3]),
        whole: row > 0 && row + 1 == rows,
        values: (0..columns).map(|column| value(row, column)).collect(),
    };
    HeatMap {
        title: "Correlations of changes".into(),
        value: "Pearson correlation of the change on one task with that on another".into(),
        columns: (0..columns).map(|i| format!("T1–T3{i}")).collect(),
        rows: (0..rows).map(row).collect(),
        limit: 1.0,
    }
}

#[test]
fn no_text_is_cut_off_or_touches_another() {
    let many: Vec<&str> =
        ["static", "random", "sapo", "sapp", "lowest entropy of the answers", "x", "y", "z"].into();
    let mut figures = vec![("scatter".to_string(), scatter(&dots()).unwrap())];
    figures.push(("lines".to_string(), lines(&series()).unwrap()));
    for rows in [1, 8, 60] {
        figures.push((format!("strips of {rows} rows"), strips(&samples(rows)).unwrap()));
    }
    for triples in [1, 4, 12] {
        figures.push((format!("violins of {triples} triples"), violins(&distributions(triples)).unwrap()));
    }
    for (rows, columns) in [(1, 2), (1, 1), (13, 6), (73, 8), (8, 20)] {
        figures.push((format!("heat map {rows} x {columns}"), heat_map(&signed(rows, columns)).unwrap()));
    }
    for arms in [&["sapo"][..], &ARMS, &many] {
        figures.push((format!("metrics of {} arms", arms.len()), arm_metrics(&metrics(arms, 8)).unwrap()));
        for tasks in [&SHORT[..1], &SHORT[..4], &SHORT[..5], &SHORT[..8], &SHORT, &LONG] {
            let which = format!("of {} arms, {} tasks from {}", arms.len(), tasks.len(), tasks[0]);
            figures
                .push((format!("matrices {which}"), transfer_matrices(&matrices(arms, tasks, 3)).unwrap()));
            figures.push((format!("curves {which}"), stream_curves(&curves(arms, tasks)).unwrap()));
            figures.push((format!("losses {which}"), variant_losses(&losses(arms, tasks)).unwrap()));
        }
    }
    for (name, figure) in figures {
        assert_eq!(figure.scene.crowded(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn crowding_is_seen() {
    use super::scene::{Align, Scene};
    use super::text::Face;
    let mut scene = Scene::new(100.0);
    scene.height = 50.0;
    scene.text((50.0, 25.0), "one", Face::regular(20.0), Align::Centre);
    assert!(scene.crowded().is_empty());
    scene.text_up((50.0, 40.0), "two", Face::regular(20.0), Align::Left);
    scene.text((95.0, 10.0), "three", Face::regular(20.0), Align::Left);
    assert_eq!(scene.crowded(), [r#""two" touches "one""#, r#""three" leaves the sheet"#]);
}

type Draw = Box<dyn Fn() -> Result<Figure, PlotError>>;

#[test]
fn files_hold_the_figure_and_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let figures: [(&str, Draw); 7] = [
        ("matrices", Box::new(|| transfer_matrices(&matrices(&["sapo"], &SHORT[..3], 1)))),
        ("curves", Box::new(|| stream_curves(&curves(&ARMS, &SHORT[..3])))),
        ("losses", Box::new(|| variant_losses(&losses(&["sapo"], &SHORT[..3])))),
        ("metrics", Box::new(|| arm_metrics(&metrics(&ARMS, 8)))),
        ("scatter", Box::new(|| scatter(&dots()))),
        ("lines", Box::new(|| lines(&series()))),
        ("strips", Box::new(|| strips(&samples(8)))),
    ];
    for (name, draw) in figures {
        let files = draw().unwrap().write(folder.path().join("deep"), name).unwrap();
        let (png, svg) = (std::fs::read(&files.png).unwrap(), std::fs::read_to_string(&files.svg).unwrap());
        draw().unwrap().write(folder.path().join("deep"), name).unwrap();
        assert_eq!(std::fs::read(&files.png).unwrap(), png, "{name}");
        assert_eq!(std::fs::read_to_string(&files.svg).unwrap(), svg, "{name}");

        let (width, height) = draw().unwrap().size();
        let reader = png::Decoder::new(&png[..]).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (width, height), "{name}");
        assert_eq!(width, 1600);
        assert!(
            svg.starts_with(&format!("<svg width=\"1600\" height=\"{height}\"")) && svg.ends_with("</svg>\n")
        );
    }
    assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 14, "nothing is left beside");
}

#[test]
fn the_png_has_the_colours_of_the_arms() {
    let folder = tempfile::tempdir().unwrap();
    let files = arm_metrics(&metrics(&ARMS, 0)).unwrap().write(folder.path(), "m").unwrap();
    let mut reader = png::Decoder::new(std::fs::File::open(files.png).unwrap()).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut bytes).unwrap();
    for arm in palette::colours(ARMS) {
        assert!(bytes.chunks(3).filter(|dot| *dot == arm).count() > 300, "{arm:?}");
    }
}

#[test]
fn a_mean_is_the_mean_of_the_seeds() {
    let mut data = matrices(&["sapo"], &SHORT[..1], 2);
    data.arms[0].seeds = vec![vec![vec![10.0], vec![40.0]], vec![vec![20.0], vec![45.0]]];
    let figure = transfer_matrices(&data).unwrap();
    let texts: Vec<&str> = figure
        .scene
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            scene::Shape::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let note =
        "mean of 2 seeds  ·  rows: after training on …  ·  columns: scored task  ·  framed: just trained";
    assert!(texts.contains(&"15.0") && texts.contains(&"42.5") && texts.contains(&note), "{texts:?}");
}

#[test]
fn what_is_not_a_number_is_refused() {
    let mut data = matrices(&ARMS, &SHORT[..3], 2);
    data.arms[2].seeds[1][3][0] = f64::NAN;
    let error = transfer_matrices(&data).unwrap_err();
    assert_eq!(
        error.to_string(),
        "transfer_matrices: R[3, 1] of seed 1 of sapo is NaN, expected a finite number"
    );

    let mut data = curves(&ARMS, &SHORT[..3]);
    data.arms[0].scores[1][2].high = f64::INFINITY;
    assert!(matches!(stream_curves(&data), Err(PlotError::NotFinite { .. })));
    data.arms[0].scores[1][2] = Estimate { mean: 50.0, low: 51.0, high: 52.0, n: 8 };
    assert!(matches!(stream_curves(&data), Err(PlotError::Interval { .. })));

    let mut data = losses(&ARMS, &SHORT[..3]);
    data.arms[0].tasks[1][2].loss = f64::NAN;
    assert!(matches!(variant_losses(&data), Err(PlotError::NotFinite { .. })));

    let mut data = metrics(&ARMS, 8);
    data.metrics[1].seeds[0][0] = f64::NAN;
    assert!(matches!(arm_metrics(&data), Err(PlotError::NotFinite { .. })));

    let mut data = dots();
    data.groups[0].points[0].1 = f64::NAN;
    assert!(matches!(scatter(&data), Err(PlotError::NotFinite { .. })));

    let mut data = distributions(2);
    data.panels[1].slots[1].samples[0][3] = f64::NAN;
    assert!(matches!(violins(&data), Err(PlotError::NotFinite { .. })));

    let mut data = signed(2, 3);
    data.rows[1].values[0] = Some(f64::INFINITY);
    assert!(matches!(heat_map(&data), Err(PlotError::NotFinite { .. })));

    let mut data = series();
    data.series[0].points[0].0 = f64::NAN;
    assert!(matches!(lines(&data), Err(PlotError::NotFinite { .. })));
}

#[test]
fn nothing_to_draw_is_refused() {
    let empty = |result: Result<Figure, PlotError>, expected: &str| match result {
        Err(PlotError::Empty { what, .. }) => assert_eq!(what, expected),
        other => panic!("{expected}: {other:?}"),
    };
    empty(transfer_matrices(&matrices(&ARMS, &[], 1)), "tasks");
    empty(transfer_matrices(&matrices(&[], &SHORT, 1)), "arms");
    empty(transfer_matrices(&matrices(&["sapo"], &SHORT, 0)), "seeds of sapo");
    empty(stream_curves(&curves(&[], &SHORT)), "arms");
    empty(variant_losses(&losses(&[], &SHORT)), "arms");
    empty(arm_metrics(&metrics(&[], 1)), "arms");
    empty(scatter(&Scatter { groups: vec![], ..dots() }), "groups");
    empty(lines(&Lines { series: vec![], ..series() }), "series");
    empty(violins(&Violins { panels: vec![], ..distributions(1) }), "panels");
    empty(heat_map(&signed(0, 2)), "rows");
    empty(strips(&Strips { strips: vec![], ..samples(1) }), "strips");
}

#[test]
fn lengths_and_names_must_agree() {
    let mut data = matrices(&ARMS, &SHORT[..3], 2);
    data.arms[1].seeds[0].pop();
    let error = transfer_matrices(&data).unwrap_err();
    assert_eq!(error.to_string(), "transfer_matrices: rows of matrix 0 of random: expected 4, got 3");
    let mut data = curves(&ARMS, &SHORT[..3]);
    data.arms[1].scores[0].pop();
    assert!(matches!(stream_curves(&data), Err(PlotError::Mismatch { expected: 4, got: 3, .. })));
    let mut data = metrics(&ARMS, 3);
    data.metrics[0].estimates.pop();
    assert!(matches!(arm_metrics(&data), Err(PlotError::Mismatch { expected: 4, got: 3, .. })));
    let mut data = distributions(2);
    data.panels[0].slots[1].samples.pop();
    assert!(matches!(violins(&data), Err(PlotError::Mismatch { expected: 3, got: 2, .. })));
    let mut data = signed(2, 3);
    data.rows[1].values.pop();
    assert!(matches!(heat_map(&data), Err(PlotError::Mismatch { expected: 3, got: 2, .. })));
    let mut data = samples(3);
    data.strips[1].values.pop();
    assert!(matches!(strips(&data), Err(PlotError::Mismatch { expected: 4, got: 3, .. })));
    assert!(matches!(stream_curves(&curves(&["a", "a"], &SHORT)), Err(PlotError::Duplicate { .. })));
}
