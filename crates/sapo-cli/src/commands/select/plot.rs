use std::path::Path;

use anyhow::ensure;
use sapo_lab::plots::{self, RankedWording, Ranking};

use super::outcome::Outcome;

/// A name that a figure can have.
pub(super) fn name(text: &str) -> Result<std::path::PathBuf, String> {
    let path = Path::new(text);
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    let known = ending.is_some_and(|ending| ending == "png" || ending == "svg");
    known.then(|| path.into()).ok_or_else(|| "expected a name that ends in .png or .svg".into())
}

/// Draws the ranking.
pub(super) fn write(path: &Path, task: &str, outcome: &Outcome) -> anyhow::Result<()> {
    ensure!(
        outcome.winner().mean.is_some(),
        "--plot: nothing was measured under this rule, so there is nothing to draw"
    );
    let wording = |arm: usize| RankedWording {
        id: outcome.arms[arm].id.into(),
        behind: outcome.behind(arm),
        winner: arm == outcome.winner,
        original: arm == 0,
    };
    let ranking = Ranking {
        title: format!("{task}: loss of each wording before training"),
        axis: "nats a token above the winner".into(),
        wordings: outcome.ranking().into_iter().map(wording).collect(),
    };
    Ok(plots::ranking(&ranking)?.save(path)?)
}
