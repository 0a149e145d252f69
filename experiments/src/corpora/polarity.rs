//! Reviews with their rating on five steps, as reviews that are good or bad: more to learn what praise and blame are made of
//! than the ratings alone, of which the middle is hard to tell from its neighbours.

use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task};

const BAD: &str = "negative";
const GOOD: &str = "positive";

/// None is a wording of a task that is evaluated.
const WORDINGS: [&str; 12] = [
    "Is this review positive or negative?",
    "Read what a customer wrote and decide whether the opinion is positive or negative.",
    "Classify the review as positive or negative.",
    "Which of the two is the feeling behind the words below: positive or negative?",
    "Determine the polarity of the text. Answer positive where the writer praises and negative where the writer complains.",
    "You will see an opinion. Say positive if it is in favor and negative if it is not.",
    "A person describes an experience. Would you call the tone positive or negative?",
    "Label the following passage with its sentiment (positive or negative).",
    "Sentiment of the text, positive or negative:",
    "Judge whether the author was pleased. The answer is positive if so, else negative.",
    "Your job is to sort opinions into two heaps, positive and negative. Where does this one go?",
    "Does the text speak well of its subject? Then it is positive; if it speaks badly of it, negative.",
];

/// The ratings of a task, lowest first.
const RATINGS: [(&str, Option<&str>); 5] = [
    ("very negative", Some(BAD)),
    ("negative", Some(BAD)),
    ("neutral", None),
    ("positive", Some(GOOD)),
    ("very positive", Some(GOOD)),
];

/// Of a task whose answers are ratings, the one that asks for good or bad alone; nothing of another task.
pub(super) fn polarity(rated: &Task) -> Option<(Task, Vec<Instruction>)> {
    let five = rated.labels.len() == RATINGS.len();
    let known = rated.labels.iter().all(|label| RATINGS.iter().any(|(rating, _)| rating == label));
    let wordings: Vec<Instruction> = WORDINGS.iter().map(|wording| Instruction::new(*wording)).collect();
    (five && known).then(|| {
        let sides = rated.train.iter().filter_map(|example| {
            let (_, side) = RATINGS.iter().find(|(rating, _)| *rating == example.target())?;
            side.map(|side| Example::new(&example.input, side))
        });
        let task = Task {
            name: format!("{}-polarity", rated.name),
            instruction: wordings[0].clone(),
            suffix: None,
            labels: vec![BAD.to_string(), GOOD.to_string()],
            train: sides.collect(),
            dev: Vec::new(),
            test: Vec::new(),
            ..rated.clone()
        };
        (task, wordings)
    })
}

#[cfg(test)]
mod tests {
    use sapo_tasks::{Language, TaskKind};

    use super::*;

    #[test]
    fn ratings_become_sides_and_the_middle_is_left_out() {
        let labels: Vec<String> = RATINGS.iter().map(|(rating, _)| (*rating).to_string()).collect();
        let rated = Task {
            name: "stars".to_string(),
            kind: TaskKind::Classification,
            language: Language::English,
            instruction: Instruction::new("How good?"),
            suffix: Some("Answer.".to_string()),
            train: labels.iter().map(|label| Example::new(format!("{label}!"), label)).collect(),
            labels,
            native_metric: None,
            dev: Vec::new(),
            test: Vec::new(),
        };
        let (task, wordings) = polarity(&rated).unwrap();
        let rows: Vec<(&str, &str)> =
            task.train.iter().map(|example| (example.input.as_str(), example.target())).collect();
        assert_eq!(
            rows,
            [
                ("very negative!", "negative"),
                ("negative!", "negative"),
                ("positive!", "positive"),
                ("very positive!", "positive")
            ]
        );
        for wording in &wordings {
            assert!(task.labels.iter().all(|label| wording.as_str().contains(label.as_str())), "{wording:?}");
        }
        assert!(polarity(&Task { labels: task.labels.clone(), ..rated }).is_none());
    }
}
