//! What an operator sets: the variables of n8n's own runner, with its names, defaults and checks.
//!
//! Always holds: reading is a function of what the variables and files say; a value that cannot be used is told by its variable's name and never replaced.

mod broker;
mod names;
mod policies;
mod variables;

use std::collections::BTreeSet;
use std::time::Duration;

pub use broker::Broker;
pub use names::Allowed;
pub use policies::{Policies, Special};
pub use variables::{Unusable, Variables, environment};

/// The variables whose values are secrets, with what comes from a file in their place.
pub const SECRETS: [&str; 2] = ["N8N_RUNNERS_GRANT_TOKEN", "N8N_RUNNERS_AUTH_TOKEN"];
/// What Sentry is set by in n8n's own runner; nothing is reported to anybody here.
const SENTRY: [&str; 6] =
    ["N8N_SENTRY_DSN", "N8N_VERSION", "ENVIRONMENT", "DEPLOYMENT_NAME", "N8N_SENTRY_PROFILES_SAMPLE_RATE", "N8N_SENTRY_TRACES_SAMPLE_RATE"];
/// Largest message that n8n's own runner can be set to.
const LARGEST_PAYLOAD: i64 = 4_294_967_295;
/// Builtins that code does not find, if nothing else is said.
const BUILTINS_DENY: &str = "eval,exec,compile,open,input,breakpoint,getattr,object,type,vars,setattr,delattr,hasattr,dir,memoryview,\
                             __build_class__,globals,locals,license,help,credits,copyright";

/// Which log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What helps to find a fault.
    Debug,
    /// What happens.
    Info,
    /// What may be a fault.
    Warning,
    /// What is one.
    Error,
}

/// Who this runner is to the broker.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// Good for one connection; whoever started this runner starts the next.
    Grant(String),
    /// Gets such tokens, as often as a connection is lost.
    Auth(String),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::Grant(_) => "Grant(...)",
            Self::Auth(_) => "Auth(...)",
        })
    }
}

/// All that is set, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the broker is.
    pub broker: Broker,
    /// The name of this runner there, if somebody gave it one: n8n binds the grant token of a runner that it starts itself to a name.
    pub runner: Option<String>,
    /// Tasks at once; none: nothing is ever offered.
    pub max_concurrency: usize,
    /// Bytes of the largest message, either way.
    pub max_payload: u64,
    /// How long a task may take.
    pub task_timeout: Duration,
    /// How long nothing may happen before this process ends; none: for ever.
    pub idle: Option<Duration>,
    /// How long tasks may go on after a signal to end.
    pub grace: Duration,
    /// Modules of the standard library that code may import.
    pub stdlib_allow: Allowed,
    /// Other modules that it may import.
    pub external_allow: Allowed,
    /// Builtins that code does not find.
    pub builtins_deny: BTreeSet<String>,
    /// Code finds no environment.
    pub block_environment: bool,
    /// What packages import needs no place in the lists.
    pub transitive_imports: bool,
    /// What n8n's own runner refuses is refused, in its words; otherwise all simply works that the policy lets work.
    pub restrictions: bool,
    /// Which policies tasks run under.
    pub policies: Policies,
    /// Where the health of this process is asked for; port 0 is any.
    pub health: Option<(String, u16)>,
    /// Least of what is logged.
    pub level: Level,
    /// Lines have no colours.
    pub no_color: bool,
    /// Variables that mean nothing here, but are set.
    pub ignored: Vec<&'static str>,
}

