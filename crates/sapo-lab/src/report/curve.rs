//! A training loss in few points: what a screen can show, at a size that a page of many runs can hold.

/// Most points of one task's curve.
const POINTS: usize = 60;

/// Optimiser step and mean loss of each of at most [`POINTS`] equal parts of a training.
///
/// # Shapes
/// `losses` in the order of the optimiser steps; the step of a part is its last one, from 1.
pub(super) fn thinned(losses: &[f64]) -> Vec<(usize, f32)> {
    let parts = losses.len().min(POINTS);
    (0..parts)
        .map(|part| {
            let (start, end) = (part * losses.len() / parts, (part + 1) * losses.len() / parts);
            let mean = losses[start..end].iter().sum::<f64>() / (end - start) as f64;
            (end, mean as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_curve_is_kept_and_a_long_one_averaged() {
        assert_eq!(thinned(&[]), []);
        assert_eq!(thinned(&[2.0, 1.5]), [(1, 2.0), (2, 1.5)]);
        let long: Vec<f64> = (0..120).map(f64::from).collect();
        let thin = thinned(&long);
        assert_eq!(thin.len(), POINTS);
        assert_eq!((thin[0], thin[59]), ((2, 0.5), (120, 118.5)));
        let odd = thinned(&vec![1.0; 61]);
        assert_eq!((odd.len(), odd[59]), (POINTS, (61, 1.0)));
    }
}
