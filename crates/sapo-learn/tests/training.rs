//! The optimiser, the schedule and the training loop against what must hold for any training.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../sapo-model/tests/suite/fixtures.rs"]
#[allow(dead_code, reason = "most helpers serve other suites")]
mod fixtures;

use std::sync::{Mutex, MutexGuard};

use sapo_learn::{
    AdamW, AdamWConfig, FixedTexts, LearnError, NoTerm, Schedule, TrainConfig, TrainOutcome, Training,
    clip_gradient_norm, train,
};
use sapo_model::{Encoded, Kind, LanguageModel, ModelError};
use tch::Tensor;

use fixtures::Checkpoint;

/// Training seeds libtorch's generator, which is the process's, so one test trains at a time.
static GENERATOR: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Four examples of different lengths.
fn examples() -> Vec<Encoded> {
    fixtures::examples(&Checkpoint::named("llama-tied").numbers["batch"])
}

/// A small model with a fresh adapter.
fn model(dropout: f64) -> LanguageModel {
    let checkpoint = Checkpoint::named("llama-tied");
    let mut config = checkpoint.lora();
    config.lora_dropout = dropout;
    let mut model = checkpoint.open();
    model.attach_lora(&config, 3).unwrap();
    model
}

fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let error = got.iter().zip(want).map(|(g, w)| (g - w).abs() / largest).fold(0.0, |a: f64, b| {
        assert!(b.is_finite(), "{what}: not a number");
        a.max(b)
    });
    println!("{what}: relative error {error:.1e}");
    assert!(error <= tolerance, "{what}: relative error {error:e}, allowed is {tolerance:e}");
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).reshape([-1])).unwrap()
}

fn outcomes(
    model: &LanguageModel,
    parameters: Vec<Tensor>,
    examples: &[Encoded],
    config: &TrainConfig,
    seed: u64,
) -> Result<Vec<TrainOutcome>, LearnError> {
    let mut outcomes = Vec::new();
    train(
        model,
        parameters,
        &mut FixedTexts(examples),
        &mut NoTerm,
        Training::of(config, seed),
        |outcome| outcomes.push(outcome),
    )?;
    Ok(outcomes)
}

fn config() -> TrainConfig {
    TrainConfig {
        epochs: 3,
        batch_size: 3,
        micro_batch_size: 2,
        learning_rate: 0.02,
        warmup_ratio: 0.1,
        max_gradient_norm: 1.0,
        gradient_checkpointing: false,
        adamw: AdamWConfig::default(),
    }
}

/// Losses of a training of the adapter under `seed`.
fn losses(dropout: f64, seed: u64) -> Vec<f64> {
    let mut model = model(dropout);
    let parameters = model.lora_parameters();
    let outcomes = outcomes(&model, parameters, &examples(), &config(), seed).unwrap();
    outcomes.iter().map(|outcome| outcome.loss).collect()
}

#[test]
fn a_seed_decides_the_order_and_the_dropout() {
    let _alone = alone();
    for dropout in [0.0, 0.3] {
        assert_eq!(losses(dropout, 1), losses(dropout, 1), "dropout {dropout}");
        assert_ne!(losses(dropout, 1), losses(dropout, 2), "dropout {dropout}");
    }
    assert_ne!(losses(0.0, 1), losses(0.3, 1), "dropout takes part");
}

