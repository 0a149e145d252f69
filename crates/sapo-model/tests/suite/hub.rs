//! Models by name, against a stand-in for the Hub.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sapo_model::{Device, Hub, HubError, Kind, LanguageModel, directory_sha256, model_name};

use crate::fixtures::*;
use crate::stand_in::{Answer, Repository, Request, StandIn};

const TOKEN: &str = "hf_veryVerySecret";
const LISTING: &str = "/api/models/org/tiny/revision/main?blobs=true";

/// Splits `model.safetensors` into two shards with an index.
fn shard(directory: &Path) {
    let single = directory.join("model.safetensors");
    let mut first = tch::Tensor::read_safetensors(&single).unwrap();
    let second = first.split_off(7);
    let mut weight_map = serde_json::Map::new();
    for (file, named) in [("model-1-of-2.safetensors", &first), ("model-2-of-2.safetensors", &second)] {
        tch::Tensor::write_safetensors(named, directory.join(file)).unwrap();
        weight_map.extend(named.iter().map(|(name, _)| (name.clone(), file.into())));
    }
    let index = serde_json::json!({ "weight_map": weight_map });
    std::fs::write(directory.join("model.safetensors.index.json"), index.to_string()).unwrap();
    std::fs::remove_file(single).unwrap();
}

/// A cache of its own, and the Hub at a stand-in.
struct Place {
    home: tempfile::TempDir,
    url: String,
}

impl Place {
    fn new(server: &StandIn) -> Self {
        Self { home: tempfile::tempdir().unwrap(), url: server.url.clone() }
    }

    /// The Hub with more variables set.
    fn hub(&self, more: &[(&str, &str)]) -> Hub {
        let mut variables: BTreeMap<&str, OsString> =
            more.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        variables.insert("HF_HOME", self.home.path().into());
        variables.insert("HF_ENDPOINT", OsString::from(&self.url));
        Hub::from_variables(|name| variables.get(name).cloned())
    }

    fn get(&self, name: &str) -> Result<PathBuf, HubError> {
        self.hub(&[]).model_folder(Path::new(name), &mut |_| ())
    }

    fn get_offline(&self, name: &str) -> Result<PathBuf, HubError> {
        self.hub(&[("HF_HUB_OFFLINE", "1")]).model_folder(Path::new(name), &mut |_| ())
    }

    fn cache(&self) -> PathBuf {
        self.home.path().join("hub/models--org--tiny")
    }

