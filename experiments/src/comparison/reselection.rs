//! What choosing again inside a task took, and how often it changed the wording.

use std::collections::BTreeMap;

use anyhow::Context;
use sapo_lab::StoredRun;
use sapo_lab::tables::Table;
use sapo_learn::most_used;

use super::groups::Groups;
use super::tables::labelled;
use crate::reporting::marked;

/// One task of one run.
#[derive(Default)]
struct Course<'a> {
    /// Wordings of the optimiser steps.
    wordings: Vec<&'a str>,
    selected: Option<&'a str>,
    train: Spent,
    probes: Spent,
}

#[derive(Default)]
struct Spent {
    tokens: u64,
    seconds: f64,
}

/// A row for each arm that chooses again; none where no arm does.
pub(super) fn table(groups: &Groups) -> anyhow::Result<Option<Table>> {
    let mut columns: [Vec<f64>; 7] = Default::default();
    let (mut of_group, mut arms, mut tokens) = (Vec::<&[String]>::new(), Vec::new(), Vec::new());
    let all =
        groups.groups.iter().flat_map(|group| group.results.arms.iter().map(|arm| (&group.values, arm)));
    for (values_of_labels, arm) in all {
        let courses: Vec<Course> = arm.runs.values().flat_map(|run| courses(run.stored)).collect();
        let sum = |of: fn(&Course) -> f64| courses.iter().map(of).sum::<f64>();
        let probed = sum(|course| course.probes.tokens as f64);
        if !arm.runs.values().any(|run| run.stored.record.usage.iter().any(|usage| usage.phase == "reselect"))
        {
            continue;
        }
        let trained = sum(|course| course.train.tokens as f64);
        let share = |course: &Course| course.probes.tokens as f64 / course.train.tokens as f64;
        let tasks = courses.len() as f64;
        let away = |course: &Course| course.wordings.iter().filter(|&&w| Some(w) != course.selected).count();
        let steps = sum(|course| course.wordings.len() as f64);
        let values = [
            100.0 * probed / trained,
            100.0 * courses.iter().map(share).fold(0.0, f64::max),
            100.0 * sum(|course| course.probes.seconds) / sum(|course| course.train.seconds),
            sum(|course| course.wordings.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64) / tasks,
            courses.iter().map(|course| different(&course.wordings)).sum::<usize>() as f64 / tasks,
            100.0 * courses.iter().map(away).sum::<usize>() as f64 / steps,
            100.0
                * sum(|course| f64::from(u8::from(most_used(&course.wordings).copied() != course.selected)))
                / tasks,
        ];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        of_group.push(values_of_labels);
        arms.push(arm.arm);
        tokens.push((probed / arm.runs.len() as f64).round() as i64);
    }
    if arms.is_empty() {
        return Ok(None);
    }
    let caption = "Choosing again inside a task. Probes: tokens of a whole stream, mean over seeds; as a share of the tokens \
                   of training over all tasks, and in the task with the highest share; seconds of choosing as a share of \
                   those of training. Then, for a task: how often the wording changed, how many trained, the share of \
                   optimiser steps under another wording than the one selected before training, and the share of tasks \
                   whose prompt is another one in the end.";
    let [share, highest, seconds, switches, wordings, away, prompts] = columns;
    let table = labelled(Table::builder("reselection", marked(caption, groups.limited)), groups, &of_group)
        .text("arm", arms)
        .integer("probe_tokens", tokens)
        .heading("probe tokens")
        .float("token_share", 2, share)
        .heading("of training tokens (%)")
        .float("highest_token_share", 2, highest)
        .heading("highest in a task (%)")
        .float("second_share", 2, seconds)
        .heading("of training seconds (%)")
        .float("switches", 1, switches)
        .float("wordings", 1, wordings)
        .float("other_steps", 1, away)
        .heading("steps under another wording (%)")
        .float("other_prompts", 1, prompts)
        .heading("other prompt (%)")
        .build()
        .context("the table of re-selection")?;
    Ok(Some(table))
}

/// The tasks of a run.
fn courses(run: &StoredRun) -> Vec<Course<'_>> {
    let mut courses: BTreeMap<u32, Course> = BTreeMap::new();
    for row in &run.record.training {
        courses.entry(row.step).or_default().wordings.push(&row.wording);
    }
    for variant in run.record.chosen() {
        courses.entry(variant.step).or_default().selected = Some(&variant.variant);
    }
    for usage in &run.record.usage {
        let Some(course) = courses.get_mut(&usage.step) else { continue };
        let spent = match usage.phase.as_str() {
            "train" => &mut course.train,
            "reselect" => &mut course.probes,
            _ => continue,
        };
        spent.tokens += usage.forward_tokens;
        spent.seconds += usage.seconds;
    }
    courses.into_values().collect()
}

fn different(wordings: &[&str]) -> usize {
    let mut names = wordings.to_vec();
    names.sort_unstable();
    names.dedup();
    names.len()
}
