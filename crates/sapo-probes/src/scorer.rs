use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use sapo_model::{
    Encoded, ExampleLoss, FileHashes, KeptPrefix, LanguageModel, ModelError, SharedPrefix, TextGroup,
};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task, layout};

use crate::score_store::{ScoreKey, ScoreStore, StoreError};

/// Losses of a task's examples under wordings, each of which may be asked about again and again: forward only, and
/// nothing goes through the model twice.
///
/// A text is tokenised when it is first asked about. What a wording's texts begin with is read once and kept while the
/// wording may be asked about further examples ([`KeptPrefix`]). A loss that is known is not measured again, within one
/// scorer or, with [`Scorer::kept_in`], after a restart.
///
/// It borrows the model for as long as it lives, so that nobody changes the state under it.
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a LanguageModel,
    task: &'a Task,
    examples: &'a [Example],
    token_budget: usize,
    wordings: Vec<Wording<'a>>,
    /// Places in `wordings`.
    places: HashMap<Instruction, usize>,
    scores: ScoreStore,
    prefix_memory: usize,
    /// Counts calls.
    now: u64,
}

/// The loss of one example under one wording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The loss.
    pub loss: ExampleLoss,
    /// Tokens that went through the model for it: what the wording's texts share counts with the first example that it
    /// was read for, and a loss that was known counts 0.
    pub forward_tokens: usize,
}

/// What is known of one wording.
#[derive(Debug)]
struct Wording<'a> {
    instruction: Instruction,
    /// Texts of all examples, where they were given.
    given: Option<&'a [Encoded]>,
    /// Texts of the examples that it was asked about.
    texts: HashMap<usize, Text<'a>>,
    prefix: Option<KeptPrefix>,
    /// Whether a prefix found no room once, so that later texts cannot be counted on to go on from it.
    found_no_room: bool,
    /// The last call in which it was asked about, and the one before that.
    asked: [u64; 2],
}

#[derive(Debug)]
struct Text<'a> {
    encoded: Cow<'a, Encoded>,
    key: ScoreKey,
}

/// Texts of one wording whose losses are not known.
struct New {
    wording: usize,
    /// Of these examples.
    examples: Vec<usize>,
}

/// Bytes of keys and values that are kept at most: those of 20 prefixes of 120 tokens with the 1.2 billion parameters of
/// Llama 3.2, in f32, are 157 MB.
const PREFIX_MEMORY: usize = 512 << 20;

impl<'a> Scorer<'a> {
    /// Nothing is asked yet. `token_budget`: padded tokens in one batch.
    pub fn new(
        model: &'a LanguageModel,
        task: &'a Task,
        examples: &'a [Example],
        token_budget: usize,
    ) -> Self {
        Self {
            model,
            task,
            examples,
            token_budget,
            wordings: Vec::new(),
            places: HashMap::new(),
            scores: ScoreStore::default(),
            prefix_memory: PREFIX_MEMORY,
            now: 0,
        }
    }

    /// The same, before anything is asked, with losses that outlive the process in a file: those that the model has
    /// measured before in the state that it is in now are not measured again. `hashes` names the state.
    ///
    /// # Errors
    /// Says why the file cannot be used, or that the state has no name.
    pub fn kept_in(self, path: &Path, hashes: &mut FileHashes) -> Result<Self, StoreError> {
        let state = self.model.state(hashes)?;
        let state = state.ok_or_else(|| StoreError::Unnamed { path: path.to_path_buf() })?;
        let new = Self::new(self.model, self.task, self.examples, self.token_budget);
        Ok(Self { scores: ScoreStore::open(path, state)?, prefix_memory: self.prefix_memory, ..new })
    }

    /// The same, with at most so many bytes of keys and values kept between calls. A prefix that finds no room is read
    /// again in each call in which that is worth it.
    #[must_use]
    pub fn with_prefix_memory(self, bytes: usize) -> Self {
        Self { prefix_memory: bytes, ..self }
    }

    /// The same, with the texts of a wording, one for each example in their order, from whoever has made them before: they
    /// are not tokenised again.
    #[must_use]
    pub fn with_texts(mut self, wording: &Instruction, texts: &'a [Encoded]) -> Self {
        let place = self.place(wording);
        self.wordings[place].given = Some(texts);
        self
    }

