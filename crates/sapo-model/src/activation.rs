use tch::{Kind, Tensor};

/// An element-wise function, by the name that `config.json` gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activation {
    name: &'static str,
    apply: fn(&Tensor) -> Tensor,
}

/// All functions without parameters of their own.
///
/// # Source
/// `ACT2FN` of transformers.
const ACTIVATIONS: &[Activation] = &[
    Activation { name: "silu", apply: Tensor::silu },
    Activation { name: "swish", apply: Tensor::silu },
    Activation { name: "gelu", apply: exact_gelu },
    Activation { name: "gelu_python", apply: exact_gelu },
    Activation { name: "gelu_new", apply: tanh_gelu },
    Activation { name: "gelu_fast", apply: tanh_gelu },
    Activation { name: "gelu_accurate", apply: tanh_gelu },
    Activation { name: "gelu_pytorch_tanh", apply: tanh_gelu },
    Activation { name: "gelu_python_tanh", apply: tanh_gelu },
    Activation { name: "gelu_10", apply: |x| exact_gelu(x).clamp(-10.0, 10.0) },
    Activation { name: "quick_gelu", apply: |x| x * (x * 1.702).sigmoid() },
    Activation { name: "relu", apply: Tensor::relu },
    Activation { name: "relu2", apply: |x| x.relu().square() },
    Activation { name: "relu6", apply: Tensor::relu6 },
    Activation { name: "leaky_relu", apply: Tensor::leaky_relu },
    Activation { name: "sigmoid", apply: Tensor::sigmoid },
    Activation { name: "tanh", apply: Tensor::tanh },
    Activation { name: "mish", apply: Tensor::mish },
    Activation { name: "hardswish", apply: Tensor::hardswish },
    Activation { name: "sqrtsoftplus", apply: |x| x.softplus().sqrt() },
    Activation { name: "laplace", apply: laplace },
    Activation { name: "linear", apply: Tensor::shallow_clone },
];

impl Activation {
    /// The function of that name.
    ///
    /// # Errors
    /// A message that lists the known names.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        ACTIVATIONS.iter().find(|activation| activation.name == name).copied().ok_or_else(|| {
            let known: Vec<&str> = ACTIVATIONS.iter().map(|activation| activation.name).collect();
            format!("unknown activation {name:?}: expected one of {}", known.join(", "))
        })
    }

    pub(crate) fn forward(self, x: &Tensor) -> Tensor {
        (self.apply)(x)
    }

    pub(crate) fn is_silu(self) -> bool {
        matches!(self.name, "silu" | "swish")
    }
}

fn exact_gelu(x: &Tensor) -> Tensor {
    x.gelu("none")
}

fn tanh_gelu(x: &Tensor) -> Tensor {
    x.gelu("tanh")
}

/// `(1 + erf((x - mu) / (sigma sqrt 2))) / 2` with transformers' constants, which are rounded.
fn laplace(x: &Tensor) -> Tensor {
    const MU: f64 = 707_107e-6;
    let wide = x.to_kind(Kind::Float);
    ((((wide - MU) / (0.282_095 * std::f64::consts::SQRT_2)).erf() + 1.0) * 0.5).to_kind(x.kind())
}
