//! Prints families of the built-in benchmark: their wordings and a few examples.
//!
//! `cargo run -p sapo-tasks --example show_builtin` lists the families; with names behind `--` it shows those.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sapo_tasks::builtin::{self, Family, POOL_SEED, POOL_SIZE};

fn main() -> Result<(), String> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        for family in builtin::families() {
            println!("{:22} {:14} {:?}", family.name, format!("{:?}", family.kind), family.role);
        }
        return Ok(());
    }
    for name in &names {
        show(builtin::family(name).ok_or_else(|| format!("expected the name of a family, got {name:?}"))?);
    }
    Ok(())
}

fn show(family: &Family) {
    println!("{} ({:?}, {:?})\n  original: {}", family.name, family.kind, family.role, family.original);
    println!("  suffix:   {}", family.suffix);
    let seen = family.pretraining_wordings();
    println!("\n  {} wordings for pre-training, for example", seen.len());
    for wording in seen.iter().step_by((seen.len() / 10).max(1)) {
        println!("    {wording}");
    }
    println!("\n  the default pool of paraphrases");
    for variant in family.paraphrases(POOL_SIZE, POOL_SEED) {
        println!("    {} {:14} {}", variant.id, variant.origin.detail.unwrap_or_default(), variant.text);
    }
    println!("\n  examples");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..10 {
        let example = family.example(&mut rng);
        println!("    {} => {}", example.input, example.target());
    }
    println!();
}
