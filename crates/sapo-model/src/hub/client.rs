//! Requests to the Hub, one after the other.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Response, Url};
use sapo_http::{Http, bearer, begins_at};
use serde::Deserialize;

use super::cache::is_commit;
use super::{HubError, Token, is_plain};

const LIST: &str = "its list of files";

/// The files of a model at one commit.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    #[serde(rename = "sha")]
    pub(super) commit: String,
    #[serde(rename = "siblings")]
    pub(super) files: Vec<RemoteFile>,
}

/// A file on the Hub.
#[derive(Debug, Deserialize)]
pub(super) struct RemoteFile {
    #[serde(rename = "rfilename")]
    pub(super) name: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    size: u64,
    sha256: String,
}

/// The content of a file, by which caches name it.
#[derive(Debug)]
pub(super) struct Blob<'a> {
    /// SHA-256 of a large file, Git's own hash of another one: the Hub's ETag.
    pub(super) name: &'a str,
    pub(super) size: u64,
    pub(super) sha256: Option<&'a str>,
}

impl RemoteFile {
    /// What the file holds, where the list says so.
    pub(super) fn blob(&self) -> Option<Blob<'_>> {
        let blob = match &self.lfs {
            Some(large) => Blob { name: &large.sha256, size: large.size, sha256: Some(&large.sha256) },
            None => Blob { name: self.blob_id.as_deref()?, size: self.size?, sha256: None },
        };
        is_plain(blob.name).then_some(blob)
    }
}

/// Asks for one model.
pub(super) struct Client {
    http: Http,
    endpoint: String,
    headers: HeaderMap,
    pub(super) model: String,
}

impl Client {
    pub(super) fn new(endpoint: &str, token: Option<&Token>, model: &str) -> Result<Self, HubError> {
        let failed = |problem: String| HubError::Client { problem };
        let mut headers = HeaderMap::new();
        if let Some(Token(token)) = token {
            let value =
                bearer(token).ok_or_else(|| failed("HF_TOKEN holds characters that no token has".into()))?;
            headers.insert(AUTHORIZATION, value);
        }
        let url =
            Url::parse(endpoint).map_err(|error| failed(format!("HF_ENDPOINT {endpoint:?}: {error}")))?;
        Ok(Self {
            http: Http::for_files(&url).map_err(|error| failed(error.to_string()))?,
            endpoint: endpoint.to_string(),
            headers,
            model: model.to_string(),
        })
    }

    /// The files of a revision.
    pub(super) fn list(&self, revision: &str) -> Result<Listing, HubError> {
        let (endpoint, model) = (&self.endpoint, &self.model);
        let revision = revision.replace('/', "%2F");
        let response =
            self.get(&format!("{endpoint}/api/models/{model}/revision/{revision}?blobs=true"), LIST, 0)?;
        let body = self.http.wait(response.bytes()).map_err(|error| self.unreachable(LIST, error))?;
        let listing: Listing =
            serde_json::from_slice(&body).map_err(|error| self.malformed(LIST, error.to_string()))?;
        if !is_commit(&listing.commit) {
            return Err(self.malformed(LIST, format!("expected a commit, got {:?}", listing.commit)));
        }
        Ok(listing)
    }

    /// Begins to read a file at `from`; says where the answer really begins, which is there or at 0.
    pub(super) fn open(&self, commit: &str, file: &str, from: u64) -> Result<(Response, u64), HubError> {
        let url = format!("{}/{}/resolve/{commit}/{file}", self.endpoint, self.model);
        let response = self.get(&url, file, from)?;
        let begin = begins_at(&response, from);
        Ok((response, begin))
    }

    /// The next piece of an answer.
    pub(super) fn read(&self, response: &mut Response) -> reqwest::Result<Option<impl AsRef<[u8]> + use<>>> {
        self.http.next_piece(response)
    }

    fn get(&self, url: &str, what: &str, from: u64) -> Result<Response, HubError> {
        let response =
            self.http.get(url, &self.headers, from).map_err(|error| self.unreachable(what, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(HubError::Status {
            model: self.model.clone(),
            endpoint: self.endpoint.clone(),
            what: what.to_string(),
            status: response.status().as_u16(),
        })
    }

    fn unreachable(&self, what: &str, source: reqwest::Error) -> HubError {
        HubError::Unreachable {
            model: self.model.clone(),
            endpoint: self.endpoint.clone(),
            what: what.to_string(),
            source: source.without_url(), // an address that a redirect gave may hold a signature
        }
    }

    pub(super) fn malformed(&self, what: &str, problem: String) -> HubError {
        HubError::Malformed { model: self.model.clone(), what: what.to_string(), problem }
    }

    pub(super) fn no_file(&self, file: &str) -> HubError {
        HubError::NoFile { model: self.model.clone(), file: file.to_string() }
    }

    /// Says which weights are there instead.
    pub(super) fn no_safetensors(&self, listing: &Listing) -> HubError {
        const OTHER_WEIGHTS: [&str; 9] =
            [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".gguf", ".safetensors"];
        let is_weights = |name: &&str| OTHER_WEIGHTS.iter().any(|ending| name.ends_with(ending));
        let names: Vec<&str> =
            listing.files.iter().map(|file| file.name.as_str()).filter(is_weights).collect();
        let found = if names.is_empty() { "none at all".to_string() } else { names.join(", ") };
        HubError::NoSafetensors { model: self.model.clone(), found }
    }
}