#[test]
fn training_reports_every_step_and_changes_the_adapter_alone() {
    let _alone = alone();
    let mut model = model(0.0);
    let copies = |model: &LanguageModel| -> Vec<Tensor> {
        model.decoder().named_parameters().into_iter().map(|(_, tensor)| tensor.copy()).collect()
    };
    let (before, examples) = (copies(&model), examples());
    let parameters = model.lora_parameters();
    let outcomes = outcomes(&model, parameters, &examples, &config(), 1).unwrap();

    // four examples in batches of three: two steps an epoch
    let steps: Vec<usize> = outcomes.iter().map(|outcome| outcome.optimiser_step).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    assert!(outcomes.iter().all(|outcome| outcome.total_steps == 6));
    let tokens: usize = examples.iter().map(|example| example.ids.len()).sum();
    assert_eq!(outcomes.iter().map(|outcome| outcome.tokens).sum::<usize>(), 3 * tokens);
    let schedule = Schedule::with_warmup_ratio(0.02, 0.1, 6);
    for (step, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.learning_rate, schedule.learning_rate(step));
    }
    assert!(before.iter().zip(copies(&model)).all(|(before, after)| before.equal(&after)));
    let last = model.lora_parameters().pop().unwrap();
    assert!(last.abs().max().double_value(&[]) > 0.0, "B is no longer zero");
}

#[test]
fn training_lowers_the_loss_of_what_it_trains_on() {
    let _alone = alone();
    let mut model = model(0.0);
    let mean = |model: &LanguageModel| {
        let losses = model.example_losses(&examples(), 4096, |_| ()).unwrap();
        losses.iter().map(|loss| loss.nll_sum).sum::<f64>()
            / losses.iter().map(|loss| loss.tokens as f64).sum::<f64>()
    };
    let before = mean(&model);
    let config = TrainConfig { epochs: 30, ..config() };
    let parameters = model.lora_parameters();
    train(&model, parameters, &mut FixedTexts(&examples()), &mut NoTerm, Training::of(&config, 1), |_| ())
        .unwrap();
    let after = mean(&model);
    assert!(after < before * 0.7, "{before} nats before, {after} after");
}

