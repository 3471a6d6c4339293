//! The work of a front: connections to the broker, one after another, and the machine that says what is done about what comes.
//!
//! Always holds: what comes from broker and supervisor is heard whatever else is waited for; what is said to the broker waits in order and keeps nobody waiting.

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use remand_engine::Moment;
use remand_front::memory;
use remand_front::way::Way;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::broker::{self, Socket, Stream, Unreached};
use super::heard::next;
use super::tls;
use crate::machine::{Action, Event, Machine, TICK};
use crate::outgoing;
use crate::packets::{Ask, Begin, Tell, pack_task, unpack_messages};
use crate::settings::{Level, Token};
use crate::task::Task;

/// How long until the next attempt.
const RETRY: Duration = Duration::from_secs(5);
/// How often the broker is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// How long nothing may be heard of it: an answer to a ping is something.
const SILENCE: Duration = Duration::from_secs(40);
/// How long the last messages may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// See the module.
pub struct Session {
    begin: Begin,
    tls: Option<TlsConnector>,
    way: Rc<Way>,
    buffer: Vec<u8>,
    machine: Machine,
    ticks: Interval,
    /// Where messages to the broker wait.
    out: Option<mpsc::UnboundedSender<Message>>,
    pinged: Moment,
    dialing: Option<oneshot::Sender<Result<OwnedFd, String>>>,
}

/// Why something is not waited for any longer.
enum Stop {
    /// All is over, with this status.
    End(u8),
    /// The supervisor is gone.
    Gone(io::Error),
}

impl Session {
    pub fn new(begin: Begin, tls: Option<TlsConnector>, way: Rc<Way>) -> Self {
        let machine = Machine::new(begin.max_concurrency, begin.idle, begin.grace);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { begin, tls, way, buffer: Vec::new(), machine, ticks, out: None, pinged: Moment::now(), dialing: None }
    }

    /// Works until all is over, and the supervisor has gone.
    pub async fn work(&mut self) -> io::Result<()> {
        let status = match self.connections().await {
            Stop::End(status) => status,
            Stop::Gone(error) => return Err(error),
        };
        self.log(Level::Info, "Runner stopped");
        self.way.put(Ask::End(status).packet(), None);
        // It goes when it has heard.
        loop {
            next(&self.way, &mut self.buffer).await?;
        }
    }

    async fn connections(&mut self) -> Stop {
        loop {
            let lost = match self.connect().await {
                Ok(Ok(socket)) => self.speak(socket).await,
                Ok(Err(Unreached::Forbidden(why))) => {
                    self.log(Level::Error, &format!("Authentication failed with status 403: {why}"));
                    // Whoever gave a grant token starts a runner with the next one; a secret that the broker does not have is no good later either.
                    let resident = matches!(self.begin.token, Token::Auth(_));
                    return Stop::End(u8::from(resident));
                }
                Ok(Err(Unreached::For(why))) => {
                    self.log(Level::Warning, &format!("Failed to connect to broker: {why} - retrying..."));
                    Ok(())
                }
                Err(stop) => return stop,
            };
            let waited = match lost {
                Ok(()) => self.meanwhile(sleep(RETRY)).await,
                Err(stop) => return stop,
            };
            if let Err(stop) = waited {
                return stop;
            }
        }
    }

    /// A connection that the broker has taken.
    async fn connect(&mut self) -> Result<Result<Socket, Unreached>, Stop> {
        let token = match self.begin.token.clone() {
            Token::Grant(token) => token,
            Token::Auth(token) => {
                let stream = match self.dial().await? {
                    Ok(stream) => stream,
                    Err(why) => return Ok(Err(why)),
                };
                let broker = self.begin.broker.clone();
                match self.meanwhile(broker::grant(stream, &broker, &token)).await? {
                    Ok(token) => token,
                    Err(why) => return Ok(Err(why)),
                }
            }
        };
        let stream = match self.dial().await? {
            Ok(stream) => stream,
            Err(why) => return Ok(Err(why)),
        };
        let (broker, runner, most) = (self.begin.broker.clone(), self.begin.runner.clone(), self.begin.max_payload);
        let upgraded = self.meanwhile(broker::upgrade(stream, &broker, &runner, &token, most)).await?;
        Ok(match upgraded {
            // One that was used up on its way: there are others.
            Err(Unreached::Forbidden(why)) if matches!(self.begin.token, Token::Auth(_)) => Err(Unreached::For(why)),
            upgraded => upgraded,
        })
    }

    /// A connection that the supervisor makes, by TLS where the broker has that.
    async fn dial(&mut self) -> Result<Result<Box<dyn Stream>, Unreached>, Stop> {
        let (to, dialed) = oneshot::channel();
        self.dialing = Some(to);
        self.way.put(Ask::Dial.packet(), None);
        let stream = match self.meanwhile(dialed).await? {
            Ok(Ok(socket)) => tokio::net::TcpStream::from_std(TcpStream::from(socket)),
            Ok(Err(why)) => return Ok(Err(Unreached::For(why))),
            Err(_) => return Ok(Err(Unreached::For("another attempt began".to_owned()))),
        };
        let stream: Box<dyn Stream> = match stream {
            Ok(stream) => Box::new(stream),
            Err(error) => return Ok(Err(Unreached::For(error.to_string()))),
        };
        let Some(connector) = self.tls.clone() else { return Ok(Ok(stream)) };
        self.meanwhile(tls::connect(connector, stream, self.begin.broker.host.clone())).await
    }

