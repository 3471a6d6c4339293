//! n8n's task broker, as far as a runner meets it: on a port of 127.0.0.1, driven by the test; and a `remand n8n` beside it.
//!
//! Always holds: every wait has an end; the runner is killed with its value; what the runner says is kept in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::StatusCode;
use tungstenite::{Error, Message, WebSocket};

use crate::End;
use crate::command::{Call, Ended, Started, scale, until};
use crate::scratch::Scratch;

/// How long the runner may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The broker.
#[derive(Debug)]
pub struct Broker {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// A connection, as it came or by TLS.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A runner's connection.
pub struct Link {
    socket: WebSocket<Box<dyn Stream>>,
    /// Of the upgrade: path with query, and what it is authorised by.
    pub path: String,
    /// See [`Link::path`].
    pub authorization: String,
    /// Offers that were made and not taken, oldest first.
    pub offers: VecDeque<Value>,
    /// What came and was not looked at yet.
    came: VecDeque<Value>,
}

/// What a task was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Parameters of its `logNodeOutput`s.
    pub prints: Vec<Value>,
    /// The last message of it.
    pub end: Value,
}

impl Broker {
    /// One that listens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that speaks TLS, with a certificate for this name; and that certificate, as a file has it.
    #[must_use]
    pub fn tls(name: &str) -> (Self, String) {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        (Self { tls: Some(Arc::new(config)), ..Self::default() }, cert.pem())
    }

    /// Where.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls.is_some() { "https" } else { "http" }, self.port())
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// The next connection, as the broker speaks.
    fn stream(&self) -> Result<Box<dyn Stream>, End> {
        let stream = self.connection()?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let tls = ServerConnection::new(Arc::clone(config)).map_err(|error| End::Fail(error.to_string()))?;
        Ok(Box::new(StreamOwned::new(tls, stream)))
    }

    fn connection(&self) -> Result<TcpStream, End> {
        self.listener.set_nonblocking(true)?;
        let (stream, _) = until(|| self.listener.accept().ok()).ok_or_else(|| End::Fail("no connection comes".to_owned()))?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE * scale()))?;
        Ok(stream)
    }

    /// Takes the next connection and upgrades it.
    ///
    /// # Errors
    /// None comes, or it is none.
    pub fn accept(&self) -> Result<Link, End> {
        let (mut path, mut authorization) = (String::new(), String::new());
        #[allow(clippy::result_large_err)] // tungstenite's
        let look = |request: &Request, response: Response| {
            path = request.uri().to_string();
            authorization = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
            Ok(response)
        };
        let socket = tungstenite::accept_hdr(self.stream()?, look).map_err(|error| End::Fail(format!("no upgrade: {error}")))?;
        Ok(Link { socket, path, authorization, offers: VecDeque::new(), came: VecDeque::new() })
    }

    /// Takes the next connection and refuses its upgrade.
    ///
    /// # Errors
    /// None comes.
    pub fn refuse(&self, status: u16) -> Result<(), End> {
        #[allow(clippy::result_large_err)] // tungstenite's
        let look = |_: &Request, _: Response| {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::from_u16(status).unwrap();
            Err(refusal)
        };
        match tungstenite::accept_hdr(self.stream()?, look) {
            Ok(_) => Err(End::Fail("it was upgraded".to_owned())),
            Err(_) => Ok(()),
        }
    }

    /// Takes the next connection, and says nothing.
    ///
    /// # Errors
    /// None comes.
    pub fn accept_bare(&self) -> Result<TcpStream, End> {
        self.connection()
    }

    /// Answers the next request, which begins so; its body.
    ///
    /// # Errors
    /// None comes, or another.
    pub fn http(&self, request: &str, status: &str, answer: &Value) -> Result<Value, End> {
        let mut stream = self.connection()?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        if !head.starts_with(&format!("{request} http/1.1\r\n").to_lowercase()) {
            return Err(End::Fail(format!("another request: {head}")));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let answer = answer.to_string();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Answers the next request, which is for a grant token; its body.
    ///
    /// # Errors
    /// None comes, or another.
    pub fn grant(&self, status: &str, answer: &Value) -> Result<Value, End> {
        self.http("POST /runners/auth", status, answer)
    }

    /// Takes the next connection, and registers its runner.
    ///
    /// # Errors
    /// It does not say who it is.
    pub fn register(&self) -> Result<Link, End> {
        let mut link = self.accept()?;
        link.send(&json!({ "type": "broker:inforequest" }))?;
        let info = link.next("runner:info")?;
        if info != json!({ "type": "runner:info", "name": "Python Task Runner", "types": ["python"] }) {
            return Err(End::Fail(format!("it says that it is {info}")));
        }
        link.send(&json!({ "type": "broker:runnerregistered" }))?;
        Ok(link)
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), tls: None }
    }
}

