//! What must not change a result of any family: padding, company, order, and an adapter that does nothing.
//!
//! In f32 other batch sizes mean other orders of summation in the matrix products; 1e-5 of a loss or of the largest logit
//! is allowed for it everywhere in this file.

use proptest::prelude::*;
use sapo_model::{Batch, Decoding, Device, Encoded, ModelError};
use serde_json::json;

use crate::fixtures::*;

const NOISE: f64 = 1e-5;

fn example() -> impl Strategy<Value = Encoded> {
    (prop::collection::vec(0_i64..288, 2..40), any::<prop::sample::Index>())
        .prop_map(|(ids, at)| Encoded { target_start: 1 + at.index(ids.len() - 1), ids })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn batch_size_order_and_padding_change_no_loss(
        examples in prop::collection::vec(example(), 1..9),
        budget in 1_usize..400,
        rotation in 0_usize..9,
    ) {
        on_every_checkpoint(|checkpoint| {
            let model = checkpoint.open();
            let alone: Vec<f64> =
                examples.iter().map(|example| nll_sums(&model, std::slice::from_ref(example), 1)[0]).collect();
            assert_numbers_close("in batches", &nll_sums(&model, &examples, budget), &alone, NOISE);
            let by = rotation % examples.len();
            let mut turned = examples.clone();
            turned.rotate_left(by);
            let mut losses = nll_sums(&model, &turned, budget);
            losses.rotate_right(by);
            assert_numbers_close("in another order", &losses, &alone, NOISE);
        });
    }
}

#[test]
fn padded_places_hold_nothing_that_a_token_reads() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let short = vec![5_i64, 9, 77, 140];
        let want = logits(&model, &short);
        for (length, filler) in [(5, 0_i64), (16, 3), (model.max_tokens(), 287)] {
            let mut padded = short.clone();
            padded.resize(length, filler);
            assert_close("padded", &logits(&model, &padded).narrow(0, 0, 4), &want, NOISE);
        }
    });
}

/// A text does not depend on where in a batch its padding stands: padded on the left for generation, its next token is
/// that of the text alone.
#[test]
fn padding_on_the_left_changes_no_next_token() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let prompts = lists(&checkpoint.numbers["generation"]["prompts"]);
        let long = vec![7_i64; 60];
        for prompt in prompts {
            let alone = model
                .generate(std::slice::from_ref(&prompt), Decoding::Greedy, 1, 4096, |_| ())
                .unwrap()
                .remove(0);
            let next = logits(&model, &prompt).get(-1).argmax(0, false).int64_value(&[]);
            assert_eq!(alone.text, model.codec().decode(&[next]).unwrap());
            let padded =
                model.generate(&[prompt, long.clone()], Decoding::Greedy, 1, 4096, |_| ()).unwrap().remove(0);
            assert_eq!(padded, alone);
        }
    });
}

#[test]
fn a_fresh_adapter_is_the_identity_bit_for_bit() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open();
        let ids = [7_i64, 8, 200, 14, 3];
        let before = logits(&model, &ids);
        model.attach_lora(&checkpoint.lora(), 5).unwrap();
        assert!(same_bits(&logits(&model, &ids), &before));
        let untouched = parameters(&model);
        model.fold_lora(&checkpoint.lora());
        for ((name, before), (_, after)) in untouched.iter().zip(parameters(&model)) {
            assert!(same_bits(before, &after), "folding an adapter that is zero changes {name}");
        }
    });
}

#[test]
fn folding_an_adapter_changes_no_logit_and_leaves_nothing_to_train() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open_with_adapter();
        let ids = [7_i64, 8, 200, 14, 3];
        let attached = logits(&model, &ids);
        let before = parameters(&model);
        let folded = model.fold_lora(&checkpoint.lora());
        assert_close("folded", &logits(&model, &ids), &attached, NOISE);
        assert!(model.lora_parameters().is_empty());
        for ((name, before), (_, after)) in before.iter().zip(parameters(&model)) {
            let targeted = folded.modules.keys().any(|module| *name == format!("{module}.weight"));
            assert_eq!(same_bits(before, &after), !targeted, "{name}");
        }
    });
}

#[test]
fn folded_adapters_add_up() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open();
        let base = parameters(&model);
        model.fold_adapter_from(&checkpoint.adapter()).unwrap();
        let once = parameters(&model);
        model.fold_adapter_from(&checkpoint.adapter()).unwrap();
        let twice = parameters(&model);
        for (((name, base), (_, once)), (_, twice)) in base.iter().zip(&once).zip(&twice) {
            assert_close(name, twice, &(once * 2 - base), 1e-6);
        }
    });
}

#[test]
fn dropout_acts_in_training_alone() {
    on_every_checkpoint(|checkpoint| {
        let mut config = checkpoint.lora();
        config.lora_dropout = 0.5;
        let mut model = checkpoint.open();
        model.attach_lora(&config, 5).unwrap();
        {
            let _guard = tch::no_grad_guard();
            for mut parameter in model.lora_parameters() {
                let _ = parameter.fill_(0.1);
            }
        }
        let batch = checkpoint.batch(&model);
        let nll = |train| model.target_nll(&batch, train).0.detach();
        assert!(same_bits(&nll(false), &nll(false)));
        assert!(!same_bits(&nll(true), &nll(false)), "dropout takes part");
    });
}

#[test]
fn a_target_that_does_not_fit_is_an_error_with_the_callers_index() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let whole = model.max_tokens();
        let fits = |n: usize| Encoded { ids: vec![5; n], target_start: 1 };
        let examples = [fits(4), fits(whole), fits(whole + 1), fits(9)];
        match model.example_losses(&examples, 2000, |_| ()) {
            Err(ModelError::TooLong { index: 2, tokens, limit }) => {
                assert_eq!((tokens, limit), (whole + 1, whole));
            }
            other => panic!("{other:?}"),
        }
        let empty = Encoded { ids: vec![5; 3], target_start: 3 };
        match model.example_losses(&[fits(9), fits(20), empty], 1, |_| ()) {
            Err(ModelError::NoTarget { index: 2 }) => (),
            other => panic!("{other:?}"),
        }
        let batch = Batch::new(&[&fits(whole), &fits(2)], whole, Device::Cpu).unwrap();
        assert_eq!((batch.targets.size(), batch.tokens), (vec![whole as i64], whole + 2));
    });
}

/// Without a table of positions only what the file says bounds a sequence.
#[test]
fn the_longest_sequence_is_the_one_of_the_file() {
    on_every_checkpoint(|checkpoint| {
        let config: serde_json::Value =
            serde_json::from_slice(&std::fs::read(checkpoint.directory().join("config.json")).unwrap())
                .unwrap();
        let named = config.get("max_position_embeddings").or(config.get("n_positions")).unwrap();
        assert_eq!(json!(checkpoint.open().max_tokens()), *named);
    });
}