    /// Names in a folder of the cache, in order.
    fn list(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.cache().join(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn tiny() -> Repository {
    Repository::of(&fixture("llama-tied"))
}

/// A stand-in that has a repository.
fn server_of(repository: Repository) -> StandIn {
    StandIn::start(move |request| repository.answer(request))
}

/// A stand-in whose first answer about `file` is changed.
fn server_with_one(file: &'static str, change: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> StandIn {
    let (repository, first) = (tiny(), AtomicBool::new(true));
    StandIn::start(move |request| {
        let answer = repository.answer(request);
        let is_first = request.path.ends_with(file) && first.swap(false, Ordering::SeqCst);
        if is_first { change(answer) } else { answer }
    })
}

fn resolve(file: &str) -> String {
    format!("/org/tiny/resolve/{}/{file}", tiny().commit)
}

fn open_at(folder: &Path) -> LanguageModel {
    LanguageModel::open(folder, Kind::Float, Device::Cpu).unwrap()
}

/// All that an error says to anyone.
fn all_of(error: &HubError) -> String {
    format!("{error} {error:?} {:?}", error.hint())
}

#[test]
fn a_model_comes_whole_and_with_what_it_needs_alone() {
    let server = server_of(tiny());
    let place = Place::new(&server);
    let mut seen = BTreeMap::new();
    let folder = place
        .hub(&[])
        .model_folder(Path::new("org/tiny"), &mut |progress| {
            assert_eq!(progress.repository, "org/tiny");
            seen.insert(progress.file.to_string(), (progress.done, progress.total));
        })
        .unwrap();
    assert_eq!(folder, place.cache().join("snapshots").join(tiny().commit));
    let needed = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
    let asked: Vec<String> = [LISTING.to_string()].into_iter().chain(needed.map(resolve)).collect();
    assert_eq!(server.paths(), asked);
    for name in needed {
        let content = std::fs::read(fixture("llama-tied").join(name)).unwrap();
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), content, "{name}");
        assert_eq!(seen[name], (content.len() as u64, content.len() as u64));
        let target = std::fs::read_link(folder.join(name)).unwrap();
        assert!(target.starts_with("../../blobs"), "{}", target.display());
    }
    assert_eq!(place.list("blobs").len(), 4);
    assert_eq!(std::fs::read_to_string(place.cache().join("refs/main")).unwrap(), tiny().commit);

    assert_same_parameters(&open_at(&folder), &open("llama-tied"));
    // links or not, the same content is the same model
    assert_eq!(directory_sha256(&folder).unwrap(), directory_sha256(&fixture("llama-tied")).unwrap());
    assert_eq!(model_name(&folder), "org/tiny");
}

#[test]
fn shards_are_fetched_by_their_index() {
    let sharded = copy_of("llama-tied");
    shard(sharded.path());
    let server = server_of(Repository::of(sharded.path()));
    let place = Place::new(&server);
    let folder = place.get("org/tiny").unwrap();
    assert_same_parameters(&open_at(&folder), &open("llama-tied"));
    server.requests();
    assert_eq!(place.get_offline("org/tiny").unwrap(), folder);
    assert_eq!(server.requests(), []);

    std::fs::remove_file(folder.join("model-2-of-2.safetensors")).unwrap();
    let error = place.get_offline("org/tiny").unwrap_err();
    assert!(matches!(error, HubError::NotCached { .. }), "a shard is missing: {error}");
}

#[test]
fn what_is_cached_is_not_fetched_again() {
    let server = server_of(tiny());
    let place = Place::new(&server);
    let folder = place.get("org/tiny").unwrap();
    server.requests();
    assert_eq!(place.get("org/tiny").unwrap(), folder);
    assert_eq!(server.paths(), [LISTING], "only whether it is still the same");
    assert_eq!(place.get_offline("org/tiny").unwrap(), folder);
    assert_eq!(place.get(&format!("org/tiny@{}", tiny().commit)).unwrap(), folder);
    assert_eq!(server.requests(), [], "offline, or a commit, which never changes");
}

#[test]
fn without_an_answer_the_cache_is_used() {
    let server = server_of(tiny());
    let mut place = Place::new(&server);
    let folder = place.get("org/tiny").unwrap();
    place.url = StandIn::start(|_| Answer::status(500)).url;
    assert_eq!(place.get("org/tiny").unwrap(), folder);
    place.url = closed_port();
    assert_eq!(place.get("org/tiny").unwrap(), folder);
    let error = place.get("org/other").unwrap_err();
    assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
    assert!(all_of(&error).contains("HF_HUB_OFFLINE=1"), "{error:?}");
    let error = place.get_offline("org/other").unwrap_err();
    assert!(all_of(&error).contains("unset HF_HUB_OFFLINE"), "{error:?}");
}

fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn the_token_goes_to_the_endpoint_alone() {
    let storage = server_of(tiny());
    let server = server_of(Repository { storage: Some(storage.url.clone()), ..tiny() });
    for (token, sent) in [(None, None), (Some(TOKEN), Some(format!("Bearer {TOKEN}")))] {
        let place = Place::new(&server);
        let variables: Vec<_> = token.into_iter().map(|token| ("HF_TOKEN", token)).collect();
        let folder = place.hub(&variables).model_folder(Path::new("org/tiny"), &mut |_| ()).unwrap();
        assert_same_parameters(&open_at(&folder), &open("llama-tied"));
        let asked = server.requests();
        assert_eq!(asked.len(), 5);
        assert!(asked.iter().all(|request| request.authorization == sent), "{asked:?}");
        let stored = storage.requests();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].path, "/storage/model.safetensors?signature=abc");
        assert_eq!(stored[0].authorization, None, "the token left the endpoint");
    }
}

