use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ExperimentArgs,
}

const CONFIG: &str = include_str!("../../configs/triples.toml");

fn cells(report: Report, line: &[&str]) -> Vec<CellSpec> {
    let args = Line::parse_from(["experiment"].iter().chain(line)).args;
    TripleStudy::new(report, CONFIG).unwrap().cells(&args).unwrap()
}

#[test]
fn the_four_experiments_have_the_same_cells() {
    let line = ["--seeds", "1", "--limit-train", "8", "--limit-eval", "4"];
    let ids = |report| cells(report, &line).iter().map(|cell| cell.id().to_string()).collect::<Vec<_>>();
    let first = ids(Report::PromptSpread);
    assert_eq!(first.len(), 12);
    for report in [Report::CrossTask, Report::Indicators, Report::GradientConflict] {
        assert_eq!(ids(report), first);
    }
}

#[test]
fn a_triple_of_two_tasks_is_refused() {
    let tasks = r#"["topic", "number-over-fifty", "warm-or-cool", "toy-animal-or-food", "which-is-food"]"#;
    assert!(CONFIG.contains(tasks));
    let error =
        TripleStudy::new(Report::CrossTask, &CONFIG.replace(tasks, r#"["topic", "mood"]"#)).unwrap_err();
    assert!(format!("{error:#}").contains("triple C1 needs T1, T2"), "{error:#}");
}

#[test]
fn every_t2_of_the_built_in_benchmark_occurs_once() {
    let config = TriplesConfig::parse(CONFIG).unwrap();
    let mut current: Vec<&str> =
        config.scales["nano"].triples.iter().map(|triple| triple.tasks[1].as_str()).collect();
    current.sort_unstable();
    let all = current.len();
    current.dedup();
    assert_eq!(current.len(), all);
    // settings were chosen on the development families
    let development: Vec<&str> = ["dev-g", "dev-c", "dev-m"]
        .iter()
        .flat_map(|stream| sapo_tasks::builtin::stream_members(stream).unwrap())
        .collect();
    for triple in &config.scales["nano"].triples {
        assert!(triple.tasks.iter().all(|task| !development.contains(&task.as_str())), "{}", triple.name);
    }
}
