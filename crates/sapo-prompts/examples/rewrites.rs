//! Prints rewrites by grammar of the instructions in a JSON file, `{"task": {"instruction": "...", "labels": [...]}}`,
//! with how far they are apart and how far plain wrappings are: `rewrites FILE [COUNT] [SEED]`.

use std::collections::BTreeMap;
use std::error::Error;

use sapo_prompts::grammar::{RewriteRequest, rewrite, wrap};
use sapo_prompts::{Instruction, Origin, PoolDiversity, PromptPool, PromptVariant};

#[derive(serde::Deserialize)]
struct Task {
    instruction: String,
    #[serde(default)]
    labels: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("usage: rewrites FILE [COUNT] [SEED]")?;
    let count = args.next().map_or(Ok(20), |count| count.parse())?;
    let seed = args.next().map_or(Ok(0), |seed| seed.parse())?;
    let tasks: BTreeMap<String, Task> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    for (name, Task { instruction, labels }) in tasks {
        let made = rewrite(&RewriteRequest { instruction: &instruction, labels: &labels }, count, seed);
        let wrapped = spread(&instruction, wrap(&instruction, count, seed).into_iter());
        let rewritten = spread(&instruction, made.iter().map(|rewrite| rewrite.text.clone()));
        println!(
            "\n## {name} ({} made; wrapped {wrapped:.2}, rewritten {rewritten:.2})\n   {instruction}",
            made.len()
        );
        for rewrite in made {
            println!("- [{}] {}", rewrite.rule, rewrite.text);
        }
    }
    Ok(())
}

/// The mean distance of two wordings in the pool of these.
fn spread(original: &str, texts: impl Iterator<Item = String>) -> f64 {
    let variant = |(at, text)| PromptVariant {
        id: format!("p{at}"),
        text: Instruction::new(text),
        origin: Origin::original(),
    };
    let pool = PromptPool::new(Instruction::new(original), vec![], texts.enumerate().map(variant).collect());
    pool.ok().and_then(|pool| PoolDiversity::of(&pool).pairs).map_or(f64::NAN, |pairs| pairs.mean)
}
