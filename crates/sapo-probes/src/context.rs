use std::rc::Rc;

use sapo_model::{Decoding, Encoded, Generation, LanguageModel, SharedPrefix, TokenStats};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task, layout};

use crate::encode::encode;
use crate::gradients::{EarlierTasks, Fisher, LoraGradient, task_gradient};
use crate::{FreshLora, Kept, ProbeError, Tokens};

/// What probes look at: one state of a model, one task, some of its examples, and what is kept of earlier tasks.
///
/// It borrows the model for as long as it lives, so that nobody changes the state under it, and remembers what several
/// probes need: what concerns a wording until another one is asked about, what concerns earlier tasks to its end. So a
/// study of many probes goes through the wordings in its outer loop and through the probes in its inner one.
#[derive(Debug)]
pub struct ProbeContext<'a> {
    setting: Setting<'a>,
    wording: Option<(Instruction, Known)>,
    earlier: Option<Rc<EarlierTasks>>,
    fisher: Option<Rc<Fisher>>,
    spent: Tokens,
}

/// What a context is made of.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The model in its current state, without an attached adapter where gradients are asked for.
    pub model: &'a LanguageModel,
    /// The task that comes next.
    pub task: &'a Task,
    /// Some of its training examples.
    pub examples: &'a [Example],
    /// Padded tokens in one batch.
    pub token_budget: usize,
    /// Small samples of earlier tasks; empty before the second task.
    pub kept: &'a [Kept<'a>],
    /// The adapter with which the task's training will begin.
    pub adapter: FreshLora,
}

/// What is known of one wording, each with the tokens that it took.
#[derive(Debug, Default)]
struct Known {
    stats: Option<(Rc<Vec<TokenStats>>, Tokens)>,
    gradient: Option<(Rc<LoraGradient>, Tokens)>,
    /// With the longest answer that was allowed.
    answers: Option<(usize, Rc<Vec<String>>, Tokens)>,
}

impl<'a> ProbeContext<'a> {
    /// Nothing is measured yet.
    pub fn new(setting: Setting<'a>) -> Self {
        Self { setting, wording: None, earlier: None, fisher: None, spent: Tokens::default() }
    }

