//! `/etc/remand/oci.jsonc`: under which policies containers run, and what else of them is let through.
//!
//! Always holds: no input, no output; what is not written is the narrowest; a file that is not understood completely is none.

use remand_policy::field::Word;
use remand_policy::load::{Keys, document};
use remand_policy::source::Source;
use remand_policy::text::{Problem, quote};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The policy of a container that chooses none.
    pub policy: String,
    /// Those that the annotation `dev.remand.policy` may choose.
    pub choose: Vec<String>,
    /// Annotations with a meaning to runtimes that are let through.
    pub annotations: Vec<String>,
    /// The runtime itself; otherwise it is looked for.
    pub runtime: Option<String>,
    /// Who is told refused calls.
    pub agent: Option<Agent>,
}

/// Who is told refused calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its socket.
    pub socket: String,
    /// What happens to a container where it is not there.
    pub absent: Absent,
}

/// What happens where the agent is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    /// The container does not start.
    #[default]
    Refuse,
    /// It starts; what its policy refuses is answered the same and told to nobody.
    Unlogged,
}

impl Word for Absent {
    const WORDS: &'static [(&'static str, Self)] = &[("refuse", Self::Refuse), ("unlogged", Self::Unlogged)];
}

impl Default for Settings {
    fn default() -> Self {
        Self { policy: "default".to_owned(), choose: Vec::new(), annotations: Vec::new(), runtime: None, agent: None }
    }
}

/// Reads the file.
///
/// # Errors
/// Every problem, as those of policies.
pub fn read(source: &Source) -> Result<Settings, Vec<Problem>> {
    document(source, |keys| Settings {
        policy: keys.text("policy", |_| Ok(())).unwrap_or_else(|| Settings::default().policy),
        choose: keys.texts("choose"),
        annotations: keys.texts("annotations"),
        runtime: keys.text("runtime", absolute),
        agent: keys.object("agent", agent).flatten(),
    })
}

fn agent(keys: &mut Keys<'_, '_, '_, '_>) -> Option<Agent> {
    keys.require("socket");
    let socket = keys.text("socket", absolute);
    let absent = keys.word("absent").unwrap_or_default();
    Some(Agent { socket: socket?, absent })
}

fn absolute(path: &str) -> Result<(), (String, String)> {
    let fault = || (format!("{} is no absolute path", quote(path)), "begin it with /".to_owned());
    if path.starts_with('/') { Ok(()) } else { Err(fault()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<Settings, Vec<String>> {
        let source = Source { file: "oci.jsonc".into(), text: text.as_bytes().to_vec().into() };
        read(&source).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_written_is_the_narrowest() {
        assert_eq!(said("{ \"version\": 1 } // nothing else"), Ok(Settings::default()));
        let whole = "{ \"version\": 1, \"policy\": \"web\", \"choose\": [\"strict\"], \"annotations\": [\"run.oci.keep_original_groups\"],
            \"runtime\": \"/usr/bin/crun\", \"agent\": { \"socket\": \"/run/a\", \"absent\": \"unlogged\" } }";
        assert_eq!(
            said(whole),
            Ok(Settings {
                policy: "web".into(),
                choose: vec!["strict".into()],
                annotations: vec!["run.oci.keep_original_groups".into()],
                runtime: Some("/usr/bin/crun".into()),
                agent: Some(Agent { socket: "/run/a".into(), absent: Absent::Unlogged }),
            })
        );
        assert_eq!(said("{ \"version\": 1, \"agent\": { \"socket\": \"/run/a\" } }").unwrap().agent.unwrap().absent, Absent::Refuse);
    }

    #[test]
    fn problems_are_those_of_policies() {
        let text = "{\n  \"version\": 1,\n  \"polcy\": \"web\",\n  \"runtime\": \"crun\",\n  \"agent\": { \"absent\": \"refused\" }\n}";
        assert_eq!(
            said(text).unwrap_err(),
            [
                "oci.jsonc:3:3: unknown key \"polcy\" (did you mean \"policy\"?)",
                "oci.jsonc:4:14: runtime: \"crun\" is no absolute path (begin it with /)",
                "oci.jsonc:5:12: agent: \"socket\" is missing",
                "oci.jsonc:5:24: agent.absent: \"refused\" is none of the words that can stand here (did you mean \"refuse\"?)",
            ]
        );
        assert_eq!(said("{}").unwrap_err().len(), 1);
    }
}
