use sapo_model::{LanguageModel, SharedPrefix};
use sapo_probes::gradients::{EarlierTasks, Fisher, task_gradient};
use sapo_probes::probes::{AlignmentOf, EntropyVariance, ExactMatch, GradientAlignment, LossVariance, Over};
use sapo_probes::{
    Cost, Direction, FirstStep, Interference, Kept, PreUpdateLoss, ProbeConfig, ProbeContext, ProbeError,
    Setting, Tokens,
};
use sapo_prompts::Instruction;
use sapo_tasks::Task;
use tch::Kind;

use crate::common::*;

fn context<'a>(model: &'a LanguageModel, task: &'a Task, kept: &'a [Kept<'a>]) -> ProbeContext<'a> {
    let (examples, token_budget) = (&task.train[..6], BUDGET);
    ProbeContext::new(Setting { model, task, examples, token_budget, kept, adapter: adapter() })
}

fn value(context: &mut ProbeContext<'_>, probe: ProbeConfig, wording: &Instruction) -> f64 {
    probe.build().measure(context, wording).unwrap().value
}

/// Log-probabilities `[vocab]` after every token of every example but the last, by the logits of each alone.
fn log_probabilities(model: &LanguageModel, task: &Task, wording: &Instruction) -> Vec<Vec<(f64, f64)>> {
    let at_targets = |example: &sapo_model::Encoded| {
        let log_p = model.logits(&example.ids).to_kind(Kind::Double).log_softmax(-1, Kind::Double);
        let place = |place: usize| {
            let row = log_p.get(place as i64 - 1);
            let entropy = -(row.exp() * &row).sum(Kind::Double).double_value(&[]);
            (row.double_value(&[example.ids[place]]), entropy)
        };
        (example.target_start..example.ids.len()).map(place).collect()
    };
    encoded(model, task, wording, &task.train[..6]).iter().map(at_targets).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    mean(&values.iter().map(|value| value * value).collect::<Vec<_>>()) - mean(values).powi(2)
}

#[test]
fn token_statistics_follow_from_the_logits() {
    let model = nano();
    let task = task("swap-ends");
    let wording = odd();
    let found = log_probabilities(&model, &task, &wording);
    let each = |of: &dyn Fn(&(f64, f64)) -> f64| -> Vec<Vec<f64>> {
        found.iter().map(|example| example.iter().map(of).collect()).collect()
    };
    let (nll, entropy) = (each(&|(log_p, _)| -log_p), each(&|(_, entropy)| *entropy));
    let means = |values: &[Vec<f64>]| values.iter().map(|values| mean(values)).collect::<Vec<_>>();
    let over = |over: Over| {
        (
            ProbeConfig::LossVariance(LossVariance { over }),
            ProbeConfig::EntropyVariance(EntropyVariance { over }),
        )
    };
    let ((loss_examples, entropy_examples), (loss_tokens, entropy_tokens)) =
        (over(Over::Examples), over(Over::Tokens));
    let mut context = context(&model, &task, &[]);
    let sums: Vec<f64> = nll.iter().map(|nll| -nll.iter().sum::<f64>()).collect();
    for (probe, want) in [
        (ProbeConfig::PreUpdateLoss(PreUpdateLoss::default()), mean(&nll.concat())),
        (ProbeConfig::Entropy, mean(&entropy.concat())),
        (ProbeConfig::LogProbability, mean(&sums)),
        (loss_examples, variance(&means(&nll))),
        (loss_tokens, variance(&nll.concat())),
        (entropy_examples, variance(&means(&entropy))),
        (entropy_tokens, variance(&entropy.concat())),
    ] {
        assert_close(probe.name(), value(&mut context, probe, &wording), want, 1e-4);
    }
}

#[test]
fn the_wordings_own_tokens_are_scored_but_for_the_first() {
    let model = nano();
    let task = task("swap-ends");
    let ids = model.codec().encode_text(odd().as_str()).unwrap();
    let log_p = model.logits(&ids).log_softmax(-1, Kind::Double);
    let nll: Vec<f64> = (1..ids.len()).map(|i| -log_p.double_value(&[i as i64 - 1, ids[i]])).collect();
    let mut context = context(&model, &task, &[]);
    let got = ProbeConfig::WordingPerplexity.build().measure(&mut context, &odd()).unwrap();
    assert_close("wording-perplexity", got.value, mean(&nll), 1e-5);
    assert_eq!(got.tokens, Tokens { forward: ids.len() as u64, backward: 0 });
    for short in ["", "a"] {
        let refused = ProbeConfig::WordingPerplexity.build().measure(&mut context, &Instruction::new(short));
        assert!(refused.unwrap_err().to_string().contains("expected two"));
    }
}

/// The built-in model has learnt the task, so some of its answers are right.
#[test]
fn scores_are_those_of_the_greedy_answers() {
    let model = nano();
    let task = task("swap-ends");
    let prompts: Vec<Vec<i64>> = task.train[..6]
        .iter()
        .map(|example| {
            let prompt = sapo_tasks::layout::prompt(&task, &task.instruction, &example.input);
            model.codec().encode_prompt(&prompt).unwrap()
        })
        .collect();
    let answers = model.generate(&prompts, sapo_model::Decoding::Greedy, 128, BUDGET, |_| {}).unwrap();
    let right =
        answers.iter().zip(&task.train).filter(|(answer, example)| answer.text == example.target()).count();
    let read = SharedPrefix::of_prompts(&prompts); // the wording goes through the model once
    assert!(!read.ids().is_empty());
    let tokens = read.forward_tokens() + answers.iter().map(|answer| answer.tokens).sum::<usize>();

    let mut context = context(&model, &task, &[]);
    let exact = ProbeConfig::ExactMatch(ExactMatch::default()).build();
    let measured = exact.measure(&mut context, &task.instruction).unwrap();
    assert_close("exact match", measured.value, 100.0 * right as f64 / 6.0, 1e-9);
    assert_eq!(measured.tokens, Tokens { forward: tokens as u64, backward: 0 });
    let rouge = value(&mut context, "rouge-l".parse().unwrap(), &task.instruction);
    assert!(rouge >= measured.value && rouge <= 100.0);
    assert_eq!(context.spent(), measured.tokens, "the answers are generated once");
    let cut = ProbeConfig::ExactMatch(ExactMatch { max_new_tokens: 1 });
    assert_eq!(value(&mut context, cut, &task.instruction), 0.0, "another length is another answer");
}

#[test]
fn texts_are_counted() {
    let model = nano();
    let task = task("mood");
    let mut context = context(&model, &task, &[]);
    let wording = Instruction::new("Read the following text. Then say what it is about.");
    for (probe, want) in [("words", 10.0), ("syllables", 13.0)] {
        assert_eq!(value(&mut context, probe.parse().unwrap(), &wording), want, "{probe}");
    }
    let grade = value(&mut context, ProbeConfig::FleschKincaidGrade, &wording);
    assert_close("grade", grade, 0.39 * 5.0 + 11.8 * 1.3 - 15.59, 1e-9);
    assert_eq!(context.spent(), Tokens::default());
    let none = ProbeConfig::FleschKincaidGrade.build().measure(&mut context, &Instruction::new("..."));
    assert!(matches!(none, Err(ProbeError::Undefined { .. })));
}

#[test]
fn a_task_agrees_with_itself_and_cosines_are_cosines() {
    let model = nano();
    let (current, other) = (task("mood"), task("swap-ends"));
    let wording = odd();
    let alignment = |of: AlignmentOf| ProbeConfig::GradientAlignment(GradientAlignment { of });
    let both = [AlignmentOf::Joined, AlignmentOf::Modules];
    let itself = [Kept { task: &current, wording: &wording, examples: &current.train[..6] }];
    let mut same = context(&model, &current, &itself);
    for of in both {
        assert_close("alignment with itself", value(&mut same, alignment(of), &wording), 1.0, 1e-9);
    }
    let kept = [Kept { task: &other, wording: &other.instruction, examples: &other.train }];
    let mut context = context(&model, &current, &kept);
    let got = both.map(|of| value(&mut context, alignment(of), &wording));

    let of = |model: &LanguageModel, task: &Task, wording, rows: usize| {
        task_gradient(model, &adapter(), task, wording, &task.train[..rows], BUDGET).unwrap().0
    };
    let a = of(&model, &current, &wording, 6);
    let b = of(&model, &other, &other.instruction, 12);
    let joined: f64 = a.dot(&b).values().sum::<f64>() / (a.norm() * b.norm());
    let cosine = |(name, product): (&str, f64)| {
        product / (a.modules[name].norm() * b.modules[name].norm()).double_value(&[])
    };
    let modules: Vec<f64> = a.dot(&b).into_iter().map(cosine).collect();
    assert!(modules.iter().all(|cosine| cosine.abs() < 1.0));
    assert_close("joined", got[0], joined, 1e-5);
    assert_close("modules", got[1], mean(&modules), 1e-4);
}

#[test]
fn the_fisher_information_is_of_single_examples() {
    let model = nano();
    let (current, earlier) = (task("mood"), task("swap-ends"));
    let kept = [Kept { task: &earlier, wording: &earlier.instruction, examples: &earlier.train[..3] }];
    let of = |model: &LanguageModel, row: usize| {
        let examples = &earlier.train[row..=row];
        let gradient =
            task_gradient(model, &adapter(), &earlier, &earlier.instruction, examples, BUDGET).unwrap().0;
        let targets = encoded(model, &earlier, &earlier.instruction, examples)[0].target_tokens() as f64;
        (gradient, targets)
    };
    let alone: Vec<_> = (0..3).map(|row| of(&model, row)).collect();
    let gradient =
        task_gradient(&model, &adapter(), &current, &odd(), &current.train[..6], BUDGET).unwrap().0;
    let mut want = 0.0;
    for (name, gradient) in &gradient.modules {
        for (example, targets) in &alone {
            let terms = (&example.modules[name] * *targets).square() * gradient.square() / 3.0;
            want += terms.sum(Kind::Double).double_value(&[]);
        }
    }
    let fisher = Fisher::new(&model, &adapter(), &kept).unwrap();
    let mut context = context(&model, &current, &kept);
    assert_close("fisher-norm", value(&mut context, ProbeConfig::FisherNorm, &odd()), want, 1e-4);
    assert_close("weigh", fisher.weigh(&gradient), want, 1e-4);
    let norm = value(&mut context, ProbeConfig::GradientNorm, &odd());
    assert_close("gradient-norm", norm, gradient.norm(), 1e-9);
}

/// Every probe, two wordings: what is remembered changes no number, the tokens are those of each probe alone, what went
/// through the model twice is nothing, and the model is what it was.
#[test]
fn a_context_remembers_and_leaves_the_model_alone() {
    let (model, untouched) = (nano(), nano());
    let (current, earlier) = (task("mood"), task("swap-ends"));
    let kept = [Kept { task: &earlier, wording: &earlier.instruction, examples: &earlier.train[..2] }];
    let wordings = [odd(), current.instruction.clone()];
    let mut alone = Vec::new();
    for probe in ProbeConfig::all() {
        for wording in &wordings {
            let mut context = context(&model, &current, &kept);
            alone.push(((probe.name(), wording), probe.build().measure(&mut context, wording).unwrap()));
            assert!(model.named_lora().is_empty());
        }
    }
    let mut context = context(&model, &current, &kept);
    let mut sum = Tokens::default();
    for wording in &wordings {
        for probe in ProbeConfig::all() {
            let measured = probe.build().measure(&mut context, wording).unwrap();
            let want = alone.iter().find(|(key, _)| *key == (probe.name(), wording)).unwrap().1;
            assert_eq!(measured, want, "{}", probe.name());
            let by_model = probe.about().cost != Cost::Text;
            assert_eq!(measured.tokens.forward > 0, by_model, "{}", probe.name());
            if ["pre-update-loss", "exact-match", "gradient-norm", "wording-perplexity"]
                .contains(&probe.name())
            {
                sum = Tokens {
                    forward: sum.forward + want.tokens.forward,
                    backward: sum.backward + want.tokens.backward,
                };
            }
        }
    }
    let spent = context.spent();
    let once = EarlierTasks::new(&model, &adapter(), &kept, BUDGET).unwrap().tokens;
    assert_eq!(
        spent.forward,
        sum.forward + 2 * once.forward,
        "gradients of earlier tasks, and their squares"
    );
    assert_eq!(spent.backward, sum.backward + 2 * once.backward);

    for ((name, before), (_, after)) in
        untouched.decoder().named_parameters().into_iter().zip(model.decoder().named_parameters())
    {
        assert!(before.equal(after) && !after.requires_grad(), "{name}");
    }
    let loss = |model: &LanguageModel| loss(model, &current, &odd()).to_bits();
    assert_eq!(loss(&model), loss(&untouched));
}

#[test]
fn the_registrys_interference_is_that_of_the_api() {
    let model = nano();
    let (current, earlier) = (task("mood"), task("swap-ends"));
    let kept = [Kept { task: &earlier, wording: &earlier.instruction, examples: &earlier.train }];
    let step = FirstStep::default();
    let api = Interference::new(&model, adapter(), &kept, step, BUDGET).unwrap();
    let want = api.of(&model, &current, &odd(), &current.train[..6]).unwrap();
    let mut context = context(&model, &current, &kept);
    let probe = ProbeConfig::Interference(step);
    assert_eq!(probe.build().measure(&mut context, &odd()).unwrap(), want);
    assert_eq!(probe.about().better, Direction::Lower);
    assert_eq!(probe.about().better.orient(2.0), -2.0);
}

#[test]
fn probes_of_earlier_tasks_need_one() {
    let model = nano();
    let task = task("mood");
    let mut context = context(&model, &task, &[]);
    for probe in ProbeConfig::all() {
        let measured = probe.build().measure(&mut context, &odd());
        match probe.about().cost {
            Cost::GradientAndEarlier => assert!(matches!(measured, Err(ProbeError::NoEarlierTask))),
            _ => assert!(measured.is_ok(), "{}", probe.name()),
        }
    }
}
