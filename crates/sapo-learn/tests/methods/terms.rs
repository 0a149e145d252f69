//! Each term of the loss by hand, and its gradient.

use sapo_learn::methods::{Distillation, Orthogonality, QuadraticPenalty, fisher, replay_counts};
use sapo_learn::{LossTerm, TrainConfig};
use sapo_model::{Encoded, Kind, LanguageModel, LoraConfig};
use sapo_tasks::layout;
use tch::{Device, Tensor};

use crate::two_tasks::{alone, config, nano, stream};

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).reshape([-1])).unwrap()
}

fn set(mut tensor: Tensor, value: &Tensor) {
    tch::no_grad(|| tensor.copy_(value));
}

/// Rows whose first entries are given, all others zero: `[rows, width]`.
fn rows<const N: usize>(first: &[[f64; N]], width: i64) -> Tensor {
    let tensor = Tensor::zeros([first.len() as i64, width], (Kind::Float, Device::Cpu));
    for (row, first) in first.iter().enumerate() {
        tensor.get(row as i64).narrow(0, 0, N as i64).copy_(&Tensor::from_slice(first));
    }
    tensor
}

#[test]
fn orthogonality_is_half_the_sum_of_absolute_products_of_rows() {
    let mut model = nano();
    let lora = LoraConfig::new(2, 4.0, &["q_proj"]);
    model.attach_lora(&lora, 1).unwrap();
    let mut old = model.attached_lora(&lora);
    let modules = model.named_lora();
    for (module, (new, b)) in &modules {
        let width = new.size()[1];
        set(new.shallow_clone(), &rows(&[[1.0, 2.0], [-4.0, 1.0]], width));
        old.modules.insert(module.clone(), (rows(&[[3.0, -1.0], [0.5, 0.0]], width), b.copy()));
    }
    // products: 1, -13; 0.5, -2
    let value = Orthogonality::new(0.5, &model, &[old]).add(&model, &[]).unwrap();
    assert_eq!(value, 8.25 * modules.len() as f64);
    for (_, (new, b)) in &modules {
        let expected = rows(&[[1.75, -0.5], [-1.75, 0.5]], new.size()[1]);
        assert_eq!(values(&new.grad()), values(&expected));
        assert!(!b.grad().defined(), "B takes no part");
    }
}

#[test]
fn orthogonality_counts_every_earlier_adapter_and_none_where_there_is_none() {
    let mut model = nano();
    let lora = LoraConfig::new(2, 4.0, &["q_proj"]);
    let adapter = |model: &mut LanguageModel, seed: u64| {
        model.attach_lora(&lora, seed).unwrap();
        model.fold_lora(&lora) // B is zero
    };
    let (one, two) = (adapter(&mut model, 1), adapter(&mut model, 2));
    model.attach_lora(&lora, 3).unwrap();
    let value =
        |earlier: &[sapo_model::Lora]| Orthogonality::new(1.0, &model, earlier).add(&model, &[]).unwrap();
    assert_eq!(value(&[]), 0.0);
    let single = |adapter: &sapo_model::Lora| {
        let pairs = model.named_lora();
        pairs.iter().fold(0.0, |sum, (module, (new, _))| {
            let (a, b) = (values(&adapter.modules[module].0), values(new));
            let width = new.size()[1] as usize;
            let products = a.chunks(width).flat_map(|a| {
                b.chunks(width).map(|b| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs())
            });
            sum + products.sum::<f64>()
        })
    };
    let expected = single(&one) + single(&two);
    let got = value(&[one, two]);
    assert!(expected > 0.0 && (got / expected - 1.0).abs() < 1e-6, "{got} {expected}");
}