    /// Speaks with the broker until the connection is gone.
    async fn speak(&mut self, socket: Socket) -> Result<(), Stop> {
        let (sink, mut source) = socket.split();
        let (to, messages) = mpsc::unbounded_channel();
        let mut writer = spawn_local(write(sink, messages));
        self.out = Some(to);
        self.pinged = Moment::now();
        let opened = self.happen(Event::Opened);
        let why = match opened {
            Ok(()) => self.listen(&mut source, &mut writer).await,
            Err(stop) => Err(stop),
        };
        self.out = None;
        match why {
            Ok(why) => {
                writer.abort();
                self.log(Level::Warning, &format!("Connection to broker lost: {why} - retrying..."));
                self.happen(Event::Lost)
            }
            Err(stop) => {
                // What was said goes before the end; the broker's own last words are read meanwhile, lest it be reset.
                let farewell = async { while let Some(Ok(_)) = source.next().await {} };
                let _ = timeout(FAREWELL, async { tokio::join!(writer, farewell) }).await;
                self.log(Level::Info, "Disconnected from broker");
                Err(stop)
            }
        }
    }

    /// Why the connection is gone.
    async fn listen(&mut self, source: &mut SplitStream<Socket>, writer: &mut JoinHandle<()>) -> Result<String, Stop> {
        loop {
            let heard = async {
                tokio::select! {
                    heard = timeout(SILENCE, source.next()) => heard.map_err(|_| format!("not heard of for {} seconds", SILENCE.as_secs())),
                    _ = &mut *writer => Err("nothing can be sent".to_owned()),
                }
            };
            let message = match self.meanwhile(heard).await? {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Ok(error.to_string()),
                Ok(None) => return Ok("closed".to_owned()),
                Err(why) => return Ok(why),
            };
            match message {
                Message::Text(text) => self.happen(Event::Message(&text))?,
                Message::Binary(bytes) => self.happen(Event::Message(&String::from_utf8_lossy(&bytes)))?,
                Message::Close(frame) => return Ok(frame.map_or_else(|| "closed".to_owned(), |frame| closed(&frame))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Waits for something, and hears the supervisor and the clock meanwhile.
    async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Stop> {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                done = future.as_mut() => return Ok(done),
                told = next(&self.way, &mut self.buffer) => self.told(told)?,
                _ = self.ticks.tick() => {
                    self.ping();
                    self.happen(Event::Tick)?;
                }
            }
        }
    }

    fn ping(&mut self) {
        let now = Moment::now();
        if let Some(out) = self.out.as_ref().filter(|_| now.since(self.pinged) >= PING) {
            self.pinged = now;
            let _ = out.send(Message::Ping(Bytes::new())); // a connection that is gone is noticed elsewhere
        }
    }

    fn told(&mut self, told: io::Result<(Tell, Option<OwnedFd>)>) -> Result<(), Stop> {
        match told.map_err(Stop::Gone)? {
            (Tell::Connection, socket) => self.dialed(socket.ok_or_else(|| "nothing came".to_owned())),
            (Tell::Unreachable(why), _) => self.dialed(Err(why)),
            (Tell::Answer(number), Some(messages)) => {
                let messages = memory::read(messages, u64::MAX).map_err(Stop::Gone)?;
                let messages = unpack_messages(&messages).map_err(|malformed| Stop::Gone(io::Error::other(malformed)))?;
                return self.happen(Event::Over(number, messages));
            }
            (Tell::Stop(signal), _) => return self.happen(Event::Stop(&signal)),
            (Tell::Begin | Tell::Health | Tell::Answer(_), _) => return Err(Stop::Gone(io::ErrorKind::InvalidData.into())),
        }
        Ok(())
    }

    fn dialed(&mut self, socket: Result<OwnedFd, String>) {
        if let Some(to) = self.dialing.take() {
            let _ = to.send(socket); // nobody waits for it any more
        }
    }

    /// Does what the machine says about something.
    fn happen(&mut self, event: Event<'_>) -> Result<(), Stop> {
        let mut end = None;
        for action in self.machine.on(event, Moment::now()) {
            match action {
                Action::Send(text) => {
                    if let Some(out) = &self.out {
                        let _ = out.send(Message::text(text)); // as for a ping
                    }
                }
                Action::Log(level, line) => self.log(level, &line),
                Action::Start(number, task) => self.start(number, &task)?,
                Action::Cancel(number) => self.way.put(Ask::Cancel(number).packet(), None),
                Action::End(status) => end = Some(status),
            }
        }
        end.map_or(Ok(()), |status| Err(Stop::End(status)))
    }

    fn start(&mut self, number: u64, task: &Task) -> Result<(), Stop> {
        match memory::sealed(&pack_task(task)) {
            Ok(beside) => {
                self.way.put(Ask::Start(number).packet(), Some(beside));
                Ok(())
            }
            Err(error) => {
                let failed = outgoing::error(&task.id, &format!("The task cannot be handed over: {error}"));
                self.happen(Event::Over(number, vec![failed]))
            }
        }
    }

    fn log(&self, level: Level, line: &str) {
        self.way.put(Ask::Say(level, line.to_owned()).packet(), None);
    }
}

fn closed(frame: &CloseFrame) -> String {
    format!("closed with {} {}", u16::from(frame.code), frame.reason.as_str())
}

/// Says everything in order, and at its end that there is no more.
async fn write(mut sink: SplitSink<Socket, Message>, mut messages: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = messages.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let bye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let _ = sink.send(Message::Close(Some(bye))).await; // whoever is gone needs none
}
