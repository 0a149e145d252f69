//! Loss and entropy of every target token against transformers, and against the losses of whole examples.

use sapo_model::Encoded;

use crate::fixtures::*;

const TOLERANCE: f64 = 1e-5;

#[test]
fn losses_and_entropies_of_target_tokens_are_those_of_transformers() {
    on_every_checkpoint(|checkpoint| {
        let examples = examples(&checkpoint.numbers["examples"]);
        let stats = checkpoint.open().token_stats(&examples, 4096, |_| ()).unwrap();
        for (place, stats) in stats.iter().enumerate() {
            let want = |name: &str| numbers(&checkpoint.numbers[name][place]);
            let what = format!("{}, example {place}", checkpoint.name);
            // a loss near 0 is the difference of large numbers
            assert_eq!(stats.nll.len(), want("token_nll").len());
            let error = stats
                .nll
                .iter()
                .zip(want("token_nll"))
                .map(|(got, want)| (got - want).abs())
                .fold(0.0, f64::max);
            assert!(error <= TOLERANCE * 10.0, "{what}: a loss is off by {error:e}");
            assert_numbers_close(&what, &stats.entropy, &want("token_entropy"), TOLERANCE);
        }
    });
}

#[test]
fn a_shared_prefix_and_batches_change_no_statistic() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let begin: Vec<i64> = (0..60).map(|i| i * 31 % 288).collect();
        let example = |i: i64| Encoded {
            ids: [&begin[..], &[i, i + 9, 3, 2 * i]].concat(),
            target_start: 61 + i as usize % 2,
        };
        let examples: Vec<Encoded> = (0..6).map(example).collect();
        let together = model.token_stats(&examples, 4096, |_| ()).unwrap();
        let losses = model.example_losses(&examples, 4096, |_| ()).unwrap();
        for ((example, stats), loss) in examples.iter().zip(&together).zip(&losses) {
            let alone = model.token_stats(std::slice::from_ref(example), 1, |_| ()).unwrap().remove(0);
            assert_numbers_close(checkpoint.name, &stats.nll, &alone.nll, TOLERANCE);
            assert_numbers_close(checkpoint.name, &stats.entropy, &alone.entropy, TOLERANCE);
            assert_eq!((stats.nll.len(), stats.entropy.len()), (loss.tokens, loss.tokens));
            assert_numbers_close(checkpoint.name, &[stats.nll.iter().sum()], &[loss.nll_sum], 1e-6);
        }
    });
}