#[test]
fn the_penalty_is_quadratic_around_the_start() {
    let model = nano();
    let theta = Tensor::from_slice(&[1.0_f32, -3.0]).set_requires_grad(true);
    let still = Tensor::from_slice(&[7.0_f32]).set_requires_grad(true);
    let information = [Tensor::from_slice(&[1.0_f32, 2.0]), Tensor::from_slice(&[100.0_f32])];
    let parameters = vec![theta.shallow_clone(), still.shallow_clone()];
    let mut penalty = QuadraticPenalty::new(4.0, parameters, &information);
    assert_eq!(penalty.add(&model, &[]).unwrap(), 0.0);
    assert_eq!(values(&theta.grad()), [0.0, 0.0]);
    set(theta.shallow_clone(), &Tensor::from_slice(&[1.5_f32, -4.0]));
    // 4 / 2 (1 * 0.5^2 + 2 * 1^2), on top of what the gradient is already
    assert_eq!(penalty.add(&model, &[]).unwrap(), 4.5);
    assert_eq!(values(&theta.grad()), [2.0, -8.0]);
    assert_eq!(values(&still.grad()), [0.0]);
}

/// A model whose adapter is no longer fresh, and encoded rows of the first task.
fn moved_model(rows: usize) -> (LanguageModel, Vec<Encoded>) {
    let mut model = nano();
    model.attach_lora(&LoraConfig::new(4, 16.0, &["q_proj", "v_proj"]), 3).unwrap();
    tch::manual_seed(11);
    for (_, (_, mut b)) in model.named_lora() {
        let _ = tch::no_grad(|| b.normal_(0.0, 0.05));
    }
    let task = &stream().tasks[0];
    let encode = |example: &sapo_tasks::Example| {
        let prompt = layout::prompt(task, &task.instruction, &example.input);
        model.codec().encode_example(&prompt, example.target()).unwrap()
    };
    let encoded = task.train[..rows].iter().map(encode).collect();
    (model, encoded)
}

#[test]
fn fisher_information_is_the_mean_of_squared_derivatives_of_each_rows_likelihood() {
    let _alone = alone();
    let (mut model, texts) = moved_model(3);
    let information = fisher(&mut model, &texts).unwrap();
    let parameters = model.lora_parameters();
    assert!(information.iter().zip(&parameters).all(|(f, theta)| f.size() == theta.size()));
    let nll =
        |text: &Encoded| model.example_losses(std::slice::from_ref(text), 4096, |_| ()).unwrap()[0].nll_sum;
    for (place, (f, theta)) in information.iter().zip(&parameters).enumerate().take(4) {
        let entry = values(f).iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        let flat = theta.detach().reshape([-1]); // the same memory
        let kept = flat.get(entry as i64).copy();
        let mut mean = 0.0;
        for text in &texts {
            let at = |value: f64| {
                set(flat.get(entry as i64), &(&kept + value));
                nll(text)
            };
            let slope = (at(4e-3) - at(-4e-3)) / 8e-3;
            mean += slope * slope / texts.len() as f64;
        }
        set(flat.get(entry as i64), &kept);
        let got = values(f)[entry];
        assert!((got / mean - 1.0).abs() < 0.05, "tensor {place}: {got} by gradients, {mean} by differences");
    }
}

/// Mean KL from the model with the `start` of its parameters to the present one, in f64 from whole logits.
fn divergence_by_hand(
    model: &mut LanguageModel,
    start: &[Tensor],
    texts: &[Encoded],
    temperature: f64,
) -> f64 {
    let parameters = model.lora_parameters();
    let now: Vec<Tensor> = parameters.iter().map(|parameter| parameter.detach().copy()).collect();
    let log_p = |text: &Encoded| {
        let logits = model.logits(&text.ids).to_kind(Kind::Double) / temperature;
        let places = (text.ids.len() - text.target_start) as i64;
        logits.narrow(0, text.target_start as i64 - 1, places).log_softmax(-1, Kind::Double)
    };
    let present: Vec<Tensor> = texts.iter().map(log_p).collect();
    parameters.iter().zip(start).for_each(|(parameter, value)| set(parameter.shallow_clone(), value));
    let before: Vec<Tensor> = texts.iter().map(log_p).collect();
    parameters.iter().zip(&now).for_each(|(parameter, value)| set(parameter.shallow_clone(), value));
    let sum: f64 = before
        .iter()
        .zip(&present)
        .map(|(before, present)| (before.exp() * (before - present)).sum(Kind::Double).double_value(&[]))
        .sum();
    sum / texts.iter().map(Encoded::target_tokens).sum::<usize>() as f64
}

