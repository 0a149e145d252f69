//! Answers on disk, one file each, named by the hash of what was asked.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sapo_files::checksum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ChatError;
use super::protocol::Completion;
use crate::atomic;

const VERSION: u32 = 1;

/// A folder of answers.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// The file of an answer: for people, what was asked is in it too.
#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    base: &'a str,
    request: &'a Map<String, Value>,
    answer: &'a Completion,
    unix_time: u64,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    answer: Completion,
}

/// The name of a request: what is asked of which endpoint, and nothing else (the key is no part of it).
pub(super) fn name(base: &str, body: &Map<String, Value>) -> String {
    // serde_json keeps the order of fields, which `body` decides
    let asked = serde_json::json!([base, body]).to_string();
    checksum::of_bytes(asked.as_bytes())
}

impl Cache {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(&name[..2]).join(format!("{name}.json"))
    }

    /// The answer of that name. A file that holds none is not one: it is asked for again.
    pub(super) fn get(&self, name: &str) -> Result<Option<Completion>, ChatError> {
        let path = self.path(name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ChatError::Cache { operation: "read", path, source }),
        };
        match serde_json::from_slice::<Read>(&bytes) {
            Ok(read) if read.version == VERSION => Ok(Some(read.answer)),
            _ => {
                tracing::warn!("{}: no answer that can be read; it is asked for again", path.display());
                Ok(None)
            }
        }
    }

    /// Keeps an answer; the file appears whole or not at all.
    pub(super) fn put(
        &self,
        name: &str,
        base: &str,
        request: &Map<String, Value>,
        answer: &Completion,
    ) -> Result<(), ChatError> {
        let path = self.path(name);
        let unix_time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        let failed = |source| ChatError::Cache { operation: "write", path: path.clone(), source };
        let written = Written { version: VERSION, base, request, answer, unix_time };
        let text = serde_json::to_string_pretty(&written).map_err(|error| failed(error.into()))? + "\n";
        std::fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(failed)?;
        atomic::write(&path, text.as_bytes()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finish;
    use super::*;

    #[test]
    fn answers_are_kept_by_what_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let request = |seed: u64| Map::from_iter([("seed".to_owned(), Value::from(seed))]);
        let (one, two) = (name("http://a", &request(1)), name("http://a", &request(2)));
        assert!(one != two && one != name("http://b", &request(1)));
        let answer = Completion { text: "Hi {}".into(), finish: Finish::Stop, tokens: None };
        assert_eq!(cache.get(&one).unwrap(), None);
        cache.put(&one, "http://a", &request(1), &answer).unwrap();
        assert_eq!(cache.get(&one).unwrap(), Some(answer));
        assert_eq!(cache.get(&two).unwrap(), None);

        std::fs::write(cache.path(&one), "{\"version\": 1, \"ans").unwrap();
        assert_eq!(cache.get(&one).unwrap(), None, "what is damaged is asked for again");
        std::fs::remove_file(cache.path(&one)).unwrap();
        std::fs::create_dir(cache.path(&one)).unwrap();
        assert!(matches!(cache.get(&one), Err(ChatError::Cache { operation: "read", .. })));
    }
}
