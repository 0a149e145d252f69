use std::collections::{BTreeMap, BTreeSet, HashSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sapo_files::checksum;
use sapo_prompts::guard::Guard;
use sha2::{Digest, Sha256};

use super::*;

const PAPER_SIZES: Sizes = Sizes { train: 1_000, dev: 200, test: 1_000 };

/// Raise [`VERSION`] with this: it is the digest of every family's first examples and default paraphrases.
const GOLDEN: &str = "v1 bcbd71fe83ea14ce";

fn texts(instructions: &[Instruction]) -> Vec<&str> {
    instructions.iter().map(Instruction::as_str).collect()
}

/// Words as a reader would count them: without the marks around them.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn draw_many(family: &Family, count: usize) -> Vec<Example> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    (0..count).map(|_| family.example(&mut rng)).collect()
}

/// Everything that a model may be asked under for this family, held out from pre-training.
fn held_out(family: &Family) -> Vec<String> {
    let paraphrases =
        family.paraphrases(10_000, 3).into_iter().map(|variant| variant.text.as_str().to_owned());
    paraphrases.chain([family.original.to_owned()]).collect()
}

#[test]
fn the_benchmark_is_as_large_as_it_says() {
    let count = |role, kind| families().iter().filter(|f| f.role == role && f.kind == kind).count();
    assert!(families().len() >= 44);
    assert!(count(Role::Pretraining, TaskKind::Generation) >= 12);
    assert!(count(Role::Pretraining, TaskKind::Classification) >= 8);
    assert_eq!(count(Role::Stream, TaskKind::Generation), count(Role::Stream, TaskKind::Classification));
    assert!(count(Role::Stream, TaskKind::Generation) >= 10);
    let names: HashSet<_> = families().iter().map(|f| f.name).collect();
    assert_eq!(names.len(), families().len());
    for family in families() {
        assert!(family.pretraining_cores.len() >= 6, "{}", family.name);
        assert!(family.held_out_cores.len() >= 8, "{}", family.name);
        assert!(family.sentences.len() >= 6, "{}", family.name);
        assert_eq!(family.kind == TaskKind::Classification, family.labels.len() >= 2, "{}", family.name);
        let seen = family.pretraining_wordings().len();
        match family.role {
            Role::Pretraining => assert!(seen >= 6 * 24, "{}", family.name),
            Role::Stream => assert!((10..=STREAM_WORDINGS).contains(&seen), "{}", family.name),
        }
    }
}

#[test]
fn splits_are_full_distinct_disjoint_and_balanced() {
    for family in families() {
        let task = family.task(5, PAPER_SIZES);
        assert_eq!(
            (task.train.len(), task.dev.len(), task.test.len()),
            (1_000, 200, 1_000),
            "{}",
            family.name
        );
        let all = [&task.train, &task.dev, &task.test];
        let inputs: HashSet<_> = all.iter().flat_map(|rows| rows.iter().map(|row| &row.input)).collect();
        assert_eq!(inputs.len(), 2_200, "{}", family.name);
        for rows in all {
            for label in family.labels {
                let share = rows.iter().filter(|row| row.target() == *label).count();
                assert!(
                    share.abs_diff(rows.len() / family.labels.len()) <= 1,
                    "{} {label}: {share}",
                    family.name
                );
            }
        }
    }
}

#[test]
fn scored_rows_do_not_depend_on_the_number_of_training_rows() {
    for family in families() {
        let few = family.task(5, Sizes { train: 10, dev: 10, test: 50 });
        let many = family.task(5, Sizes { train: 100, dev: 10, test: 50 });
        assert_eq!(few.test, many.test);
        assert_eq!(few.train, many.train[..10], "{}", family.name);
        assert_ne!(few.test, family.task(6, Sizes { train: 10, dev: 10, test: 50 }).test);
    }
}

#[test]
fn inputs_and_answers_are_short_plain_and_one_of_the_labels() {
    for family in families() {
        for example in draw_many(family, 500) {
            let (input, target) = (example.input.as_str(), example.target());
            assert!(input.is_ascii() && target.is_ascii());
            assert_eq!(example.targets.len(), 1);
            assert!((1..=15).contains(&input.split(' ').count()), "{}: {input}", family.name);
            assert!((1..=6).contains(&target.split(' ').count()), "{}: {target}", family.name);
            assert!(family.labels.is_empty() || family.labels.contains(&target), "{}: {target}", family.name);
        }
    }
}

