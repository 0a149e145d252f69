//! The figures: heat maps of R, scores along the stream, pre-update losses, metrics by arm.

use std::path::Path;

use sapo_lab::plots::{
    self, ArmCurves, ArmLosses, ArmMatrices, ArmMetrics, Metric, StreamCurves, TransferMatrices, VariantDot,
    VariantLosses,
};
use sapo_metrics::{Convention, Estimate};

use super::ComparisonConfig;
use super::matrices::{ArmResults, METRICS, Results, estimate};
use crate::streams::short_name;

pub(super) fn write(results: &Results, config: &ComparisonConfig, folder: &Path) -> anyhow::Result<()> {
    let tasks: Vec<String> = results.tasks.iter().map(|task| short_name(task)).collect();
    let note = if results.limited { " (limited)" } else { "" };
    let stream = config.stream_name();
    transfer_matrices(results, &tasks, format!("Transfer matrix R by arm, stream {stream}{note}"))?
        .write(folder, "transfer_matrices")?;
    stream_curves(results, &tasks, format!("Each task along the stream {stream}{note}"))?
        .write(folder, "stream_curves")?;
    if let Some(figure) = variant_losses(
        results,
        &tasks,
        format!("Pre-update loss of every wording, stream {stream}, first seed{note}"),
    )? {
        figure.write(folder, "variant_losses")?;
    }
    arm_metrics(results, format!("AP, BWT and FWT by arm, stream {stream}{note}"))?
        .write(folder, "arm_metrics")?;
    Ok(())
}

fn transfer_matrices(results: &Results, tasks: &[String], title: String) -> anyhow::Result<plots::Figure> {
    let seeds = |arm: &ArmResults| -> anyhow::Result<Vec<Vec<Vec<f64>>>> {
        let steps = 0..=tasks.len();
        arm.runs
            .values()
            .map(|run| {
                let row = |step| (0..tasks.len()).map(|task| Ok(run.matrix.get(step, task)?)).collect();
                steps.clone().map(row).collect()
            })
            .collect()
    };
    let arms = results
        .arms
        .iter()
        .map(|arm| Ok(ArmMatrices { arm: arm.arm.to_string(), seeds: seeds(arm)? }))
        .collect::<anyhow::Result<_>>()?;
    let data = TransferMatrices { title, score: "ROUGE-L".to_string(), tasks: tasks.to_vec(), arms };
    Ok(plots::transfer_matrices(&data)?)
}

fn stream_curves(results: &Results, tasks: &[String], title: String) -> anyhow::Result<plots::Figure> {
    let curve = |arm: &ArmResults, task: usize| -> anyhow::Result<Vec<Estimate>> {
        (0..=tasks.len()).map(|step| estimate(&arm.scores(step, task)?)).collect()
    };
    let arms = results
        .arms
        .iter()
        .map(|arm| {
            let scores = (0..tasks.len()).map(|task| curve(arm, task)).collect::<anyhow::Result<_>>()?;
            Ok(ArmCurves { arm: arm.arm.to_string(), scores })
        })
        .collect::<anyhow::Result<_>>()?;
    let data = StreamCurves { title, score: "ROUGE-L".to_string(), tasks: tasks.to_vec(), arms };
    Ok(plots::stream_curves(&data)?)
}

/// One panel for each arm that asked the model, of its first seed; none where no arm did. All seeds are in the runs.
fn variant_losses(
    results: &Results,
    tasks: &[String],
    title: String,
) -> anyhow::Result<Option<plots::Figure>> {
    let mut arms = Vec::new();
    for arm in &results.arms {
        let mut strips = vec![Vec::new(); tasks.len()];
        for variant in arm.runs.values().take(1).flat_map(|run| &run.stored.record.variant_losses) {
            if let Some(loss) = variant.loss {
                let original = variant.variant == sapo_prompts::ORIGINAL_ID;
                strips[variant.step as usize - 1].push(VariantDot { loss, original, chosen: variant.chosen });
            }
        }
        if strips.iter().all(|strip| !strip.is_empty()) {
            arms.push(ArmLosses { arm: arm.arm.to_string(), tasks: strips });
        }
    }
    if arms.is_empty() {
        return Ok(None);
    }
    Ok(Some(plots::variant_losses(&VariantLosses { title, tasks: tasks.to_vec(), arms })?))
}

fn arm_metrics(results: &Results, title: String) -> anyhow::Result<plots::Figure> {
    let notes = ["mean of the last row", "below 0: forgetting", "below 0: unseen tasks suffer"];
    let metrics = METRICS
        .into_iter()
        .zip(notes)
        .map(|(name, note)| {
            let seeds = results
                .arms
                .iter()
                .map(|arm| Ok(arm.values(name, Convention::Released)?.into_values().collect()))
                .collect::<anyhow::Result<Vec<Vec<f64>>>>()?;
            let estimates = seeds.iter().map(|values| estimate(values)).collect::<anyhow::Result<_>>()?;
            Ok(Metric {
                name: name.to_string(),
                note: note.to_string(),
                signed: name != "AP",
                estimates,
                seeds,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let arms = results.arms.iter().map(|arm| arm.arm.to_string()).collect();
    Ok(plots::arm_metrics(&ArmMetrics { title, unit: "ROUGE-L points".to_string(), arms, metrics })?)
}
