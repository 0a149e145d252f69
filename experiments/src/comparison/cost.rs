//! What choosing costs beside what it brings.

use sapo_lab::plots::{self, NamedPoint, NamedPoints};

use super::groups::{Groups, METRICS, Row};

/// Phases of a run that ask the model in order to choose.
const CHOOSING: [&str; 4] = ["search", "select", "interference", "reselect"];

/// Tokens that choosing sent through the model, as a share of those of training, against AP: a dot for each arm that
/// trains. `whole` stands for all groups.
pub(super) fn figure(groups: &Groups, whole: &Row, note: &str) -> anyhow::Result<plots::Figure> {
    let mut points = Vec::new();
    for arm in &whole.arms {
        if let Some(share) = share(groups, arm.arm) {
            points.push(NamedPoint {
                name: arm.arm.to_string(),
                x: share,
                y: arm.estimate(0, 0)?,
                bold: arm.arm == "sapo",
            });
        }
    }
    Ok(plots::named_points(&NamedPoints {
        title: format!("What choosing costs and what it brings{note}"),
        x: "tokens of choosing (% of those of training)".to_string(),
        y: format!("{} (ROUGE-L points)", METRICS[0]),
        points,
        goal: None,
    })?)
}

/// In percent, over all groups; none where nothing was trained.
fn share(groups: &Groups, arm: &str) -> Option<f64> {
    let (mut choosing, mut training) = (0.0, 0.0);
    for results in groups.groups.iter().flat_map(|group| group.results.arms.iter().filter(|of| of.arm == arm))
    {
        for (phase, (_, tokens)) in results.by_phase() {
            if CHOOSING.contains(&phase) {
                choosing += tokens as f64;
            } else if phase == "train" {
                training += tokens as f64;
            }
        }
    }
    (training > 0.0).then(|| 100.0 * choosing / training)
}
