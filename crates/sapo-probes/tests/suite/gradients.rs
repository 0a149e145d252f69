use sapo_model::{Batch, Encoded, Kind, LanguageModel};
use sapo_probes::gradients::{
    EarlierTasks, FirstStep, Interference, Kept, LoraGradient, Update, task_gradient,
};
use sapo_probes::{FreshLora, ProbeError};
use sapo_prompts::Instruction;
use sapo_tasks::Task;
use tch::Tensor;

use crate::common::*;

fn gradient(model: &LanguageModel, task: &Task, wording: &Instruction) -> LoraGradient {
    task_gradient(model, &adapter(), task, wording, &task.train, BUDGET).unwrap().0
}

/// Work with the adapter on the model, its B moved by `step` from zero.
fn after_step<T>(
    model: &LanguageModel,
    step: impl Fn(&str) -> Tensor,
    work: impl FnOnce(&LanguageModel) -> T,
) -> T {
    let FreshLora { config, seed } = adapter();
    let moved = |lora: &[(String, (Tensor, Tensor))]| {
        let guard = tch::no_grad_guard();
        for (name, (_, b)) in lora {
            b.shallow_clone().copy_(&step(name));
        }
        drop(guard);
        Ok(work(model))
    };
    model.with_trial_lora(&config, seed, moved).unwrap()
}

/// Of `y = W x + s B A x`, the gradient of B at zero is s times that of W times A transposed.
#[test]
fn the_gradient_of_b_follows_from_that_of_the_weight() {
    let mut model = nano();
    let task = task("swap-ends");
    let got = gradient(&model, &task, &task.instruction);

    let FreshLora { config, seed } = adapter();
    let tensors = |lora: &[(String, (Tensor, Tensor))]| {
        Ok(lora.iter().map(|(name, (a, _))| (name.clone(), a.detach())).collect::<Vec<_>>())
    };
    let lora = model.with_trial_lora(&config, seed, tensors).unwrap();
    let weights = model.train_all_parameters();
    let examples = encoded(&model, &task, &task.instruction, &task.train);
    let batch = Batch::new(&examples.iter().collect::<Vec<&Encoded>>(), 512, model.device()).unwrap();
    model.target_nll(&batch, true).0.mean(Kind::Float).backward();

    assert_eq!(got.modules.len(), lora.len());
    for (name, a) in lora {
        let weight = weights.iter().find(|(weight, _)| *weight == format!("{name}.weight")).unwrap();
        let want = weight.1.grad().matmul(&a.tr()) * config.scaling_of(&name);
        let error = ((&got.modules[&name] - &want).norm() / want.norm()).double_value(&[]);
        assert!(error < 1e-4, "{name}: off by {error:.1e}");
    }
}

#[test]
fn the_norm_is_the_slope_of_the_loss_along_the_gradient() {
    let model = nano();
    let task = task("mood");
    let gradient = gradient(&model, &task, &odd());
    let norm = gradient.norm();
    let loss_at = |distance: f64| {
        let step = |name: &str| &gradient.modules[name] * (distance / norm);
        after_step(&model, step, |model| loss(model, &task, &odd()))
    };
    let h = 1e-3;
    let slope = (loss_at(h) - loss_at(-h)) / (2.0 * h);
    assert_close("slope", slope, norm, 0.01);
}

#[test]
fn batches_change_no_gradient() {
    let model = nano();
    let task = task("mood");
    let whole = task_gradient(&model, &adapter(), &task, &odd(), &task.train, 100_000).unwrap();
    let alone = task_gradient(&model, &adapter(), &task, &odd(), &task.train, 1).unwrap();
    assert_eq!(whole.1, alone.1);
    let tokens: usize = encoded(&model, &task, &odd(), &task.train).iter().map(|e| e.ids.len()).sum();
    assert_eq!((whole.1.forward, whole.1.backward), (tokens as u64, tokens as u64));
    let mut difference = 0.0;
    for (name, gradient) in &whole.0.modules {
        difference += (gradient - &alone.0.modules[name]).square().sum(Kind::Double).double_value(&[]);
    }
    assert!(difference.sqrt() < 1e-5 * whole.0.norm());
}

