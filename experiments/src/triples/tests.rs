use sapo_lab::provenance::Code;
use sapo_lab::{Store, compute_cell};

use super::*;

const CONFIG: &str = include_str!("../../configs/triples.toml");

fn cells(report: Report, line: &[&str]) -> Vec<CellSpec> {
    let args = ExperimentArgs::from_line(line).unwrap();
    TripleStudy::new(report, CONFIG).unwrap().cells(&args).unwrap()
}

#[test]
fn the_four_experiments_have_the_same_cells() {
    let line = ["--scale", "nano", "--seeds", "1", "--limit-train", "8", "--limit-eval", "4"];
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

#[test]
fn cells_become_tables_figures_and_findings() {
    let short = CONFIG.replace(
        "[scales.nano]\nseeds = 5\nconflict_ranks = [1, 7, 13, 20]",
        "[scales.nano]\nseeds = 2\nconflict_ranks = [1, 3]\nsettings = { paraphrases = 3, train = { epochs = 1 } }",
    );
    assert!(short != CONFIG);
    let line = ["--scale", "nano", "--limit-train", "16", "--limit-eval", "4"];
    let study = TripleStudy::new(Report::PromptSpread, &short).unwrap();
    let (folder, args) = (tempfile::tempdir().unwrap(), ExperimentArgs::from_line(line).unwrap());
    let store = Store::open(folder.path(), study.name()).unwrap();
    let mut runs = Vec::new();
    for cell in study.cells(&args).unwrap().iter().filter(|cell| cell.axis("triple").unwrap().ends_with('1'))
    {
        let work = |context: &CellContext| study.run_cell(cell.config(), context);
        compute_cell(&store, cell, Code::detect(), Box::new(|_| ()), work).unwrap();
        runs.push(store.load(&cell.id()).unwrap());
    }
    assert_eq!(runs.len(), 6);
    let results = results::Results::from_runs(&runs).unwrap();
    for (place, report) in
        [spread::report, cross_task::report, indicators::report, conflict::report].iter().enumerate()
    {
        let out = folder.path().join(place.to_string());
        std::fs::create_dir(&out).unwrap();
        let screen = report(&results, &out, &out).unwrap();
        assert!(screen.lines().count() <= 24, "{screen}");
        assert!(std::fs::read_dir(&out).unwrap().count() >= 6, "report {place}");
    }
}
