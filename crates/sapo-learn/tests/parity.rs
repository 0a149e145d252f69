//! Ten steps of AdamW under a cosine schedule with warm-up and clipping, for every decoder family, against PyTorch.
//!
//! The checkpoints and the expected values are fixtures of `sapo-model`, beside the scripts that made them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../sapo-model/tests/suite/fixtures.rs"]
#[allow(dead_code, reason = "some helpers serve the suite of sapo-model alone")]
mod fixtures;

use fixtures::*;
use sapo_learn::{
    AdamW, AdamWConfig, FixedTexts, NoTerm, Schedule, TrainConfig, Training, clip_gradient_norm, train,
};
use sapo_model::{Kind, LanguageModel, save_safetensors};
use serde_json::Value;
use tch::Tensor;

/// What the fixture says of a training.
struct Setting<'a>(&'a Value);

impl Setting<'_> {
    fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap()
    }

    fn steps(&self) -> usize {
        self.0["steps"].as_u64().unwrap() as usize
    }

    fn adamw(&self) -> AdamWConfig {
        AdamWConfig {
            beta1: self.number("beta1"),
            beta2: self.number("beta2"),
            eps: self.number("eps"),
            weight_decay: self.number("weight_decay"),
        }
    }

    fn schedule(&self) -> Schedule {
        Schedule::with_warmup_ratio(self.number("learning_rate"), self.number("warmup_ratio"), self.steps())
    }

    /// Trains `parameters` on the fixture's batch; every number on the way must be that of PyTorch.
    fn assert_steps(&self, checkpoint: &Checkpoint, model: &LanguageModel, parameters: Vec<Tensor>) {
        let (schedule, batch) = (self.schedule(), checkpoint.batch(model));
        let mut optimizer = AdamW::new(parameters, self.adamw());
        let (mut losses, mut norms, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for step in 0..self.steps() {
            let loss = model.target_nll(&batch, true).0.mean(Kind::Float);
            loss.backward();
            norms.push(clip_gradient_norm(optimizer.parameters(), self.number("max_gradient_norm")));
            rates.push(schedule.learning_rate(step));
            optimizer.step(rates[step]);
            losses.push(loss.double_value(&[]));
        }
        let what = |quantity: &str| format!("{} {quantity}", checkpoint.name);
        assert_numbers_close(&what("learning rates"), &rates, &numbers(&self.0["learning_rates"]), 1e-12);
        assert_numbers_close(&what("gradient norms"), &norms, &numbers(&self.0["gradient_norms"]), 1e-4);
        assert_numbers_close(&what("losses"), &losses, &numbers(&self.0["losses"]), 1e-5);
    }

    /// The same steps through the training loop: one batch an epoch, accumulated from parts, because the order within a
    /// batch does not matter.
    fn assert_training_loop(
        &self,
        checkpoint: &Checkpoint,
        model: &LanguageModel,
        parameters: Vec<Tensor>,
        micro_batch_size: usize,
        gradient_checkpointing: bool,
    ) {
        let examples = examples(&checkpoint.numbers["batch"]);
        let config = TrainConfig {
            epochs: self.steps(),
            batch_size: examples.len(),
            micro_batch_size,
            learning_rate: self.number("learning_rate"),
            warmup_ratio: self.number("warmup_ratio"),
            max_gradient_norm: self.number("max_gradient_norm"),
            gradient_checkpointing,
            adamw: self.adamw(),
        };
        let mut losses = Vec::new();
        train(
            model,
            parameters,
            &mut FixedTexts(&examples),
            &mut NoTerm,
            Training::of(&config, 9),
            |outcome| losses.push(outcome.loss),
        )
        .unwrap();
        let what = format!("{} losses of the loop in parts of {micro_batch_size}", checkpoint.name);
        assert_numbers_close(&what, &losses, &numbers(&self.0["losses"]), 1e-5);
    }
}

fn all_parameters(model: &mut LanguageModel) -> Vec<Tensor> {
    model.train_all_parameters().into_iter().map(|(_, parameter)| parameter).collect()
}