fn parts(micro_batch_size: usize, gradient_checkpointing: bool) -> TrainConfig {
    let train = config(sapo_bandit::SelectorConfig::Original).train;
    TrainConfig { micro_batch_size, gradient_checkpointing, ..train }
}

#[test]
fn distillation_is_the_divergence_from_the_model_before_and_its_gradient_the_slope() {
    let _alone = alone();
    let (mut model, texts) = moved_model(5);
    let references: Vec<&Encoded> = texts.iter().collect();
    let mut parameters = model.lora_parameters();
    let start: Vec<Tensor> = parameters.iter().map(|parameter| parameter.detach().copy()).collect();
    let trains = [parts(8, false), parts(2, false), parts(2, true)];
    let mut terms: Vec<Distillation<'_>> =
        trains.iter().map(|train| Distillation::new(0.7, 2.0, model.lora_parameters(), train)).collect();

    let still = terms[0].add(&model, &references).unwrap();
    assert!(still.abs() < 1e-6, "nothing has moved: {still}");
    tch::manual_seed(5);
    tch::no_grad(|| parameters.iter_mut().for_each(|p| drop(p.g_add_(&(p.randn_like() * 0.03)))));

    let by_hand = divergence_by_hand(&mut model, &start, &texts, 2.0);
    let mut gradients = Vec::new();
    for term in &mut terms {
        parameters.iter_mut().for_each(Tensor::zero_grad);
        tch::manual_seed(9);
        let value = term.add(&model, &references).unwrap();
        let drawn = Tensor::rand([3], (Kind::Float, Device::Cpu));
        tch::manual_seed(9);
        assert_eq!(drawn, Tensor::rand([3], (Kind::Float, Device::Cpu)), "the random state was moved");
        assert!((value / (0.7 * by_hand) - 1.0).abs() < 1e-3, "{value} {by_hand}");
        gradients.push(parameters.iter().map(|parameter| parameter.grad().copy()).collect::<Vec<_>>());
    }
    for other in &gradients[1..] {
        for (a, b) in gradients[0].iter().zip(other) {
            let error = (a - b).norm().double_value(&[]) / a.norm().double_value(&[]);
            assert!(error < 1e-4, "{error:e}");
        }
    }

    let square = |tensor: &Tensor| tensor.square().sum(Kind::Double).double_value(&[]);
    let size = gradients[0].iter().map(square).sum::<f64>().sqrt();
    let mut at = |distance: f64| {
        tch::no_grad(|| {
            let pairs = parameters.iter_mut().zip(&gradients[0]);
            pairs.for_each(|(p, gradient)| drop(p.g_add_(&(gradient * (distance / size)))));
        });
        0.7 * divergence_by_hand(&mut model, &start, &texts, 2.0)
    };
    let (ahead, behind) = (at(2e-3), at(-4e-3));
    let slope = (ahead - behind) / 4e-3;
    assert!((slope / size - 1.0).abs() < 0.02, "slope {slope}, length of the gradient {size}");
}

#[test]
fn replayed_rows_are_shared_out_by_distance() {
    assert_eq!(replay_counts(400, &[0.1, 0.3]), [100, 300]);
    assert_eq!(replay_counts(400, &[1.0, 1.0, 1.0]), [134, 133, 133]);
    assert_eq!(replay_counts(10, &[0.29, 0.42, 0.29]), [3, 5, 2], "8 rounded down, as in the original");
    assert_eq!(replay_counts(7, &[0.0, 0.0]), [4, 3], "instructions that are all alike");
    assert_eq!(replay_counts(200, &[0.02]), [200]);
    assert!(replay_counts(0, &[]).is_empty());
}