/// Generated inputs and answers use few words beside numbers and the letters of codes.
#[test]
fn the_vocabulary_of_the_examples_is_small_and_closed() {
    let mut vocabulary = BTreeSet::new();
    for family in families() {
        for example in draw_many(family, 3_000) {
            for word in words_of(&example.input).chain(words_of(example.target())) {
                let code = word.len() == 2 && word.chars().all(|c| c.is_ascii_uppercase());
                if !code && !word.starts_with(|c: char| c.is_ascii_digit()) {
                    vocabulary.insert(word.to_owned());
                }
            }
        }
    }
    println!("{} words in examples", vocabulary.len());
    assert!((250..=420).contains(&vocabulary.len()), "{}: {vocabulary:?}", vocabulary.len());
}

#[test]
fn the_vocabulary_of_the_wordings_is_mostly_known_from_pretraining() {
    let lower = |texts: Vec<String>| -> BTreeSet<String> {
        texts.iter().flat_map(|text| words_of(text)).map(str::to_lowercase).collect()
    };
    let seen = lower(
        families()
            .iter()
            .flat_map(|f| f.pretraining_wordings())
            .map(|text| text.as_str().to_owned())
            .collect(),
    );
    let examples = lower(families().iter().flat_map(|f| draw_many(f, 300)).map(|e| e.input).collect());
    let held_out = lower(families().iter().flat_map(held_out).collect());
    let unknown: Vec<_> = held_out.iter().filter(|w| !seen.contains(*w) && !examples.contains(*w)).collect();
    println!("{} words seen, {} held out, {} of them unknown", seen.len(), held_out.len(), unknown.len());
    // Some unknown words are wanted: they make the hard end of the spectrum of wordings.
    assert!(unknown.len() * 2 < held_out.len(), "{unknown:?}");
    assert!(!unknown.is_empty() && seen.len() + unknown.len() < 1_000);
}

#[test]
fn wordings_are_distinct_plain_and_keep_their_labels() {
    let mut owner: BTreeMap<String, &str> = BTreeMap::new();
    for family in families() {
        let seen = family.pretraining_wordings();
        let all: Vec<String> = texts(&seen).into_iter().map(str::to_owned).chain(held_out(family)).collect();
        for text in all {
            assert!(text.is_ascii() && !text.contains("  "), "{text}");
            assert!(text.ends_with(['.', '?']), "{text}");
            for label in family.labels {
                assert!(words_of(&text).any(|word| word == *label), "{} loses {label}: {text}", family.name);
            }
            if let Some(other) = owner.insert(text.clone(), family.name) {
                panic!("{} and {other} share {text:?}", family.name);
            }
        }
    }
}

#[test]
fn cores_fit_their_frames() {
    for family in families() {
        for core in family.pretraining_cores.iter().chain(family.held_out_cores) {
            assert!(core.starts_with(|c: char| c.is_ascii_lowercase()), "{core}");
            assert!(!core.ends_with(['.', '?', '!', ' ']) && !core.contains(". "), "{core}");
            let first = words_of(core).next().unwrap();
            assert!(!family.labels.contains(&first), "a capital would change the label: {core}");
        }
        let seen: HashSet<_> = family.pretraining_cores.iter().collect();
        assert!(family.held_out_cores.iter().all(|core| !seen.contains(core)), "{}", family.name);
    }
}

#[test]
fn a_default_pool_is_twenty_mixed_paraphrases() {
    for family in families() {
        let pool = family.paraphrases(POOL_SIZE, POOL_SEED);
        assert_eq!(pool.len(), POOL_SIZE, "{}", family.name);
        assert_eq!((pool[0].id.as_str(), pool[19].id.as_str()), ("p01", "p20"));
        let sentences = pool.iter().filter(|v| v.origin.detail.as_deref() == Some("sentence")).count();
        assert!((6..=7).contains(&sentences), "{}: {sentences}", family.name);
        assert!(pool.iter().all(|v| v.origin.source == "grammar" && v.origin.seed == Some(POOL_SEED)));
        assert_eq!(pool, family.paraphrases(POOL_SIZE, POOL_SEED));
        assert_ne!(pool, family.paraphrases(POOL_SIZE, POOL_SEED + 1));
        assert!(family.paraphrases(0, 0).is_empty());
    }
}

#[test]
fn every_default_paraphrase_passes_the_guard() {
    for family in families() {
        let task = family.task(1, Sizes { train: 50, dev: 0, test: 0 });
        let rows = task.train.iter().map(|row| (row.input.as_str(), row.target()));
        let guard = Guard::new(&task.instruction, &task.labels).with_examples(rows);
        let pool = family.paraphrases(POOL_SIZE, POOL_SEED);
        for (i, variant) in pool.iter().enumerate() {
            let earlier = pool[..i].iter().map(|other| (other.id.as_str(), other.text.as_str()));
            assert_eq!(
                guard.check(variant.text.as_str(), earlier),
                vec![],
                "{}: {}",
                family.name,
                variant.text
            );
        }
    }
}

