use std::cell::Cell;

use super::ChatError;

/// How much may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests, those that failed and were sent again among them.
    pub calls: u64,
    /// Tokens of prompts and answers together.
    pub tokens: u64,
}

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Requests sent.
    pub calls: u64,
    /// Tokens of prompts and answers, those that could not be used among them, as the endpoint counts them; where it does
    /// not, the most that they can be.
    pub tokens: u64,
    /// Answers taken from the cache.
    pub from_cache: u64,
}

/// Keeps [`Spent`] below a [`Budget`]: a request reserves the most that it can cost before it is sent.
#[derive(Debug)]
pub(super) struct Purse {
    budget: Budget,
    spent: Cell<Spent>,
    reserved_tokens: Cell<u64>,
}

impl Purse {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, spent: Cell::default(), reserved_tokens: Cell::default() }
    }

    pub(super) fn spent(&self) -> Spent {
        self.spent.get()
    }

    pub(super) fn note_cached(&self) {
        self.change(|spent| spent.from_cache += 1);
    }

    /// Counts a request that may cost `tokens`.
    pub(super) fn reserve(&self, tokens: u64) -> Result<(), ChatError> {
        let spent = self.spent.get();
        let refuse =
            |what, limit| ChatError::Budget { what, limit, calls: spent.calls, tokens: spent.tokens };
        if spent.calls >= self.budget.calls {
            return Err(refuse("calls", self.budget.calls));
        }
        let taken = spent.tokens.saturating_add(self.reserved_tokens.get());
        if taken.saturating_add(tokens) > self.budget.tokens {
            return Err(refuse("tokens", self.budget.tokens));
        }
        self.change(|spent| spent.calls += 1);
        self.reserved_tokens.set(self.reserved_tokens.get() + tokens);
        Ok(())
    }

    /// Puts what a request did cost in place of what was reserved for it.
    pub(super) fn settle(&self, reserved: u64, cost: u64) {
        self.reserved_tokens.set(self.reserved_tokens.get() - reserved);
        self.change(|spent| spent.tokens = spent.tokens.saturating_add(cost));
    }

    fn change(&self, change: impl FnOnce(&mut Spent)) {
        let mut spent = self.spent.get();
        change(&mut spent);
        self.spent.set(spent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_spent_than_allowed() {
        let purse = Purse::new(Budget { calls: 3, tokens: 100 });
        purse.reserve(60).unwrap();
        assert!(matches!(purse.reserve(60), Err(ChatError::Budget { what: "tokens", limit: 100, .. })));
        purse.settle(60, 10);
        purse.reserve(60).unwrap();
        purse.settle(60, 0); // refused
        purse.reserve(90).unwrap();
        purse.settle(90, 40);
        assert!(matches!(purse.reserve(1), Err(ChatError::Budget { what: "calls", limit: 3, .. })));
        assert_eq!(purse.spent(), Spent { calls: 3, tokens: 50, from_cache: 0 });
    }
}
