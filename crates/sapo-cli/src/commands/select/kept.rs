//! Where losses are kept, so that nothing is computed twice.

use std::path::PathBuf;

use clap::Args;
use sapo_lab::user_cache;
use sapo_model::{FileHashes, LanguageModel};
use sapo_probes::{Scorer, StoreError};

#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    /// Folder where losses are kept, so that none is computed twice [default: losses in SAPO_CACHE, or in ~/.cache/sapo]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Keep no losses, and use none that were kept
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

impl CacheArgs {
    /// A scorer as `new` makes it, and whether it keeps its losses: in one file for each state of a model. Where the folder
    /// was not asked for, or another process has the file, it works without, and says so.
    pub(super) fn scorer<'a>(
        &self,
        model: &'a LanguageModel,
        new: impl Fn() -> Scorer<'a>,
    ) -> anyhow::Result<(Scorer<'a>, bool)> {
        if self.no_cache {
            return Ok((new(), false));
        }
        let folder = self.cache.clone().unwrap_or_else(|| user_cache("losses"));
        let mut hashes = FileHashes::with_memo(&folder.join("models.json"));
        let Some(state) = model.state(&mut hashes)? else { return Ok((new(), false)) };
        match new().kept_in(&folder.join(format!("{state}.scores")), &mut hashes) {
            Ok(scorer) => Ok((scorer, true)),
            Err(error) if self.cache.is_some() && !matches!(error, StoreError::InUse { .. }) => {
                Err(error.into())
            }
            Err(error) => {
                tracing::warn!("losses are not kept: {error}");
                Ok((new(), false))
            }
        }
    }
}
