//! A new byte-level BPE tokenizer for a base model of our own, written as ordinary Hugging Face files.

use std::path::Path;

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizerSequence;
use tokenizers::{AddedToken, DecoderWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerBuilder};

use crate::ModelError;
use crate::weights::write_whole;

/// Ends a text and pads.
const END_OF_TEXT: &str = "<|endoftext|>";
const USER: &str = "<|user|>";
const ASSISTANT: &str = "<|assistant|>";
const END: &str = "<|end|>";

/// The chat template of the base models that ship with the project.
const CHAT_TEMPLATE: &str = "{% for message in messages %}{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}\
{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}\
{% if add_generation_prompt %}<|assistant|>{% endif %}";

/// Trains a tokenizer of `vocab_size` entries on `texts` and writes `tokenizer.json` and `tokenizer_config.json`.
///
/// A space is put before the first word of a turn, so that a word is the same token at its start and within; digits
/// stand alone where `single_digits` is set.
///
/// # Errors
/// Names the file that cannot be written, or what the trainer refused.
pub fn train_tokenizer(
    texts: impl Iterator<Item = String> + Send,
    vocab_size: usize,
    single_digits: bool,
    max_tokens: usize,
    directory: &Path,
) -> Result<(), ModelError> {
    let refused = |error: tokenizers::Error| ModelError::Tokenizer {
        path: directory.to_path_buf(),
        problem: format!("training: {error}"),
    };
    let special: Vec<AddedToken> =
        [END_OF_TEXT, USER, ASSISTANT, END].iter().map(|&text| AddedToken::from(text, true)).collect();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(special.clone())
        .build();
    let byte_level = ByteLevel::new(true, true, true);
    let pre_tokenizer: PreTokenizerWrapper = if single_digits {
        // In the other order every digit would get a prefix space of its own, and "12" would come back as "1 2".
        PreTokenizerSequence::new(vec![byte_level.into(), Digits::new(true).into()]).into()
    } else {
        byte_level.into()
    };
    let mut tokenizer = TokenizerBuilder::default()
        .with_model(BPE::default())
        .with_normalizer(None::<tokenizers::NormalizerWrapper>)
        .with_pre_tokenizer(Some(pre_tokenizer))
        .with_post_processor(None::<PostProcessorWrapper>)
        .with_decoder(Some(DecoderWrapper::from(byte_level)))
        .build()
        .map_err(refused)?;
    tokenizer.train(&mut trainer, texts).map_err(refused)?;
    tokenizer.add_special_tokens(special).map_err(refused)?;

    std::fs::create_dir_all(directory).map_err(ModelError::io("create", directory))?;
    let json = tokenizer.to_string(true).map_err(refused)?;
    write_whole(&directory.join("tokenizer.json"), format!("{json}\n").as_bytes())?;
    let config = serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_tokens,
        "eos_token": END,
        "pad_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": false,
        "chat_template": CHAT_TEMPLATE,
    });
    write_whole(&directory.join("tokenizer_config.json"), format!("{config:#}\n").as_bytes())
}