/// Settings of a task for all items, without any.
#[must_use]
pub fn settings(code: &str) -> Value {
    json!({ "code": code, "nodeMode": "runOnceForAllItems", "items": [], "continueOnFail": false, "workflowName": "w", "workflowId": "1",
        "nodeName": "n", "nodeId": "2", "query": null, "workflowMode": "manual" })
}

impl Link {
    /// Says something.
    ///
    /// # Errors
    /// The runner is gone.
    pub fn send(&mut self, message: &Value) -> Result<(), End> {
        self.text(&message.to_string())
    }

    /// The same of any text.
    ///
    /// # Errors
    /// The runner is gone.
    pub fn text(&mut self, text: &str) -> Result<(), End> {
        self.message(Message::text(text))
    }

    /// The same of any message.
    ///
    /// # Errors
    /// The runner is gone.
    pub fn message(&mut self, message: Message) -> Result<(), End> {
        self.socket.send(message).map_err(|error| End::Fail(format!("it hears nothing: {error}")))
    }

    /// The next message of the runner's; none once it has closed the connection.
    ///
    /// # Errors
    /// It is silent.
    pub fn read(&mut self) -> Result<Option<Message>, End> {
        match self.socket.read() {
            Ok(message) => Ok(Some(message)),
            Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_)) => Ok(None),
            Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(End::Fail(format!("the runner is silent: {error}; seen: {:?}", self.came))),
        }
    }

    /// Takes what comes next, an offer or something else; whether there was any.
    fn take(&mut self) -> Result<bool, End> {
        match self.read()? {
            Some(Message::Text(text)) => {
                let message: Value = serde_json::from_str(&text).map_err(|error| End::Fail(format!("no JSON: {error}: {text}")))?;
                let list = if message["type"] == "runner:taskoffer" { &mut self.offers } else { &mut self.came };
                list.push_back(message);
                Ok(true)
            }
            Some(Message::Close(_)) | None => Ok(false),
            Some(_) => Ok(true),
        }
    }

    /// The first that `is` takes, of what came and what comes.
    fn first(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value, End> {
        loop {
            if let Some(at) = self.came.iter().position(&is) {
                return Ok(self.came.remove(at).unwrap());
            }
            if !self.take()? {
                return Err(End::Fail(format!("the runner has gone without {what}; seen: {:?}", self.came)));
            }
        }
    }

    /// The next of this type.
    ///
    /// # Errors
    /// None comes.
    pub fn next(&mut self, kind: &str) -> Result<Value, End> {
        self.first(kind, |message| message["type"] == kind)
    }

    /// An offer that was not taken yet.
    ///
    /// # Errors
    /// None comes.
    pub fn offer(&mut self) -> Result<String, End> {
        loop {
            if let Some(offer) = self.offers.pop_back() {
                return Ok(offer["offerId"].as_str().unwrap_or_default().to_owned());
            }
            if !self.take()? {
                return Err(End::Fail("the runner has gone without an offer".to_owned()));
            }
        }
    }

    /// Waits until so many offers have come that were not taken.
    ///
    /// # Errors
    /// They do not.
    pub fn offers(&mut self, count: usize) -> Result<(), End> {
        while self.offers.len() < count {
            if !self.take()? {
                return Err(End::Fail("the runner has gone without offers".to_owned()));
            }
        }
        Ok(())
    }

    /// Takes an offer for this task; what is said to it.
    ///
    /// # Errors
    /// There is none.
    pub fn accept(&mut self, task: &str) -> Result<Value, End> {
        let offer = self.offer()?;
        self.accept_of(task, &offer)
    }

    /// Takes this offer.
    ///
    /// # Errors
    /// Nothing is said to it.
    pub fn accept_of(&mut self, task: &str, offer: &str) -> Result<Value, End> {
        self.send(&json!({ "type": "broker:taskofferaccept", "taskId": task, "offerId": offer }))?;
        let said = |message: &Value| {
            message["taskId"] == task && ["runner:taskaccepted", "runner:taskrejected"].contains(&message["type"].as_str().unwrap())
        };
        self.first("an answer to its acceptance", said)
    }

    /// Sends a task's settings.
    ///
    /// # Errors
    /// The runner is gone.
    pub fn settings(&mut self, task: &str, settings: &Value) -> Result<(), End> {
        self.send(&json!({ "type": "broker:tasksettings", "taskId": task, "settings": settings }))
    }

    /// Begins a task.
    ///
    /// # Errors
    /// It is not accepted.
    pub fn begin(&mut self, task: &str, settings: &Value) -> Result<(), End> {
        let said = self.accept(task)?;
        if said["type"] != "runner:taskaccepted" {
            return Err(End::Fail(format!("it is not accepted: {said}")));
        }
        self.settings(task, settings)
    }

    /// Waits for a task's end.
    ///
    /// # Errors
    /// None comes.
    pub fn answer(&mut self, task: &str) -> Result<Answered, End> {
        let ends = ["runner:taskdone", "runner:taskerror"];
        let of_task = |message: &Value| message["taskId"] == task;
        let mut prints = Vec::new();
        loop {
            let message = self.first("an answer", of_task)?;
            match message["type"].as_str() {
                Some("runner:rpc") => prints.push(message["params"].clone()),
                Some(kind) if ends.contains(&kind) => return Ok(Answered { prints, end: message }),
                _ => return Err(End::Fail(format!("another answer: {message}"))),
            }
        }
    }

    /// A task from its beginning to its end.
    ///
    /// # Errors
    /// It has none.
    pub fn run(&mut self, task: &str, settings: &Value) -> Result<Answered, End> {
        self.begin(task, settings)?;
        self.answer(task)
    }

    /// Cancels a task.
    ///
    /// # Errors
    /// The runner is gone.
    pub fn cancel(&mut self, task: &str) -> Result<(), End> {
        self.send(&json!({ "type": "broker:taskcancel", "taskId": task, "reason": "Task cancelled by user" }))
    }

    /// Everything that the runner still says, but offers, until it closes the connection.
    ///
    /// # Errors
    /// It does not.
    pub fn rest(&mut self) -> Result<Vec<Value>, End> {
        while self.take()? {}
        Ok(self.came.drain(..).collect())
    }
}

