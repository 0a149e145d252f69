use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use super::moments::mean;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// How well training under the wording agrees with earlier tasks: the cosine between its first gradient and the mean gradient
/// of earlier tasks' kept samples. Higher is better.
///
/// # Formula
/// cos(g_P, g_old), of all LoRA-B matrices as one vector or as the mean over matrices
///
/// # Units
/// -1 to 1
///
/// # Cost
/// A pass forward and back over the examples; once for all wordings the same over the kept samples.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), section 5, which compares each LoRA-B matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GradientAlignment {
    /// Which cosine.
    pub of: AlignmentOf,
}

/// Which cosine is taken of gradients that consist of one matrix a module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlignmentOf {
    /// That of all matrices as one vector: inner products and squared norms are summed over modules.
    #[default]
    Joined,
    /// The mean over the modules of each one's own.
    Modules,
}

const ABOUT: ProbeAbout = ProbeAbout {
    name: "gradient-alignment",
    summary: "cosine with the gradient of earlier tasks",
    formula: "cos(g_P, g_old)",
    units: "-1 to 1",
    cost: Cost::GradientAndEarlier,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), section 5",
};

impl Probe for GradientAlignment {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let earlier = context.earlier()?;
        let (gradient, tokens) = context.gradient(wording)?;
        let alignment = gradient.alignment(&earlier.gradient).map_err(|module| ProbeError::Undefined {
            task: context.task_name().to_string(),
            problem: format!("a gradient of {module} is zero, so it has no direction"),
        })?;
        let value = match self.of {
            AlignmentOf::Joined => alignment.joined,
            AlignmentOf::Modules => mean(&alignment.modules.into_values().collect::<Vec<_>>()),
        };
        Measurement::new(context.task_name(), value, tokens)
    }
}
