//! Choosing again inside a task, on the built-in model and two built-in tasks of a few rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod two_tasks;

use sapo_bandit::SelectorConfig;
use sapo_bench::evaluate;
use sapo_lab::RunRecord;
use sapo_learn::sapo::StreamConfig;
use sapo_prompts::Instruction;
use serde_json::{Value, json};

use two_tasks::{alone, config, run, run_with, stream};

/// 24 rows in batches of 4 for 5 epochs: 30 optimiser steps a task.
fn reselecting(selector: SelectorConfig, rule: Value) -> StreamConfig {
    let mut config = config(selector);
    config.train.epochs = 5;
    config.train.batch_size = 4;
    let reselection = json!({"rule": rule, "every": 3, "examples": 3, "probe_share": 0.2});
    config.reselection = Some(serde_json::from_value(reselection).unwrap());
    config
}

fn rules() -> Vec<Value> {
    vec![
        json!({"discounted-thompson": {"switching_cost": 0.0}}),
        json!({"sliding-window-ucb": {"switching_cost": 0.0}}),
        json!({"exp3-s": {}}),
        json!({"mixture": {"temperature": 1.0}}),
    ]
}

fn tokens(record: &RunRecord, step: u32, phase: &str) -> u64 {
    let of_phase = record.usage.iter().filter(|usage| usage.step == step && usage.phase == phase);
    of_phase.map(|usage| usage.forward_tokens).sum()
}

/// The wordings of a task's optimiser steps.
fn wordings(record: &RunRecord, step: u32) -> Vec<&str> {
    let of_step = record.training.iter().filter(|row| row.step == step);
    of_step.map(|row| row.wording.as_str()).collect()
}

fn selected(record: &RunRecord, step: u32) -> &str {
    let chosen = record.variant_losses.iter().find(|variant| variant.step == step && variant.chosen);
    &chosen.unwrap().variant
}

#[test]
fn every_rule_starts_from_the_selection_and_keeps_to_its_budget_and_its_stretches() {
    let _alone = alone();
    for rule in rules() {
        let (record, ..) = run_with(&reselecting(SelectorConfig::Worst, rule.clone()), 1);
        let mut switches = 0;
        for step in 1..=2 {
            let (probed, trained) = (tokens(&record, step, "reselect"), tokens(&record, step, "train"));
            assert!(0 < probed && probed as f64 <= 0.2 * trained as f64, "{rule}: {probed} of {trained}");
            let wordings = wordings(&record, step);
            assert_eq!(wordings.len(), 30);
            assert_eq!(wordings[0], selected(&record, step), "{rule}");
            for stretch in wordings.chunks(3) {
                assert!(stretch.iter().all(|wording| *wording == stretch[0]), "{rule}: {wordings:?}");
            }
            switches += wordings.windows(2).filter(|pair| pair[0] != pair[1]).count();
        }
        assert!(switches > 0, "{rule} never switched");
    }
}

#[test]
fn a_seed_gives_the_same_course_again() {
    let _alone = alone();
    let config = reselecting(SelectorConfig::Exhaustive, json!({"mixture": {"temperature": 1.0}}));
    let one = run_with(&config, 1).0;
    assert_eq!(one, run_with(&config, 1).0);
    assert_ne!(wordings(&one, 1), wordings(&run_with(&config, 2).0, 1));
}

#[test]
fn a_rule_that_never_switches_trains_bit_for_bit_as_without_probes() {
    let _alone = alone();
    let stubborn =
        reselecting(SelectorConfig::Exhaustive, json!({"discounted-thompson": {"switching_cost": 1000.0}}));
    let once = StreamConfig { reselection: None, ..stubborn.clone() };
    let (mut probed, ..) = run_with(&stubborn, 1);
    let (once, ..) = run_with(&once, 1);
    assert!(tokens(&probed, 1, "reselect") > 0 && tokens(&probed, 2, "reselect") > 0);
    probed.usage.retain(|usage| usage.phase != "reselect");
    assert_eq!(probed, once);
}

#[test]
fn without_a_budget_nothing_is_probed() {
    let _alone = alone();
    let mut config = reselecting(SelectorConfig::Original, json!({"sliding-window-ucb": {}}));
    config.reselection.as_mut().unwrap().probe_share = 0.0.try_into().unwrap();
    let (record, ..) = run_with(&config, 1);
    assert_eq!(tokens(&record, 1, "reselect") + tokens(&record, 2, "reselect"), 0);
    assert!(record.training.iter().all(|row| row.wording == "original"));
}

#[test]
fn a_task_is_evaluated_under_the_wording_that_most_of_its_steps_used() {
    let _alone = alone();
    let config = reselecting(SelectorConfig::Exhaustive, json!({"mixture": {"temperature": 100.0}}));
    let (record, model, _artifacts) = run_with(&config, 1);
    let mut others = 0;
    for (task, position) in stream().tasks.iter().zip(1..) {
        let used = wordings(&record, position);
        let steps = |wording: &str| used.iter().filter(|used| **used == wording).count();
        let most = used.iter().copied().max_by_key(|wording| steps(wording)).unwrap();
        others += usize::from(most != selected(&record, position));
        let of_step = |v: &&sapo_lab::record::VariantLoss| v.step == position && v.variant == most;
        let prompt = Instruction::new(record.variant_losses.iter().find(of_step).unwrap().text.clone());
        let answers = evaluate(&model, task, &prompt, &task.test, &config.evaluation).unwrap().predictions;
        let stored = record.predictions.iter().filter(|p| p.step == 2 && p.task == position);
        assert_eq!(stored.map(|p| p.prediction.clone()).collect::<Vec<_>>(), answers);
    }
    assert!(others > 0, "the wording before training was the prompt of both tasks");
}

#[test]
fn without_reselection_every_step_is_worded_as_selected() {
    let _alone = alone();
    let (record, ..) = run(SelectorConfig::Exhaustive, 1);
    for step in 1..=2 {
        assert!(wordings(&record, step).iter().all(|wording| *wording == selected(&record, step)));
    }
}

#[test]
fn a_configuration_says_nothing_of_what_it_does_not_do_and_takes_no_unknown_field() {
    let written = serde_json::to_value(config(SelectorConfig::Exhaustive)).unwrap();
    assert!(written.get("reselection").is_none());
    let rule = json!({"mixture": {}});
    let complete = json!({"rule": rule, "every": 8, "examples": 4});
    let read = |reselection: Value| {
        let mut config = written.clone();
        config["reselection"] = reselection;
        serde_json::from_value::<StreamConfig>(config)
    };
    let share = read(complete.clone()).unwrap().reselection.unwrap().probe_share;
    assert_eq!(share.get(), 0.02);
    for (field, value) in
        [("evry", json!(8)), ("every", json!(0)), ("examples", json!(0)), ("probe_share", json!(1.5))]
    {
        let mut wrong = complete.clone();
        wrong[field] = value;
        assert!(read(wrong).is_err(), "{field}");
    }
}
