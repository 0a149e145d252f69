//! Every metric and statistic against its reference implementation, through `fixtures/make_fixtures.py`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use sapo_metrics::stats::{bootstrap_interval, cohens_dz, sign_flip_test, wilcoxon_test};
use sapo_metrics::{
    Convention, Rouge, TransferMatrix, accuracy, edit_similarity, exact_match, first_letter_accuracy, holm,
    pearson, rouge_1, rouge_2, rouge_l, sari, spearman, trace_edit_similarity, trace_rouge_l,
};
use serde::de::DeserializeOwned;

const TOLERANCE: f64 = 1e-9;

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn close(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= TOLERANCE, "{what}: got {got}, expected {expected}");
}

#[derive(serde::Deserialize)]
struct TextRow {
    prediction: String,
    reference: String,
    rouge_l_precision: f64,
    rouge_l_recall: f64,
    rouge_l: f64,
    rouge_l_stemmed: f64,
    rouge_1: f64,
    rouge_2: f64,
    edit_similarity: f64,
    trace_edit_similarity: f64,
    exact_match: f64,
}

#[test]
fn text_metrics() {
    let rows: Vec<TextRow> = fixture("text.json");
    assert_eq!(rows.len(), 1800);
    for (i, row) in rows.iter().enumerate() {
        let (p, r) = (row.prediction.as_str(), row.reference.as_str());
        let whole = Rouge::default().l(p, r);
        close(whole.precision, row.rouge_l_precision, &format!("row {i}: ROUGE-L precision"));
        close(whole.recall, row.rouge_l_recall, &format!("row {i}: ROUGE-L recall"));
        close(rouge_l(p, r), row.rouge_l, &format!("row {i}: ROUGE-L"));
        let stemmed = Rouge { stemmer: true }.l(p, r).f_measure;
        close(stemmed, row.rouge_l_stemmed, &format!("row {i}: ROUGE-L, stemmed"));
        close(rouge_1(p, r), row.rouge_1, &format!("row {i}: ROUGE-1"));
        close(rouge_2(p, r), row.rouge_2, &format!("row {i}: ROUGE-2"));
        close(edit_similarity(p, r), row.edit_similarity, &format!("row {i}: edit similarity"));
        close(trace_edit_similarity(p, r), row.trace_edit_similarity, &format!("row {i}: TRACE's"));
        close(exact_match(p, r), row.exact_match, &format!("row {i}: exact match"));
    }
}

/// What TRACE's own `metrics.py` gives; none where it fails, which is 0 here.
#[derive(serde::Deserialize)]
struct TraceRow {
    prediction: String,
    reference: String,
    rouge_l: Option<f64>,
    accuracy: f64,
    first_letter: Option<f64>,
}

#[test]
fn traces_metrics() {
    let rows: Vec<TraceRow> = fixture("trace.json");
    assert_eq!(rows.len(), 600);
    for (i, row) in rows.iter().enumerate() {
        let (p, r) = (row.prediction.as_str(), row.reference.as_str());
        close(trace_rouge_l(p, r), row.rouge_l.unwrap_or(0.0), &format!("row {i}: ROUGE-L"));
        close(accuracy(p, r), row.accuracy, &format!("row {i}: accuracy"));
        let first = row.first_letter.unwrap_or(0.0);
        close(first_letter_accuracy(p, r), first, &format!("row {i}: first letter"));
    }
    let several_values = |of: fn(&TraceRow) -> Option<f64>| {
        rows.iter().filter_map(of).any(|score| score > 0.0) && rows.iter().any(|row| of(row) == Some(0.0))
    };
    assert!(several_values(|row| row.rouge_l) && several_values(|row| row.first_letter));
    assert!(
        rows.iter().any(|row| row.rouge_l.is_none()) && rows.iter().any(|row| row.first_letter.is_none())
    );
}

#[test]
fn sari_with_one_to_three_references() {
    let rows: Vec<(String, String, Vec<String>, f64)> = fixture("sari.json");
    assert_eq!(rows.len(), 400);
    for (i, (source, prediction, references, expected)) in rows.iter().enumerate() {
        close(sari(source, prediction, references).unwrap(), *expected, &format!("row {i}"));
    }
}

#[derive(serde::Deserialize)]
struct TransferCase {
    rows: Vec<Vec<Option<f64>>>,
    #[serde(rename = "AP")]
    ap: f64,
    released: (f64, f64),
    printed: (f64, f64),
    gem: (f64, f64),
    forgetting: f64,
    learning_accuracy: f64,
}

