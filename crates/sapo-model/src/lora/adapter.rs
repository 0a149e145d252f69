use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use super::{LoraConfig, TargetModules};
use crate::weights::write_whole;
use crate::{ModelError, Weights, save_safetensors};

/// One adapter, apart from any model.
#[derive(Debug)]
pub struct Lora {
    /// Rank, scaling, targets.
    pub config: LoraConfig,
    /// Module name to A `[r, in]` and B `[out, r]`.
    pub modules: BTreeMap<String, (Tensor, Tensor)>,
    /// Whether the base model holds the targets' weights as `[in, out]` (GPT-2): a note for PEFT.
    pub fan_in_fan_out: bool,
    /// Where it was read from; the adapter's name in errors.
    pub(super) path: PathBuf,
}

const CONFIG: &str = "adapter_config.json";
const TENSORS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
const ENDINGS: [&str; 2] = [".lora_A.weight", ".lora_B.weight"];

/// The part of `adapter_config.json` that decides the function.
#[derive(Deserialize)]
struct ConfigFile {
    r: i64,
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: f64,
    target_modules: TargetModules,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    rank_pattern: Option<IndexMap<String, i64>>,
    #[serde(default)]
    alpha_pattern: Option<IndexMap<String, f64>>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Fields that would make PEFT compute something else, where they are set.
const UNSUPPORTED: [&str; 14] = [
    "use_dora",
    "lora_bias",
    "modules_to_save",
    "layers_to_transform",
    "exclude_modules",
    "target_parameters",
    "trainable_token_indices",
    "layer_replication",
    "alora_invocation_tokens",
    "use_qalora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "use_bdlora",
];

impl ConfigFile {
    fn check(&self) -> Result<(), String> {
        let is_set = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => true,
        };
        if let Some(name) = UNSUPPORTED.into_iter().find(|name| self.rest.get(*name).is_some_and(is_set)) {
            return Err(format!("{name} is not supported"));
        }
        let text = |name: &str| self.rest.get(name).and_then(Value::as_str).map(str::to_lowercase);
        match text("peft_type").as_deref() {
            None | Some("lora") => {}
            Some(other) => return Err(format!("peft_type {other:?}: expected \"LORA\"")),
        }
        if text("bias").is_some_and(|bias| bias != "none") {
            return Err("bias other than \"none\" is not supported".to_string());
        }
        // these change the base weights when an adapter is made, and only PEFT can do the same again
        let changes_base = |way: &str| {
            ["pissa", "olora", "corda", "loftq", "lora_ga"].iter().any(|known| way.starts_with(known))
        };
        match text("init_lora_weights") {
            Some(way) if changes_base(&way) => {
                Err(format!("init_lora_weights {way:?} changes the base weights"))
            }
            _ => Ok(()),
        }
    }
}