    /// The model, unchanged by all that was asked.
    pub fn model(&self) -> &'a LanguageModel {
        self.setting.model
    }

    /// The task that comes next.
    pub fn task(&self) -> &'a Task {
        self.setting.task
    }

    /// The examples that probes look at.
    pub fn examples(&self) -> &'a [Example] {
        self.setting.examples
    }

    /// Padded tokens in one batch.
    pub fn token_budget(&self) -> usize {
        self.setting.token_budget
    }

    /// All tokens that went through the model so far; what was remembered did not go again.
    pub fn spent(&self) -> Tokens {
        self.spent
    }

    /// Loss and entropy of every target token of every example, in one pass.
    pub(crate) fn token_stats(
        &mut self,
        wording: &Instruction,
    ) -> Result<(Rc<Vec<TokenStats>>, Tokens), ProbeError> {
        if let Some((stats, tokens)) = &self.known(wording).stats {
            return Ok((stats.clone(), *tokens));
        }
        let Setting { model, task, examples, token_budget, .. } = &self.setting;
        let encoded = encode(model, task, wording, examples)?;
        let stats = model.token_stats(&encoded, *token_budget, |_| {}).map_err(ProbeError::model(task))?;
        let found = (Rc::new(stats), Tokens::forward(SharedPrefix::of(&encoded).forward_tokens()));
        self.spent += found.1;
        self.known(wording).stats = Some(found.clone());
        Ok(found)
    }

    /// Minus the log-probability of every token of the wording alone but for the first, in nats.
    pub(crate) fn wording_nll(&mut self, wording: &Instruction) -> Result<(Vec<f64>, Tokens), ProbeError> {
        let Setting { model, task, token_budget, .. } = &self.setting;
        let ids = model.codec().encode_text(wording.as_str()).map_err(ProbeError::model(task))?;
        if ids.len() < 2 {
            return Err(ProbeError::Undefined {
                task: task.name.clone(),
                problem: format!(
                    "the wording {:?} has {} token(s), expected two: the first is predicted from nothing",
                    wording.as_str(),
                    ids.len()
                ),
            });
        }
        let tokens = Tokens::forward(ids.len());
        let stats = model
            .token_stats(&[Encoded { ids, target_start: 1 }], *token_budget, |_| {})
            .map_err(ProbeError::model(task))?;
        self.spent += tokens;
        Ok((stats.into_iter().flat_map(|stats| stats.nll).collect(), tokens))
    }

    /// Greedy answers to all examples, each of at most `max_new_tokens`.
    pub(crate) fn answers(
        &mut self,
        wording: &Instruction,
        max_new_tokens: usize,
    ) -> Result<(Rc<Vec<String>>, Tokens), ProbeError> {
        if let Some((longest, answers, tokens)) = &self.known(wording).answers
            && *longest == max_new_tokens
        {
            return Ok((answers.clone(), *tokens));
        }
        let Setting { model, task, examples, token_budget, .. } = &self.setting;
        if examples.is_empty() {
            return Err(ProbeError::Examples { task: task.name.clone(), expected: 1, got: 0 });
        }
        let encode =
            |example: &Example| model.codec().encode_prompt(&layout::prompt(task, wording, &example.input));
        let prompts: Vec<Vec<i64>> =
            examples.iter().map(encode).collect::<Result<_, _>>().map_err(ProbeError::model(task))?;
        let answers = model
            .generate(&prompts, Decoding::Greedy, max_new_tokens, *token_budget, |_| {})
            .map_err(ProbeError::model(task))?;
        let tokens = Tokens::forward(Generation::forward_tokens(&prompts, &answers));
        let answers: Rc<Vec<String>> = Rc::new(answers.into_iter().map(|answer| answer.text).collect());
        self.spent += tokens;
        self.known(wording).answers = Some((max_new_tokens, answers.clone(), tokens));
        Ok((answers, tokens))
    }

    /// The gradient of the task's loss.
    pub(crate) fn gradient(
        &mut self,
        wording: &Instruction,
    ) -> Result<(Rc<LoraGradient>, Tokens), ProbeError> {
        if let Some((gradient, tokens)) = &self.known(wording).gradient {
            return Ok((gradient.clone(), *tokens));
        }
        let Setting { model, task, examples, token_budget, adapter, .. } = &self.setting;
        let (gradient, tokens) = task_gradient(model, adapter, task, wording, examples, *token_budget)?;
        let found = (Rc::new(gradient), tokens);
        self.spent += tokens;
        self.known(wording).gradient = Some(found.clone());
        Ok(found)
    }

    /// The mean gradient of the earlier tasks.
    pub(crate) fn earlier(&mut self) -> Result<Rc<EarlierTasks>, ProbeError> {
        if let Some(earlier) = &self.earlier {
            return Ok(earlier.clone());
        }
        let Setting { model, token_budget, adapter, kept, .. } = &self.setting;
        let earlier = Rc::new(EarlierTasks::new(model, adapter, kept, *token_budget)?);
        self.spent += earlier.tokens;
        self.earlier = Some(earlier.clone());
        Ok(earlier)
    }

    /// The diagonal Fisher information of the earlier tasks.
    pub(crate) fn fisher(&mut self) -> Result<Rc<Fisher>, ProbeError> {
        if let Some(fisher) = &self.fisher {
            return Ok(fisher.clone());
        }
        let Setting { model, adapter, kept, .. } = &self.setting;
        let fisher = Rc::new(Fisher::new(model, adapter, kept)?);
        self.spent += fisher.tokens;
        self.fisher = Some(fisher.clone());
        Ok(fisher)
    }

    /// What is known of a wording; what is known of another one is forgotten.
    fn known(&mut self, wording: &Instruction) -> &mut Known {
        let same = self.wording.as_ref().is_some_and(|(known, _)| known == wording);
        let known = self.wording.take().filter(|_| same).map(|(_, known)| known).unwrap_or_default();
        &mut self.wording.insert((wording.clone(), known)).1
    }

    pub(crate) fn task_name(&self) -> &str {
        &self.setting.task.name
    }
}
