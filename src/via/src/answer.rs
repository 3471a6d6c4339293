//! What a daemon answers that is no stream: its version, or what is wrong.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use hyper::http::response::Parts;
use remand_plan::submission::VERSION;
use serde::Deserialize;

use crate::API;
use crate::error::{Problem, ViaError};

/// Of a command that cannot be started.
const NOT_STARTED: u8 = 10;

#[derive(Deserialize)]
struct Version {
    remand: String,
    api: u64,
    requests: u64,
}

/// Whether it is a daemon that can be spoken with.
pub fn version(head: &Parts, body: &[u8]) -> Result<(), ViaError> {
    if head.status != StatusCode::OK {
        return Err(problem(head, body));
    }
    let said = serde_json::from_slice(body);
    let Version { remand, api, requests } = said.map_err(|_| ViaError::Other("it does not say which version it is".to_owned()))?;
    if (api, requests) == (API, VERSION) { Ok(()) } else { Err(ViaError::Version { remand, api, requests }) }
}

#[derive(Deserialize)]
struct Said {
    detail: String,
    #[serde(default)]
    hint: Option<String>,
    exit_status: u8,
}

/// What is wrong, in its own words.
pub fn problem(head: &Parts, body: &[u8]) -> ViaError {
    let Ok(Said { detail, hint, exit_status }) = serde_json::from_slice(body) else {
        return ViaError::Other(format!("it answered {}", head.status));
    };
    let retry_after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    ViaError::Refused(Problem { detail, hint, exit_status: failing(exit_status), retry_after })
}

/// An exit status of a problem: never that of a success, whatever is claimed.
pub fn failing(claimed: u8) -> u8 {
    if (1..=12).contains(&claimed) { claimed } else { NOT_STARTED }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head(status: u16, after: Option<&str>) -> Parts {
        let mut builder = hyper::Response::builder().status(status);
        if let Some(after) = after {
            builder = builder.header(RETRY_AFTER, after);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_daemon_of_another_version_is_told_from_something_else() {
        let of = |status, body: &str| version(&head(status, None), body.as_bytes());
        assert!(of(200, r#"{"remand": "0.1.0", "api": 1, "requests": 1, "weaker": []}"#).is_ok());
        let later = of(200, r#"{"remand": "9.0.0", "api": 2, "requests": 1}"#).unwrap_err();
        assert!(matches!(&later, ViaError::Version { api: 2, .. }) && later.to_string().contains("remand 9.0.0"), "{later}");
        for body in ["", "{}", "hello", r#"{"remand": 1}"#] {
            assert!(matches!(of(200, body), Err(ViaError::Other(_))), "{body}");
        }
        assert!(matches!(of(404, "not here"), Err(ViaError::Other(said)) if said.contains("404")));
    }

    #[test]
    fn a_problem_is_its_own_and_no_success() {
        let body = br#"{"type": "about:blank", "status": 429, "detail": "full", "hint": "wait", "exit_status": 0}"#;
        let ViaError::Refused(problem) = problem(&head(429, Some("7")), body) else { unreachable!() };
        assert_eq!(problem, Problem { detail: "full".into(), hint: Some("wait".into()), exit_status: 10, retry_after: Some(7) });
        assert_eq!([0, 1, 2, 12, 13, 255].map(failing), [10, 1, 2, 12, 10, 10]);
    }
}
