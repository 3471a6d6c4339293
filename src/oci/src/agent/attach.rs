//! What a runtime says of a container whose refused calls an agent is to answer: the container process state of the OCI runtime specification.
//!
//! Always holds: no input, no output; bounded before it is read; what is not understood attaches nothing.

use serde_json::Value;

/// Most bytes of it.
pub const LARGEST: usize = 1 << 20;

/// Whom to answer for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The container's name.
    pub container: String,
    /// The policy's.
    pub policy: String,
    /// Which of the descriptors is the filter's listener.
    pub listener: usize,
}

/// Reads what came so far; `None`: more is to come.
///
/// # Errors
/// Why it is none.
pub fn read(bytes: &[u8]) -> Result<Option<Attach>, String> {
    if bytes.len() > LARGEST {
        return Err(format!("more than {LARGEST} bytes"));
    }
    let state: Value = match serde_json::from_slice(bytes) {
        Ok(state) => state,
        Err(error) if error.is_eof() => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let container = state["state"]["id"].as_str().filter(|id| is_id(id)).ok_or("no container's name in it")?;
    let policy = state["metadata"].as_str().filter(|name| is_id(name)).ok_or("no policy's name in it")?;
    let names = state["fds"].as_array().ok_or("no descriptors in it")?;
    let listener = names.iter().position(|name| name == "seccompFd").ok_or("no listener among its descriptors")?;
    Ok(Some(Attach { container: container.to_owned(), policy: policy.to_owned(), listener }))
}

/// As runtimes and policies have names.
fn is_id(name: &str) -> bool {
    const LONGEST: usize = 1024;
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn as_runtimes_write_it() {
        let state = json!({ "ociVersion": "1.0.2", "fds": ["other", "seccompFd"], "pid": 7, "metadata": "default",
            "state": { "ociVersion": "1.0.2", "id": "c1", "status": "creating", "pid": 7, "bundle": "/b" } });
        let text = state.to_string();
        let attach = Attach { container: "c1".into(), policy: "default".into(), listener: 1 };
        assert_eq!(read(text.as_bytes()), Ok(Some(attach)));
        assert_eq!(read(&text.as_bytes()[..text.len() / 2]), Ok(None));
        assert_eq!(read(b""), Ok(None));
    }

    #[test]
    fn what_is_none_attaches_nothing() {
        let with = |key: &str, value: Value| {
            let mut state = json!({ "fds": ["seccompFd"], "metadata": "default", "state": { "id": "c1" } });
            state[key] = value;
            read(state.to_string().as_bytes())
        };
        assert!(with("x", json!(1)).is_ok());
        for (key, value) in [
            ("state", json!({ "id": "a\nb" })),
            ("state", json!({ "id": "" })),
            ("state", json!([])),
            ("metadata", json!("\u{1b}[2J")),
            ("metadata", json!(null)),
            ("fds", json!([])),
            ("fds", json!("seccompFd")),
        ] {
            assert!(with(key, value.clone()).is_err(), "{key} {value}");
        }
        assert!(read(b"[]").is_err() && read(b"x").is_err() && read(&vec![b' '; LARGEST + 1]).is_err());
    }
}