impl Settings {
    /// As the variables say.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn read(variables: &Variables<'_>) -> Result<Self, Unusable> {
        let host = variables.text("N8N_RUNNERS_TASK_BROKER_URI")?.unwrap_or_else(|| "http://127.0.0.1:5679".to_owned());
        let seconds = |name, default, least: i64, told: &str| -> Result<Duration, Unusable> {
            let number = variables.number(name, default)?;
            u64::try_from(number)
                .ok()
                .filter(|_| number >= least)
                .map(Duration::from_secs)
                .ok_or_else(|| Unusable(format!("{told}, got {number}")))
        };
        let denied = variables.text("N8N_RUNNERS_BUILTINS_DENY")?;
        let idle = seconds("N8N_RUNNERS_AUTO_SHUTDOWN_TIMEOUT", 0, 0, "Auto shutdown timeout must be non-negative")?;
        Ok(Self {
            broker: Broker::read(&host)?,
            runner: variables.text("N8N_RUNNERS_ID")?.filter(|name| !name.is_empty()),
            max_concurrency: usize::try_from(variables.number("N8N_RUNNERS_MAX_CONCURRENCY", 5)?).unwrap_or(0),
            max_payload: max_payload(variables)?,
            task_timeout: seconds("N8N_RUNNERS_TASK_TIMEOUT", 60, 1, "Task timeout must be positive")?,
            idle: Some(idle).filter(|idle| !idle.is_zero()),
            grace: seconds("N8N_RUNNERS_GRACEFUL_SHUTDOWN_TIMEOUT", 10, 1, "Graceful shutdown timeout must be positive")?,
            stdlib_allow: Allowed::variable(variables, "N8N_RUNNERS_STDLIB_ALLOW")?,
            external_allow: Allowed::variable(variables, "N8N_RUNNERS_EXTERNAL_ALLOW")?,
            builtins_deny: names::list(denied.as_deref().unwrap_or(BUILTINS_DENY)),
            block_environment: variables.flag("N8N_BLOCK_RUNNER_ENV_ACCESS", true)?,
            transitive_imports: variables.flag("N8N_RUNNERS_ALLOW_TRANSITIVE_IMPORTS", false)?,
            restrictions: variables.flag("REMAND_N8N_RESTRICTIONS", true)?,
            policies: Policies::read(variables)?,
            health: health(variables)?,
            level: level(variables.text("N8N_RUNNERS_LAUNCHER_LOG_LEVEL")?.as_deref()),
            no_color: variables.text("NO_COLOR")?.is_some_and(|text| !text.is_empty()),
            ignored: SENTRY
                .into_iter()
                .filter(|name| variables.text(name).is_ok_and(|text| text.is_some_and(|text| !text.is_empty())))
                .collect(),
        })
    }
}

/// Who this runner is.
///
/// # Errors
/// Nothing says it.
pub fn token(variables: &Variables<'_>) -> Result<Token, Unusable> {
    let [grant, auth] = SECRETS;
    let given = |name| variables.text(name).map(|text| text.filter(|text| !text.is_empty()));
    if let Some(token) = given(auth)? {
        return Ok(Token::Auth(token));
    }
    given(grant)?.map(Token::Grant).ok_or_else(|| Unusable(format!("Environment variable {grant} is required")))
}

fn max_payload(variables: &Variables<'_>) -> Result<u64, Unusable> {
    let bytes = variables.number("N8N_RUNNERS_MAX_PAYLOAD", 1_073_741_824)?;
    if bytes > LARGEST_PAYLOAD {
        let limit = format!("exceeds pipe message limit of {LARGEST_PAYLOAD} bytes");
        return Err(Unusable(format!("Max payload size of {bytes} bytes {limit}. Reduce N8N_RUNNERS_MAX_PAYLOAD.")));
    }
    u64::try_from(bytes).ok().filter(|bytes| *bytes > 0).ok_or_else(|| Unusable(format!("Max payload size must be positive, got {bytes}")))
}

fn health(variables: &Variables<'_>) -> Result<Option<(String, u16)>, Unusable> {
    if !variables.flag("N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED", false)? {
        return Ok(None);
    }
    let host = variables.text("N8N_RUNNERS_HEALTH_CHECK_SERVER_HOST")?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = variables.number("N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT", 5681)?;
    let wrong = |_| Unusable(format!("Invalid health check configuration: Port must be between 0 and 65535, got {port}"));
    Ok(Some((host, u16::try_from(port).map_err(wrong)?)))
}

/// What is no level is the usual one.
fn level(text: Option<&str>) -> Level {
    match text.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "debug" => Level::Debug,
        "warn" | "warning" => Level::Warning,
        "error" | "critical" | "fatal" => Level::Error,
        _ => Level::Info,
    }
}

#[cfg(test)]
mod tests;
