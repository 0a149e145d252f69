use sapo_model::ExampleLoss;
use serde::{Deserialize, Serialize};

/// How the losses of examples become one number, in nats a target token.
///
/// Example i of n has the summed loss s_i and t_i target tokens. With targets of one length all three agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// sum_i s_i / sum_i t_i: every target token counts the same.
    ///
    /// # Source
    /// The paper's equation, section 3.3.
    #[default]
    TokenMean,
    /// 1/n sum_i s_i / t_i: every example counts the same.
    ExampleMean,
    /// 1/B sum_b (sum of s_i in batch b / sum of t_i in batch b), over the B batches of 8 examples in the given order, the
    /// last of which may hold fewer: every batch counts the same, so the order of the examples can change the winner.
    ///
    /// # Source
    /// The paper's released code: the mean of the losses that transformers' causal language models return for batches.
    HfBatchMean,
}

/// Examples in a batch of the released code.
const HF_BATCH: usize = 8;

impl Reduction {
    /// The number; absent where there are no examples.
    pub fn of(self, losses: &[ExampleLoss]) -> Option<f64> {
        let token_mean = |losses: &[ExampleLoss]| {
            let nll: f64 = losses.iter().map(|loss| loss.nll_sum).sum();
            nll / losses.iter().map(|loss| loss.tokens).sum::<usize>() as f64
        };
        let mean_of_parts = |size: usize| {
            let parts = losses.chunks(size);
            let count = parts.len() as f64;
            parts.map(token_mean).sum::<f64>() / count
        };
        let value = match self {
            _ if losses.is_empty() => return None,
            Self::TokenMean => token_mean(losses),
            Self::ExampleMean => mean_of_parts(1),
            Self::HfBatchMean => mean_of_parts(HF_BATCH),
        };
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reduction; 3] = [Reduction::TokenMean, Reduction::ExampleMean, Reduction::HfBatchMean];

    fn losses(of: &[(f64, usize)]) -> Vec<ExampleLoss> {
        of.iter().map(|&(nll_sum, tokens)| ExampleLoss { nll_sum, tokens }).collect()
    }

    /// Eight examples of 2 nats on 1 token each, then one of 3 nats on 12 tokens:
    /// 19 / 20; (8 * 2 + 0.25) / 9; (16 / 8 + 3 / 12) / 2.
    #[test]
    fn values_by_hand() {
        let losses = losses(&[&[(2.0, 1); 8][..], &[(3.0, 12)]].concat());
        let values = ALL.map(|reduction| reduction.of(&losses).unwrap());
        let by_hand = [0.95, 16.25 / 9.0, 1.125];
        for (value, by_hand) in values.iter().zip(by_hand) {
            assert!((value - by_hand).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(ALL.map(|reduction| reduction.of(&[])), [None; 3]);
    }

    /// Eight targets of 1 token, then one of 12. A costs 1 nat a token on the short ones and 0.5 on the long one, B 0.2 and
    /// 1.05. Token means: A 14 / 20, B 14.2 / 20. Example means: A 8.5 / 9, B 2.65 / 9. Batches of 8 and 1: A 0.75,
    /// B 0.625.
    #[test]
    fn the_reduction_can_change_the_winner() {
        let of = |short: f64, long: f64| losses(&[&[(short, 1); 8][..], &[(12.0 * long, 12)]].concat());
        let (a, b) = (of(1.0, 0.5), of(0.2, 1.05));
        let a_wins = |reduction: Reduction| reduction.of(&a).unwrap() < reduction.of(&b).unwrap();
        assert_eq!(ALL.map(a_wins), [true, false, false]);
    }

    /// The same losses in another order: 8 short targets of 1 nat, then 8 long ones of 12 tokens and 0 nats, give
    /// (1 + 0) / 2; taken in turn, two batches of 4 nats on 4 + 48 tokens give 1 / 13.
    #[test]
    fn batches_depend_on_the_order_and_the_others_do_not() {
        let sorted = losses(&[[(1.0, 1); 8], [(0.0, 12); 8]].concat());
        let in_turn = losses(&[[(1.0, 1), (0.0, 12)]; 8].concat());
        let value = |reduction: Reduction, losses: &[ExampleLoss]| reduction.of(losses).unwrap();
        assert_eq!(value(Reduction::HfBatchMean, &sorted), 0.5);
        assert!((value(Reduction::HfBatchMean, &in_turn) - 1.0 / 13.0).abs() < 1e-12);
        for reduction in [Reduction::TokenMean, Reduction::ExampleMean] {
            assert!((value(reduction, &sorted) - value(reduction, &in_turn)).abs() < 1e-12);
        }
    }

    #[test]
    fn names_are_those_of_configurations() {
        let named = |name: &str| serde_json::from_value::<Reduction>(name.into()).unwrap();
        assert_eq!(["token-mean", "example-mean", "hf-batch-mean"].map(named), ALL);
    }
}
