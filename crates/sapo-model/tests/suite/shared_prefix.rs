//! Texts that begin alike: what they share is computed once, in one call or for many, and no loss shows it. Tolerances as
//! in `invariance.rs`.

use proptest::prelude::*;
use proptest::sample::Index;
use sapo_model::{Device, Encoded, KeptPrefix, Kind, LanguageModel, SharedPrefix, TextGroup};
use serde_json::json;
use tch::Tensor;

use crate::fixtures::*;

const NOISE: f64 = 1e-5;

/// What follows a prefix: tokens, of which those from the second on may be targets.
fn rest() -> impl Strategy<Value = (Vec<i64>, usize)> {
    (prop::collection::vec(0_i64..288, 2..25), any::<Index>())
        .prop_map(|(ids, at)| (1 + at.index(ids.len() - 1), ids))
        .prop_map(|(target_start, ids)| (ids, target_start))
}

/// At most fifteen examples of at most 94 tokens, often with a prefix that is worth sharing.
fn examples() -> impl Strategy<Value = Vec<Encoded>> {
    (prop::collection::vec(0_i64..288, 0..70), prop::collection::vec(rest(), 1..16)).prop_map(
        |(prefix, rests)| {
            let joined = |(rest, target_start): (Vec<i64>, usize)| Encoded {
                ids: [&prefix[..], &rest].concat(),
                target_start: prefix.len() + target_start,
            };
            rests.into_iter().map(joined).collect()
        },
    )
}

fn alone(model: &LanguageModel, examples: &[Encoded]) -> Vec<f64> {
    examples.iter().map(|example| nll_sums(model, std::slice::from_ref(example), 1)[0]).collect()
}

fn assert_as_alone(what: &str, model: &LanguageModel, examples: &[Encoded], budget: usize) {
    assert_numbers_close(what, &nll_sums(model, examples, budget), &alone(model, examples), NOISE);
}

/// Calls about texts of several wordings, whose prefixes are kept between them.
#[derive(Debug)]
struct Calls {
    wordings: Vec<Vec<Encoded>>,
    /// The text of each wording from which a prefix is read, as much of it as can be: others share less.
    read: Vec<Index>,
    /// Of each call the texts asked about, of whichever wording.
    asked: Vec<Vec<(Index, Index)>>,
    budget: usize,
}

fn calls() -> impl Strategy<Value = Calls> {
    (1_usize..4).prop_flat_map(|wordings| {
        (
            prop::collection::vec(examples(), wordings),
            prop::collection::vec(any::<Index>(), wordings),
            prop::collection::vec(prop::collection::vec(any::<(Index, Index)>(), 1..12), 1..5),
            1_usize..400,
        )
            .prop_map(|(wordings, read, asked, budget)| Calls { wordings, read, asked, budget })
    })
}

impl Calls {
    /// A prefix of each wording, but for those that have none or that the model is too short for.
    fn read_prefixes(&self, model: &LanguageModel) -> Vec<Option<KeptPrefix>> {
        let beginning = |(texts, read): (&Vec<Encoded>, &Index)| {
            let text = read.get(texts);
            text.ids[..text.target_start - 1].to_vec()
        };
        let ids: Vec<Vec<i64>> = self.wordings.iter().zip(&self.read).map(beginning).collect();
        let some: Vec<&[i64]> = ids.iter().map(|ids| &ids[..]).filter(|ids| !ids.is_empty()).collect();
        let mut read = model.read_prefixes(&some, self.budget).into_iter();
        let prefixes: Vec<Option<KeptPrefix>> =
            ids.iter().map(|ids| if ids.is_empty() { None } else { read.next() }).collect();
        for (prefix, ids) in prefixes.iter().zip(&ids) {
            assert_eq!(prefix.as_ref().map_or(&[][..], KeptPrefix::ids), ids);
        }
        prefixes
    }

