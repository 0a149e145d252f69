//! The scorer against every text alone, what it sends through the model, and what it keeps for another process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ops::Range;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use sapo_model::{
    Device, Encoded, ExampleLoss, FileHashes, Kind, LanguageModel, LoraConfig, ModelError, SharedPrefix,
    runtime, train_tokenizer,
};
use sapo_probes::{PreUpdateLoss, Reduction, Scored, Scorer, StoreError};
use sapo_prompts::Instruction;
use sapo_tasks::builtin::{POOL_SEED, Sizes, family};
use sapo_tasks::{Example, Task, layout};

const BUDGET: usize = 300;
const LAYERS: usize = 2;
const KEY_VALUE_HEADS: usize = 2;
const HEAD_DIM: usize = 8;

/// A model of random weights whose tokenizer has tokens of several line ends and of spaces before them: of a wording that
/// ends in one, the last token reaches over its end.
struct Fixture {
    folder: tempfile::TempDir,
    model: LanguageModel,
    task: Task,
    /// The first two are long; the last three end in white space.
    wordings: Vec<Instruction>,
}

impl Fixture {
    fn new() -> Self {
        runtime::init(1);
        let task = family("mood").unwrap().task(5, Sizes { train: 24, dev: 0, test: 0 });
        let original = task.instruction.as_str();
        let mut wordings = vec![[original; 4].join(" "), [original; 3].join(" ")];
        let paraphrases = family("mood").unwrap().paraphrases(2, POOL_SEED);
        wordings.extend(paraphrases.into_iter().map(|variant| variant.text.to_string()));
        wordings.extend(["\n", "  ", "\n\n\n"].map(|end| format!("{original}{end}")));
        let wordings: Vec<Instruction> = wordings.into_iter().map(Instruction::new).collect();

        let folder = tempfile::tempdir().unwrap();
        let prompt = |wording, example: &Example| layout::prompt(&task, wording, &example.input);
        let texts: Vec<String> = wordings
            .iter()
            .flat_map(|wording| task.train.iter().map(move |example| (wording, example)))
            .map(|(wording, example)| prompt(wording, example))
            .collect();
        train_tokenizer(texts.into_iter(), 400, true, 256, folder.path()).unwrap();
        let config = serde_json::json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 400, "hidden_size": 32,
            "intermediate_size": 64, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
            "num_key_value_heads": KEY_VALUE_HEADS, "head_dim": HEAD_DIM, "max_position_embeddings": 256,
            "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true,
            "initializer_range": 0.3,
        });
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let fresh = LanguageModel::fresh(folder.path(), 1, Kind::Float, Device::Cpu).unwrap();
        fresh.save_weights(folder.path(), Kind::Float).unwrap();
        let model = open(folder.path());
        Self { folder, model, task, wordings }
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::new(&self.model, &self.task, &self.task.train, BUDGET)
    }

    fn text(&self, wording: usize, example: usize) -> Encoded {
        let Example { input, .. } = &self.task.train[example];
        let prompt = layout::prompt(&self.task, &self.wordings[wording], input);
        self.model.codec().encode_example(&prompt, self.task.train[example].target()).unwrap()
    }

    fn texts(&self, wording: usize, examples: impl IntoIterator<Item = usize>) -> Vec<Encoded> {
        examples.into_iter().map(|example| self.text(wording, example)).collect()
    }

    fn assert_as_alone(&self, wording: usize, examples: &[usize], scored: &[Scored]) {
        assert_eq!(examples.len(), scored.len());
        for (&example, scored) in examples.iter().zip(scored) {
            let text = self.text(wording, example);
            let alone = self.model.example_losses(&[text], 1, |_| ()).unwrap()[0];
            assert_eq!(scored.loss.tokens, alone.tokens);
            let error = (scored.loss.nll_sum - alone.nll_sum).abs() / alone.nll_sum;
            assert!(error <= 1e-5, "wording {wording}, example {example}: {error:e}");
        }
    }
}

fn open(folder: &Path) -> LanguageModel {
    LanguageModel::open(folder, Kind::Float, Device::Cpu).unwrap()
}

fn forward(scored: &[Scored]) -> usize {
    scored.iter().map(|scored| scored.forward_tokens).sum()
}

fn whole(texts: &[Encoded]) -> usize {
    texts.iter().map(|text| text.ids.len()).sum()
}

#[test]
fn tokens_reach_over_the_end_of_wordings() {
    let fixture = Fixture::new();
    let reaches = |place: &usize| {
        let opening = format!("<|user|>{}", fixture.wordings[*place]); // the chat template's, then the wording
        let alone = fixture.model.codec().encode_text(&opening).unwrap();
        !fixture.text(*place, 0).ids.starts_with(&alone)
    };
    let reaching: Vec<usize> = (0..fixture.wordings.len()).filter(reaches).collect();
    assert!(reaching.len() >= 2 && reaching.iter().all(|place| *place >= 4), "{reaching:?}");
}

