//! A small server on this machine that speaks as it is told to and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// What is answered.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Bytes of the body after which the connection ends.
    sent: usize,
    /// Waited before anything is said.
    pause: Duration,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, sent: body.len(), body, pause: Duration::ZERO }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A chat completion.
    pub(crate) fn text(text: &str) -> Self {
        Self::finished(text, "stop")
    }

    pub(crate) fn finished(text: &str, reason: &str) -> Self {
        Self::json(
            200,
            &json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
                    "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
                    "usage": {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}}),
        )
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message, "type": "x", "code": null}}))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Ends in the middle of the body.
    pub(crate) fn cut(mut self) -> Self {
        self.sent = self.body.len() / 2;
        self
    }

    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

/// The server; it ends with the test's process.
pub(crate) struct StandIn {
    pub(crate) base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    most_at_once: Arc<Mutex<(usize, usize)>>,
}

impl StandIn {
    /// `reply` is given the request and its number, from 0.
    pub(crate) fn start(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, most_at_once) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new((0, 0))));
        let (reply, seen, counted) = (Arc::new(reply), requests.clone(), most_at_once.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, seen, counted) = (reply.clone(), seen.clone(), counted.clone());
                std::thread::spawn(move || {
                    {
                        let mut counted = counted.lock().unwrap();
                        counted.0 += 1;
                        counted.1 = counted.1.max(counted.0);
                    }
                    serve(&stream.unwrap(), &*reply, &seen);
                    counted.lock().unwrap().0 -= 1;
                });
            }
        });
        Self { base, requests, most_at_once }
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The most requests that were on their way at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.lock().unwrap().1
    }
}

/// Answers one request of a connection and closes it. A client that has left is none of its business.
fn serve(mut stream: &TcpStream, reply: &dyn Fn(&Request, usize) -> Reply, seen: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.strip_prefix("POST ").unwrap().split(' ').next().unwrap().to_owned();
    let (mut authorization, mut length) = (None, 0);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = Request { path, authorization, body: serde_json::from_slice(&body).unwrap() };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let Reply { status, headers, body, sent, pause } = reply(&request, number);
    std::thread::sleep(pause);
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let _ = stream.write_all((head + "\r\n").as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
}
