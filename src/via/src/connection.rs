//! A connection to a daemon, on which HTTP is spoken.
//!
//! Always holds: what is read as one document is bounded; the connection ends with this value.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::error::ViaError;

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As a document, at once.
    Document,
    /// As events, as they come.
    Events,
    /// That it was taken, which goes on without the connection.
    Taken,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    /// Connects to the socket at this path.
    pub async fn open(path: &Path) -> Result<Self, ViaError> {
        let silent = |_| ViaError::Silent { what: "taken a connection", seconds: PATIENCE.as_secs() };
        let stream = timeout(PATIENCE, UnixStream::connect(path)).await.map_err(silent)?.map_err(ViaError::Absent)?;
        let io = TokioIo::new(Asking { stream, asked: false, reader: None });
        let (sender, driver) = Builder::new().max_headers(64).handshake(io).await.map_err(|error| other(&error))?;
        Ok(Self { sender, driver: tokio::spawn(driver) })
    }

    /// Asks; gives the head of the answer, and its body to come.
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<Bytes>, wanted: Wanted) -> hyper::Result<Response<Incoming>> {
        let mut request = Request::new(Full::new(body.clone().unwrap_or_default()));
        *request.method_mut() = method;
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("remand"));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        match wanted {
            Wanted::Document => {}
            Wanted::Events => drop(headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"))),
            Wanted::Taken => drop(headers.insert("prefer", HeaderValue::from_static("respond-async"))),
        }
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    /// Asks for a document that is answered at once, and has at most so many bytes.
    pub async fn document(&mut self, method: Method, path: &str, most: usize) -> Result<(hyper::http::response::Parts, Bytes), ViaError> {
        let whole = async {
            let answer = self.ask(method, path, None, Wanted::Document).await.map_err(|error| other(&error))?;
            let (head, body) = answer.into_parts();
            let body = body_of(body, most).await.map_err(ViaError::Other)?;
            Ok((head, body))
        };
        timeout(PATIENCE, whole).await.map_err(|_| ViaError::Silent { what: "answered", seconds: PATIENCE.as_secs() })?
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// All of a document, of at most so many bytes.
pub async fn body_of(body: Incoming, most: usize) -> Result<Bytes, String> {
    Limited::new(body, most).collect().await.map(|body| body.to_bytes()).map_err(|error| error.to_string())
}

/// What hyper says with what it was about: its own text has a half of it.
pub fn told(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn other(error: &hyper::Error) -> ViaError {
    ViaError::Other(told(error))
}

/// A stream that is not read before something was asked: a daemon that turns a connection away says so at once, and hyper takes an answer that comes before its question
/// for a mistake.
struct Asking {
    stream: UnixStream,
    asked: bool,
    reader: Option<Waker>,
}

impl AsyncRead for Asking {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.asked {
            this.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Asking {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        if written.is_ready() {
            this.asked = true;
            this.reader.take().into_iter().for_each(Waker::wake);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
