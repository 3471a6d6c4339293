//! Why a runner gets no tasks: what is set, whether tasks can run here, and how far a connection to the broker comes.
//!
//! Always holds: it is told of one step after another, and none is taken that stands on one that failed; the broker is asked for one grant token and one upgrade, and
//! offered nothing; what speaks to it has given up root's rights.

use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use crate::dial::Dialer;
use crate::front::broker::{self, PATIENCE, Stream, Unreached};
use crate::front::tls;
use crate::ids::id;
use crate::incoming::Incoming;
use crate::outgoing;
use crate::packets::Tell;
use crate::runner::front_id;
use crate::settings::{Broker, Settings, Token, environment, token};
use crate::tasks::Tasks;

/// How far a clock may be off before it is told.
const CLOCK: Duration = Duration::from_secs(30);

/// What was found at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Well.
    Well(String),
    /// Not as somebody may think.
    Note(String),
    /// Wrong, and what to do.
    Wrong(String),
}

/// Tells what is found; whether nothing is wrong.
pub fn doctor(say: &dyn Fn(&Finding)) -> bool {
    match examined(say) {
        Ok(()) => true,
        Err(wrong) => {
            say(&Finding::Wrong(wrong));
            false
        }
    }
}

fn examined(say: &dyn Fn(&Finding)) -> Result<(), String> {
    let well = |what: String| say(&Finding::Well(what));
    let note = |what: String| say(&Finding::Note(what));
    let settings = Settings::read(&environment()).map_err(|why| why.0)?;
    well(format!("what is set: the broker at {}, {} tasks at once", settings.broker.authority(), settings.max_concurrency));
    if settings.max_concurrency == 0 {
        note("N8N_RUNNERS_MAX_CONCURRENCY is 0 or less: nothing is ever offered".to_owned());
    }
    let token = token(&environment());
    let tasks = Tasks::new(&settings).map_err(|why| format!("no task can run here: {why}"))?;
    well("tasks can run here".to_owned());
    tasks.warnings(&settings).into_iter().for_each(note);
    drop(tasks);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| error.to_string())?;
    let tls = settings.broker.tls.then(tls::trusted).transpose()?;
    give_up_rights().map_err(|errno| format!("root's rights cannot be given up: {errno}"))?;
    let way = Way { broker: &settings.broker, tls };
    LocalSet::new().block_on(&runtime, async {
        well(format!("the broker answers: {}", way.health(&note).await?));
        match token.map_err(|why| why.0)? {
            Token::Grant(_) => {
                note(
                    "N8N_RUNNERS_GRANT_TOKEN is good for one connection, which is the runner's: set N8N_RUNNERS_AUTH_TOKEN to look further"
                        .to_owned(),
                );
            }
            Token::Auth(auth) => {
                let token = way.grant(&auth).await?;
                well("the broker takes N8N_RUNNERS_AUTH_TOKEN".to_owned());
                way.register(&token, settings.max_payload).await?;
                well("the broker registers a runner for Python; one that offers would get tasks".to_owned());
            }
        }
        Ok(())
    })
}

/// What the broker says is input.
fn give_up_rights() -> Result<(), Errno> {
    let Some(id) = front_id() else { return Ok(()) };
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)
}

/// The way to the broker.
struct Way<'w> {
    broker: &'w Broker,
    tls: Option<TlsConnector>,
}

impl Way<'_> {
    async fn dial(&self) -> Result<Box<dyn Stream>, String> {
        let hint = "n8n listens there for runners where N8N_RUNNERS_MODE is external, by default on 127.0.0.1 and port 5679 \
                    (N8N_RUNNERS_BROKER_LISTEN_ADDRESS, N8N_RUNNERS_BROKER_PORT)";
        let none = |why: String| format!("no connection to the broker: {why}; {hint}");
        // Rights that it would give up are given up already.
        let dialer = Dialer::start(self.broker, None).map_err(|error| none(error.to_string()))?;
        let socket = match dialer.wait() {
            (Tell::Connection, Some(socket)) => socket,
            (Tell::Unreachable(why), _) => return Err(none(why)),
            _ => return Err(none("nothing came".to_owned())),
        };
        let stream = tokio::net::TcpStream::from_std(TcpStream::from(socket)).map_err(|error| error.to_string())?;
        let stream: Box<dyn Stream> = Box::new(stream);
        match &self.tls {
            Some(connector) => tls::connect(connector.clone(), stream, self.broker.host.clone()).await.map_err(|why| why.told().to_owned()),
            None => Ok(stream),
        }
    }

    /// That it is one.
    async fn health(&self, note: &impl Fn(String)) -> Result<String, String> {
        let stream = self.dial().await?;
        let (status, date) = broker::health(stream, self.broker).await.map_err(|why| format!("GET /healthz: {}", why.told()))?;
        if !status.is_success() {
            return Err(format!("GET /healthz: {status}: what answers there is no broker, or n8n has not begun yet"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(apart) = date.map(|date| date.abs_diff(now)).filter(|apart| *apart > CLOCK) {
            note(format!("the broker's clock and this machine's are {} seconds apart: times in logs do not match", apart.as_secs()));
        }
        Ok(format!("{status}"))
    }

    async fn grant(&self, auth: &str) -> Result<String, String> {
        broker::grant(self.dial().await?, self.broker, auth).await.map_err(|why| match why {
            Unreached::Forbidden(why) => format!("{why}: it must be the same as n8n's own variable of that name"),
            Unreached::For(why) if why.contains("404") => {
                format!("{why}: this is no broker's port; n8n's broker has one of its own, 5679 if nothing else is set (N8N_RUNNERS_BROKER_PORT)")
            }
            Unreached::For(why) => why,
        })
    }

    /// Says who it is, and goes when it is registered.
    async fn register(&self, token: &str, most: u64) -> Result<(), String> {
        let upgraded = broker::upgrade(self.dial().await?, self.broker, &id(), token, most).await;
        let mut socket = upgraded.map_err(|why| format!("no upgrade to a WebSocket: {}", why.told()))?;
        loop {
            let heard =
                timeout(PATIENCE, socket.next()).await.map_err(|_| "the broker does not register a runner: it is silent".to_owned())?;
            let message = heard.ok_or_else(|| "the broker closed the connection".to_owned())?.map_err(|error| error.to_string())?;
            let Message::Text(text) = message else { continue };
            match Incoming::read(&text) {
                Ok(Incoming::InfoRequest) => socket.send(Message::text(outgoing::info())).await.map_err(|error| error.to_string())?,
                Ok(Incoming::Registered) => break,
                _ => {}
            }
        }
        let _ = timeout(PATIENCE, socket.close(None)).await; // it has registered, however it says farewell
        Ok(())
    }
}
