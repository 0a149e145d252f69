//! A stand-in for the Hub: a small HTTP server on this machine that remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use sapo_files::checksum;
use serde_json::json;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    /// First byte of a range.
    pub(crate) from: Option<usize>,
}

/// What is answered.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Bytes of the body after which the connection ends.
    sent: usize,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::with_body(status, b"a page that no message needs".to_vec())
    }

    fn with_body(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), sent: body.len(), body }
    }

    /// Ends in the middle of the body.
    pub(crate) fn cut(mut self, sent: usize) -> Self {
        assert!(sent < self.body.len());
        self.sent = sent;
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.sent = self.body.len();
        self
    }
}

/// The server; it ends with the test's process.
pub(crate) struct StandIn {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, seen) = (answer.clone(), seen.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &*answer, &seen));
            }
        });
        Self { url, requests }
    }

    /// What was asked since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The paths of [`StandIn::requests`].
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.path).collect()
    }
}

/// Answers one request of a connection and closes it.
fn serve(mut stream: &TcpStream, answer: &dyn Fn(&Request) -> Answer, seen: &Mutex<Vec<Request>>) {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let path = first.strip_prefix("GET ").unwrap().strip_suffix(" HTTP/1.1").unwrap().to_string();
    let mut request = Request { path, authorization: None, from: None };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        match name.to_lowercase().as_str() {
            "authorization" => request.authorization = Some(value.to_string()),
            "range" => {
                let from = value.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap();
                request.from = Some(from.parse().unwrap());
            }
            _ => {}
        }
    }
    seen.lock().unwrap().push(request.clone());
    let Answer { status, headers, body, sent } = answer(&request);
    write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len()).unwrap();
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(b"\r\n").unwrap();
    stream.write_all(&body[..sent]).unwrap();
}

/// `org/tiny` as the Hub shows it.
#[derive(Clone)]
pub(crate) struct Repository {
    pub(crate) commit: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Where large files are redirected to.
    pub(crate) storage: Option<String>,
}

impl Repository {
    /// The files of a folder, beside those that are not to be fetched.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect();
        for other in ["README.md", "pytorch_model.bin", "onnx/model.onnx", "training_args.bin"] {
            files.insert(other.to_string(), b"not for us".to_vec());
        }
        Self { commit: "0123456789abcdef0123456789abcdef01234567".into(), files, storage: None }
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path.starts_with("/api/models/org/tiny/revision/") {
            return Answer::with_body(200, self.listing());
        }
        let in_storage = path.strip_prefix("/storage/");
        let file = in_storage.or_else(|| path.strip_prefix(&format!("/org/tiny/resolve/{}/", self.commit)));
        let Some((name, content)) = file.and_then(|name| self.files.get_key_value(name)) else {
            return Answer::status(404);
        };
        match &self.storage {
            Some(storage) if is_large(name) => {
                let mut answer = Answer::status(302);
                answer.headers.push(("location", format!("{storage}/storage/{name}?signature=abc")));
                answer
            }
            _ => part(content, request.from),
        }
    }

    fn listing(&self) -> Vec<u8> {
        let siblings: Vec<_> = self
            .files
            .iter()
            .map(|(name, content)| {
                let hash = checksum::of_bytes(content);
                let size = content.len();
                let lfs = json!({"size": size, "sha256": hash, "pointerSize": 134});
                json!({"rfilename": name, "size": size, "blobId": &hash[..40], "lfs": is_large(name).then_some(lfs)})
            })
            .collect();
        json!({"id": "org/tiny", "sha": self.commit, "siblings": siblings}).to_string().into_bytes()
    }
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors")
}

pub(crate) fn part(content: &[u8], from: Option<usize>) -> Answer {
    let Some(from) = from else { return Answer::with_body(200, content.to_vec()) };
    let mut answer = Answer::with_body(206, content[from..].to_vec());
    let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
    answer.headers.push(("content-range", range));
    answer
}