#[test]
fn transfer_metrics_of_random_matrices() {
    let cases: Vec<TransferCase> = fixture("transfer.json");
    assert_eq!(cases.len(), 60);
    for case in cases {
        let tasks = (1..case.rows.len()).map(|i| format!("task{i}")).collect();
        let matrix = TransferMatrix::from_rows(tasks, case.rows).unwrap();
        for (convention, (bwt, fwt)) in
            Convention::ALL.into_iter().zip([case.released, case.printed, case.gem])
        {
            let transfer = matrix.transfer(convention).unwrap();
            close(transfer.ap, case.ap, "AP");
            close(transfer.bwt.unwrap(), bwt, &format!("BWT, {convention}"));
            close(transfer.fwt.unwrap(), fwt, &format!("FWT, {convention}"));
        }
        close(matrix.forgetting().unwrap().unwrap(), case.forgetting, "forgetting");
        close(matrix.learning_accuracy().unwrap(), case.learning_accuracy, "learning accuracy");
    }
}

#[derive(serde::Deserialize)]
struct PairedCase {
    d: Vec<f64>,
    wilcoxon: f64,
    dz: f64,
    permutation: Option<f64>,
}

#[test]
fn paired_tests() {
    let cases: Vec<PairedCase> = fixture("paired_tests.json");
    assert_eq!(cases.len(), 150);
    let mut exact = 0;
    for (i, case) in cases.iter().enumerate() {
        close(wilcoxon_test(&case.d).unwrap(), case.wilcoxon, &format!("case {i}: Wilcoxon"));
        close(cohens_dz(&case.d).unwrap().unwrap(), case.dz, &format!("case {i}: dz"));
        if let Some(expected) = case.permutation {
            close(sign_flip_test(&case.d, 0).unwrap(), expected, &format!("case {i}: sign flips"));
            exact += 1;
        }
    }
    assert!(exact > 40, "{exact}");
}

#[derive(serde::Deserialize)]
struct CorrelationCase {
    x: Vec<f64>,
    y: Vec<f64>,
    pearson: [f64; 4],
    spearman: [f64; 4],
}

#[test]
fn correlations() {
    let cases: Vec<CorrelationCase> = fixture("correlations.json");
    assert!(cases.len() > 90);
    for (i, case) in cases.iter().enumerate() {
        let p = pearson(&case.x, &case.y).unwrap();
        for (got, expected) in [p.r, p.low, p.high, p.p].into_iter().zip(case.pearson) {
            close(got, expected, &format!("case {i}: Pearson {p:?}"));
        }
        let s = spearman(&case.x, &case.y).unwrap();
        for (got, expected) in [s.r, s.low, s.high, s.p].into_iter().zip(case.spearman) {
            close(got, expected, &format!("case {i}: Spearman {s:?}"));
        }
    }
}

#[derive(serde::Deserialize)]
struct BootstrapCase {
    values: Vec<f64>,
    percentile: (f64, f64),
    #[serde(rename = "BCa")]
    bca: (f64, f64),
    distribution: Vec<f64>,
}

#[test]
fn bootstrap_intervals_of_the_same_resamples() {
    let cases: Vec<BootstrapCase> = fixture("bootstrap.json");
    assert_eq!(cases.len(), 12);
    for (i, case) in cases.into_iter().enumerate() {
        let n = case.values.len() as f64;
        let sum: f64 = case.values.iter().sum();
        let jackknife: Vec<f64> = case.values.iter().map(|value| (sum - value) / (n - 1.0)).collect();
        for (method, jackknife, expected) in
            [("percentile", None, case.percentile), ("BCa", Some(jackknife.as_slice()), case.bca)]
        {
            let (low, high) = bootstrap_interval(case.distribution.clone(), sum / n, jackknife, 0.9);
            close(low, expected.0, &format!("case {i}: {method}, low"));
            close(high, expected.1, &format!("case {i}: {method}, high"));
        }
    }
}

#[test]
fn holm_correction() {
    let cases: Vec<(Vec<f64>, Vec<f64>)> = fixture("holm.json");
    assert_eq!(cases.len(), 40);
    for (p_values, expected) in cases {
        for (got, expected) in holm(&p_values).unwrap().into_iter().zip(expected) {
            close(got, expected, "adjusted p-value");
        }
    }
}
