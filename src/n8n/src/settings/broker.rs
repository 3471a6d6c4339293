//! Where the broker is.

use super::variables::Unusable;

/// What of the broker's URI is used: its path is not, as n8n's own runner does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// `https`: by TLS.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Broker {
    /// Of a URI.
    ///
    /// # Errors
    /// It is none that can be used.
    pub fn read(uri: &str) -> Result<Self, Unusable> {
        let wrong = |why: &str| Unusable(format!("N8N_RUNNERS_TASK_BROKER_URI: {why}; expected http://HOST:PORT or https://HOST:PORT"));
        let (scheme, rest) = uri.trim().split_once("://").ok_or_else(|| wrong("no scheme"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(wrong("a scheme that is none of http and https")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(wrong("a user has no place in it"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let allowed = |character: char| character.is_ascii_alphanumeric() || "-._:%".contains(character);
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(wrong("no host"));
        }
        let usual = if tls { 443 } else { 80 };
        let port = if port.is_empty() { usual } else { port.parse().map_err(|_| wrong("no port"))? };
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// As a URI has them.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}
