//! Figures, one function a kind: plain data in, a [`Figure`] out, which writes itself as PNG and SVG.
//!
//! A figure is a list of shapes (`scene`) that two backends of plotters paint (`render`); the same data give the same
//! bytes on every machine, since the font is shipped and nothing is drawn at random. An arm has the same colour in
//! every figure. Names are shortened where they would touch; callers give short ones.
//!
//! ```no_run
//! # use sapo_lab::plots::{self, Dots, Scatter};
//! let data = Scatter {
//!     title: "Loss before, score after".into(),
//!     x: "pre-update loss (nats/token)".into(),
//!     y: "ROUGE-L after training".into(),
//!     groups: vec![Dots { name: "sapo".into(), points: vec![(0.4, 71.0), (0.9, 64.5)] }],
//!     remark: Some("r = −0.42, n = 120".into()),
//! };
//! let files = plots::scatter(&data)?.write("runs/quickstart/plots", "loss_and_score")?;
//! # Ok::<(), plots::PlotError>(())
//! ```

mod arm_metrics;
mod axes;
mod check;
mod differences;
mod error;
mod heat_map;
mod named_points;
pub(crate) mod palette;
mod ranking;
mod render;
mod scene;
mod stream_curves;
mod strips;
mod text;
mod transfer_matrices;
mod variant_losses;
mod violins;
mod xy;

#[cfg(test)]
mod tests;

pub use arm_metrics::{ArmMetrics, Metric, TRANSFER_METRICS, arm_metrics};
pub use differences::{DifferenceRow, Differences, differences};
pub use error::PlotError;
pub use heat_map::{HeatMap, HeatRow, heat_map};
pub use named_points::{NamedPoint, NamedPoints, named_points};
pub use ranking::{RankedWording, Ranking, ranking};
pub use render::{Figure, FigureFiles};
pub use stream_curves::{ArmCurves, StreamCurves, stream_curves};
pub use strips::{Strip, Strips, strips};
pub use transfer_matrices::{ArmMatrices, TransferMatrices, transfer_matrices};
pub use variant_losses::{ArmLosses, VariantDot, VariantLosses, variant_losses};
pub use violins::{ViolinPanel, ViolinSlot, Violins, violins};
pub use xy::{Dots, Lines, Scatter, Series, lines, scatter};
