//! The forward and backward pass against transformers and PEFT.

use sapo_model::{Batch, Device, Encoded, Kind, LanguageModel, Sequences};

use crate::fixtures::*;

const MODELS: [&str; 2] = ["tied", "untied"];

#[test]
fn logits_are_those_of_transformers() {
    let (expected, tensors) = (expected(), expected_tensors());
    for name in MODELS {
        let model = open(name);
        for (i, row) in lists(&expected[name]["logits_of"]).iter().enumerate() {
            let want = &tensors[&format!("{name}.logits.{i}")];
            assert_close(&format!("logits of {name}, row {i}"), &logits(&model, row), want, 1e-5);
        }
    }
}

#[test]
fn masked_losses_are_those_of_transformers_up_to_the_longest_positions() {
    let expected = expected();
    for name in MODELS {
        let model = open(name);
        let examples = examples(&expected[name]["examples"]);
        let losses = model.example_losses(&examples, 4096, |_| ()).unwrap();
        let got: Vec<f64> = losses.iter().map(|loss| loss.nll_sum).collect();
        assert_numbers_close(&format!("losses of {name}"), &got, &numbers(&expected[name]["nll_sum"]), 1e-5);
        for (loss, example) in losses.iter().zip(&examples) {
            assert_eq!(loss.tokens, example.target_tokens());
        }
    }
}

#[test]
fn logits_at_far_positions_are_those_of_transformers() {
    let want = &expected()["far_positions"];
    let copy = copy_of("untied");
    edit_json(&copy.path().join("config.json"), |config| {
        for (name, value) in want["config"].as_object().unwrap() {
            config[name] = value.clone();
        }
    });
    let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
    let _guard = tch::no_grad_guard();
    let tokens =
        Sequences::new(&[integers(&want["ids"])], Device::Cpu).at_positions(&integers(&want["positions"]));
    let got = model.decoder().logits(&model.decoder().hidden(&tokens));
    assert_close("logits at far positions", &got, &expected_tensors()["far.logits"], 1e-5);
}

#[test]
fn adapter_logits_are_those_of_peft() {
    let (expected, tensors) = (expected(), expected_tensors());
    let attached = tied_with_adapter();
    let mut folded = open("tied");
    folded.fold_adapter_from(&fixture("adapter")).unwrap();
    for (i, row) in lists(&expected["tied"]["logits_of"]).iter().enumerate() {
        let want = &tensors[&format!("lora.logits.{i}")];
        assert!(relative_error(&tensors[&format!("tied.logits.{i}")], want) > 0.1, "the adapter must matter");
        assert_close("logits with an attached adapter", &logits(&attached, row), want, 1e-5);
        let last = logits(&folded, row).get(-1);
        assert_close(
            "logits with a folded adapter",
            &last,
            &tensors[&format!("merged.last_logits.{i}")],
            1e-5,
        );
    }
}

#[test]
fn adapter_gradients_are_those_of_peft() {
    let (expected, tensors) = (expected(), expected_tensors());
    let mut model = tied_with_adapter();
    let examples = examples(&expected["lora"]["examples"]);
    let batch =
        Batch::new(&examples.iter().collect::<Vec<&Encoded>>(), model.max_tokens(), Device::Cpu).unwrap();
    model.target_nll(&batch, true).0.mean(Kind::Float).backward();
    for (parameter, name) in model.lora_parameters().iter().zip(adapter_names()) {
        assert_close(
            &format!("gradient of {name}"),
            &parameter.grad(),
            &tensors[&format!("lora.gradient.{name}")],
            1e-5,
        );
    }
}
