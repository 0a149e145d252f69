//! Algorithm 1 from end to end on the built-in model and two built-in tasks of a few rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod two_tasks;

use sapo_bandit::SelectorConfig;
use sapo_bench::evaluate;
use sapo_lab::RunRecord;
use sapo_learn::sapo::{StreamConfig, run_stream};
use sapo_learn::{Candidates, LearnError, ModelWriter, Workplace};
use sapo_model::LanguageModel;
use sapo_prompts::sources::{Ask, Ending, Parents, SearchConfig, Writer, Written};
use sapo_prompts::{Instruction, ORIGINAL_ID, ParaphraseRequest, ParaphraseSource, PromptPool};
use sapo_tasks::Task;

use two_tasks::{alone, config, nano, pool, run, run_with, stream};

fn chosen(record: &RunRecord, step: u32) -> (String, String) {
    let of_step = record.variant_losses.iter().filter(|variant| variant.step == step && variant.chosen);
    let chosen: Vec<_> = of_step.map(|variant| (variant.variant.clone(), variant.text.clone())).collect();
    assert_eq!(chosen.len(), 1, "one wording is chosen in step {step}");
    chosen.into_iter().next().unwrap()
}

#[test]
fn a_seed_gives_the_same_record_again_and_another_seed_another() {
    let _alone = alone();
    let (first, ..) = run(SelectorConfig::Exhaustive, 1);
    assert_eq!(first, run(SelectorConfig::Exhaustive, 1).0);
    assert_ne!(first.training, run(SelectorConfig::Exhaustive, 2).0.training);
}

#[test]
fn sapo_takes_the_lowest_loss_sapp_the_highest_and_static_the_original() {
    let _alone = alone();
    for (selector, sign) in [(SelectorConfig::Exhaustive, 1.0), (SelectorConfig::Worst, -1.0)] {
        let (record, ..) = run(selector, 1);
        for step in 1..=2 {
            let asked: Vec<_> = record.variant_losses.iter().filter(|variant| variant.step == step).collect();
            assert_eq!(asked.len(), 7, "the original and six paraphrases");
            let loss = |variant: &&&sapo_lab::record::VariantLoss| sign * variant.loss.unwrap();
            let best = asked.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
            assert_eq!(best.variant, chosen(&record, step).0);
        }
    }
    let (record, ..) = run(SelectorConfig::Original, 1);
    assert_eq!((chosen(&record, 1).0.as_str(), chosen(&record, 2).0.as_str()), (ORIGINAL_ID, ORIGINAL_ID));
    assert!(record.variant_losses.iter().all(|variant| variant.loss.is_none()));
}

#[test]
fn candidates_can_be_searched_for_under_the_current_state() {
    let _alone = alone();
    let given: Vec<String> = stream()
        .tasks
        .iter()
        .flat_map(|task| pool(task).paraphrases().iter().map(|v| v.text.to_string()).collect::<Vec<_>>())
        .collect();
    let best = |from: Parents, step: u32| {
        let search = SearchConfig { rounds: 3, per_round: 6, parents: 2, from, budget: 19 };
        let config =
            StreamConfig { candidates: Candidates::Search(search), ..config(SelectorConfig::Exhaustive) };
        let (record, ..) = run_with(&config, 1);
        let asked: Vec<_> = record.variant_losses.iter().filter(|variant| variant.step == step).collect();
        assert_eq!(asked.len(), 7, "the original and as many paraphrases as the pool had");
        assert!(asked[1..].iter().all(|variant| !given.contains(&variant.text)));
        let tokens = |phase: &str| -> u64 {
            record.usage.iter().filter(|u| u.phase == phase).map(|u| u.forward_tokens).sum()
        };
        assert!(tokens("search") > tokens("select"), "nineteen wordings were measured, then seven");
        // the search gives its best, in their order
        let losses: Vec<f64> = asked[1..].iter().map(|variant| variant.loss.unwrap()).collect();
        assert!(losses.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6), "{losses:?}");
        losses[0]
    };
    // before the first task both see the same state, and the same first round
    let (searched, control) = (best(Parents::Best, 1), best(Parents::Original, 1));
    assert!(searched.is_finite() && control.is_finite());
}

#[test]
fn the_model_writes_what_it_would_alone() {
    let _alone = alone();
    let model = nano();
    let writer = |token_budget| ModelWriter {
        model: &model,
        name: "nano".into(),
        temperature: 0.8,
        top_p: 0.9,
        max_new_tokens: 8,
        token_budget,
    };
    let ask = |seed| Ask { message: "Write the last word of the text.".into(), seed };
    let asks = [ask(1), ask(2), ask(3), ask(1)];
    let mut heard = 0;
    let together = writer(4096).answer(&asks, &mut || heard += 1).unwrap();
    assert_eq!(heard, 4);
    for (asked, answer) in asks.iter().zip(&together) {
        assert_eq!(writer(1).answer(std::slice::from_ref(asked), &mut || ()).unwrap()[0], *answer);
        assert!(matches!(answer.ending, Ending::Complete | Ending::Truncated));
    }
    assert_eq!(together[0], together[3]);
    // nano knows no markers: what it says is dropped, each time with its reason
    let request = ParaphraseRequest::new(Instruction::new("Write the last word of the text."), vec![], 2, 7);
    let made = Written(writer(4096)).paraphrase(&request, &mut |_| ()).unwrap();
    assert_eq!((made.variants.len(), made.dropped.len()), (0, 8));
}

