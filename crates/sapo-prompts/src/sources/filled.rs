use super::{BankError, ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError, id};

/// One source, and another for what the first lacks.
///
/// A bank that does not know the instruction lacks everything. Any other error of the first is an error.
pub struct Filled<'a> {
    /// Asked first.
    pub first: &'a mut dyn ParaphraseSource,
    /// Asked for the rest.
    pub rest: &'a mut dyn ParaphraseSource,
}

impl ParaphraseSource for Filled<'_> {
    fn name(&self) -> &str {
        self.first.name()
    }

    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError> {
        let mut made = match self.first.paraphrase(request, on_progress) {
            Err(SourceError::Bank(BankError::NoEntry { .. })) => Paraphrases::default(),
            made => made?,
        };
        if made.variants.len() == request.count {
            return Ok(made);
        }
        // as many as were asked for, because some may be there already
        let rest = self.rest.paraphrase(request, &mut |_| ())?;
        made.dropped.extend(rest.dropped);
        let guard = request.guard();
        for variant in rest.variants {
            if made.variants.len() == request.count {
                break;
            }
            let earlier = made.variants.iter().map(|variant| (variant.id.as_str(), variant.text.as_str()));
            if guard.check(variant.text.as_str(), earlier).is_empty() {
                made.variants.push(variant);
            }
        }
        for (number, variant) in made.variants.iter_mut().enumerate() {
            variant.id = id(number + 1);
        }
        on_progress(made.variants.len());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bank, Grammar, pool_from};
    use super::*;
    use crate::Instruction;

    #[test]
    fn the_grammar_fills_what_the_bank_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let mut bank = Bank::open(folder.path()).unwrap();
        let mut filled = Filled { first: &mut bank, rest: &mut Grammar };
        let request = ParaphraseRequest::new(Instruction::new("Write a poem on the text."), vec![], 5, 1);
        let pool = pool_from(&mut filled, &request, &mut |_| ()).unwrap();
        assert_eq!(pool.paraphrases().len(), 5);
        assert!(pool.paraphrases().iter().all(|variant| variant.origin.source == "grammar"));
        assert_eq!(pool.paraphrases()[4].id, "p05");
    }

    #[test]
    fn errors_of_the_first_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/t.json"), "no bank file").unwrap();
        let mut damaged = Bank::open(folder.path()).unwrap();
        let mut filled = Filled { first: &mut damaged, rest: &mut Grammar };
        let request = ParaphraseRequest::new(Instruction::new("Write a poem on the text."), vec![], 5, 1);
        assert!(filled.paraphrase(&request, &mut |_| ()).is_err());
    }
}