    fn assert_as_alone(&self, what: &str, model: &LanguageModel) {
        let prefixes = self.read_prefixes(model);
        for asked in &self.asked {
            let mut groups: Vec<TextGroup> = Vec::new();
            let mut texts: Vec<Vec<&Encoded>> = vec![Vec::new(); self.wordings.len()];
            for (wording, text) in asked {
                let wording = wording.index(self.wordings.len());
                texts[wording].push(text.get(&self.wordings[wording]));
            }
            for (prefix, texts) in prefixes.iter().zip(texts).filter(|(_, texts)| !texts.is_empty()) {
                groups.push(TextGroup { prefix: prefix.as_ref(), texts });
            }
            let flat: Vec<Encoded> =
                groups.iter().flat_map(|group| &group.texts).map(|&t| t.clone()).collect();
            let mut got = vec![f64::NAN; flat.len()];
            let mut tokens = 0;
            let on_loss = |text: usize, loss: sapo_model::ExampleLoss| {
                assert!(got[text].is_nan(), "each text is told of once");
                got[text] = loss.nll_sum;
                tokens += loss.tokens;
            };
            model.losses_after(&groups, self.budget, on_loss).unwrap();
            assert_eq!(tokens, flat.iter().map(Encoded::target_tokens).sum::<usize>());
            assert_numbers_close(what, &got, &alone(model, &flat), NOISE);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn prefixes_kept_between_calls_change_no_loss(calls in calls()) {
        on_every_checkpoint(|checkpoint| {
            calls.assert_as_alone("plain", &checkpoint.open());
            calls.assert_as_alone("with an adapter", &checkpoint.open_with_adapter());
            // what libtorch's attention computes on other devices
            let double = LanguageModel::open(&checkpoint.directory(), Kind::Double, Device::Cpu).unwrap();
            calls.assert_as_alone("in f64", &double);
        });
    }

    #[test]
    fn windows_count_a_kept_prefix(calls in calls(), window in 1_i64..100) {
        for name in ["mistral", "gemma2"] {
            let copy = copy_of(name);
            edit_json(&copy.path().join("config.json"), |config| config["sliding_window"] = json!(window));
            let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
            calls.assert_as_alone(&format!("{name}, window {window}"), &model);
        }
    }

    #[test]
    fn sharing_changes_no_loss(examples in examples(), budget in 1_usize..400) {
        on_every_checkpoint(|checkpoint| {
            assert_as_alone("plain", &checkpoint.open(), &examples, budget);
            let mut model = checkpoint.open_with_adapter();
            assert_as_alone("with an adapter", &model, &examples, budget);
            model.fold_lora(&checkpoint.lora());
            assert_as_alone("with a folded adapter", &model, &examples, budget);
        });
    }

    /// Shorter than the prefix, than the rest, and longer than both.
    #[test]
    fn a_window_of_any_width_is_kept(examples in examples(), budget in 1_usize..400, window in 1_i64..100) {
        for name in ["mistral", "gemma2"] {
            let copy = copy_of(name);
            edit_json(&copy.path().join("config.json"), |config| config["sliding_window"] = json!(window));
            let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
            assert_as_alone(&format!("{name}, window {window}"), &model, &examples, budget);
        }
    }
}

fn text(ids: impl IntoIterator<Item = i64>, targets: usize) -> Encoded {
    let ids: Vec<i64> = ids.into_iter().collect();
    Encoded { target_start: ids.len() - targets, ids }
}

/// Lists of which the first share nothing, the others a prefix.
fn edge_cases() -> Vec<(&'static str, bool, Vec<Encoded>)> {
    let long = || (0..66).map(|i| i * 31 % 288);
    let same = || text(long().chain([5, 6, 7]), 2);
    vec![
        ("one example", false, vec![same()]),
        ("little to share", false, vec![text(long().take(9), 2), text(long().take(20), 2)]),
        ("the same example again and again", true, vec![same(), same(), same()]),
        (
            "a prompt that others begin with",
            true,
            vec![text(long().take(41), 1), same(), same(), same(), same()],
        ),
        (
            "targets alone differ",
            true,
            vec![text(long().chain([9]), 1), text(long().chain([8, 4]), 2), same()],
        ),
    ]
}

#[test]
fn edge_cases_are_shared_and_exact() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        for (what, shared, examples) in edge_cases() {
            assert_eq!(!SharedPrefix::of(&examples).ids().is_empty(), shared, "{what}");
            assert_as_alone(what, &model, &examples, 4096);
        }
    });
}