#[test]
fn a_loss_or_gradient_that_is_no_number_ends_the_training() {
    let _alone = alone();
    let mut overshooting = model(0.0);
    let config = TrainConfig { learning_rate: 1e30, warmup_ratio: 0.0, ..config() };
    let parameters = overshooting.lora_parameters();
    match outcomes(&overshooting, parameters, &examples(), &config, 1) {
        Err(LearnError::Diverged { step, loss, gradient_norm }) => {
            assert!(step > 1 && !(loss.is_finite() && gradient_norm.is_finite()), "step {step}");
        }
        other => panic!("{other:?}"),
    }

    let mut broken = model(0.0);
    let parameters = broken.lora_parameters();
    {
        let _guard = tch::no_grad_guard();
        let _ = parameters[1].shallow_clone().fill_(f64::NAN);
    }
    match outcomes(&broken, parameters, &examples(), &config, 1) {
        Err(error @ LearnError::Diverged { step: 1, .. }) => {
            assert!(error.to_string().contains("NaN"), "{error}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_example_that_does_not_fit_is_named_by_its_place_in_the_list_before_anything_is_trained() {
    let mut model = model(0.0);
    let mut examples = examples();
    examples.push(Encoded { ids: vec![5; 513], target_start: 1 });
    let parameters = model.lora_parameters();
    let mut steps = 0;
    let config = config();
    let training = Training::of(&config, 1);
    match train(&model, parameters, &mut FixedTexts(&examples), &mut NoTerm, training, |_| steps += 1) {
        Err(LearnError::Model(ModelError::TooLong { index: 4, tokens: 513, limit: 512 })) => {
            assert_eq!(steps, 0)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_that_mean_nothing_are_refused_by_name() {
    let mut model = model(0.0);
    let refused = [
        ("epochs", TrainConfig { epochs: 0, ..config() }),
        ("batch_size", TrainConfig { batch_size: 0, ..config() }),
        ("micro_batch_size", TrainConfig { micro_batch_size: 0, ..config() }),
    ];
    for (name, config) in refused {
        let parameters = model.lora_parameters();
        let error = train(
            &model,
            parameters,
            &mut FixedTexts(&examples()),
            &mut NoTerm,
            Training::of(&config, 1),
            |_| (),
        )
        .unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// A parameter that starts at `start` and whose gradient is its own value.
fn parabola(start: &[f64]) -> Tensor {
    Tensor::from_slice(start).to_kind(Kind::Float).unsqueeze(0).set_requires_grad(true)
}

fn descend(optimizer: &mut AdamW, steps: usize) {
    for _ in 0..steps {
        let loss = optimizer.parameters()[0].square().sum(Kind::Float) / 2.0;
        loss.backward();
        optimizer.step(0.1);
    }
}

#[test]
fn an_optimiser_goes_on_from_a_kept_state_bit_for_bit() {
    let start = [1.0, -2.0, 0.5];
    let mut whole = AdamW::new(vec![parabola(&start)], AdamWConfig::default());
    descend(&mut whole, 9);

    let mut first = AdamW::new(vec![parabola(&start)], AdamWConfig::default());
    descend(&mut first, 4);
    let copies = |tensors: &[Tensor]| tensors.iter().map(Tensor::copy).collect::<Vec<Tensor>>();
    let (steps, m, v) = first.state();
    let (steps, m, v) = (steps, copies(m), copies(v));
    let mut second = AdamW::new(vec![parabola(&[0.0, 0.0, 0.0])], AdamWConfig::default());
    second.restore(steps, &copies(first.masters()), m, v);
    descend(&mut second, 5);
    assert!(second.parameters()[0].equal(&whole.parameters()[0]));
    assert_eq!(second.state().0, 9);
}

#[test]
fn weight_decay_acts_on_matrices_alone() {
    let moved = |parameter: Tensor| {
        let before = parameter.detach().copy();
        let mut optimizer =
            AdamW::new(vec![parameter], AdamWConfig { weight_decay: 0.5, ..AdamWConfig::default() });
        (&optimizer.parameters()[0] * 0.0).sum(Kind::Float).backward(); // a gradient of zero
        optimizer.step(0.1);
        values(&(&optimizer.parameters()[0].detach() / before))
    };
    let matrix = moved(parabola(&[1.0, -2.0]));
    assert_close("matrix", &matrix, &[0.95, 0.95], 1e-6);
    assert_eq!(moved(Tensor::from_slice(&[1.0_f32, -2.0]).set_requires_grad(true)), [1.0, 1.0]);
}

#[test]
fn gradients_within_the_limit_stay_as_they_are() {
    let parameters = [parabola(&[3.0]), parabola(&[4.0])];
    let gradients = || -> Vec<f64> {
        parameters.iter().map(|parameter| parameter.grad().double_value(&[0, 0])).collect()
    };
    for parameter in &parameters {
        (parameter.square().sum(Kind::Float) / 2.0).backward();
    }
    assert_eq!(clip_gradient_norm(&parameters, 6.0), 5.0);
    assert_eq!(gradients(), [3.0, 4.0]);
    assert_eq!(clip_gradient_norm(&parameters, 1.0), 5.0);
    assert_close("clipped", &gradients(), &[0.6, 0.8], 1e-6);
    assert_eq!(clip_gradient_norm(&[parabola(&[1.0])], 1.0), 0.0, "no gradient yet");
}

#[test]
fn a_warm_up_that_is_all_or_nothing_is_a_schedule_too() {
    let none = Schedule::with_warmup_ratio(1.0, 0.0, 4);
    assert_eq!(none.learning_rate(0), 1.0);
    let all = Schedule::with_warmup_ratio(1.0, 1.0, 4);
    assert_eq!((0..4).map(|step| all.learning_rate(step)).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75]);
    assert!(Schedule::with_warmup_ratio(1.0, 0.1, 1).learning_rate(0).is_finite());
    let rates: Vec<f64> =
        (0..40).map(|step| Schedule::with_warmup_ratio(2.0, 0.1, 40).learning_rate(step)).collect();
    assert!(rates.iter().all(|rate| (0.0..=2.0).contains(rate)));
    assert!(rates[4..].windows(2).all(|pair| pair[0] > pair[1]), "falls after the warm-up");
}