#[test]
fn texts_that_are_given_are_taken_as_they_are() {
    let fixture = Fixture::new();
    let given = fixture.texts(1, 0..fixture.task.train.len());
    let mut scorer = fixture.scorer().with_texts(&fixture.wordings[0], &given);
    fixture.assert_as_alone(1, &[3, 5], &scorer.losses(&fixture.wordings[0], &[3, 5]).unwrap());
    // others are made
    fixture.assert_as_alone(2, &[3], &scorer.losses(&fixture.wordings[2], &[3]).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Calls in any order, about one wording or several, about known examples again, with room for all prefixes, for
    /// some, or for none.
    #[test]
    fn every_loss_is_that_of_the_text_alone(
        calls in prop::collection::vec(
            (prop::collection::vec(any::<Index>(), 1..4), prop::collection::vec(any::<Index>(), 1..9)), 1..10
        ),
        room in prop::sample::select(vec![0_usize, 20_000, usize::MAX]),
    ) {
        let fixture = Fixture::new();
        let mut scorer = fixture.scorer().with_prefix_memory(room);
        for (wordings, examples) in calls {
            let wordings: Vec<usize> = wordings.iter().map(|w| w.index(fixture.wordings.len())).collect();
            let examples: Vec<usize> = examples.iter().map(|e| e.index(fixture.task.train.len())).collect();
            let instructions: Vec<&Instruction> = wordings.iter().map(|&w| &fixture.wordings[w]).collect();
            let scored = scorer.losses_of_each(&instructions, &examples).unwrap();
            for (&wording, scored) in wordings.iter().zip(&scored) {
                fixture.assert_as_alone(wording, &examples, scored);
            }
            // and nothing is measured a second time
            let again = scorer.losses_of_each(&instructions, &examples).unwrap();
            prop_assert_eq!(again.iter().map(|scored| forward(scored)).sum::<usize>(), 0);
        }
    }
}

#[test]
fn a_prefix_is_read_once_for_all_calls() {
    let fixture = Fixture::new();
    let mut scorer = fixture.scorer();
    let calls: [Vec<usize>; 4] = [(0..10).collect(), (10..15).collect(), vec![20], (15..20).collect()];
    let first = fixture.texts(0, calls[0].clone());
    let kept = SharedPrefix::of(&first).ids();
    assert!(kept.len() > 20);
    assert_eq!(
        forward(&scorer.losses(&fixture.wordings[0], &calls[0]).unwrap()),
        SharedPrefix::of(&first).forward_tokens()
    );
    for call in &calls[1..] {
        let shares = |text: &Encoded| {
            kept.iter().zip(&text.ids[..text.target_start - 1]).take_while(|(a, b)| a == b).count()
        };
        let texts = fixture.texts(0, call.clone());
        let shared = texts.iter().map(shares).min().unwrap();
        let scored = scorer.losses(&fixture.wordings[0], call).unwrap();
        assert_eq!(forward(&scored), whole(&texts) - shared * texts.len());
    }
}

/// The first of few examples pays for those to come; where none can come, for nobody.
#[test]
fn a_prefix_is_read_where_more_texts_may_come() {
    let fixture = Fixture::new();
    let texts = fixture.texts(0, 0..2);
    assert_eq!(SharedPrefix::of(&texts).forward_tokens(), whole(&texts), "for two texts it is not worth it");
    let shared = SharedPrefix::of_many_calls(&texts, 2).ids().len();
    assert!(shared > 0);
    let cost = |population: usize| {
        let examples = &fixture.task.train[..population];
        let mut scorer = Scorer::new(&fixture.model, &fixture.task, examples, BUDGET);
        forward(&scorer.losses(&fixture.wordings[0], &[0, 1]).unwrap())
    };
    assert_eq!(cost(24), whole(&texts) - shared);
    assert_eq!(cost(2), whole(&texts));
}

#[test]
fn prefixes_that_nobody_asks_for_make_room() {
    let fixture = Fixture::new();
    let ask = |scorer: &mut Scorer, wording: usize, examples: Range<usize>| {
        forward(&scorer.losses(&fixture.wordings[wording], &examples.collect::<Vec<_>>()).unwrap())
    };
    let alone = |wording: usize, examples: Range<usize>| whole(&fixture.texts(wording, examples));
    let tokens = SharedPrefix::of(&fixture.texts(0, 0..10)).ids().len();
    let bytes = tokens * 2 * LAYERS * KEY_VALUE_HEADS * HEAD_DIM * 4;

    let mut scorer = fixture.scorer().with_prefix_memory(bytes);
    ask(&mut scorer, 0, 0..10);
    ask(&mut scorer, 1, 0..10);
    assert!(ask(&mut scorer, 0, 10..12) < alone(0, 10..12), "the first is kept");
    assert_eq!(ask(&mut scorer, 1, 10..12), alone(1, 10..12), "the second found no room");
    // the first is asked about no more: the second may have its place
    ask(&mut scorer, 1, 12..22);
    assert!(ask(&mut scorer, 1, 22..23) < alone(1, 22..23), "the second is kept");
    assert_eq!(ask(&mut scorer, 0, 12..13), alone(0, 12..13), "the first gave way");
}

#[test]
fn equal_texts_are_measured_once() {
    let mut fixture = Fixture::new();
    fixture.task.train[3] = fixture.task.train[0].clone();
    let mut scorer = fixture.scorer();
    let wording = &fixture.wordings[1];
    let scored = scorer.losses_of_each(&[wording, wording], &[0, 3, 0]).unwrap();
    let (first, rest) = scored[0].split_at(1);
    let once = fixture.text(1, 0).ids.len();
    assert_eq!((forward(first), forward(rest), forward(&scored[1])), (once, 0, 0));
    assert!(scored.iter().flatten().all(|other| other.loss == scored[0][0].loss));
}

#[test]
fn what_does_not_fit_is_named_by_its_place_in_the_population() {
    let mut fixture = Fixture::new();
    fixture.task.train[7].input = "word ".repeat(300);
    let refused = fixture.scorer().losses(&fixture.wordings[0], &[2, 7]).unwrap_err();
    assert!(matches!(refused, ModelError::TooLong { index: 7, .. }), "{refused}");
}

#[test]
fn a_file_of_scores_pays_for_nothing_twice() {
    let fixture = Fixture::new();
    let file = fixture.folder.path().join("kept/scores");
    let hashes = &mut FileHashes::default();
    let wordings: Vec<&Instruction> = fixture.wordings.iter().collect();
    let kept = |model: &LanguageModel, hashes: &mut FileHashes| -> Result<Vec<Scored>, StoreError> {
        let scorer = Scorer::new(model, &fixture.task, &fixture.task.train, BUDGET);
        let scored = scorer.kept_in(&file, hashes)?.losses_of_each(&wordings, &[1, 2, 3]);
        Ok(scored.unwrap().into_iter().flatten().collect())
    };
    let first = kept(&fixture.model, hashes).unwrap();
    assert!(forward(&first) > 0);
    let again = kept(&fixture.model, hashes).unwrap();
    assert_eq!(forward(&again), 0);
    assert!(first.iter().zip(&again).all(|(a, b)| a.loss == b.loss));

    // another state of the same model
    let config = LoraConfig::new(2, 64.0, &["q_proj", "v_proj"]);
    let mut trained = open(fixture.folder.path());
    trained.attach_lora(&config, 3).unwrap();
    tch::no_grad(|| trained.lora_parameters().iter_mut().for_each(|tensor| drop(tensor.uniform_(-0.5, 0.5))));
    let adapter = fixture.folder.path().join("adapter");
    trained.fold_lora(&config).save(&adapter, "base").unwrap();
    let mut adapted = open(fixture.folder.path());
    adapted.fold_adapter_from(&adapter).unwrap();
    let other = kept(&adapted, hashes).unwrap();
    assert_eq!(forward(&other), forward(&first));
    assert!(first.iter().zip(&other).all(|(a, b)| a.loss != b.loss));
    assert_eq!(forward(&kept(&fixture.model, hashes).unwrap()), 0, "one file serves both");

    // weights that no file decides
    let refused = kept(&trained, hashes).unwrap_err();
    assert!(matches!(refused, StoreError::Unnamed { .. }), "{refused}");
}

#[test]
fn the_probe_reduces_all_examples_in_their_order() {
    let fixture = Fixture::new();
    let wording = &fixture.wordings[2];
    let mut scorer = fixture.scorer();
    let all: Vec<usize> = (0..24).collect();
    let losses: Vec<ExampleLoss> =
        scorer.losses(wording, &all).unwrap().iter().map(|scored| scored.loss).collect();
    for reduction in [Reduction::TokenMean, Reduction::ExampleMean, Reduction::HfBatchMean] {
        let measured = PreUpdateLoss { reduction }.ask(&mut scorer, wording).unwrap();
        assert_eq!(measured, reduction.of(&losses).map(|value| (value, 0)));
    }
    let mut of_nothing = Scorer::new(&fixture.model, &fixture.task, &[], BUDGET);
    assert_eq!(PreUpdateLoss::default().ask(&mut of_nothing, wording).unwrap(), None);
}