/// The change of the earlier tasks' loss by a real step, half of the difference between one forward and one backward, so
/// that what is of second order cancels. The learning rate is one that changes the loss by a thousandth of a nat.
#[test]
fn interference_predicts_the_change_of_the_earlier_tasks_loss() {
    let model = nano();
    let (current, first, second, wording) = (task("mood"), task("swap-ends"), task("plural"), odd());
    let kept = [&first, &second].map(|task| Kept { task, wording: &wording, examples: &task.train });
    let earlier_loss =
        |model: &LanguageModel| (loss(model, &first, &wording) + loss(model, &second, &wording)) / 2.0;
    let gradient = gradient(&model, &current, &wording);
    // the limit of the norm is reached in one of the two
    for (update, max_gradient_norm) in [(Update::Gradient, gradient.norm() / 2.0), (Update::Adamw, 1e9)] {
        let predict = |learning_rate: f64| {
            let step = FirstStep { update, learning_rate, max_gradient_norm };
            let interference = Interference::new(&model, adapter(), &kept, step, BUDGET).unwrap();
            interference.of(&model, &current, &wording, &current.train).unwrap().value
        };
        let learning_rate = 1e-3 / predict(1.0).abs();
        let predicted = predict(learning_rate);
        assert_close("of a thousandth", predicted.abs(), 1e-3, 1e-9);
        let after = |sign: f64| {
            let direction = |gradient: &Tensor| match update {
                Update::Gradient => gradient / 2.0,
                Update::Adamw => gradient.sign(),
            };
            let step = |name: &str| direction(&gradient.modules[name]) * (-sign * learning_rate);
            after_step(&model, step, earlier_loss)
        };
        let change = (after(1.0) - after(-1.0)) / 2.0;
        assert_close(&format!("{update:?}, learning rate {learning_rate:.1e}"), predicted, change, 0.03);
    }
}

#[test]
fn every_earlier_task_counts_the_same() {
    let model = nano();
    let tasks = [task("swap-ends"), task("mood")];
    let kept = |rows: usize| {
        [&tasks[0], &tasks[1]].map(|task| Kept {
            task,
            wording: &task.instruction,
            examples: if task.name == "mood" { &task.train } else { &task.train[..rows] },
        })
    };
    let earlier = EarlierTasks::new(&model, &adapter(), &kept(3), BUDGET).unwrap();
    let of = |model: &LanguageModel, kept: Kept<'_>| {
        task_gradient(model, &adapter(), kept.task, kept.wording, kept.examples, BUDGET).unwrap().0
    };
    let [first, second] = kept(3).map(|kept| of(&model, kept));
    for (name, mean) in &earlier.gradient.modules {
        let want = (&first.modules[name] + &second.modules[name]) / 2.0;
        assert!((mean - &want).norm().double_value(&[]) <= 1e-6 * want.norm().double_value(&[]));
    }
}

#[test]
fn a_model_computes_the_same_bits_after_it_was_asked() {
    let model = nano();
    let (current, earlier) = (task("mood"), task("swap-ends"));
    let kept = [Kept { task: &earlier, wording: &earlier.instruction, examples: &earlier.train }];
    let state = |model: &LanguageModel| {
        let weights: Vec<Tensor> =
            model.decoder().named_parameters().into_iter().map(|(_, weight)| weight.copy()).collect();
        (weights, loss(model, &current, &odd()), loss(model, &earlier, &earlier.instruction))
    };
    let (weights, current_loss, earlier_loss) = state(&model);
    let interference = Interference::new(&model, adapter(), &kept, FirstStep::default(), BUDGET).unwrap();
    let ask = |model: &LanguageModel| interference.of(model, &current, &odd(), &current.train).unwrap();
    let asked = ask(&model);

    let after = state(&model);
    assert!(model.named_lora().is_empty());
    assert!(weights.iter().zip(&after.0).all(|(before, after)| before.equal(after)));
    assert_eq!((current_loss.to_bits(), earlier_loss.to_bits()), (after.1.to_bits(), after.2.to_bits()));
    let parameters = model.decoder().named_parameters();
    assert!(parameters.iter().all(|(_, weight)| !weight.requires_grad() && !weight.grad().defined()));
    assert_eq!(asked, ask(&model));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let mut model = nano();
    let task = task("mood");
    let none = Interference::new(&model, adapter(), &[], FirstStep::default(), BUDGET);
    assert!(matches!(none, Err(ProbeError::NoEarlierTask)));
    let none = task_gradient(&model, &adapter(), &task, &odd(), &[], BUDGET);
    assert!(matches!(none, Err(ProbeError::Examples { got: 0, .. })));
    let mut other = adapter();
    other.config.r = 0;
    let refused = task_gradient(&model, &other, &task, &odd(), &task.train, BUDGET).unwrap_err();
    assert!(refused.to_string().contains("mood") && refused.to_string().contains("LoRA's r"), "{refused}");

    model.attach_lora(&adapter().config, 1).unwrap();
    let attached = task_gradient(&model, &adapter(), &task, &odd(), &task.train, BUDGET);
    assert!(attached.unwrap_err().to_string().contains("an adapter is attached already"));
    assert!(!model.named_lora().is_empty(), "it stays as it was");
}
