//! What a shell offers where a policy's name or a field of policies is typed; the rest of completion is clap_complete's, from the definition of the command line.
//!
//! Always holds: only directories of policies, and those that what was typed leads to, are listed; no policy is read. A shell is offered nothing that it would take
//! for more than a word: names of files are anybody's, and bash puts them on the command line as they come.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use clap::Command;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Shells, Zsh};
use remand_engine::store::{Store, policy_name};
use remand_policy::schema;
use remand_policy::shipped::SHIPPED;
use serde_json::Value;

use crate::failure::Failure;

/// The variable by which a shell asks, and by which it gets the text that makes it ask.
pub const VARIABLE: &str = "REMAND_COMPLETE";

/// Answers a shell, if it is one that asks about this command line.
pub fn answered(command: fn() -> Command) -> Result<bool, Failure> {
    let here = env::current_dir().ok();
    let shells =
        Shells(&[&Words { shell: &Bash, help: None }, &Words { shell: &Zsh, help: Some(':') }, &Words { shell: &Fish, help: Some('\t') }]);
    let asked = CompleteEnv::with_factory(command).var(VARIABLE).shells(shells).try_complete(env::args_os(), here.as_deref());
    asked.map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))
}

/// A shell that is offered words alone.
struct Words {
    shell: &'static (dyn EnvCompleter + Sync),
    /// What divides an offer from what is said of it.
    help: Option<char>,
}

impl EnvCompleter for Words {
    fn name(&self) -> &'static str {
        self.shell.name()
    }

    fn is(&self, name: &str) -> bool {
        self.shell.is(name)
    }

    fn write_registration(&self, var: &str, name: &str, bin: &str, completer: &str, to: &mut dyn Write) -> io::Result<()> {
        self.shell.write_registration(var, name, bin, completer, to)
    }

    fn write_complete(&self, command: &mut Command, args: Vec<OsString>, here: Option<&Path>, to: &mut dyn Write) -> io::Result<()> {
        let mut all = Vec::new();
        self.shell.write_complete(command, args, here, &mut all)?;
        let between = env::var("_CLAP_IFS").ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "\n".to_owned());
        let offers = String::from_utf8_lossy(&all);
        let words: Vec<_> = offers.split(&*between).filter(|offer| is_word(self.value(offer))).collect();
        to.write_all(words.join(&*between).as_bytes())
    }
}

impl Words {
    fn value<'t>(&self, offer: &'t str) -> &'t str {
        self.help.and_then(|help| offer.split_once(help)).map_or(offer, |(value, _)| value)
    }
}

/// Whether every shell takes it for one word that stands for itself.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || "_-./=+,:@%".contains(c)) && !text.is_empty()
}

/// Names of policies, and policy files.
pub fn policies(typed: &OsStr) -> Vec<CompletionCandidate> {
    let start = typed.to_string_lossy();
    let listed = Store::system().directories().into_iter().filter_map(|directory| fs::read_dir(directory).ok());
    let files = listed.flatten().flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonc"));
    let mut names: Vec<_> = SHIPPED.iter().map(|(name, ..)| (*name).to_owned()).chain(files.map(|file| policy_name(&file))).collect();
    names.retain(|name| name.starts_with(&*start));
    names.sort();
    names.dedup();
    let paths = PathCompleter::any().filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "jsonc")).complete(typed);
    names.into_iter().map(CompletionCandidate::new).chain(paths).collect()
}

/// Fields of policies, and values of one.
pub fn fields(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let schema = schema::file();
    let fields = members(&schema).flat_map(|(section, of)| members(of).map(move |(field, of)| (format!("{section}.{field}"), of)));
    let offers: Vec<(String, &Value)> = match typed.split_once('=') {
        None => fields.map(|(field, of)| (field + "=", of)).collect(),
        Some((wanted, _)) => fields
            .filter(|(field, _)| field == wanted)
            .flat_map(|(field, of)| values(of).into_iter().map(move |(value, of)| (format!("{field}={value}"), of)))
            .collect(),
    };
    let offers = offers.into_iter().filter(|(text, _)| text.starts_with(&*typed));
    offers.map(|(text, of)| CompletionCandidate::new(text).help(told(of).map(Into::into))).collect()
}

fn members(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Values that a field's schema names, each with where it does.
fn values(of: &Value) -> Vec<(String, &Value)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list = |name: &str| of.get(name).and_then(Value::as_array).into_iter().flatten();
    let own = of.get("const").into_iter().chain(list("examples")).chain(list("enum")).map(|value| (text(value), of));
    let truth = if of.get("type").is_some_and(|kind| kind == "boolean") { &["true", "false"][..] } else { &[] };
    let deeper = list("anyOf").chain(list("oneOf")).flat_map(values);
    own.chain(truth.iter().map(|value| ((*value).to_owned(), of))).chain(deeper).collect()
}

/// The first line of a description.
fn told(of: &Value) -> Option<String> {
    of.get("description")?.as_str()?.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(candidates: &[CompletionCandidate]) -> Vec<String> {
        candidates.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn fields_and_their_values_are_offered() {
        assert_eq!(offered(&fields("limits.mem".as_ref())), ["limits.memory="]);
        assert_eq!(offered(&fields("network.mode=l".as_ref())), ["network.mode=loopback"]);
        assert_eq!(offered(&fields("python.runner_env_deny=".as_ref())), ["python.runner_env_deny=true", "python.runner_env_deny=false"]);
        assert!(offered(&fields("".as_ref())).len() > 30 && fields("limits.none=".as_ref()).is_empty());
    }

    #[test]
    fn a_word_stands_for_itself() {
        assert!(["a.jsonc", "d/", "limits.memory=", "--file", "é"].into_iter().all(is_word));
        let more =
            ["", "$(touch x)", "`x`", "a b", "a;b", "*", "~", "a'b", "a\"b", "a\\b", "a\nb", "!x", "a#b", "{a,b}", "a|b", "<a", "a&"];
        assert!(!more.into_iter().any(is_word));
    }

    #[test]
    fn policies_are_offered_by_name() {
        assert!(offered(&policies("str".as_ref())).contains(&"strict".to_owned()));
    }
}
