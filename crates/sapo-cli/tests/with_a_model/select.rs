//! `sapo select` against the same questions asked of the library.

use std::path::Path;

use sapo_model::{Encoded, SharedPrefix};
use serde_json::{Value, json};

use crate::common::{folder, open, sapo_in, tiny_model};
use crate::fixtures::{EXAMPLES, POOL, number, patient_model};

/// Losses of every wording on every example, asked of the library one by one: (sum, tokens, forward tokens), where what
/// all examples of a wording begin with goes forward once, for the first.
fn library_losses(model: &Path) -> Vec<Vec<(f64, f64, usize)>> {
    let model = open(model);
    let pool: Value = serde_json::from_str(POOL).unwrap();
    let wordings =
        pool["variants"].as_array().unwrap().iter().map(|variant| variant["text"].as_str().unwrap());
    let of_wording = |wording: &str| {
        let lines = EXAMPLES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_line = |line: Value| {
            let prompt = format!("{wording}\n\nText:\n{}\n\nAnswer:", line["input"].as_str().unwrap());
            model.codec().encode_example(&prompt, line["target"].as_str().unwrap()).unwrap()
        };
        let texts: Vec<Encoded> = lines.map(of_line).collect();
        let shared = SharedPrefix::of(&texts).ids().len();
        assert!(shared > 0 || wording.len() < 60, "{wording:?} is long enough to be shared");
        let of_text = |(place, text): (usize, &Encoded)| {
            let loss = model.example_losses(std::slice::from_ref(text), 1, |_| {}).unwrap()[0];
            let forward = text.ids.len() - if place == 0 { 0 } else { shared };
            (loss.nll_sum, loss.tokens as f64, forward)
        };
        texts.iter().enumerate().map(of_text).collect()
    };
    wordings.map(of_wording).collect()
}

const SELECT: [&str; 10] = [
    "select",
    "--model",
    "model",
    "--data",
    "data.jsonl",
    "--pool",
    "pool.json",
    "--suffix",
    "Answer:",
    "--json",
];

#[test]
fn select_takes_the_lowest_mean_and_worst_the_highest() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let means: Vec<f64> = losses
        .iter()
        .map(|arm| arm.iter().map(|l| l.0).sum::<f64>() / arm.iter().map(|l| l.1).sum::<f64>())
        .collect();
    let forward: usize = losses.iter().flatten().map(|l| l.2).sum();
    let ids = ["original", "p01", "p02"];
    let place = |wanted: f64| ids[means.iter().position(|mean| *mean == wanted).unwrap()];
    let lowest = place(means.iter().copied().fold(f64::INFINITY, f64::min));
    let highest = place(means.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    for (rule, winner) in [("exhaustive", lowest), ("worst", highest)] {
        let json = sapo_in(here.path(), &[&SELECT[..], &["--selector", rule]].concat()).ok().json();
        assert_eq!(json.len(), 1);
        assert_eq!(json[0]["winner"], winner, "{rule}: {}", json[0]);
        for ((arm, id), mean) in json[0]["arms"].as_array().unwrap().iter().zip(ids).zip(&means) {
            assert_eq!((&arm["id"], &arm["examples"]), (&json!(id), &json!(4)));
            assert!((number(&arm["mean"]) - mean).abs() < 1e-4, "{arm} {mean}");
            assert!(
                number(&arm["low"]) < number(&arm["mean"]) && number(&arm["mean"]) < number(&arm["high"]),
                "{arm}"
            );
        }
        assert_eq!(json[0]["forward_tokens"], forward);
        assert_eq!(json[0]["exhaustive_forward_tokens"], forward);
        assert!(number(&json[0]["seconds"]) > 0.0);
    }
}

#[test]
fn select_without_asking_spends_nothing() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let forward: usize = losses.iter().flatten().map(|l| l.2).sum();
    let unasked =
        json!({"id": "p01", "mean": null, "low": null, "high": null, "behind": null, "examples": 0});
    let run = |more: &[&str]| sapo_in(here.path(), &[&SELECT[..], more].concat()).ok().json().remove(0);
    let original = run(&["--selector", "original"]);
    assert_eq!(original["winner"], "original");
    assert_eq!(original["arms"][1], unasked);
    assert_eq!(
        (&original["forward_tokens"], &original["exhaustive_forward_tokens"]),
        (&json!(0), &json!(forward))
    );
    let random = |seed: u64| run(&["--selector", "random", "--seed", &seed.to_string()])["winner"].clone();
    let drawn: Vec<Value> = (0..6).map(random).collect();
    assert_eq!(random(0), drawn[0]);
    assert!(drawn.iter().any(|id| *id != drawn[0]), "{drawn:?}");
}