fn assert_trained_model(checkpoint: &Checkpoint, model: &LanguageModel) {
    let after = last_logits(model, &checkpoint.row("short"), 2);
    assert_close(checkpoint.name, &after, &checkpoint.tensors["full_training.last_logits"], 1e-4);
}

/// Compares tensor by tensor in the Euclidean norm: Adam moves an entry whose gradient is almost zero as far as any other,
/// so single entries magnify the noise of f32.
fn assert_trained_adapter(checkpoint: &Checkpoint, model: &mut LanguageModel) {
    for (name, parameter) in checkpoint.named_lora_parameters(model, &checkpoint.lora()) {
        let want = &checkpoint.tensors[&format!("lora_training.{name}")];
        let error = ((parameter.detach() - want).norm() / want.norm()).double_value(&[]);
        println!("{} {name}: relative error {error:.1e}", checkpoint.name);
        assert!(error <= 5e-4, "{} {name}: relative error {error:e}", checkpoint.name);
    }
}

#[test]
fn ten_steps_of_all_parameters_are_those_of_torch() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open();
        let parameters = all_parameters(&mut model);
        Setting(&checkpoint.numbers["full_training"]).assert_steps(checkpoint, &model, parameters);
        assert_trained_model(checkpoint, &model);
    });
}

#[test]
fn ten_steps_of_an_adapter_are_those_of_torch() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open_with_adapter();
        let parameters = model.lora_parameters();
        Setting(&checkpoint.numbers["lora_training"]).assert_steps(checkpoint, &model, parameters);
        assert_trained_adapter(checkpoint, &mut model);
    });
}

#[test]
fn the_training_loop_takes_the_same_ten_steps() {
    on_every_checkpoint(|checkpoint| {
        for (micro_batch_size, gradient_checkpointing) in [(2, false), (3, true), (100, false)] {
            let mut model = checkpoint.open_with_adapter();
            let parameters = model.lora_parameters();
            Setting(&checkpoint.numbers["lora_training"]).assert_training_loop(
                checkpoint,
                &model,
                parameters,
                micro_batch_size,
                gradient_checkpointing,
            );
            assert_trained_adapter(checkpoint, &mut model);

            let mut model = checkpoint.open();
            let parameters = all_parameters(&mut model);
            Setting(&checkpoint.numbers["full_training"]).assert_training_loop(
                checkpoint,
                &model,
                parameters,
                micro_batch_size,
                gradient_checkpointing,
            );
            assert_trained_model(checkpoint, &model);
        }
    });
}

/// Leaves trained adapters and their logits in the target folder for `check_adapters_in_peft.py`.
#[test]
fn trained_adapters_are_kept_for_the_check_in_peft() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open();
        let config = checkpoint.lora();
        model.attach_lora(&config, 3).unwrap();
        let parameters = model.lora_parameters();
        let examples = examples(&checkpoint.numbers["batch"]);
        let training = TrainConfig {
            epochs: 20,
            batch_size: 2,
            micro_batch_size: 2,
            learning_rate: 0.02,
            warmup_ratio: 0.1,
            max_gradient_norm: 1.0,
            gradient_checkpointing: false,
            adamw: AdamWConfig::default(),
        };
        let mut losses = Vec::new();
        train(
            &model,
            parameters,
            &mut FixedTexts(&examples),
            &mut NoTerm,
            Training::of(&training, 1),
            |outcome| losses.push(outcome.loss),
        )
        .unwrap();
        let (first, last) = (losses[0] + losses[1], losses[losses.len() - 2] + losses[losses.len() - 1]);
        assert!(last < 0.8 * first, "{} has learnt something: {first} to {last}", checkpoint.name);

        let trained = logits(&model, &checkpoint.row("short"));
        let directory = adapters_for_peft().join(format!("{}-trained", checkpoint.name));
        model.fold_lora(&config).save(&directory, checkpoint.name).unwrap();
        save_safetensors(&directory.join("logits.safetensors"), &[("logits".to_string(), &trained)]).unwrap();
    });
}
