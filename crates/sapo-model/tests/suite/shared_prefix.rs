//! Examples that begin alike: what they share is computed once, and no loss shows it. Tolerances as in `invariance.rs`.

use proptest::prelude::*;
use sapo_model::{Device, Encoded, Kind, LanguageModel, SharedPrefix};
use serde_json::json;
use tch::Tensor;

use crate::fixtures::*;

const NOISE: f64 = 1e-5;

/// What follows a prefix: tokens, of which those from the second on may be targets.
fn rest() -> impl Strategy<Value = (Vec<i64>, usize)> {
    (prop::collection::vec(0_i64..288, 2..25), any::<prop::sample::Index>())
        .prop_map(|(ids, at)| (1 + at.index(ids.len() - 1), ids))
        .prop_map(|(target_start, ids)| (ids, target_start))
}

/// At most fifteen examples of at most 94 tokens, often with a prefix that is worth sharing.
fn examples() -> impl Strategy<Value = Vec<Encoded>> {
    (prop::collection::vec(0_i64..288, 0..70), prop::collection::vec(rest(), 1..16)).prop_map(
        |(prefix, rests)| {
            let joined = |(rest, target_start): (Vec<i64>, usize)| Encoded {
                ids: [&prefix[..], &rest].concat(),
                target_start: prefix.len() + target_start,
            };
            rests.into_iter().map(joined).collect()
        },
    )
}

fn alone(model: &LanguageModel, examples: &[Encoded]) -> Vec<f64> {
    examples.iter().map(|example| nll_sums(model, std::slice::from_ref(example), 1)[0]).collect()
}

fn assert_as_alone(what: &str, model: &LanguageModel, examples: &[Encoded], budget: usize) {
    assert_numbers_close(what, &nll_sums(model, examples, budget), &alone(model, examples), NOISE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sharing_changes_no_loss(examples in examples(), budget in 1_usize..400) {
        on_every_checkpoint(|checkpoint| {
            assert_as_alone("plain", &checkpoint.open(), &examples, budget);
            let mut model = checkpoint.open_with_adapter();
            assert_as_alone("with an adapter", &model, &examples, budget);
            model.fold_lora(&checkpoint.lora());
            assert_as_alone("with a folded adapter", &model, &examples, budget);
        });
    }

    /// Shorter than the prefix, than the rest, and longer than both.
    #[test]
    fn a_window_of_any_width_is_kept(examples in examples(), budget in 1_usize..400, window in 1_i64..100) {
        for name in ["mistral", "gemma2"] {
            let copy = copy_of(name);
            edit_json(&copy.path().join("config.json"), |config| config["sliding_window"] = json!(window));
            let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
            assert_as_alone(&format!("{name}, window {window}"), &model, &examples, budget);
        }
    }
}

fn text(ids: impl IntoIterator<Item = i64>, targets: usize) -> Encoded {
    let ids: Vec<i64> = ids.into_iter().collect();
    Encoded { target_start: ids.len() - targets, ids }
}

/// Lists of which the first share nothing, the others a prefix.
fn edge_cases() -> Vec<(&'static str, bool, Vec<Encoded>)> {
    let long = || (0..66).map(|i| i * 31 % 288);
    let same = || text(long().chain([5, 6, 7]), 2);
    vec![
        ("one example", false, vec![same()]),
        ("little to share", false, vec![text(long().take(9), 2), text(long().take(20), 2)]),
        ("the same example again and again", true, vec![same(), same(), same()]),
        (
            "a prompt that others begin with",
            true,
            vec![text(long().take(41), 1), same(), same(), same(), same()],
        ),
        (
            "targets alone differ",
            true,
            vec![text(long().chain([9]), 1), text(long().chain([8, 4]), 2), same()],
        ),
    ]
}

#[test]
fn edge_cases_are_shared_and_exact() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        for (what, shared, examples) in edge_cases() {
            assert_eq!(!SharedPrefix::of(&examples).ids().is_empty(), shared, "{what}");
            assert_as_alone(what, &model, &examples, 4096);
        }
    });
}

/// Large batches are filled up with tokens that nobody asks about, more of them than a short table has positions.
#[test]
fn large_batches_fit_a_short_table_of_positions() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let rest = |i: i64| (0..59).map(move |place| (place * place + i * 17) % 288);
        for prefix in [0, 30] {
            let examples: Vec<Encoded> = (0..70).map(|i| text((0..prefix).chain(rest(i)), 2)).collect();
            assert_eq!(SharedPrefix::of(&examples).ids().len(), prefix as usize);
            let own = examples.len() * 59;
            assert!(own > 4096 && own % 256 < 256 - 96, "{own} tokens are filled up with more than 96");
            assert_as_alone("in one batch", &model, &examples, 8192);
        }
    });
}

/// bf16 has loops of its own too; f64 stands for what libtorch's attention computes on other devices.
#[test]
fn other_dtypes_share_too() {
    let tolerances = [(Kind::BFloat16, 3e-2), (Kind::Half, 2e-3), (Kind::Double, NOISE)];
    on_every_checkpoint(|checkpoint| {
        for (kind, tolerance) in tolerances {
            let model = LanguageModel::open(&checkpoint.directory(), kind, Device::Cpu).unwrap();
            for (what, _, examples) in edge_cases() {
                let (got, want) = (nll_sums(&model, &examples, 300), alone(&model, &examples));
                let (got, want) = (Tensor::from_slice(&got), Tensor::from_slice(&want));
                assert_close(&format!("{what} in {kind:?}"), &got, &want, tolerance);
            }
        }
    });
}
