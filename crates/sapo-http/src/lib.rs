//! HTTP as the other crates use it: one client that waits for answers, files that are gone on with, pauses between
//! attempts, and errors that show no secret.
//!
//! Whom to ask, what to make of an answer and when to give up is theirs.

mod retry;

use std::future::Future;
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::runtime::{Builder, Runtime};

pub use retry::{Retry, asked_pause, may_pass};

/// The longest that a connection may take to come about where a file is asked for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest silence in the middle of a file.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A client for one server. The client within is asynchronous; whoever calls [`Http::wait`] waits.
#[derive(Debug)]
pub struct Http {
    client: Client,
    runtime: Runtime,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client's settings, or what it needs of the system.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The runtime that waits.
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
}

impl Http {
    /// A client for the server of `url`, with what `settings` adds: timeouts, what becomes of redirects.
    ///
    /// # Errors
    /// When the system does not give what it takes.
    pub fn new(url: &Url, settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, HttpError> {
        let builder = settings(Client::builder().user_agent(concat!("sapo/", env!("CARGO_PKG_VERSION"))));
        // No proxy reaches the servers of this machine.
        let is_here = url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
        let client = if is_here { builder.no_proxy() } else { builder }.build()?;
        Ok(Self { client, runtime: Builder::new_current_thread().enable_all().build()? })
    }

    /// A client for files of any size: what may not take long is a connection, or a silence, and not the whole.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn for_files(url: &Url) -> Result<Self, HttpError> {
        Self::new(url, |builder| builder.connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT))
    }

    /// The client within.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for what the client was asked.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// The answer to `GET url`, whatever its status, from byte `from` of the file on if the server can ([`begins_at`]).
    /// Redirects are followed; the client drops secret headers where one leads to another host.
    ///
    /// # Errors
    /// When no answer comes. The error does not show an address, which may hold a signature where a redirect gave it.
    pub fn get(&self, url: &str, headers: &HeaderMap, from: u64) -> reqwest::Result<Response> {
        let mut request = self.client.get(url).headers(headers.clone());
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        self.wait(async { request.send().await }).map_err(reqwest::Error::without_url)
    }

    /// The next piece of an answer; none at its end.
    ///
    /// # Errors
    /// When it breaks off.
    pub fn next_piece(&self, response: &mut Response) -> reqwest::Result<Option<impl AsRef<[u8]> + use<>>> {
        self.wait(response.chunk()).map_err(reqwest::Error::without_url)
    }
}

/// Where an answer begins that was asked for from byte `from` on: there, or at 0.
pub fn begins_at(response: &Response, from: u64) -> u64 {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let goes_on = range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")));
    if goes_on { from } else { 0 }
}

/// The header that a secret goes into, kept out of the client's own logs; none where it holds characters that no header
/// may have.
pub fn bearer(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {secret}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether an address may hold a secret, so that it belongs in no message and no record: a name, a password, or a query,
/// which is where keys are put. Of a text that is no address: whether it has the sign that stands behind a password.
pub fn may_hold_secret(address: &str) -> bool {
    match Url::parse(address) {
        Ok(url) if url.has_host() => {
            !url.username().is_empty() || url.password().is_some() || url.query().is_some()
        }
        _ => address.contains('@'),
    }
}

/// What went wrong on the way, with its causes and without the address.
pub fn with_causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request with `answer`, and returns what was asked.
    fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file?signature=hidden", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (url, server)
    }

    fn http(url: &str) -> Http {
        Http::for_files(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn a_file_is_gone_on_with_where_the_server_can() {
        let (url, server) =
            serve("HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-5/6\r\nContent-Length: 3\r\n\r\ndef");
        let http = http(&url);
        let mut response = http.get(&url, &HeaderMap::new(), 3).unwrap();
        assert_eq!(begins_at(&response, 3), 3);
        assert_eq!(begins_at(&response, 4), 0);
        assert_eq!(http.next_piece(&mut response).unwrap().unwrap().as_ref(), b"def");
        assert!(http.next_piece(&mut response).unwrap().is_none());
        assert!(server.join().unwrap().to_lowercase().contains("range: bytes=3-"));

        let (url, server) = serve("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(begins_at(&http.get(&url, &HeaderMap::new(), 0).unwrap(), 0), 0);
        assert!(!server.join().unwrap().to_lowercase().contains("range"));
    }

    #[test]
    fn an_error_shows_its_causes_and_no_address() {
        let (url, server) = serve("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        let http = http(&url);
        let mut response = http.get(&url, &HeaderMap::new(), 0).unwrap();
        let error = loop {
            match http.next_piece(&mut response) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("three bytes of nine are no whole answer"),
                Err(error) => break error,
            }
        };
        server.join().unwrap();
        let text = with_causes(error);
        assert!(text.contains(": ") && !text.contains("signature"), "{text}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let value = bearer("s3cret").unwrap();
        assert!(value.is_sensitive() && !format!("{value:?}").contains("s3cret"));
        assert!(bearer("two\nlines").is_none());
    }

    #[test]
    fn an_address_with_a_secret_is_known() {
        for secret in [
            "https://me:pass@host/v1",
            "https://token@host",
            "https://host/v1?key=pass",
            "http://me:pa/ss@host",
            "me:pass@host/v1",
            "ftp://me:pass@host",
        ] {
            assert!(may_hold_secret(secret), "{secret}");
        }
        for open in ["http://localhost:8000/v1", "https://host/package@1.2/files", "localhost:8000", "data"] {
            assert!(!may_hold_secret(open), "{open}");
        }
    }
}
