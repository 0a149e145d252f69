//! What the experiment binaries share: where streams come from, the comparison of arms, the corpora of the base models.

pub mod comparison;
pub mod corpora;
pub mod places;
pub mod streams;
