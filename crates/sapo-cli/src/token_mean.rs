use sapo_metrics::{Bootstrap, Estimate};

/// Enough for two decimals of an interval that is only read.
const RESAMPLES: usize = 2_000;

/// The mean of a loss over all tokens, from (sum, tokens) of each example, with its 95 % interval: examples are
/// resampled, because the tokens of one example go together. Nothing for a single example, which has no spread.
pub(crate) fn with_interval(examples: &[(f64, u64)], seed: u64) -> anyhow::Result<Option<Estimate>> {
    if examples.len() < 2 {
        return Ok(None);
    }
    let mean = |chosen: &[usize]| {
        let (nll, tokens) =
            chosen.iter().map(|&i| examples[i]).fold((0.0, 0), |(nll, tokens), (n, t)| (nll + n, tokens + t));
        (tokens > 0).then(|| nll / tokens as f64)
    };
    let bootstrap = Bootstrap { resamples: RESAMPLES, ..Bootstrap::new(seed) };
    Ok(Some(bootstrap.statistic(examples.len(), mean)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_the_same_and_the_interval_holds_the_mean() {
        let examples: Vec<(f64, u64)> = (1..40).map(|i| (f64::from(i % 7), 1 + (i as u64 % 3))).collect();
        let sum: f64 = examples.iter().map(|e| e.0).sum();
        let tokens: u64 = examples.iter().map(|e| e.1).sum();
        let estimate = with_interval(&examples, 0).unwrap().unwrap();
        assert!((estimate.mean - sum / tokens as f64).abs() < 1e-12);
        assert!(estimate.low < estimate.mean && estimate.mean < estimate.high);
        assert_eq!(with_interval(&examples[..1], 0).unwrap(), None);
    }
}
