//! Rotary position embedding, and the ways in which checkpoints stretch it over longer texts.
//!
//! # Source
//! Su et al. 2021 (arXiv 2104.09864), in the half-rotated layout of Hugging Face checkpoints; scaling as in transformers'
//! `modeling_rope_utils.py`.

use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::native;

/// The rotary part of a `config.json`, in its older and its newer style.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RopeConfig {
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_scaling: Option<RopeParameters>,
    #[serde(default)]
    rope_parameters: Option<RopeParameters>,
}

/// `rope_parameters`, or `rope_scaling` in older files.
#[derive(Debug, Clone, Default, Deserialize)]
struct RopeParameters {
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default, alias = "type")]
    rope_type: Option<String>,
    #[serde(default)]
    partial_rotary_factor: Option<f64>,
    #[serde(default)]
    factor: Option<f64>,
    #[serde(default)]
    low_freq_factor: Option<f64>,
    #[serde(default)]
    high_freq_factor: Option<f64>,
    #[serde(default)]
    original_max_position_embeddings: Option<f64>,
    #[serde(default)]
    attention_factor: Option<f64>,
    #[serde(default)]
    mscale: Option<f64>,
    #[serde(default)]
    mscale_all_dim: Option<f64>,
    #[serde(default)]
    beta_fast: Option<f64>,
    #[serde(default)]
    beta_slow: Option<f64>,
    #[serde(default)]
    truncate: Option<bool>,
}

/// Frequencies of the rotation, and the factor on its cosines and sines.
#[derive(Debug)]
pub(crate) struct Rope {
    /// `[half]`, f32
    inverse_frequency: Tensor,
    amplitude: f64,
}

/// Cosines and sines of the tokens of a batch.
#[derive(Debug)]
pub(crate) struct Angles {
    /// `[N, half]`, f32
    cos: Tensor,
    /// `[N, half]`, f32
    sin: Tensor,
}

impl RopeConfig {
    /// The share of a head's dimensions that turn, where the file says one.
    pub(crate) fn partial_rotary_factor(&self) -> Option<f64> {
        self.rope_parameters.as_ref().and_then(|parameters| parameters.partial_rotary_factor)
    }

    /// The rotation of `width` dimensions; `default_theta` stands in where the file names no base.
    ///
    /// # Errors
    /// Names the scaling that is not known, or the field that it lacks.
    pub(crate) fn rope(
        &self,
        width: i64,
        default_theta: f64,
        max_positions: usize,
        device: Device,
    ) -> Result<Rope, String> {
        if width <= 0 || width % 2 != 0 {
            return Err(format!("rotary width must be positive and even, got {width}"));
        }
        let none = RopeParameters::default();
        let parameters = self.rope_scaling.as_ref().or(self.rope_parameters.as_ref()).unwrap_or(&none);
        let theta = parameters.rope_theta.or(self.rope_theta).unwrap_or(default_theta);
        let kind = parameters.rope_type.as_deref().unwrap_or("default");
        let need = |name: &str, value: Option<f64>| {
            value.ok_or_else(|| format!("rope scaling {kind:?} needs {name}"))
        };
        let frequencies = inverse_frequencies(theta, width);
        let (scaled, amplitude) = match kind {
            // "dynamic" stretches beyond max_position_embeddings alone, where no sequence goes here
            "default" | "dynamic" => (frequencies, 1.0),
            "linear" => {
                let factor = need("factor", parameters.factor)?;
                (frequencies.into_iter().map(|f| f / factor as f32).collect(), 1.0)
            }
            "llama3" => {
                let stretch = Llama3 {
                    factor: need("factor", parameters.factor)?,
                    low: need("low_freq_factor", parameters.low_freq_factor)?,
                    high: need("high_freq_factor", parameters.high_freq_factor)?,
                    original: need(
                        "original_max_position_embeddings",
                        parameters.original_max_position_embeddings,
                    )?,
                };
                (frequencies.into_iter().map(|f| stretch.of(f)).collect(), 1.0)
            }
            "yarn" => {
                let factor = need("factor", parameters.factor)?;
                let original = parameters.original_max_position_embeddings.unwrap_or(max_positions as f64);
                let growth = |by: f64| if factor <= 1.0 { 1.0 } else { 0.1 * by * factor.ln() + 1.0 };
                let amplitude =
                    match (parameters.attention_factor, parameters.mscale, parameters.mscale_all_dim) {
                        (Some(amplitude), ..) => amplitude,
                        (None, Some(one), Some(all)) if one != 0.0 && all != 0.0 => growth(one) / growth(all),
                        _ => growth(1.0),
                    };
                let (low, high) = yarn_range(
                    (parameters.beta_fast.unwrap_or(32.0), parameters.beta_slow.unwrap_or(1.0)),
                    (width as f64, theta, original),
                    parameters.truncate.unwrap_or(true),
                );
                let stretch = |(i, f): (usize, f32)| {
                    let ramp = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0) as f32;
                    f / factor as f32 * ramp + f * (1.0 - ramp)
                };
                (frequencies.into_iter().enumerate().map(stretch).collect(), amplitude)
            }
            other => {
                return Err(format!(
                    "rope scaling {other:?} is not supported: expected default, dynamic, linear, llama3 or yarn"
                ));
            }
        };
        Ok(Rope { inverse_frequency: Tensor::from_slice(&scaled).to_device(device), amplitude })
    }
}