impl Lora {
    /// Reads `adapter_config.json` and `adapter_model.safetensors` as PEFT writes them; tensors in f32 on the CPU.
    ///
    /// # Errors
    /// Names the file that is missing or malformed, and the field or tensor that is not supported.
    pub fn open(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
        let file: ConfigFile =
            serde_json::from_str(&text).map_err(|error| ModelError::malformed(&path, error))?;
        file.check().map_err(|problem| ModelError::malformed(&path, problem))?;
        let config = LoraConfig {
            r: file.r,
            lora_alpha: file.lora_alpha,
            lora_dropout: file.lora_dropout,
            target_modules: file.target_modules,
            use_rslora: file.use_rslora,
            rank_pattern: file.rank_pattern.unwrap_or_default(),
            alpha_pattern: file.alpha_pattern.unwrap_or_default(),
        };
        config.check().map_err(|problem| ModelError::malformed(&path, problem))?;

        let mut weights = Weights::open_file(&directory.join(TENSORS), Kind::Float, Device::Cpu)?;
        let modules: BTreeSet<String> = weights
            .names()
            .filter_map(|name| ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)))
            .filter_map(|name| name.strip_prefix(PREFIX))
            .map(String::from)
            .collect();
        let mut tensors = BTreeMap::new();
        for module in modules.into_iter().filter(|module| config.targets(module)) {
            let r = config.rank_of(&module);
            let [a, b] = ENDINGS.map(|ending| format!("{PREFIX}{module}{ending}"));
            let width = |shape: Option<Vec<i64>>, place: usize| {
                shape.and_then(|s| s.get(place).copied()).unwrap_or(0)
            };
            let (inp, out) = (width(weights.shape(&a), 1), width(weights.shape(&b), 0));
            let pair = (weights.take(&a, &[r, inp]), weights.take(&b, &[out, r]));
            tensors.insert(module, pair);
        }
        weights.finish()?;
        Ok(Self {
            config,
            modules: tensors,
            fan_in_fan_out: file.fan_in_fan_out,
            path: directory.to_path_buf(),
        })
    }

    /// Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT reads them.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save(&self, directory: &Path, base_model: &str) -> Result<(), ModelError> {
        std::fs::create_dir_all(directory).map_err(ModelError::io("create", directory))?;
        let config = json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base_model,
            "r": self.config.r,
            "lora_alpha": self.config.lora_alpha,
            "lora_dropout": self.config.lora_dropout,
            "target_modules": self.config.target_modules,
            "rank_pattern": self.config.rank_pattern,
            "alpha_pattern": self.config.alpha_pattern,
            "bias": "none",
            "fan_in_fan_out": self.fan_in_fan_out,
            "use_rslora": self.config.use_rslora,
            "inference_mode": true,
        });
        write_whole(&directory.join(CONFIG), format!("{config:#}\n").as_bytes())?;
        let mut named = Vec::new();
        for (module, (a, b)) in &self.modules {
            let [a_name, b_name] = ENDINGS.map(|ending| format!("{PREFIX}{module}{ending}"));
            named.extend([(a_name, a), (b_name, b)]);
        }
        save_safetensors(&directory.join(TENSORS), &named)
    }

    /// One adapter that computes the sum of all: their A and B side by side, of the summed rank, scaled by 1.
    ///
    /// Modules that not all of them sit on have a rank of their own (`rank_pattern`).
    ///
    /// # Errors
    /// When two of them are made for modules of different widths.
    pub fn stack(adapters: &[Self]) -> Result<Self, ModelError> {
        let _guard = tch::no_grad_guard();
        let mut parts: BTreeMap<&String, Vec<(&Self, Tensor, Tensor)>> = BTreeMap::new();
        for adapter in adapters {
            for (module, (a, b)) in &adapter.modules {
                let wide = |tensor: &Tensor| tensor.detach().to_kind(Kind::Float);
                let scaled = wide(b) * adapter.config.scaling_of(module);
                parts.entry(module).or_default().push((adapter, wide(a), scaled));
            }
        }
        let mut modules = BTreeMap::new();
        for (module, parts) in parts {
            let widths = |part: &(&Self, Tensor, Tensor)| (part.2.size()[0], part.1.size()[1]);
            if let Some(other) = parts.iter().find(|part| widths(part) != widths(&parts[0])) {
                let problem = format!(
                    "{module} has [out, in] {:?}, expected {:?} as in {}",
                    widths(other),
                    widths(&parts[0]),
                    parts[0].0.path.display()
                );
                return Err(ModelError::Weights { path: other.0.path.clone(), problem });
            }
            let a = Tensor::cat(&parts.iter().map(|(_, a, _)| a).collect::<Vec<_>>(), 0);
            let b = Tensor::cat(&parts.iter().map(|(_, _, b)| b).collect::<Vec<_>>(), 1);
            modules.insert(module.clone(), (a, b));
        }
        let rank = |(a, _): &(Tensor, Tensor)| a.size()[0];
        let r = modules.values().map(rank).max().unwrap_or(1);
        let others = modules.iter().filter(|(_, pair)| rank(pair) != r);
        let rank_pattern: IndexMap<String, i64> =
            others.map(|(module, pair)| (regex::escape(module), rank(pair))).collect();
        let config = LoraConfig {
            r,
            lora_alpha: r as f64,
            lora_dropout: 0.0,
            target_modules: TargetModules::Names(modules.keys().cloned().collect()),
            use_rslora: false,
            alpha_pattern: rank_pattern.iter().map(|(module, &r)| (module.clone(), r as f64)).collect(),
            rank_pattern,
        };
        let fan_in_fan_out = adapters.iter().any(|adapter| adapter.fan_in_fan_out);
        Ok(Self { config, modules, fan_in_fan_out, path: PathBuf::from("(stacked)") })
    }
}