#[test]
fn a_seed_gives_the_same_benchmark_until_the_version_is_raised() {
    let mut digest = Sha256::new();
    for family in families() {
        digest.update(family.name);
        for example in draw_many(family, 20) {
            digest.update(format!("{}\t{}\n", example.input, example.target()));
        }
        for row in family.task(0, Sizes { train: 5, dev: 5, test: 5 }).test {
            digest.update(format!("{}\t{}\n", row.input, row.target()));
        }
        for text in texts(&family.pretraining_wordings()).into_iter().chain([family.original, family.suffix])
        {
            digest.update(text);
        }
        for variant in family.paraphrases(POOL_SIZE, POOL_SEED) {
            digest.update(variant.text.as_str());
        }
    }
    let hash = checksum::hexadecimal(&digest.finalize()[..8]);
    assert_eq!(format!("v{VERSION} {hash}"), GOLDEN, "raise VERSION if anything generated has changed");
}

/// The answer of a family found from the input alone, written without the generators.
fn solve(family: &str, input: &str) -> Option<String> {
    let list: Vec<&str> = input.split(' ').collect();
    let words: Vec<&str> = words_of(input).collect();
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let n = list.len();
    let is_number = |word: &&&str| word.parse::<u32>().is_ok();
    let only =
        |keep: &dyn Fn(&&&str) -> bool| list.iter().filter(keep).copied().collect::<Vec<_>>().join(" ");
    let any = |pool: &[&str]| list.iter().any(|word| pool.contains(word));
    let find = |pool: &[&'static str]| words.iter().find(|word| pool.contains(word)).map(|w| (*w).to_owned());
    let month = || words::MONTHS.iter().position(|(month, _)| words.contains(month));
    let yes_no = |answer: bool| Some(if answer { "yes" } else { "no" }.to_owned());
    let either = |answer: bool, one: &str, other: &str| Some(if answer { one } else { other }.to_owned());
    let field = |key: &str| {
        input.split("; ").find_map(|part| part.strip_prefix(key)?.strip_prefix(": ")).map(str::to_owned)
    };
    let cities: Vec<&'static str> = words::CAPITALS.iter().map(|(city, _)| *city).collect();
    let stop = || list.iter().position(|word| *word == "stop");
    let zibi = [words::TOY_ANIMALS, words::TOY_FOODS, words::TOY_COLORS].concat();
    let english = |word: &str| zibi.iter().find(|(toy, _)| *toy == word).map_or("?", |(_, english)| english);
    match family {
        "first-word" => Some(list[0].to_owned()),
        "last-word" => Some(list[n - 1].to_owned()),
        "second-word" => Some(list[1].to_owned()),
        "drop-first" => Some(list[1..].join(" ")),
        "drop-last" => Some(list[..n - 1].join(" ")),
        "reverse-three" => Some(format!("{} {} {}", list[2], list[1], list[0])),
        "swap-ends" => Some(format!("{} {} {}", list[n - 1], list[1..n - 1].join(" "), list[0])),
        "word-after-stop" => Some(list[stop()? + 1].to_owned()),
        "word-before-stop" => Some(list[stop()? - 1].to_owned()),
        "keep-animals" => Some(only(&|word| words::ANIMALS.contains(word))),
        "keep-numbers" => Some(only(&is_number)),
        "replace-numbers" => {
            Some(list.iter().map(|w| if is_number(&w) { "number" } else { w }).collect::<Vec<_>>().join(" "))
        }
        "remove-repeats" => {
            let fresh = list.iter().enumerate().filter(|(i, word)| !list[..*i].contains(word));
            Some(fresh.map(|(_, word)| *word).collect::<Vec<_>>().join(" "))
        }
        "first-last-equal" => yes_no(list[0] == list[n - 1]),
        "contains-animal" => yes_no(any(words::ANIMALS)),
        "contains-food" => yes_no(any(words::FOODS)),
        "contains-name" => yes_no(any(words::NAMES)),
        "largest-number" => numbers.iter().max().map(u32::to_string),
        "smallest-number" => numbers.iter().min().map(u32::to_string),
        "next-number" => Some((numbers[0] + 1).to_string()),
        "number-parity" => either(numbers[0].is_multiple_of(2), "even", "odd"),
        "number-over-fifty" => yes_no(numbers[0] > 50),
        "rising-or-falling" => either(numbers.is_sorted(), "rising", "falling"),
        "older-person" => either(numbers[0] > numbers[1], "first", "second"),
        "name-in-sentence" => find(words::NAMES),
        "city-in-sentence" => find(&cities),
        "color-in-sentence" | "code-color" => find(words::COLORS),
        "object-in-sentence" => find(&words::objects()),
        "past-or-future" => either(!words.contains(&"will"), "past", "future"),
        "question-or-statement" => {
            either(["Did", "Where", "Who"].contains(&words[0]), "question", "statement")
        }
        "person-or-thing" => either(words::NAMES.contains(&list[0]), "person", "thing"),
        "month-of-date" => Some(words::MONTHS[month()?].0.to_owned()),
        "season-of-date" => {
            Some(["winter", "spring", "summer", "autumn"][(month()? + 1) % 12 / 3].to_owned())
        }
        "half-of-year" => either(month()? < 6, "first", "second"),
        "year-of-date" => Some(numbers[1].to_string()),
        "iso-date" => Some(format!("{}-{:02}-{:02}", numbers[1], month()? + 1, numbers[0])),
        "weekend-or-weekday" => {
            either(words.contains(&"Saturday") || words.contains(&"Sunday"), "weekend", "weekday")
        }
        "code-digits" => Some(numbers[0].to_string()),
        "code-letters" => {
            let capitals: String = input.chars().filter(char::is_ascii_uppercase).collect();
            Some(capitals)
        }
        "record-city" => field("city"),
        "record-food" => field("food"),
        "kind-of-last" => {
            let kinds = [
                ("animal", words::ANIMALS),
                ("food", words::FOODS),
                ("tool", words::TOOLS),
                ("color", words::COLORS),
            ];
            kinds.iter().find(|(_, pool)| pool.contains(&list[n - 1])).map(|(kind, _)| (*kind).to_owned())
        }
        "same-kind" => {
            let kinds = [words::ANIMALS, words::FOODS, words::TOOLS, words::COLORS];
            yes_no(kinds.iter().any(|pool| list.iter().all(|word| pool.contains(word))))
        }
        "which-is-food" => either(words::FOODS.contains(&list[2]), "A", "B"),
        "opposite" => words::OPPOSITES.iter().find_map(|(one, other)| {
            let said = |w: &str| words.contains(&w);
            said(one).then_some(*other).or(said(other).then_some(*one)).map(str::to_owned)
        }),
        "plural" => {
            let noun = words[words.iter().position(|word| *word == "one")? + 1];
            let plural = match noun {
                "bus" => "buses".to_owned(),
                "fox" => "foxes".to_owned(),
                "dress" => "dresses".to_owned(),
                regular => format!("{regular}s"),
            };
            Some(plural)
        }
        "country-of-city" => {
            words::CAPITALS.iter().find(|(city, _)| words.contains(city)).map(|(_, c)| (*c).to_owned())
        }
        "city-or-country" => either(any_city(&words, &cities), "city", "country"),
        "warm-or-cool" => either(find(words::WARM_COLORS).is_some(), "warm", "cool"),
        "translate-phrase" => Some(list.iter().map(|word| english(word)).collect::<Vec<_>>().join(" ")),
        "translate-last" => Some(english(list[n - 1]).to_owned()),
        "toy-animal-or-food" => {
            either(words::TOY_ANIMALS.iter().any(|(toy, _)| words.contains(toy)), "animal", "food")
        }
        "sentiment" => {
            let good = words::GOOD.iter().any(|word| words.contains(word)) || words.contains(&"love");
            either(good, "positive", "negative")
        }
        "buy-again" => {
            let bad = ["broke", "apart", "waste", "never"];
            yes_no(!words.iter().any(|word| bad.contains(word)))
        }
        "mood" => {
            let sign = |pool: &[&str]| words.iter().any(|word| pool.contains(word));
            let happy = sign(&["smiled", "laughed", "danced", "cheered"]);
            let sad = sign(&["cried", "wept", "sighed", "mourned"]);
            either(happy, "happy", if sad { "sad" } else { "angry" })
        }
        "topic" => {
            let about = |pool: &[&str]| words.iter().any(|word| pool.contains(word));
            if about(&["tennis", "football", "hockey", "golf"]) {
                Some("sport".to_owned())
            } else if about(words::FOODS) {
                Some("food".to_owned())
            } else {
                either(about(&["ticket", "passport", "map", "suitcase"]), "travel", "weather")
            }
        }
        "formal-or-casual" => either(["Dear", "Honored"].contains(&words[0]), "formal", "casual"),
        _ => None,
    }
}

fn any_city(words: &[&str], cities: &[&str]) -> bool {
    words.iter().any(|word| cities.contains(word))
}

#[test]
fn every_answer_is_right() {
    for family in families() {
        for example in draw_many(family, 400) {
            let answer = solve(family.name, &example.input);
            assert_eq!(answer.as_deref(), Some(example.target()), "{}: {}", family.name, example.input);
        }
    }
}
