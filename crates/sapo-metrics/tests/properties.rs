//! What must hold for any input.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sapo_metrics::stats::{sign_flip_test, wilcoxon_test};
use sapo_metrics::{
    Bootstrap, Convention, Metric, Sample, TransferMatrix, edit_similarity, exact_match, holm, pearson,
    rouge_1, rouge_2, rouge_l, sari, spearman,
};

/// Words of few kinds, so that texts have something in common.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec("[abc1]{1,2}", 0..80).prop_map(|words| words.join(" "))
}

/// A pair of close or unrelated texts, any Unicode among them.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![text(), any::<String>()]
}

fn scores(n: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-100.0..100.0f64, n)
}

fn matrix() -> impl Strategy<Value = Vec<Vec<Option<f64>>>> {
    (2usize..7).prop_flat_map(|n| {
        prop::collection::vec(prop::collection::vec((0.0..100.0f64).prop_map(Some), n), n + 1)
    })
}

fn matrix_of(rows: Vec<Vec<Option<f64>>>) -> TransferMatrix {
    TransferMatrix::from_rows((1..rows.len()).map(|i| i.to_string()).collect(), rows).unwrap()
}

proptest! {
    #[test]
    fn every_metric_is_within_bounds(prediction in any_text(), reference in any_text(), source in any_text()) {
        let references = [reference];
        let sample = Sample { prediction: &prediction, references: &references, source: Some(&source) };
        for &metric in Metric::ALL {
            let score = metric.score(&sample).unwrap();
            prop_assert!((0.0..=100.0 + 1e-9).contains(&score), "{} is {}", metric, score);
        }
    }

    #[test]
    fn symmetric(a in any_text(), b in any_text()) {
        for score in [rouge_l, rouge_1, rouge_2, exact_match, edit_similarity] {
            prop_assert!((score(&a, &b) - score(&b, &a)).abs() < 1e-9);
        }
    }

    #[test]
    fn identity_is_perfect(a in any_text()) {
        prop_assert_eq!(exact_match(&a, &a), 100.0);
        prop_assert_eq!(edit_similarity(&a, &a), 100.0);
        let has_words = a.chars().flat_map(char::to_lowercase).any(|c| c.is_ascii_alphanumeric());
        let expected = if has_words { 100.0 } else { 0.0 };
        prop_assert!((rouge_l(&a, &a) - expected).abs() < 1e-9);
        prop_assert!((rouge_1(&a, &a) - expected).abs() < 1e-9);
        prop_assert!((sari(&a, &a, &[&a]).unwrap() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn rouge_l_is_at_most_rouge_1_and_does_not_see_case(a in text(), b in text()) {
        prop_assert!(rouge_l(&a, &b) <= rouge_1(&a, &b) + 1e-9);
        prop_assert_eq!(rouge_l(&a.to_uppercase(), &b), rouge_l(&a, &b));
    }

    #[test]
    fn renaming_words_changes_nothing(a in text(), b in text()) {
        let renamed = |text: &str| -> String {
            text.chars().map(|c| match c { 'a' => 'x', 'b' => '7', 'c' => 'a', other => other }).collect()
        };
        for score in [rouge_l, rouge_1, rouge_2, edit_similarity] {
            prop_assert_eq!(score(&renamed(&a), &renamed(&b)), score(&a, &b));
        }
    }

    #[test]
    fn more_words_in_common_never_hurt(a in text(), b in text()) {
        prop_assert!(rouge_l(&(a.clone() + " zz"), &(b.clone() + " zz")) >= rouge_l(&a, &b) - 1e-9);
    }

    #[test]
    fn transfer_sees_changes_only(rows in matrix(), shift in -50.0..50.0f64, scale in 0.1..3.0f64) {
        let other = rows.iter().map(|row| row.iter().map(|r| r.map(|r| scale * r + shift)).collect()).collect();
        let (before, after) = (matrix_of(rows), matrix_of(other));
        for convention in Convention::ALL {
            let (before, after) = (before.transfer(convention).unwrap(), after.transfer(convention).unwrap());
            prop_assert!((after.ap - (scale * before.ap + shift)).abs() < 1e-9);
            prop_assert!((after.bwt.unwrap() - scale * before.bwt.unwrap()).abs() < 1e-9);
            prop_assert!((after.fwt.unwrap() - scale * before.fwt.unwrap()).abs() < 1e-9);
        }
    }

    #[test]
    fn a_model_that_does_not_change_transfers_nothing(row in scores(2..7)) {
        let row: Vec<_> = row.into_iter().map(Some).collect();
        let matrix = matrix_of(vec![row.clone(); row.len() + 1]);
        for convention in Convention::ALL {
            let transfer = matrix.transfer(convention).unwrap();
            prop_assert_eq!((transfer.bwt, transfer.fwt), (Some(0.0), Some(0.0)));
        }
        prop_assert_eq!(matrix.forgetting().unwrap(), Some(0.0));
    }

    #[test]
    fn a_single_hole_is_found(rows in matrix(), pick in any::<prop::sample::Index>()) {
        let n = rows[0].len();
        let place = pick.index(rows.len() * n);
        let mut rows = rows;
        rows[place / n][place % n] = None;
        let matrix = matrix_of(rows);
        // The released formulas use every cell of a trained row, and row 0 but for the first task.
        let used = place != 0;
        prop_assert_eq!(matrix.transfer(Convention::Released).is_err(), used);
        if used {
            let error = matrix.get(place / n, place % n).unwrap_err();
            prop_assert!(error.to_string().contains(&format!("R[{}, {}]", place / n, place % n + 1)), "{}", error);
        }
    }

    #[test]
    fn p_values_do_not_see_direction_or_scale(d in scores(1..15), scale in 0.01..100.0f64) {
        let other: Vec<f64> = d.iter().map(|d| -scale * d).collect();
        prop_assert!((sign_flip_test(&d, 0).unwrap() - sign_flip_test(&other, 0).unwrap()).abs() < 1e-12);
        prop_assert!((wilcoxon_test(&d).unwrap() - wilcoxon_test(&other).unwrap()).abs() < 1e-12);
        prop_assert!(sign_flip_test(&d, 0).unwrap() >= 2.0 / f64::from(1 << d.len()) - 1e-12);
    }

    #[test]
    fn correlations_are_symmetric_and_bounded(pairs in prop::collection::vec((-9.0..9.0f64, -9.0..9.0f64), 4..30)) {
        let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        for correlation in [pearson, spearman] {
            let (a, b) = (correlation(&x, &y).unwrap(), correlation(&y, &x).unwrap());
            prop_assert!((a.r - b.r).abs() < 1e-12);
            prop_assert!(-1.0 <= a.low && a.low <= a.r + 1e-12 && a.r <= a.high + 1e-12 && a.high <= 1.0);
            prop_assert!((0.0..=1.0).contains(&a.p));
        }
    }

    #[test]
    fn the_interval_moves_with_the_values(values in scores(3..12), shift in -50.0..50.0f64) {
        let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::new(1) };
        let here = bootstrap.mean(&values).unwrap();
        prop_assert!(here.low <= here.high);
        let shifted: Vec<f64> = values.iter().map(|value| value + shift).collect();
        let there = bootstrap.mean(&shifted).unwrap();
        prop_assert!((there.mean - here.mean - shift).abs() < 1e-9);
    }

    #[test]
    fn holm_is_between_the_p_value_and_bonferroni(p_values in prop::collection::vec(0.0..=1.0f64, 1..20)) {
        for (p, adjusted) in p_values.iter().zip(holm(&p_values).unwrap()) {
            prop_assert!(*p <= adjusted && adjusted <= (p * p_values.len() as f64).min(1.0) + 1e-12);
        }
    }
}