/// `theta^(-2i / width)`, in transformers' order of operations: far positions multiply the last bit of a frequency.
fn inverse_frequencies(theta: f64, width: i64) -> Vec<f32> {
    let exponents = Tensor::arange_start_step(0, width, 2, (Kind::Float, Device::Cpu)) / width as f64;
    let frequencies = Tensor::pow_scalar(theta, &exponents).reciprocal();
    (0..width / 2).map(|i| frequencies.double_value(&[i]) as f32).collect()
}

/// Llama 3.1's stretch: low frequencies divided by a factor, high ones kept, those between blended.
struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    original: f64,
}

impl Llama3 {
    fn of(&self, frequency: f32) -> f32 {
        let wavelength = std::f32::consts::TAU / frequency;
        if wavelength > (self.original / self.low) as f32 {
            frequency / self.factor as f32
        } else if wavelength < (self.original / self.high) as f32 {
            frequency
        } else {
            let smooth =
                (self.original as f32 / wavelength - self.low as f32) / (self.high - self.low) as f32;
            (1.0 - smooth) * frequency / self.factor as f32 + smooth * frequency
        }
    }
}

/// Between which dimensions YaRN (Peng et al. 2023, arXiv 2309.00071) goes from stretched to kept.
fn yarn_range(
    (beta_fast, beta_slow): (f64, f64),
    (width, theta, original): (f64, f64, f64),
    truncate: bool,
) -> (f64, f64) {
    let dimension =
        |turns: f64| width * (original / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln());
    let (mut low, mut high) = (dimension(beta_fast), dimension(beta_slow));
    if truncate {
        (low, high) = (low.floor(), high.ceil());
    }
    (low, high) = (low.max(0.0), high.min(width - 1.0));
    (low, if low == high { high + 0.001 } else { high })
}

impl Rope {
    /// The angles of tokens at `positions` `[N]`.
    pub(crate) fn angles(&self, positions: &Tensor) -> Angles {
        let angles = positions.to_kind(Kind::Float).outer(&self.inverse_frequency);
        Angles { cos: angles.cos() * self.amplitude, sin: angles.sin() * self.amplitude }
    }
}

impl Angles {
    /// The angles of some of the tokens: `rows` `[M]`.
    pub(crate) fn rows(&self, rows: &Tensor) -> Self {
        Self { cos: self.cos.index_select(0, rows), sin: self.sin.index_select(0, rows) }
    }

    /// Turns `x` `[N, H, head_dim]`.
    pub(crate) fn rotate(&self, x: &Tensor) -> Tensor {
        native::rotate(x, &self.cos, &self.sin)
    }
}
