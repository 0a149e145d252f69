//! What must not change a result: padding, company, order, and an adapter that does nothing.

use proptest::prelude::*;
use sapo_model::{Batch, Device, Encoded, ModelError};

use crate::fixtures::*;

fn nll_sums(model: &sapo_model::LanguageModel, examples: &[Encoded], budget: usize) -> Vec<f64> {
    model.example_losses(examples, budget, |_| ()).unwrap().iter().map(|loss| loss.nll_sum).collect()
}

fn example() -> impl Strategy<Value = Encoded> {
    (prop::collection::vec(0_i64..288, 2..40), any::<prop::sample::Index>())
        .prop_map(|(ids, at)| Encoded { target_start: 1 + at.index(ids.len() - 1), ids })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batch_size_order_and_padding_change_no_loss(
        examples in prop::collection::vec(example(), 1..9),
        budget in 1_usize..400,
        rotation in 0_usize..9,
    ) {
        let model = open("tied");
        let alone: Vec<f64> =
            examples.iter().map(|example| nll_sums(&model, std::slice::from_ref(example), 1)[0]).collect();
        assert_numbers_close("in batches", &nll_sums(&model, &examples, budget), &alone, 1e-5);
        let by = rotation % examples.len();
        let mut turned = examples.clone();
        turned.rotate_left(by);
        let mut losses = nll_sums(&model, &turned, budget);
        losses.rotate_right(by);
        assert_numbers_close("in another order", &losses, &alone, 1e-5);
    }
}

#[test]
fn padded_places_hold_nothing_that_a_token_reads() {
    let model = open("tied");
    let (short, long) = (vec![5_i64, 9, 77, 140], 300);
    let want = logits(&model, &short);
    for filler in [0_i64, 3, 287] {
        let mut padded = short.clone();
        padded.resize(long, filler);
        assert_close("padded", &logits(&model, &padded).narrow(0, 0, 4), &want, 1e-5);
    }
}

#[test]
fn a_fresh_adapter_is_the_identity() {
    let mut model = open("untied");
    let ids = [7_i64, 8, 200, 14, 3];
    let before = logits(&model, &ids);
    model.attach_lora(&lora(), 5).unwrap();
    assert!(same_bits(&logits(&model, &ids), &before));
}

#[test]
fn folding_an_adapter_changes_no_logit_and_leaves_nothing_to_train() {
    let mut model = tied_with_adapter();
    let ids = [7_i64, 8, 200, 14, 3];
    let attached = logits(&model, &ids);
    let before = parameters(&model);
    model.fold_lora(&lora());
    assert_close("folded", &logits(&model, &ids), &attached, 1e-5);
    assert!(model.lora_parameters().is_empty());
    for ((name, before), (_, after)) in before.iter().zip(parameters(&model)) {
        let targeted = name.contains("q_proj") || name.contains("v_proj");
        assert_eq!(same_bits(before, &after), !targeted, "{name}");
    }
}

#[test]
fn folded_adapters_add_up() {
    let mut model = open("tied");
    let base = parameters(&model);
    model.fold_adapter_from(&fixture("adapter")).unwrap();
    let once = parameters(&model);
    model.fold_adapter_from(&fixture("adapter")).unwrap();
    let twice = parameters(&model);
    for (((name, base), (_, once)), (_, twice)) in base.iter().zip(&once).zip(&twice) {
        assert_close(name, twice, &(once * 2 - base), 1e-6);
    }
}

#[test]
fn a_target_that_does_not_fit_is_an_error_with_the_callers_index() {
    let model = open("tied");
    let fits = |n: usize| Encoded { ids: vec![5; n], target_start: 1 };
    let examples = [fits(4), fits(512), fits(513), fits(9)];
    match model.example_losses(&examples, 2000, |_| ()) {
        Err(ModelError::TooLong { index: 2, tokens: 513, limit: 512 }) => (),
        other => panic!("{other:?}"),
    }
    let empty = Encoded { ids: vec![5; 3], target_start: 3 };
    match model.example_losses(&[fits(9), fits(20), empty], 1, |_| ()) {
        Err(ModelError::NoTarget { index: 2 }) => (),
        other => panic!("{other:?}"),
    }
    let batch = Batch::new(&[&fits(512), &fits(2)], 512, Device::Cpu).unwrap();
    assert_eq!((batch.targets.size(), batch.tokens), (vec![512], 514));
}