    /// The examples that it can be asked about.
    pub fn examples(&self) -> &'a [Example] {
        self.examples
    }

    /// The losses of the given examples (indices into [`Scorer::examples`]) under a wording, in their order.
    ///
    /// # Errors
    /// When an example does not fit the model; its index is that of [`Scorer::examples`].
    pub fn losses(&mut self, wording: &Instruction, examples: &[usize]) -> Result<Vec<Scored>, ModelError> {
        Ok(self.losses_of_each(&[wording], examples)?.into_iter().flatten().collect())
    }

    /// The losses of the same examples under each of several wordings, measured together: few examples of each of many
    /// wordings take little more time than as many of one.
    ///
    /// # Errors
    /// As [`Scorer::losses`].
    pub fn losses_of_each(
        &mut self,
        wordings: &[&Instruction],
        examples: &[usize],
    ) -> Result<Vec<Vec<Scored>>, ModelError> {
        self.now += 1;
        let places: Vec<usize> = wordings.iter().map(|wording| self.place(wording)).collect();
        let mut keys = Vec::with_capacity(places.len());
        for &place in &places {
            keys.push(self.encode(place, examples)?);
        }
        let new = self.unknown(&places, examples, &keys);
        let mut forward_tokens = self.measure(&new)?;
        let mut scored = |key: ScoreKey| Scored {
            loss: self.scores.known(key),
            forward_tokens: forward_tokens.remove(&key).unwrap_or(0),
        };
        Ok(keys.into_iter().map(|keys| keys.into_iter().map(&mut scored).collect()).collect())
    }

    /// The place of a wording, which is asked about now.
    fn place(&mut self, wording: &Instruction) -> usize {
        let place = self.places.get(wording).copied().unwrap_or_else(|| {
            self.wordings.push(Wording::new(wording.clone()));
            self.places.insert(wording.clone(), self.wordings.len() - 1);
            self.wordings.len() - 1
        });
        let asked = &mut self.wordings[place].asked;
        if asked[0] < self.now {
            *asked = [self.now, asked[0]];
        }
        place
    }

    /// Makes the texts of a wording that are not made yet; the keys of all.
    fn encode(&mut self, place: usize, examples: &[usize]) -> Result<Vec<ScoreKey>, ModelError> {
        let Wording { instruction, given, texts, .. } = &mut self.wordings[place];
        let mut key = |&example: &usize| match texts.entry(example) {
            Entry::Occupied(text) => Ok(text.get().key),
            Entry::Vacant(vacant) => {
                let encoded = match given {
                    Some(given) => Cow::Borrowed(&given[example]),
                    None => {
                        let Example { input, .. } = &self.examples[example];
                        let prompt = layout::prompt(self.task, instruction, input);
                        let target = self.examples[example].target();
                        Cow::Owned(self.model.codec().encode_example(&prompt, target)?)
                    }
                };
                encoded.check(example, self.model.max_tokens())?;
                let key = self.scores.key(&encoded);
                Ok(vacant.insert(Text { encoded, key }).key)
            }
        };
        examples.iter().map(&mut key).collect()
    }

    /// The texts whose losses are not known, each once.
    fn unknown(&self, places: &[usize], examples: &[usize], keys: &[Vec<ScoreKey>]) -> Vec<New> {
        let mut seen = HashSet::new();
        let mut of_wording = |(&wording, keys): (&usize, &Vec<ScoreKey>)| {
            let mut is_new = |key: &ScoreKey| !self.scores.knows(*key) && seen.insert(*key);
            let new = examples.iter().zip(keys).filter(|(_, key)| is_new(key));
            New { wording, examples: new.map(|(&example, _)| example).collect() }
        };
        let new = places.iter().zip(keys).map(&mut of_wording);
        new.filter(|new| !new.examples.is_empty()).collect()
    }

    /// Measures texts, and tells for each the tokens that went through the model for it.
    fn measure(&mut self, new: &[New]) -> Result<HashMap<ScoreKey, usize>, ModelError> {
        let read = self.read_prefixes(new);
        let (mut groups, mut keys, mut forward_tokens) = (Vec::new(), Vec::new(), HashMap::new());
        for (new, read) in new.iter().zip(&read) {
            let wording = &self.wordings[new.wording];
            let texts = || new.examples.iter().map(|example| &wording.texts[example]);
            let prefix = read.as_ref().or(wording.prefix.as_ref());
            let group = TextGroup { prefix, texts: texts().map(|text| &*text.encoded).collect() };
            let (shared, mut before) = (group.shared(), read.as_ref().map_or(0, |read| read.ids().len()));
            for text in texts() {
                forward_tokens
                    .insert(text.key, std::mem::take(&mut before) + text.encoded.ids.len() - shared);
                keys.push(text.key);
            }
            groups.push(group);
        }
        let scores = &mut self.scores;
        self.model.losses_after(&groups, self.token_budget, |text, loss| scores.add(keys[text], loss))?;
        self.keep(new, read);
        Ok(forward_tokens)
    }

    /// For each wording of which none is kept, reads what its new texts begin with, where that is worth it.
    fn read_prefixes(&self, new: &[New]) -> Vec<Option<KeptPrefix>> {
        let worth_reading = |new: &New| {
            let wording = &self.wordings[new.wording];
            let more = if wording.found_no_room { 0 } else { self.expected(wording) };
            let texts = new.examples.iter().map(|example| &*wording.texts[example].encoded);
            let shared = SharedPrefix::of_many_calls(texts, more).ids();
            Some(shared).filter(|shared| wording.prefix.is_none() && !shared.is_empty())
        };
        let shared: Vec<Option<&[i64]>> = new.iter().map(worth_reading).collect();
        let ids: Vec<&[i64]> = shared.iter().copied().flatten().collect();
        let mut read = self.model.read_prefixes(&ids, self.token_budget).into_iter();
        shared.into_iter().map(|shared| shared.and_then(|_| read.next())).collect()
    }

    /// Further texts of a wording that calls to come may ask about: as many as were asked about, or all that are left. A
    /// rule that has come so far with a wording goes on with it, or drops it.
    fn expected(&self, wording: &Wording) -> usize {
        let left = self.examples.len() - wording.texts.len();
        wording.texts.len().min(left)
    }

    /// Keeps prefixes that were just read for the calls to come, as far as there are any and there is room.
    fn keep(&mut self, new: &[New], read: Vec<Option<KeptPrefix>>) {
        for (new, read) in new.iter().zip(read) {
            let wording = &self.wordings[new.wording];
            if wording.texts.len() == self.examples.len() {
                self.wordings[new.wording].prefix = None;
            } else if let Some(read) = read {
                let has_room = self.make_room(read.bytes(), wording.asked[1]);
                let wording = &mut self.wordings[new.wording];
                wording.found_no_room = !has_room;
                wording.prefix = has_room.then_some(read);
            }
        }
    }

    /// Whether so many more bytes can be kept for a wording that was asked about in this call and `before`. Prefixes that
    /// have not been asked about since then give way, the most forgotten first; others stay, so that wordings that are
    /// asked about in turn do not push each other out.
    fn make_room(&mut self, bytes: usize, before: u64) -> bool {
        let bytes_of = |wording: &Wording| wording.prefix.as_ref().map_or(0, KeptPrefix::bytes);
        loop {
            let kept: usize = self.wordings.iter().map(bytes_of).sum();
            if kept + bytes <= self.prefix_memory {
                return true;
            }
            let idle = |wording: &&mut Wording| wording.prefix.is_some() && wording.asked[0] < before;
            let forgotten = self.wordings.iter_mut().filter(idle).min_by_key(|wording| wording.asked[0]);
            match forgotten {
                Some(wording) => wording.prefix = None,
                None => return false,
            }
        }
    }
}

impl Wording<'_> {
    fn new(instruction: Instruction) -> Self {
        Self {
            instruction,
            given: None,
            texts: HashMap::new(),
            prefix: None,
            found_no_room: false,
            asked: [0; 2],
        }
    }
}
