//! The forward and backward pass of every checkpoint against transformers and PEFT.

use sapo_model::{Device, Kind, LanguageModel, Sequences};
use serde_json::{Value, json};
use tch::Tensor;

use crate::fixtures::*;

/// Allowed difference in f32, relative to the largest magnitude.
const TOLERANCE: f64 = 1e-5;

#[test]
fn logits_are_those_of_transformers() {
    on_every_checkpoint(|checkpoint| {
        let (model, want) = (checkpoint.open(), &checkpoint.tensors);
        let short = logits(&model, &checkpoint.row("short"));
        assert_close(checkpoint.name, &short, &want["short.logits"], TOLERANCE);
        let long = last_logits(&model, &checkpoint.row("long"), 2);
        assert_close(checkpoint.name, &long, &want["long.last_logits"], TOLERANCE);
    });
}

/// bf16 keeps 8 bits: each rounding is off by up to 0.4 %, and operations in another order round elsewhere. So the
/// logits are compared with those in f32: the root of the mean square of their error may be twice that of
/// transformers' own bf16 logits, which is about 1 % of the root of the mean square of the logits.
#[test]
fn half_precision_logits_are_as_exact_as_those_of_transformers() {
    on_every_checkpoint(|checkpoint| {
        let model = LanguageModel::open(&checkpoint.directory(), Kind::BFloat16, Device::Cpu).unwrap();
        let got = logits(&model, &checkpoint.row("short"));
        assert_eq!(got.kind(), Kind::BFloat16);
        let exact = checkpoint.tensors["short.logits"].to_kind(Kind::Double);
        let error = |logits: &Tensor| {
            let error = (logits.to_kind(Kind::Double) - &exact).norm() / exact.norm();
            error.double_value(&[])
        };
        let (ours, theirs) = (error(&got), error(&checkpoint.tensors["short.bf16_logits"]));
        println!("{}: error of {ours:.1e}, that of transformers {theirs:.1e}", checkpoint.name);
        assert!(theirs < 0.03 && ours <= 2.0 * theirs, "{ours} against {theirs}");
    });
}

#[test]
fn masked_losses_are_those_of_transformers_up_to_the_longest_positions() {
    on_every_checkpoint(|checkpoint| {
        let examples = examples(&checkpoint.numbers["examples"]);
        let losses = checkpoint.open().example_losses(&examples, 4096, |_| ()).unwrap();
        let got: Vec<f64> = losses.iter().map(|loss| loss.nll_sum).collect();
        assert_numbers_close(checkpoint.name, &got, &numbers(&checkpoint.numbers["nll_sum"]), TOLERANCE);
        for (loss, example) in losses.iter().zip(&examples) {
            assert_eq!(loss.tokens, example.target_tokens());
        }
    });
}

/// Every parameter's gradient by its name in the checkpoint. Of matrices with a row a token the fixture keeps some rows;
/// the norm covers the others.
#[test]
fn gradients_of_all_parameters_are_those_of_transformers() {
    on_every_checkpoint(|checkpoint| {
        let rows = Tensor::from_slice(&integers(&checkpoint.numbers["gradient_rows"]));
        let norms = checkpoint.numbers["gradient_norms"].as_object().unwrap();
        let mut model = checkpoint.open();
        let parameters = model.train_all_parameters();
        assert_eq!(parameters.len(), norms.len());
        model.target_nll(&checkpoint.batch(&model), true).0.mean(Kind::Float).backward();
        for (name, parameter) in parameters {
            let what = format!("{}: gradient of {name}", checkpoint.name);
            let want = &checkpoint.tensors[&format!("gradient.{name}")];
            let gradient = parameter.grad();
            let kept = if gradient.size() == want.size() {
                gradient.shallow_clone()
            } else {
                gradient.index_select(0, &rows)
            };
            assert_close(&what, &kept, want, TOLERANCE);
            let norm = gradient.to_kind(Kind::Double).norm().double_value(&[]);
            assert_numbers_close(&what, &[norm], &[norms[&name].as_f64().unwrap()], TOLERANCE);
        }
    });
}

