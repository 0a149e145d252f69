/// The loss of one arm on one example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Sum over the target tokens of minus the log-probability, in nats.
    pub nll_sum: f64,
    /// Number of target tokens, at least 1; the same under every arm.
    pub target_tokens: u64,
    /// Tokens that went forward through the model for this observation.
    pub forward_tokens: u64,
}

/// Whatever kept an oracle from answering.
pub type OracleError = Box<dyn std::error::Error + Send + Sync>;

/// Anything that answers "loss of arm a on example i": a model, or a recorded table.
pub trait LossOracle {
    /// Number of arms K.
    fn arms(&self) -> usize;

    /// Number of examples N in the population.
    fn examples(&self) -> usize;

    /// How long the wording of an arm is, in a unit of the oracle's choice that is the same for all arms (words,
    /// characters, tokens); `None` where it cannot tell. Only `shortest` and `longest` ask.
    fn length(&self, arm: usize) -> Option<usize> {
        let _ = arm;
        None
    }

    /// What one training step under an arm would do to earlier tasks, in nats a token: the predicted change of their
    /// loss, so that lower is better; `None` where the oracle cannot tell (there is no earlier task, or no gradient).
    /// Only `interference-aware` asks, and only about the arms that its race leaves.
    ///
    /// # Errors
    /// Whatever kept the oracle from answering.
    fn interference(&mut self, arm: usize) -> Result<Option<f64>, OracleError> {
        let _ = arm;
        Ok(None)
    }

    /// The losses of one arm on the given examples, in their order.
    ///
    /// # Errors
    /// Whatever kept the oracle from answering.
    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError>;

    /// The losses of several arms on the same examples, arm by arm in their order: one that answers faster about many at
    /// once says so here.
    ///
    /// # Errors
    /// As [`LossOracle::observe`].
    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        arms.iter().map(|&arm| self.observe(arm, examples)).collect()
    }
}
