//! Models by name: `org/name` from the Hugging Face Hub, kept in the cache that its other tools use.
//!
//! The variables are those of Python's `huggingface_hub`, and so is the cache: a model that either has downloaded is
//! found by the other. Only the files that a model needs are fetched, and never a pickle.
//!
//! Why not the crate `hf-hub`: its version 0.5 sends the token on to the host that a download is redirected to, checks
//! neither size nor hash of what came, and knows neither `HF_TOKEN` nor `HF_HUB_OFFLINE`; its version 1.0 brings a second
//! HTTP client and three hundred crates.

mod cache;
mod client;
mod error;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use error::HubError;

use crate::weights::{INDEX, SINGLE, shards};
use cache::{RepositoryCache, is_commit};
use client::{Client, Listing, RemoteFile};

/// What a model cannot do without, beside its weights.
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];

/// What is fetched beside the weights, where it is there.
const TEXT_FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// A model on the Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Repository {
    /// `org/name`
    id: String,
    /// A branch, a tag or a commit.
    revision: String,
}

impl Repository {
    /// Reads `org/name` or `org/name@revision`; anything else is none.
    fn parse(text: &str) -> Option<Self> {
        let (id, revision) = text.split_once('@').unwrap_or((text, "main"));
        let (organisation, name) = id.split_once('/')?;
        let all_plain = [organisation, name].into_iter().chain(revision.split('/')).all(is_plain);
        all_plain.then(|| Self { id: id.to_string(), revision: revision.to_string() })
    }
}

/// Whether a name is safe as one part of a path and of an address.
fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes().all(allowed) && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// How far the download of one file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadProgress<'a> {
    /// `org/name`
    pub repository: &'a str,
    /// The file's name.
    pub file: &'a str,
    /// Bytes that are here; not 0 at the beginning where an earlier download is gone on with.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// Where models are asked for by name, and where they are kept.
#[derive(Debug)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<Token>,
    offline: bool,
}