/// Other activations, scalings of the rotary positions, windows, caps, layouts: logits, losses and the norm of the
/// gradient of all parameters.
#[test]
fn other_configurations_of_the_same_weights_compute_what_transformers_computes() {
    on_every_checkpoint(|checkpoint| {
        for (name, want) in checkpoint.numbers["variants"].as_object().unwrap() {
            let what = format!("{} {name}", checkpoint.name);
            let directory = checkpoint.variant(want);
            let mut model = match LanguageModel::open(directory.path(), Kind::Float, Device::Cpu) {
                Ok(model) => model,
                Err(error) => panic!("{what}: {error}"),
            };
            let got = last_logits(&model, &checkpoint.row("long"), 1);
            assert_close(&what, &got, &checkpoint.tensors[&format!("variant.{name}.last_logits")], TOLERANCE);
            let losses = nll_sums(&model, &examples(&checkpoint.numbers["examples"]), 4096);
            assert_numbers_close(&what, &losses, &numbers(&want["nll_sum"]), TOLERANCE);

            let parameters = model.train_all_parameters();
            model.target_nll(&checkpoint.batch(&model), true).0.mean(Kind::Float).backward();
            let squares = parameters.iter().map(|(_, parameter)| {
                parameter.grad().to_kind(Kind::Double).square().sum(Kind::Double).double_value(&[])
            });
            let norm = squares.sum::<f64>().sqrt();
            assert_numbers_close(&what, &[norm], &[want["gradient_norm"].as_f64().unwrap()], TOLERANCE);
        }
    });
}

#[test]
fn logits_at_far_positions_are_those_of_transformers() {
    let checkpoint = Checkpoint::named("llama-untied");
    let want = &checkpoint.numbers["far"];
    let directory = checkpoint.variant(&json!({"config": want["config"], "absent": [], "without": []}));
    let model = LanguageModel::open(directory.path(), Kind::Float, Device::Cpu).unwrap();
    let _guard = tch::no_grad_guard();
    let tokens =
        Sequences::new(&[integers(&want["ids"])], Device::Cpu).at_positions(&integers(&want["positions"]));
    let got = model.decoder().logits(&model.decoder().hidden(&tokens));
    assert_close("logits at far positions", &got, &checkpoint.tensors["far.logits"], TOLERANCE);
}

#[test]
fn logits_with_an_adapter_are_those_of_peft() {
    on_every_checkpoint(|checkpoint| {
        let row = checkpoint.row("short");
        let attached = last_logits(&checkpoint.open_with_adapter(), &row, 2);
        let mut folded = checkpoint.open();
        let before = last_logits(&folded, &row, 2);
        folded.fold_adapter_from(&checkpoint.adapter()).unwrap();
        let folded = last_logits(&folded, &row, 2);

        assert!(relative_error(&before, &attached) > 0.02, "the adapter must matter");
        assert_close(checkpoint.name, &attached, &checkpoint.tensors["lora.last_logits"], TOLERANCE);
        assert_close(checkpoint.name, &folded, &checkpoint.tensors["merged.last_logits"], TOLERANCE);
    });
}

/// A folder with the checkpoint's adapter, its configuration changed.
fn edited_adapter(checkpoint: &Checkpoint, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let copy = copy_of(&format!("adapters/{}", checkpoint.name));
    edit_json(&copy.path().join("adapter_config.json"), change);
    copy
}

#[test]
fn an_adapter_scaled_by_the_root_of_its_rank_is_that_of_peft() {
    on_every_checkpoint(|checkpoint| {
        let adapter = edited_adapter(checkpoint, |config| config["use_rslora"] = json!(true));
        let row = checkpoint.row("short");
        let want = &checkpoint.tensors["rslora.last_logits"];
        let attached = last_logits(&checkpoint.open_with(adapter.path()), &row, 2);
        assert_close(checkpoint.name, &attached, want, TOLERANCE);
        let mut folded = checkpoint.open();
        folded.fold_adapter_from(adapter.path()).unwrap();
        assert_close(checkpoint.name, &last_logits(&folded, &row, 2), want, TOLERANCE);
    });
}

#[test]
fn an_adapter_with_patterns_of_rank_and_alpha_is_that_of_peft() {
    let checkpoint = Checkpoint::named("llama-tied");
    let mut folded = checkpoint.open();
    folded.fold_adapter_from(&fixture("adapters/patterns")).unwrap();
    let got = last_logits(&folded, &checkpoint.row("short"), 2);
    assert_close("patterns", &got, &checkpoint.tensors["patterns.last_logits"], TOLERANCE);
}

#[test]
fn gradients_of_an_adapter_are_those_of_peft() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open_with_adapter();
        model.target_nll(&checkpoint.batch(&model), true).0.mean(Kind::Float).backward();
        for (name, parameter) in checkpoint.named_lora_parameters(&mut model, &checkpoint.lora()) {
            let want = &checkpoint.tensors[&format!("lora.gradient.{name}")];
            let what = format!("{}: gradient of {name}", checkpoint.name);
            assert_close(&what, &parameter.grad(), want, TOLERANCE);
        }
    });
}
