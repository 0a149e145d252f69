//! What probes say of every wording of a pool, as a CSV table on stdout.
//!
//! `probes MODEL DATA TASK POOL [PROBE ...]`: a model's folder, a folder of tasks of your own, the name of one of them, a
//! pool file for it, and which probes; without a name, all that need no earlier tasks.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use sapo_model::{Device, Kind, LanguageModel, LoraConfig, runtime};
use sapo_probes::{Cost, FreshLora, ProbeConfig, ProbeContext, Setting};
use sapo_prompts::PromptPool;
use sapo_tasks::readers::Dataset;

const USAGE: &str = "usage: probes MODEL DATA TASK POOL [PROBE ...]";
const TOKEN_BUDGET: usize = 8192;
/// Examples that are looked at, at most.
const EXAMPLES: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, task, pool, probes @ ..] = &arguments[..] else { return Err(USAGE.into()) };
    let probes = if probes.is_empty() {
        ProbeConfig::all().into_iter().filter(needs_no_earlier_tasks).collect()
    } else {
        probes.iter().map(|name| name.parse()).collect::<Result<Vec<ProbeConfig>, String>>()?
    };
    runtime::init(runtime::threads_from_env());
    let model = LanguageModel::open(Path::new(model), Kind::Float, Device::Cpu)?;
    let task = Dataset::own(data)?.training_task(task)?;
    let pool = PromptPool::load(Path::new(pool))?;
    let mut context = ProbeContext::new(Setting {
        model: &model,
        task: &task,
        examples: &task.train[..task.train.len().min(EXAMPLES)],
        token_budget: TOKEN_BUDGET,
        kept: &[],
        adapter: FreshLora { config: LoraConfig::default(), seed: 0 },
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "wording,{}", probes.iter().map(ProbeConfig::name).collect::<Vec<_>>().join(","))?;
    for variant in pool.variants() {
        write!(out, "{}", variant.id)?;
        for probe in &probes {
            write!(out, ",{:.4}", probe.build().measure(&mut context, &variant.text)?.value)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Whether it can be asked before a first task.
fn needs_no_earlier_tasks(probe: &ProbeConfig) -> bool {
    probe.about().cost != Cost::GradientAndEarlier
}
