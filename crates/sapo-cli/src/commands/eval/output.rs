//! What an evaluation found: table, JSON, and the file of answers.

use std::io::{self, Write};
use std::path::Path;

use sapo_files::whole;
use sapo_metrics::Metric;
use serde_json::{Map, Value, json};

use super::Evaluated;
use crate::table::write_rows;
use crate::too_long::Place;

/// What every task is scored by.
const OF_EVERY_TASK: [Metric; 2] = [Metric::RougeL, Metric::ExactMatch];

/// A line a task, the means over tasks last; the column of native metrics only where there is one.
pub(super) fn write_table(tasks: &[Evaluated], out: &mut dyn Write) -> anyhow::Result<()> {
    let any_native = tasks.iter().any(|task| task.native.is_some());
    let columns: Vec<&str> =
        OF_EVERY_TASK.into_iter().map(Metric::name).chain(any_native.then_some("native")).collect();
    let mut rows: Vec<Vec<String>> = tasks
        .iter()
        .map(|task| {
            let measured = OF_EVERY_TASK.into_iter().map(Some).chain(any_native.then_some(task.native));
            let shown = measured.map(|metric| {
                let estimate = metric.and_then(|metric| task.estimate(metric));
                estimate.map_or("-".into(), |estimate| format!("{estimate:.2}"))
            });
            let name = task.questions.asked.task.name.clone();
            let native = task.native.map_or("", Metric::name).to_owned();
            [name, task.answers.len().to_string()].into_iter().chain(shown).chain([native]).collect()
        })
        .collect();
    let answers: usize = tasks.iter().map(|task| task.answers.len()).sum();
    let means = means(tasks);
    let shown = columns.iter().map(|name| {
        let mean = means.iter().find(|(known, _)| known == name);
        mean.map_or("-".into(), |(_, mean)| format!("{mean:.2}"))
    });
    let last = ["mean over tasks".to_owned(), answers.to_string()];
    rows.push(last.into_iter().chain(shown).chain([String::new()]).collect());
    let head = ["task", "examples"].iter().chain(&columns).chain(&[""]);
    let head: Vec<String> = head.map(ToString::to_string).collect();
    let is_number: Vec<bool> = (0..head.len()).map(|column| column > 0 && column + 1 < head.len()).collect();
    Ok(write_rows(out, &head, &rows, &is_number)?)
}

/// The object of one task, at once.
pub(super) fn write_task(task: &Evaluated, out: &mut dyn Write) -> anyhow::Result<()> {
    let questions = task.questions;
    let scores: Map<String, Value> = task
        .estimates
        .iter()
        .map(|(metric, estimate)| {
            let (mean, low, high) = (estimate.mean, estimate.low, estimate.high);
            (metric.name().to_owned(), json!({"mean": mean, "low": low, "high": high}))
        })
        .collect();
    let mut object = json!({
        "task": questions.asked.task.name, "examples": task.answers.len(),
        "instruction": questions.asked.wording.as_str(), "scores": scores,
        "native": task.native.map(Metric::name), "forward_tokens": task.forward_tokens,
    });
    let shortened: Vec<usize> =
        questions.places.iter().filter(|place| place.shortened).map(|place| place.index).collect();
    if !shortened.is_empty() {
        object["shortened"] = json!(shortened);
    }
    if let Some(skipped) = &questions.skipped {
        object["skipped"] = json!(skipped);
    }
    writeln!(out, "{object}")?;
    Ok(out.flush()?)
}

/// The means over tasks.
pub(super) fn write_summary(tasks: &[Evaluated], out: &mut dyn Write) -> anyhow::Result<()> {
    let answers: usize = tasks.iter().map(|task| task.answers.len()).sum();
    let means: Map<String, Value> =
        means(tasks).into_iter().map(|(name, mean)| (name.to_owned(), json!(mean))).collect();
    let summary = json!({"tasks": tasks.len(), "examples": answers, "means": means});
    Ok(writeln!(out, "{}", json!({"summary": summary}))?)
}

/// By name, the mean over the tasks; `native` only where every task has a metric of its own.
fn means(tasks: &[Evaluated]) -> Vec<(&'static str, f64)> {
    let mean = |name, metric_of: &dyn Fn(&Evaluated) -> Option<Metric>| {
        let of_task = |task: &Evaluated| Some(task.estimate(metric_of(task)?)?.mean);
        let values: Vec<f64> = tasks.iter().map(of_task).collect::<Option<_>>()?;
        Some((name, values.iter().sum::<f64>() / values.len() as f64))
    };
    let of_every_task = OF_EVERY_TASK.into_iter().filter_map(|metric| mean(metric.name(), &|_| Some(metric)));
    of_every_task.chain(mean("native", &|task| task.native)).collect()
}

/// A line an answer; the file appears whole or not at all.
pub(super) fn write_predictions(path: &Path, tasks: &[Evaluated]) -> io::Result<()> {
    let mut lines = Vec::new();
    for Evaluated { questions, answers, native, .. } in tasks {
        let task = &questions.asked.task;
        for ((Place { index, .. }, example), prediction) in
            questions.places.iter().zip(&questions.examples).zip(answers)
        {
            let mut line = json!({
                "task": task.name, "index": index, "prediction": prediction,
                "reference": example.target(), "references": example.targets,
            });
            if *native == Some(Metric::Sari) {
                line["source"] = json!(sapo_bench::source(task, example));
            }
            writeln!(lines, "{line}")?;
        }
    }
    whole::write(path, &lines)
}