#[test]
fn a_refusal_names_the_model_the_file_and_the_status_and_never_the_token() {
    for (status, hint) in
        [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "no such model or revision"), (500, "")]
    {
        for (file, what) in
            [(LISTING.to_string(), "its list of files"), (resolve("tokenizer.json"), "tokenizer.json")]
        {
            let repository = tiny();
            let refused = file.clone();
            let server = StandIn::start(move |request: &Request| match &request.authorization {
                Some(header) if request.path == refused => Answer::status(status).body(header.as_bytes()),
                _ => repository.answer(request),
            });
            let place = Place::new(&server);
            let error = place
                .hub(&[("HF_TOKEN", TOKEN)])
                .model_folder(Path::new("org/tiny"), &mut |_| ())
                .unwrap_err();
            let url = &server.url;
            assert_eq!(error.to_string(), format!("org/tiny: asking {url} for {what} gave status {status}"));
            assert!(error.hint().unwrap_or_default().contains(hint), "{status}: {:?}", error.hint());
            assert!(!all_of(&error).contains(TOKEN), "{error:?}");
            assert_eq!(place.list("refs"), [""; 0], "nothing is called whole");
        }
    }
    let odd = Place::new(&server_of(tiny())).hub(&[("HF_TOKEN", "hf_a\nb")]);
    let error = odd.model_folder(Path::new("org/tiny"), &mut |_| ()).unwrap_err();
    assert!(matches!(error, HubError::Client { .. }) && !all_of(&error).contains("hf_a"), "{error:?}");
    assert!(!format!("{odd:?}").contains("hf_a"));
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_ended() {
    let server = server_with_one("model.safetensors", |answer| answer.cut(5000));
    let place = Place::new(&server);
    let error = place.get("org/tiny").unwrap_err();
    assert!(matches!(error, HubError::Interrupted { got: 5000, .. }), "{error:?}");
    assert!(error.to_string().starts_with("org/tiny: model.safetensors ended after 5000 of "), "{error}");
    let partial: Vec<String> = place.list("blobs").into_iter().filter(|name| name.len() > 64).collect();
    assert_eq!(partial.len(), 1);
    assert!(partial[0].ends_with(".incomplete"), "{partial:?}");
    assert!(!place.cache().join("snapshots").join(tiny().commit).join("model.safetensors").exists());
    assert!(place.get_offline("org/tiny").is_err());

    server.requests();
    let mut first = None;
    let folder = place
        .hub(&[])
        .model_folder(Path::new("org/tiny"), &mut |progress| first = first.or(Some(progress.done)))
        .unwrap();
    let asked = server.requests();
    assert_eq!(asked.iter().map(|request| request.from).collect::<Vec<_>>(), [None, Some(5000)]);
    assert_eq!(first, Some(5000));
    assert_same_parameters(&open_at(&folder), &open("llama-tied"));
    assert_eq!(place.list("blobs").len(), 4);
}

#[test]
fn a_server_that_knows_no_ranges_sends_all_again() {
    let (repository, first) = (tiny(), AtomicBool::new(true));
    let server = StandIn::start(move |request| {
        let answer = repository.answer(&Request { from: None, ..request.clone() });
        let is_first = request.path.ends_with("model.safetensors") && first.swap(false, Ordering::SeqCst);
        if is_first { answer.cut(5000) } else { answer }
    });
    let place = Place::new(&server);
    place.get("org/tiny").unwrap_err();
    assert_same_parameters(&open_at(&place.get("org/tiny").unwrap()), &open("llama-tied"));
}

#[test]
fn what_is_not_the_listed_content_is_thrown_away() {
    let other = tiny().files["model.safetensors"].iter().map(|byte| byte ^ 1).collect::<Vec<u8>>();
    let server = server_with_one("model.safetensors", move |answer| answer.body(other.clone()));
    let place = Place::new(&server);
    let error = place.get("org/tiny").unwrap_err();
    assert!(error.to_string().contains("model.safetensors is not as listed: expected SHA-256 "), "{error}");
    assert_eq!(place.list("blobs").len(), 3, "nothing of it is kept");
    assert_same_parameters(&open_at(&place.get("org/tiny").unwrap()), &open("llama-tied"));

    let server = server_with_one("config.json", |answer| answer.body("{} and more than listed".repeat(100)));
    let error = Place::new(&server).get("org/tiny").unwrap_err();
    assert!(matches!(&error, HubError::Damaged { file, .. } if file == "config.json"), "{error}");
}