#[test]
fn samples_are_drawn_by_the_seed() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let run = |seed: &str| {
        let json = sapo_in(here.path(), &[&SELECT[..], &["--samples", "1", "--seed", seed]].concat())
            .ok()
            .json()
            .remove(0);
        let arm = json["arms"][0].clone();
        assert_eq!((&arm["examples"], &arm["low"]), (&json!(1), &Value::Null));
        number(&arm["mean"])
    };
    let known: Vec<f64> = losses[0].iter().map(|l| l.0 / l.1).collect();
    let means: Vec<f64> = ["0", "1", "2", "3", "4", "5"].into_iter().map(run).collect();
    assert!(
        means.iter().all(|mean| known.iter().any(|one| (one - mean).abs() < 1e-4)),
        "{means:?} {known:?}"
    );
    assert!(means.iter().any(|mean| (mean - means[0]).abs() > 1e-3), "the seed must matter: {means:?}");

    let all = sapo_in(here.path(), &[&SELECT[..], &["--samples", "9"]].concat());
    assert_eq!(all.code, 0);
    assert!(
        all.stderr.contains("--samples 9, but data.jsonl has 4 examples: all are taken"),
        "{}",
        all.stderr
    );
    assert_eq!(all.json()[0]["arms"][0]["examples"], 4);
}

#[test]
fn select_prints_a_ranking_and_then_what_to_do() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    tiny_model(here.path());
    let json = sapo_in(here.path(), &SELECT).ok().json().remove(0);
    let run = sapo_in(here.path(), &SELECT[..9]);
    assert_eq!(run.code, 0);
    let table = run.stdout;
    let mut arms = json["arms"].as_array().unwrap().clone();
    arms.sort_by(|a, b| number(&a["mean"]).total_cmp(&number(&b["mean"])));
    let rows: Vec<&str> = table.lines().skip(1).take(3).collect();
    for (row, arm) in rows.iter().zip(&arms) {
        let id = arm["id"].as_str().unwrap();
        assert!(
            row[2..].starts_with(id) && row.contains(&format!("{:.4}", number(&arm["mean"]))),
            "{row} {arm}"
        );
        assert_eq!(row.starts_with('*'), json["winner"] == id, "{row}");
    }
    let text = json["text"].as_str().unwrap();
    assert!(
        table.contains(&format!("winner: {}\n    {text}\n", json["winner"].as_str().unwrap())),
        "{table}"
    );
    assert!(table.contains("how sure: certain for these 4 examples"), "{table}");
    assert!(table.contains(&format!("tokens forward: {} (100 % of ", json["forward_tokens"])), "{table}");

    let steps: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(steps[0], "next:");
    let write = steps.iter().find(|step| step.contains("write the training file")).unwrap();
    // the line may be given to a shell as it stands
    let (_, line) = write.split_once(": ").unwrap();
    assert!(line.ends_with("--suffix Answer: --export chosen.jsonl"), "{line}");
    let shell =
        std::process::Command::new("sh").args(["-c", line]).current_dir(here.path()).output().unwrap();
    assert!(shell.status.success(), "{shell:?}");
    assert_eq!(std::fs::read_to_string(here.path().join("chosen.jsonl")).unwrap().lines().count(), 4);
    assert!(
        String::from_utf8(shell.stderr)
            .unwrap()
            .contains("- train on chosen.jsonl with any trainer, through the model's chat template\n")
    );
}