/// A `remand n8n`.
#[derive(Debug)]
pub struct Runner {
    started: Option<Started>,
    scratch: Scratch,
    pid: Pid,
}

impl Runner {
    /// Starts one for this broker, with a grant token and these variables besides.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(broker: &Broker, variables: &[(&str, &str)]) -> Result<Self, End> {
        let grant = ("N8N_RUNNERS_GRANT_TOKEN", "test_token");
        Self::bare(&[&[("N8N_RUNNERS_TASK_BROKER_URI", broker.uri().as_str()), grant], variables].concat())
    }

    /// Starts one with these variables alone.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn bare(variables: &[(&str, &str)]) -> Result<Self, End> {
        Self::of(Call::new(&["n8n"]), variables)
    }

    /// Starts what is one by another name.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn of(call: Call, variables: &[(&str, &str)]) -> Result<Self, End> {
        let scratch = Scratch::new();
        let call = call.stdout_to(&scratch.path().join("log"))?;
        let started = variables.iter().fold(call, |call, (name, value)| call.env(name, value)).start();
        Ok(Self { pid: started.pid(), started: Some(started), scratch })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        let _ = File::open(self.scratch.path().join("log")).and_then(|mut file| file.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits until it has logged a line with this; the line.
    ///
    /// # Errors
    /// It does not.
    pub fn logs(&self, words: &str) -> Result<String, End> {
        let line = || self.log().lines().find(|line| line.contains(words)).map(str::to_owned);
        until(line).ok_or_else(|| End::Fail(format!("{words:?} is not logged: {}", self.log())))
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) {
        if let Some(started) = &mut self.started {
            started.signal(signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end.
    pub fn end(&mut self) -> Result<Ended, End> {
        self.started.take().ok_or_else(|| "it has ended".to_owned())?.end()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(mut started) = self.started.take() {
            started.signal(Signal::SIGKILL);
            // Waited for, lest other trials find it.
            let _ = started.end();
        }
    }
}
