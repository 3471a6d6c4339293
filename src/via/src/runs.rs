//! What a daemon has of one's runs: listed, and cancelled.

use std::path::Path;

use hyper::Method;
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::EVENT;
use crate::answer::problem;
use crate::connection::Connection;
use crate::error::ViaError;
use crate::follow::{greeted, runtime};

/// A run, as a daemon lists it. Its words are the daemon's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub run: String,
    /// `queued`, `running` or `over`.
    pub state: String,
    /// The kind of verdict, of one that is over and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The policy's name.
    pub policy: String,
    /// Milliseconds since it was taken.
    pub age_ms: u64,
    /// What its caller said that it is for.
    #[serde(default, rename = "for")]
    pub label: Option<String>,
    /// The number of the user whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// The cgroup of the container whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// Which runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one of this id.
    Run(&'a str),
    /// Those of one's own that have this label.
    Label(&'a str),
}

#[derive(Deserialize)]
struct Runs {
    runs: Vec<Listed>,
}

#[derive(Deserialize)]
struct Ended {
    cancelled: Vec<String>,
}

#[derive(Deserialize)]
struct One {
    run: String,
}

/// The runs that one may see, the newest first; with a label, its.
///
/// # Errors
/// See [`ViaError`].
pub fn list(socket: &Path, label: Option<&str>) -> Result<Vec<Listed>, ViaError> {
    let path = label.map_or_else(|| "/v1/runs".to_owned(), |label| format!("/v1/runs?for={label}"));
    runtime()?.block_on(async { asked::<Runs>(&mut greeted(socket).await?, Method::GET, &path).await.map(|said| said.runs) })
}

/// Cancels what goes on or waits of them, and gives the ids. A daemon forgets a run that is over already.
///
/// # Errors
/// See [`ViaError`].
pub fn cancel(socket: &Path, which: Which<'_>) -> Result<Vec<String>, ViaError> {
    runtime()?.block_on(async {
        let mut connection = greeted(socket).await?;
        match which {
            Which::Run(run) => asked::<One>(&mut connection, Method::DELETE, &format!("/v1/runs/{run}")).await.map(|said| vec![said.run]),
            Which::Label(label) => {
                asked::<Ended>(&mut connection, Method::DELETE, &format!("/v1/runs?for={label}")).await.map(|said| said.cancelled)
            }
        }
    })
}

async fn asked<T: DeserializeOwned>(connection: &mut Connection, method: Method, path: &str) -> Result<T, ViaError> {
    let (head, body) = connection.document(method, path, EVENT).await?;
    if head.status != StatusCode::OK {
        return Err(problem(&head, &body));
    }
    serde_json::from_slice(&body).map_err(|_| ViaError::Other("what it says of runs is not what this remand reads".to_owned()))
}