/// Large batches are filled up with tokens that nobody asks about, more of them than a short table has positions.
#[test]
fn large_batches_fit_a_short_table_of_positions() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let rest = |i: i64| (0..59).map(move |place| (place * place + i * 17) % 288);
        for prefix in [0, 30] {
            let examples: Vec<Encoded> = (0..70).map(|i| text((0..prefix).chain(rest(i)), 2)).collect();
            assert_eq!(SharedPrefix::of(&examples).ids().len(), prefix as usize);
            let own = examples.len() * 59;
            assert!(own > 4096 && own % 256 < 256 - 96, "{own} tokens are filled up with more than 96");
            assert_as_alone("in one batch", &model, &examples, 8192);
        }
    });
}

/// bf16 has loops of its own too; f64 stands for what libtorch's attention computes on other devices.
#[test]
fn other_dtypes_share_too() {
    let tolerances = [(Kind::BFloat16, 3e-2), (Kind::Half, 2e-3), (Kind::Double, NOISE)];
    on_every_checkpoint(|checkpoint| {
        for (kind, tolerance) in tolerances {
            let model = LanguageModel::open(&checkpoint.directory(), kind, Device::Cpu).unwrap();
            for (what, _, examples) in edge_cases() {
                let (got, want) = (nll_sums(&model, &examples, 300), alone(&model, &examples));
                let (got, want) = (Tensor::from_slice(&got), Tensor::from_slice(&want));
                assert_close(&format!("{what} in {kind:?}"), &got, &want, tolerance);
            }
        }
    });
}

#[test]
fn a_kept_prefix_knows_its_size_and_what_texts_share_with_it() {
    let model = open("llama-tied");
    let config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("llama-tied/config.json")).unwrap()).unwrap();
    let of = |name: &str| config[name].as_u64().unwrap() as usize;
    let a_token = 2 * 4 * of("num_hidden_layers") * of("num_key_value_heads") * of("hidden_size")
        / of("num_attention_heads");
    let ids: Vec<i64> = (0..40).collect();
    let kept = model.read_prefixes(&[&ids, &ids[..7]], 4096);
    assert_eq!((kept[0].bytes(), kept[1].bytes()), (40 * a_token, 7 * a_token));

    let texts = [text(0..60, 3), text((0..30).chain([99, 98, 97]), 1)];
    let shared = |prefix, texts: &[&Encoded]| TextGroup { prefix, texts: texts.to_vec() }.shared();
    assert_eq!(shared(Some(&kept[0]), &[&texts[0]]), 40);
    assert_eq!(shared(Some(&kept[0]), &[&texts[0], &texts[1]]), 30);
    assert_eq!(shared(Some(&kept[1]), &[&texts[1]]), 7);
    // the last token of a prompt is never shared: the target is predicted from it
    assert_eq!(shared(Some(&kept[0]), &[&text(0..41, 3)]), 37);
    assert_eq!(shared(None, &[&texts[0]]), 0);
}

#[test]
fn groups_refuse_what_a_list_refuses() {
    let model = open("llama-tied");
    let (fits, empty) = (text(0..9, 2), Encoded { ids: vec![1, 2], target_start: 2 });
    let groups = [&fits, &empty].map(|text| TextGroup { prefix: None, texts: vec![&fits, text] });
    let refused = model.losses_after(&groups, 100, |_, _| ()).unwrap_err();
    assert!(matches!(refused, sapo_model::ModelError::NoTarget { index: 3 }), "{refused}");
}
