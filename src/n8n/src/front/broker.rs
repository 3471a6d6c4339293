//! The way to the broker over a connection that is there: a grant token for an auth token, and the upgrade to a WebSocket.
//!
//! Always holds: every wait has an end, every answer a bound; no token is in an error.

use std::time::{Duration, UNIX_EPOCH};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::settings::Broker;

/// How long each step may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer with a token in it.
const ANSWER: usize = 64 << 10;

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The broker's side of it.
pub type Socket = WebSocketStream<Box<dyn Stream>>;

/// Why the broker is not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// It knows no such token.
    Forbidden(String),
    /// Anything else, which may pass.
    For(String),
}

impl Unreached {
    /// As a sentence.
    #[must_use]
    pub fn told(&self) -> &str {
        let (Self::Forbidden(why) | Self::For(why)) = self;
        why
    }
}

fn passing(error: &dyn std::fmt::Display) -> Unreached {
    Unreached::For(error.to_string())
}

async fn in_time<T>(what: &str, doing: impl Future<Output = Result<T, Unreached>>) -> Result<T, Unreached> {
    let late = |_| Unreached::For(format!("{what}: no answer within {} seconds", PATIENCE.as_secs()));
    timeout(PATIENCE, doing).await.map_err(late)?
}

#[derive(Deserialize)]
struct Granted {
    data: Grant,
}

#[derive(Deserialize)]
struct Grant {
    token: String,
}

/// What is answered to a request.
async fn http(stream: Box<dyn Stream>, broker: &Broker, request: Builder, body: String) -> Result<Response<Bytes>, Unreached> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| passing(&error))?;
    // It goes with the answer.
    let _connection = spawn_local(connection);
    let request = request.header(HOST, broker.authority()).header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| passing(&error))?;
    let (head, body) = sender.send_request(request).await.map_err(|error| passing(&error))?.into_parts();
    let body = Limited::new(body, ANSWER).collect().await.map_err(|error| passing(&error))?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// A token for one connection.
///
/// # Errors
/// There is none.
pub async fn grant(stream: Box<dyn Stream>, broker: &Broker, auth: &str) -> Result<String, Unreached> {
    in_time("POST /runners/auth", async {
        let body = serde_json::json!({ "token": auth }).to_string();
        let response = http(stream, broker, Request::post("/runners/auth"), body).await?;
        let status = response.status();
        if status == StatusCode::FORBIDDEN {
            return Err(Unreached::Forbidden("the broker refuses N8N_RUNNERS_AUTH_TOKEN".to_owned()));
        }
        if !status.is_success() {
            return Err(Unreached::For(format!("POST /runners/auth: {status}")));
        }
        let granted: Result<Granted, _> = serde_json::from_slice(response.body());
        granted.map(|granted| granted.data.token).map_err(|_| Unreached::For("POST /runners/auth: no token in the answer".to_owned()))
    })
    .await
}

/// What the broker answers to whoever asks for its health, and when by its own clock, since 1970.
///
/// # Errors
/// Nothing.
pub async fn health(stream: Box<dyn Stream>, broker: &Broker) -> Result<(StatusCode, Option<Duration>), Unreached> {
    let response = in_time("GET /healthz", http(stream, broker, Request::get("/healthz"), String::new())).await?;
    let date = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    Ok((response.status(), date.and_then(|date| date.duration_since(UNIX_EPOCH).ok())))
}

/// A runner's connection, upgraded. `most`: bytes of the largest message that is taken.
///
/// # Errors
/// The broker refuses it.
pub async fn upgrade(stream: Box<dyn Stream>, broker: &Broker, runner: &str, token: &str, most: u64) -> Result<Socket, Unreached> {
    in_time("the upgrade to a WebSocket", async {
        let address = format!("ws://{}/runners/_ws?id={}", broker.authority(), utf8_percent_encode(runner, NON_ALPHANUMERIC));
        let mut request = address.into_client_request().map_err(|error| passing(&error))?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Unreached::Forbidden("the token has characters that no token has".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        let most = usize::try_from(most).ok();
        let config = WebSocketConfig::default().max_message_size(most).max_frame_size(most);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => {
                let status = response.status();
                let told = format!("server rejected WebSocket connection: HTTP {}", status.as_u16());
                Err(if status.as_u16() == 403 { Unreached::Forbidden(told) } else { Unreached::For(told) })
            }
            Err(error) => Err(passing(&error)),
        }
    })
    .await
}