#[test]
fn the_ranking_is_drawn() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    tiny_model(here.path());
    let draw = |more: &[&str]| sapo_in(here.path(), &[&SELECT[..], more].concat());
    for name in ["ranking.svg", "ranking.png"] {
        let run = draw(&["--plot", name]);
        assert_eq!((run.code, run.stderr), (0, format!("wrote {name}: the ranking\n")));
    }
    assert!(std::fs::read(here.path().join("ranking.png")).unwrap().starts_with(b"\x89PNG"));
    let svg = std::fs::read_to_string(here.path().join("ranking.svg")).unwrap();
    // plotters writes a text on a line of its own
    let lines: Vec<&str> = svg.lines().map(str::trim).collect();
    for text in [
        "original",
        "p01",
        "p02",
        "nats a token above the winner",
        "data: loss of each wording before training",
    ] {
        assert!(lines.contains(&text), "{text}: {svg}");
    }
    let nothing = draw(&["--plot", "none.png", "--selector", "original"]);
    assert_eq!((nothing.code, nothing.json().len()), (1, 1), "the winner is told all the same");
    assert!(nothing.stderr.contains("nothing was measured under this rule"), "{}", nothing.stderr);
    assert!(!here.path().join("none.png").exists());
}

#[test]
fn select_needs_no_pool_and_exports_what_it_chose() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    patient_model(here.path());
    let select =
        ["select", "--model", "model", "--data", "data.jsonl", "--json", "--suffix", "Answer good or bad."];
    let run = |more: &[&str]| sapo_in(here.path(), &[&select[..], more].concat());
    let own = ["--instruction", "Is the review good or bad?", "--labels", "good,bad"];
    let chosen = run(&[&own[..], &["--export", "train.jsonl"]].concat());
    assert_eq!(chosen.code, 0, "{}", chosen.stderr);
    let selected = chosen.json().remove(0);
    assert_eq!(selected["arms"].as_array().unwrap().len(), 21);
    // four examples are all there are: every rule that asks has seen everything
    assert_eq!(selected["promise"], "exact");
    assert_eq!(
        run(&[&own[..], &["--selector", "exhaustive"]].concat()).json()[0]["winner"],
        selected["winner"]
    );
    let exported = std::fs::read_to_string(here.path().join("train.jsonl")).unwrap();
    let rows: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 4);
    let mode = |name: &str| std::fs::metadata(here.path().join(name)).unwrap().permissions();
    assert_eq!(mode("train.jsonl"), mode("data.jsonl"), "as readable as any other file");
    let prompt = rows[0]["prompt"].as_str().unwrap();
    assert!(prompt.ends_with("\n\nText:\nthe food was fine\n\nAnswer good or bad."), "{prompt}");
    assert_eq!(rows[0]["completion"], "good");

    let pool =
        ["--pool", "pool.json", "--export", "chat.jsonl", "--export-form", "chat", "--selector", "shortest"];
    let shortest = run(&pool);
    assert_eq!(shortest.code, 0, "{}", shortest.stderr);
    assert_eq!(shortest.json()[0]["winner"], "original");
    let chat = std::fs::read_to_string(here.path().join("chat.jsonl")).unwrap();
    let first: Value = serde_json::from_str(chat.lines().next().unwrap()).unwrap();
    assert_eq!(first["messages"][1], json!({"role": "assistant", "content": "good"}));
    assert!(
        first["messages"][0]["content"].as_str().unwrap().starts_with("Is the review good or bad?\n\nText:")
    );

    let refused = |more: &[&str], why: &str| {
        let run = run(more);
        assert!(run.code != 0 && run.stderr.contains(why), "{}", run.stderr);
    };
    refused(&["--pool", "pool.json", "--instruction", "Sing."], "made for another instruction");
    refused(&["--pool", "pool.json", "--delta", "0.1", "--selector", "exhaustive"], "has no such parameter");
    refused(&[], "--instruction");
}

#[test]
fn what_is_exported_for_a_model_without_a_template_is_the_text_that_was_measured() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let config = tiny_model(here.path()).join("tokenizer_config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"chat_template\"", "\"unused\"")).unwrap();
    let run = sapo_in(here.path(), &[&SELECT[..9], &["--export", "chosen.jsonl"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("- train on chosen.jsonl with any trainer\n"), "{}", run.stderr);
    let exported = std::fs::read_to_string(here.path().join("chosen.jsonl")).unwrap();
    let model = open(&here.path().join("model"));
    for line in exported.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (prompt, completion) = (line["prompt"].as_str().unwrap(), line["completion"].as_str().unwrap());
        let measured = model.codec().encode_example(prompt.trim_end_matches('\n'), completion).unwrap();
        let trained = model.codec().encode_text(&format!("{prompt}{completion}")).unwrap();
        assert!(measured.ids.starts_with(&trained), "all but the end-of-text token");
    }
}
