//! `expect`: what a policy file says that its policy answers, as `[{"call": "socket AF_INET", "is": "denied"}, {"open": "/etc/passwd", "is": "denied"}]`.
//!
//! Always holds: each entry asks exactly one question, which was understood; nothing here changes the policy.

use jsonc_parser::ast::Value;

use super::read::{Fault, Readable, Reader, Section};
use super::syscalls::reason;
use crate::question::{Expectation, QUESTIONS, Question};
use crate::text::quote;

/// Reads the list of a file, for those who look at it.
pub(super) fn read(root: &mut Section<'_, '_, '_>, into: &mut Vec<Expectation>) {
    // A run asks nothing, and its policy is the same with any expectations.
    if root.reader.origins.is_none() {
        return root.accept("expect");
    }
    let Some(value) = root.value("expect") else { return };
    root.written("expect");
    for (expectation, range) in root.reader.elements("expect", value, "a list").into_iter().flatten() {
        into.push(expectation);
        root.reader.trace(|origins, text| origins.push("expect", text, range));
    }
}

impl Readable for Expectation {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        reader.object(field, value, |section| {
            let is = section.need("is");
            let reason = reason(section);
            let asked: Vec<_> = QUESTIONS.iter().filter_map(|(key, first)| Some((*key, *first, section.get::<String>(key)?))).collect();
            let written = QUESTIONS.iter().filter(|(key, _)| section.object.get(key).is_some()).count();
            if written != 1 {
                let message = if written == 0 { "asks nothing" } else { "asks several questions" };
                let keys: Vec<_> = QUESTIONS.iter().map(|(key, _)| format!("\"{key}\"")).collect();
                section.report_here(Fault::new(message, format!("write one of {}", keys.join(", "))));
                return None;
            }
            let (key, first, text) = asked.into_iter().next()?;
            let words = format!("{first}{text}");
            if ["open", "read", "write", "exec"].contains(&key) && text.split_whitespace().skip(1).any(|word| word.starts_with("O_")) {
                let help = format!("write \"ask\": {}", quote(&words));
                section.report_at(key, Fault::new("the whole text is a path, and flags belong to none", help));
                return None;
            }
            match Question::about_file(key, &text).unwrap_or_else(|| Question::parse(&words)) {
                Ok(question) if fits(key, &question) => Some(Self { words, question, is: is?, reason }),
                Ok(_) => {
                    section.report_at(key, Fault::new(format!("this is no question about a {key}"), "write it under \"ask\""));
                    None
                }
                Err(error) => {
                    section.report_at(key, Fault { message: error.message, help: error.help });
                    None
                }
            }
        })?
    }
}

/// Whether the key says what is asked.
fn fits(key: &str, question: &Question) -> bool {
    match key {
        "call" => matches!(question, Question::Call(_)),
        "limit" => matches!(question, Question::Limit(..)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Question;
    use crate::load::trace;
    use crate::load::{Chain, Loaded};
    use crate::question::Is;
    use crate::source::Source;
    use crate::text::Problem;

    fn load(expect: &str) -> Result<Loaded, Vec<Problem>> {
        let base = r#"{"version": 1, "expect": [{"call": "read", "is": "allowed"}]}"#;
        let file = |name: &str, text: String| Source { file: name.into(), text: text.into_bytes().into() };
        let text = format!("{{\"version\": 1, \"extends\": \"base\",\n \"expect\": {expect}}}");
        trace(&Chain::follow(&file("top", text), |_, _| Ok(file("base", base.to_owned()))), "top")
    }

    #[test]
    fn expectations_are_read_with_their_places_and_change_nothing() {
        let loaded = load(
            r#"[{"call": "socket AF_INET", "is": "denied", "reason": "no network"}, {"open": "/etc/passwd", "is": "not_visible"}, {"limit": "memory 2GiB", "is": "denied"}]"#,
        )
        .unwrap();
        let spaced = load(r#"[{"write": "/srv/my files/a", "is": "not_visible"}]"#).unwrap();
        assert_eq!(spaced.expect[0].question, Question::File(crate::question::Use::Write, "/srv/my files/a".into()));
        let words: Vec<_> = loaded.expect.iter().map(|expectation| expectation.words.as_str()).collect();
        assert_eq!(words, ["socket AF_INET", "open /etc/passwd", "memory 2GiB"], "those of the base are its own");
        assert_eq!((loaded.expect[1].is, loaded.expect[0].reason.as_deref()), (Is::NotVisible, Some("no network")));
        let places: Vec<_> = (0..4).map(|index| loaded.origins.entry("expect", index).map(ToString::to_string)).collect();
        assert_eq!(places, [Some("top:2:13".to_owned()), Some("top:2:81".to_owned()), Some("top:2:127".to_owned()), None]);
        assert_eq!(loaded.policy.hash(), load("[]").unwrap().policy.hash());
    }

    #[test]
    fn what_is_no_expectation_is_told_where_it_stands() {
        let told = |expect| load(expect).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            told(r#"[{"call": "socket AF_INE", "is": "denied"}]"#),
            ["top:2:22: expect[0].call: \"AF_INE\" is no value that socket takes (did you mean \"AF_INET\"?)"]
        );
        assert_eq!(
            told(r#"[{"call": "scoket", "is": "denyed"}]"#),
            [
                "top:2:22: expect[0].call: \"scoket\" is no system call, limit or other thing to ask about (did you mean \"socket\"?)",
                "top:2:38: expect[0].is: unknown word \"denyed\" (did you mean \"denied\"?)",
            ]
        );
        assert!(told(r#"[{"open": "/etc/passwd O_RDWR", "is": "denied"}]"#)[0].ends_with("(write \"ask\": \"open /etc/passwd O_RDWR\")"));
        assert!(told(r#"[{"open": "etc passwd", "is": "denied"}]"#)[0].contains("\"etc passwd\" is no path"));
        assert!(told(r#"[{"is": "denied"}]"#)[0].contains("asks nothing"));
        assert!(told(r#"[{"call": "read", "open": "/x", "is": "denied"}]"#)[0].contains("asks several questions"));
        assert!(told(r#"[{"call": "memory 2GiB", "is": "denied"}]"#)[0].contains("no question about a call"));
        assert!(told(r#"[{"calls": "read", "is": "denied"}]"#).iter().any(|line| line.contains("did you mean \"call\"?")));
        assert!(told(r#"{"call": "read"}"#)[0].contains("expected a list, found an object"));
    }
}
