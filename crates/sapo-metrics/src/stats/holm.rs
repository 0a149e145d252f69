//! Holm's correction for many tests.

use super::StatsError;

/// The p-values adjusted for there being several of them, in the order given.
///
/// # Errors
/// A p-value outside of 0..1.
///
/// # Source
/// Holm (1979), "A simple sequentially rejective multiple test procedure"; R's `p.adjust(p, "holm")`.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    if let Some(&got) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(StatsError::Setting {
            operation: "Holm correction",
            setting: "a p-value",
            got,
            expected: "0 to 1",
        });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (smaller, &i) in order.iter().enumerate() {
        largest = largest.max(p_values[i] * (p_values.len() - smaller) as f64).min(1.0);
        adjusted[i] = largest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]).unwrap();
        for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - expected).abs() < 1e-12);
        }
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
        assert_eq!(holm(&[0.9, 0.8]).unwrap(), [1.0, 1.0]);
        assert!(holm(&[0.5, f64::NAN]).is_err());
        assert!(holm(&[1.5]).is_err());
    }
}