#[test]
fn a_revision_is_asked_for_and_a_new_commit_brings_what_changed() {
    let server = server_of(tiny());
    let mut place = Place::new(&server);
    let old = place.get("org/tiny@feature/x").unwrap();
    assert_eq!(server.paths()[0], "/api/models/org/tiny/revision/feature%2Fx?blobs=true");
    assert_eq!(std::fs::read_to_string(place.cache().join("refs/feature/x")).unwrap(), tiny().commit);
    assert!(place.get_offline("org/tiny").is_err(), "main was never asked for");

    let mut changed = Repository { commit: "f".repeat(40), ..tiny() };
    changed.files.insert("generation_config.json".into(), b"{}".to_vec());
    let server = server_of(changed);
    place.url = server.url.clone();
    let new = place.get("org/tiny@feature/x").unwrap();
    assert_eq!(server.requests().len(), 2, "the list and the new file");
    assert_ne!(new, old);
    assert!(new.join("generation_config.json").exists() && !old.join("generation_config.json").exists());
    assert_same_parameters(&open_at(&new), &open_at(&old));
    server.requests();
    assert_eq!(place.get(&format!("org/tiny@{}", tiny().commit)).unwrap(), old);
    assert_eq!(server.requests(), []);
}

#[test]
fn what_cannot_be_opened_is_refused_before_it_is_fetched() {
    let refusal = |change: fn(&mut BTreeMap<String, Vec<u8>>)| {
        let mut repository = tiny();
        change(&mut repository.files);
        let server = server_of(repository);
        let error = Place::new(&server).get("org/tiny").unwrap_err();
        (error, server.paths())
    };
    let (error, asked) = refusal(|files| drop(files.remove("model.safetensors")));
    assert_eq!(
        error.to_string(),
        "org/tiny has no weights as model.safetensors (whole or in shards); it has pytorch_model.bin, training_args.bin"
    );
    assert!(error.hint().unwrap().contains("never read"), "{:?}", error.hint());
    assert_eq!(asked, [LISTING]);

    let (error, asked) = refusal(|files| drop(files.remove("tokenizer.json")));
    assert_eq!(error.to_string(), "org/tiny has no tokenizer.json, so it cannot be opened");
    assert_eq!(asked, [LISTING]);

    for shard in ["pytorch_model.bin", "../../x.safetensors", "/tmp/x.safetensors"] {
        let mut repository = tiny();
        repository.files.remove("model.safetensors");
        repository.files.insert(shard.into(), b"not for us".to_vec());
        let index = serde_json::json!({"weight_map": {"lm_head.weight": shard}}).to_string();
        repository.files.insert("model.safetensors.index.json".into(), index.into_bytes());
        let server = server_of(repository);
        let error = Place::new(&server).get("org/tiny").unwrap_err();
        assert!(error.to_string().contains("expected safetensors files beside it"), "{error}");
        assert!(server.paths().iter().all(|path| !path.ends_with(shard)));
    }
}

#[test]
fn a_list_that_is_none_is_refused() {
    for (list, problem) in
        [("<html>", "expected value"), (r#"{"sha": "../../x", "siblings": []}"#, "expected a commit")]
    {
        let server = StandIn::start(move |_| Answer::status(200).body(list));
        let error = Place::new(&server).get("org/tiny").unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn a_folder_wins_and_what_is_neither_is_refused_without_a_request() {
    let server = server_of(tiny());
    let place = Place::new(&server);
    let folder = fixture("llama-tied");
    assert_eq!(place.get(folder.to_str().unwrap()).unwrap(), folder);
    let file = folder.join("config.json");
    for neither in ["tiny", "./org/tiny", "/org/tiny/more", "org/tiny@", file.to_str().unwrap()] {
        let error = place.get(neither).unwrap_err();
        assert!(matches!(error, HubError::NeitherFolderNorName { .. }), "{error}");
        assert!(error.to_string().contains("org/name@revision"), "{error}");
    }
    assert_eq!(server.requests(), []);
}

#[test]
fn several_at_once_download_each_file_once() {
    let server = server_of(tiny());
    let place = Place::new(&server);
    let folders: Vec<PathBuf> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| place.get("org/tiny").unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(folders.iter().all(|folder| *folder == folders[0]));
    let asked = server.paths();
    assert_eq!(asked.iter().filter(|path| *path == LISTING).count(), 4);
    assert_eq!(asked.len(), 4 + 4, "{asked:?}");
    assert_same_parameters(&open_at(&folders[0]), &open("llama-tied"));
}