/// A secret: it goes into one header and nowhere else.
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl Hub {
    /// The Hub as the environment says.
    ///
    /// | variable | default | |
    /// |---|---|---|
    /// | `HF_HOME` | `huggingface` in `XDG_CACHE_HOME` or `~/.cache` | folder of cache and token |
    /// | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE` | `$HF_HOME/hub` | the cache |
    /// | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` | the file `HF_TOKEN_PATH`, or `$HF_HOME/token` | sent to the endpoint alone |
    /// | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | not set | no token is sent |
    /// | `HF_ENDPOINT` | `https://huggingface.co` | a mirror |
    /// | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` | not set | the cache alone, no request |
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// As [`Hub::from_env`], with the variables that a function gives.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |names: &[&str]| names.iter().find_map(|name| set(name)).map(PathBuf::from);
        let text = |names: &[&str]| names.iter().find_map(|name| set(name)?.into_string().ok());
        let is_on = |names: &[&str]| {
            text(names)
                .is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
        };
        let home = path(&["HF_HOME"])
            .or_else(|| Some(path(&["XDG_CACHE_HOME"])?.join("huggingface")))
            .or_else(|| Some(path(&["HOME"])?.join(".cache/huggingface")))
            .unwrap_or_else(|| PathBuf::from(".cache/huggingface"));
        let token = || {
            let file = path(&["HF_TOKEN_PATH"]).unwrap_or_else(|| home.join("token"));
            let token = text(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
                .or_else(|| std::fs::read_to_string(file).ok())?;
            Some(token.trim().to_string()).filter(|token| !token.is_empty()).map(Token)
        };
        Self {
            token: if is_on(&["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) { None } else { token() },
            cache: path(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]).unwrap_or_else(|| home.join("hub")),
            endpoint: text(&["HF_ENDPOINT"])
                .map_or_else(|| "https://huggingface.co".into(), |url| url.trim_end_matches('/').into()),
            offline: is_on(&["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]),
        }
    }

    /// The folder of a model given as a folder, or by name as `org/name` or `org/name@revision`; a folder that is there
    /// wins. A model of a name is downloaded unless the cache has it; where the Hub does not answer, the cache does.
    ///
    /// # Errors
    /// Names the model, the file and what came.
    pub fn model_folder(
        &self,
        given: &Path,
        on_progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<PathBuf, HubError> {
        if given.is_dir() {
            return Ok(given.to_path_buf());
        }
        let name = given.to_str().filter(|_| !given.exists());
        let repository = name
            .and_then(Repository::parse)
            .ok_or_else(|| HubError::NeitherFolderNorName { given: given.to_path_buf() })?;
        self.snapshot(&repository, on_progress)
    }

    fn snapshot(
        &self,
        repository: &Repository,
        on_progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<PathBuf, HubError> {
        let cache = RepositoryCache::new(&self.cache, &repository.id);
        let cached = cache.snapshot_of(&repository.revision).filter(|folder| is_whole(folder));
        if let Some(folder) = &cached
            && (self.offline || is_commit(&repository.revision))
        {
            return Ok(folder.clone());
        }
        if self.offline {
            return Err(HubError::NotCached {
                model: repository.id.clone(),
                revision: repository.revision.clone(),
                cache: self.cache.clone(),
            });
        }
        let client = Client::new(&self.endpoint, self.token.as_ref(), &repository.id)?;
        match (client.list(&repository.revision), cached) {
            (Ok(listing), _) => download(&client, &cache, &repository.revision, &listing, on_progress),
            (Err(error), Some(folder)) => {
                let folder_shown = folder.display();
                tracing::warn!("{error}; the cached {folder_shown} is used, which may be older");
                Ok(folder)
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// Fetches what the model needs, the weights last: a folder with all its weights has the rest as well.
fn download(
    client: &Client,
    cache: &RepositoryCache,
    revision: &str,
    listing: &Listing,
    on_progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<PathBuf, HubError> {
    let find = |name: &str| listing.files.iter().find(|file| file.name == name);
    let find_or_refuse = |name: &str| find(name).ok_or_else(|| client.no_file(name));
    for name in REQUIRED {
        find_or_refuse(name)?;
    }
    let weights = find(SINGLE).or_else(|| find(INDEX)).ok_or_else(|| client.no_safetensors(listing))?;
    let mut fetch = |file: &RemoteFile| cache.fetch(client, &listing.commit, file, &mut *on_progress);
    for file in TEXT_FILES.into_iter().filter_map(find) {
        fetch(file)?;
    }
    fetch(weights)?;
    let folder = cache.snapshot(&listing.commit);
    if weights.name == INDEX {
        for shard in shards(&folder, &folder.join(INDEX))? {
            let name = shard.strip_prefix(&folder).unwrap_or(&shard).to_string_lossy().into_owned();
            // "weights/../../x" and pickles can be written into an index
            if !is_plain(&name) || !name.ends_with(".safetensors") {
                return Err(
                    client.malformed(INDEX, format!("lists {name:?}, expected safetensors files beside it"))
                );
            }
            fetch(find_or_refuse(&name)?)?;
        }
    }
    cache.point(revision, &listing.commit)?;
    Ok(folder)
}

/// Whether a folder has all that [`LanguageModel::open`](crate::LanguageModel::open) reads.
fn is_whole(folder: &Path) -> bool {
    let index = folder.join(INDEX);
    let has_weights = || {
        folder.join(SINGLE).exists()
            || shards(folder, &index).is_ok_and(|paths| paths.iter().all(|path| path.exists()))
    };
    REQUIRED.iter().all(|name| folder.join(name).exists()) && has_weights()
}

/// What to call the model in a folder: `org/name` where the folder is in the Hub's cache, otherwise the folder's name.
pub fn model_name(folder: &Path) -> String {
    let part = |path: Option<&Path>| path?.file_name()?.to_str().map(String::from);
    let of_hub = || {
        let snapshots = folder.parent().filter(|snapshots| snapshots.ends_with("snapshots"))?;
        Some(part(snapshots.parent())?.strip_prefix("models--")?.replacen("--", "/", 1))
    };
    of_hub().or_else(|| part(Some(folder))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_slash_and_may_name_a_revision() {
        let repository = |id: &str, revision: &str| {
            Some(Repository { id: id.to_string(), revision: revision.to_string() })
        };
        assert_eq!(Repository::parse("org/name"), repository("org/name", "main"));
        assert_eq!(Repository::parse("org/na-me_1.5B@v1.0"), repository("org/na-me_1.5B", "v1.0"));
        assert_eq!(Repository::parse("org/name@refs/pr/1"), repository("org/name", "refs/pr/1"));
        for wrong in [
            "",
            "/",
            "name",
            "org/",
            "/name",
            "./name",
            "../name",
            "a/b/c",
            "org/name/",
            "org/na me",
            "org/name@",
            "org/name@..",
            "org/name@a/../b",
            "org/name@a//b",
            "~/name",
            "org/näme",
            "org/name@a@b",
        ] {
            assert_eq!(Repository::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_model_is_called_by_its_repository_or_its_folder() {
        let name = |path: &str| model_name(Path::new(path));
        assert_eq!(name("/cache/models--org--na--me/snapshots/0123"), "org/na--me");
        assert_eq!(name("data/base/nano"), "nano");
        assert_eq!(name("snapshots/nano"), "nano");
    }

    #[test]
    fn variables_are_those_of_huggingface_hub() {
        let hub = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| OsString::from(v.1));
            Hub::from_variables(find)
        };
        let home = ("HOME", "/home/me");
        assert_eq!(hub(&[home]).cache, Path::new("/home/me/.cache/huggingface/hub"));
        assert_eq!(hub(&[home, ("XDG_CACHE_HOME", "/x")]).cache, Path::new("/x/huggingface/hub"));
        assert_eq!(hub(&[home, ("HF_HOME", "/hf")]).cache, Path::new("/hf/hub"));
        assert_eq!(hub(&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")]).cache, Path::new("/old"));
        let both = [("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/new")];
        assert_eq!(hub(&both).cache, Path::new("/new"));

        assert_eq!(hub(&[home]).endpoint, "https://huggingface.co");
        assert_eq!(hub(&[("HF_ENDPOINT", "http://mirror/hf/")]).endpoint, "http://mirror/hf");
        let offline = |value| hub(&[("HF_HUB_OFFLINE", value)]).offline;
        assert!(offline("1") && offline("true") && !offline("0") && !offline(""));

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from_file\n").unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        let token = |variables: &[(&str, &str)]| hub(variables).token.map(|token| token.0);
        assert_eq!(token(&[home]).unwrap(), "from_file");
        assert_eq!(token(&[home, ("HF_TOKEN", " from_variable\n")]).unwrap(), "from_variable");
        assert_eq!(token(&[home, ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        assert_eq!(token(&[("HF_HOME", "/nowhere")]), None);
        assert!(!format!("{:?}", hub(&[home])).contains("from_file"));
    }
}
