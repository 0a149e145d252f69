//! Answers scored by the metrics of their task.

use sapo_metrics::{Metric, Sample};
use sapo_tasks::{Example, Task, layout};

use crate::BenchError;

/// What one metric says of every answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The metric.
    pub metric: Metric,
    /// A score an example, 0 to 100, against its best reference; at least one.
    pub examples: Vec<f64>,
}

impl Scores {
    /// The mean over the examples.
    pub fn mean(&self) -> f64 {
        self.examples.iter().sum::<f64>() / self.examples.len() as f64
    }
}

/// What a task is scored by: ROUGE-L as in the paper, exact match, and the benchmark's own metric where that is neither.
///
/// # Errors
/// The task's native metric is unknown.
pub fn metrics(task: &Task) -> Result<Vec<Metric>, BenchError> {
    let mut metrics = vec![Metric::RougeL, Metric::ExactMatch];
    if let Some(native) = native_metric(task)?.filter(|native| !metrics.contains(native)) {
        metrics.push(native);
    }
    Ok(metrics)
}

/// The metric by which the task's own benchmark scores it, where it has one.
///
/// # Errors
/// There is no metric of this name.
pub fn native_metric(task: &Task) -> Result<Option<Metric>, BenchError> {
    let parsed = task.native_metric.as_deref().map(str::parse).transpose();
    parsed.map_err(|source| BenchError::Metric { task: task.name.clone(), source })
}

/// Scores answers to `examples` of `task` by all its [`metrics`].
///
/// The source text of SARI is the prompt under the task's original instruction, whichever wording the model read:
/// TRACE's code hands over the prompt itself, instruction and all (`sources` in its `utils/data/data_collator.py`), and
/// a score that depends on the wording directly could not be compared between wordings.
///
/// # Errors
/// No example, another number of answers than of examples, an example without an accepted answer, or an unknown native
/// metric.
pub fn score(task: &Task, examples: &[Example], predictions: &[String]) -> Result<Vec<Scores>, BenchError> {
    if examples.is_empty() {
        return Err(BenchError::NoExamples { task: task.name.clone() });
    }
    let (expected, got) = (examples.len(), predictions.len());
    if got != expected {
        return Err(BenchError::Answers { task: task.name.clone(), expected, got });
    }
    let sources: Vec<String> = examples.iter().map(|example| source(task, example)).collect();
    let samples: Vec<Sample> = predictions
        .iter()
        .zip(examples)
        .zip(&sources)
        .map(|((prediction, example), source)| Sample {
            prediction,
            references: &example.targets,
            source: Some(source),
        })
        .collect();
    metrics(task)?
        .into_iter()
        .map(|metric| match metric.score_all(&samples) {
            Ok(examples) => Ok(Scores { metric, examples }),
            Err(source) => Err(BenchError::Metric { task: task.name.clone(), source }),
        })
        .collect()
}

/// The text that an answer is taken to rewrite, for metrics that ask for it.
pub fn source(task: &Task, example: &Example) -> String {
    layout::prompt(task, &task.instruction, &example.input)
}

#[cfg(test)]
mod tests {
    use sapo_metrics::{rouge_l_best, sari};
    use sapo_tasks::{Instruction, Language, TaskKind};

    use super::*;

    fn task(native_metric: Option<&str>) -> Task {
        Task {
            name: "shorten".into(),
            kind: TaskKind::Generation,
            language: Language::English,
            instruction: Instruction::new("Say it simply."),
            suffix: None,
            labels: vec![],
            native_metric: native_metric.map(String::from),
            train: vec![],
            dev: vec![],
            test: vec![],
        }
    }

    fn examples() -> Vec<Example> {
        let several =
            Example { targets: vec!["it rained".into(), "rain fell".into()], ..Example::new("x", "") };
        vec![Example::new("The cat sat on the mat.", "The cat sat."), several]
    }

    fn predictions() -> Vec<String> {
        vec!["The cat sat".into(), "rain fell".into()]
    }

    #[test]
    fn every_task_is_scored_as_in_the_paper() {
        for name in [None, Some("rouge_l"), Some("exact_match")] {
            let scores = score(&task(name), &examples(), &predictions()).unwrap();
            let [rouge_l, exact] = &scores[..] else { panic!("{scores:?}") };
            let expected = [("The cat sat", 0), ("rain fell", 1)]
                .map(|(prediction, i)| rouge_l_best(prediction, &examples()[i].targets).unwrap());
            assert_eq!((rouge_l.metric, &rouge_l.examples[..]), (Metric::RougeL, &expected[..]));
            assert_eq!((exact.metric, &exact.examples[..]), (Metric::ExactMatch, &[0.0, 100.0][..]));
            assert_eq!(exact.mean(), 50.0);
        }
    }

    #[test]
    fn sari_compares_with_the_original_prompt() {
        let scores = score(&task(Some("sari")), &examples()[..1], &predictions()[..1]).unwrap();
        assert_eq!(scores[2].metric, Metric::Sari);
        let prompt = "Say it simply.\n\nText:\nThe cat sat on the mat.";
        let expected = sari(prompt, "The cat sat", &["The cat sat."]).unwrap();
        assert_eq!(scores[2].examples, [expected]);
        assert_ne!(Some(expected), sari("The cat sat on the mat.", "The cat sat", &["The cat sat."]));
    }

    #[test]
    fn what_cannot_be_scored_names_the_task() {
        let message = |task: Task, examples: &[Example]| {
            score(&task, examples, &predictions()[..examples.len()]).unwrap_err().to_string()
        };
        let unknown = message(task(Some("bleu")), &examples());
        let told = "scoring task \"shorten\": unknown metric `bleu`: expected one of rouge_l, ";
        assert!(unknown.starts_with(told), "{unknown}");
        let bare = [examples().remove(0), Example { input: "y".into(), targets: vec![] }];
        let told = "scoring task \"shorten\": sample 1: rouge_l: expected at least one reference, got none";
        assert_eq!(message(task(None), &bare), told);
        assert_eq!(message(task(None), &[]), "evaluating task \"shorten\": it has no examples");
    }

    #[test]
    fn a_missing_answer_is_not_left_out() {
        let refused = score(&task(None), &examples(), &predictions()[..1]).unwrap_err().to_string();
        assert_eq!(refused, "scoring task \"shorten\": expected 2 answers, one an example, got 1");
    }
}