#[test]
fn arms_of_a_seed_start_from_the_same_row() {
    let _alone = alone();
    let first_row = |selector| {
        let (record, ..) = run(selector, 3);
        record.predictions.into_iter().filter(|prediction| prediction.step == 0).collect::<Vec<_>>()
    };
    let row = first_row(SelectorConfig::Exhaustive);
    assert_eq!(row.len(), 16);
    assert_eq!(row, first_row(SelectorConfig::Original));
    assert_eq!(row, first_row(SelectorConfig::Random));
}

#[test]
fn trained_tasks_keep_their_chosen_prompt_and_untrained_ones_their_original() {
    let _alone = alone();
    let (record, model, _artifacts) = run(SelectorConfig::Worst, 1);
    let stream = stream();
    let evaluation = config(SelectorConfig::Worst).evaluation;
    let answers = |model: &LanguageModel, task: &Task, prompt: &Instruction| {
        evaluate(model, task, prompt, &task.test, &evaluation).unwrap().predictions
    };
    let stored = |step: u32, task: u32| -> Vec<String> {
        let of_cell = record.predictions.iter().filter(|p| p.step == step && p.task == task);
        of_cell.map(|prediction| prediction.prediction.clone()).collect()
    };
    for (task, position) in stream.tasks.iter().zip(1..) {
        assert_eq!(stored(0, position), answers(&nano(), task, &task.instruction));
        let prompt = Instruction::new(chosen(&record, position).1);
        assert_ne!(prompt, task.instruction, "the highest loss is not the original's here");
        assert_eq!(stored(2, position), answers(&model, task, &prompt));
    }
}

#[test]
fn the_adapters_on_disk_add_up_to_the_final_model() {
    let _alone = alone();
    let (record, model, artifacts) = run(SelectorConfig::Exhaustive, 1);
    let mut rebuilt = nano();
    for step in 1..=2 {
        rebuilt.fold_adapter_from(&artifacts.path().join(format!("adapter-{step}"))).unwrap();
    }
    let task = &stream().tasks[1];
    let prompt = Instruction::new(chosen(&record, 2).1);
    let evaluation = config(SelectorConfig::Exhaustive).evaluation;
    let score =
        |model: &LanguageModel| evaluate(model, task, &prompt, &task.test, &evaluation).unwrap().predictions;
    assert_eq!(score(&rebuilt), score(&model));
}

#[test]
fn a_missing_pool_and_a_task_without_rows_are_errors() {
    let _alone = alone();
    let (mut stream, artifacts) = (stream(), tempfile::tempdir().unwrap());
    let config = config(SelectorConfig::Original);
    let mut silent = |_| {};
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let refused = run_stream(
        &mut nano(),
        &stream,
        &pools[1..],
        &config,
        1,
        &Workplace::without_progress(artifacts.path()),
        &mut silent,
    );
    assert!(matches!(refused, Err(LearnError::Setting { name: "pools", .. })));
    stream.tasks[0].train.clear();
    let refused = run_stream(
        &mut nano(),
        &stream,
        &pools,
        &config,
        1,
        &Workplace::without_progress(artifacts.path()),
        &mut silent,
    );
    assert!(matches!(refused, Err(LearnError::NoExamples { split: "training", .. })));
}

#[test]
fn interference_aware_asks_for_interference_from_the_second_task_on_and_leaves_the_model_as_it_was() {
    let _alone = alone();
    let rule = |weight: f64| -> StreamConfig {
        let selector = serde_json::json!({"interference-aware": {"weight": weight}});
        let interference = Some(serde_json::from_value(serde_json::json!({"examples": 6})).unwrap());
        StreamConfig { interference, ..config(serde_json::from_value(selector).unwrap()) }
    };
    let tokens = |record: &RunRecord, step: u32| -> u64 {
        let of_phase = record.usage.iter().filter(|u| u.step == step && u.phase == "interference");
        of_phase.map(|usage| usage.forward_tokens).sum()
    };
    let (mut weighed, ..) = run_with(&rule(1e-9), 1);
    assert_eq!(tokens(&weighed, 1), 0, "before the first task there is nothing to interfere with");
    assert!(tokens(&weighed, 2) > 0);
    // a weight too small to count, and none at all, which asks nothing: gradients moved neither weights nor dropout
    let (mut race, ..) = run_with(&rule(0.0), 1);
    assert_eq!(tokens(&race, 2), 0);
    for record in [&mut weighed, &mut race] {
        record.usage.retain(|usage| usage.phase != "interference");
    }
    assert_eq!(chosen(&weighed, 2), chosen(&race, 2));
    assert_eq!(weighed.training, race.training);
    assert_eq!(weighed.predictions, race.predictions);
}

#[test]
fn interference_is_given_to_the_rule_that_asks_for_it_and_to_no_other() {
    let refused = |config: &StreamConfig| {
        let (stream, artifacts) = (stream(), tempfile::tempdir().unwrap());
        let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
        let mut silent = |_| {};
        let run = run_stream(
            &mut nano(),
            &stream,
            &pools,
            config,
            1,
            &Workplace::without_progress(artifacts.path()),
            &mut silent,
        );
        matches!(run, Err(LearnError::Setting { name: "interference", .. }))
    };
    let _alone = alone();
    let rule: SelectorConfig = "interference-aware".parse().unwrap();
    assert!(refused(&config(rule)));
    let interference = Some(serde_json::from_value(serde_json::json!({"examples": 6})).unwrap());
    assert!(refused(&StreamConfig { interference, ..config(SelectorConfig::Exhaustive) }));
}
