//! A technique of the catalogue as data: the attack, the exact reason for its failure, and the control that shows it is alive.
//!
//! Always holds: attack and control are the same program; they differ in the one thing that the control names.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::command::{Call, scale};
use crate::facts::{Need, need};
use crate::observe::{Seen, compare};
use crate::plain::{self, Apart};
use crate::probe::Probe;
use crate::scratch::Scratch;
use crate::{Check, End, policy_text, trial};

/// How the same program is shown to do its deed.
#[derive(Clone, Copy, Debug)]
pub enum Control {
    /// With these system calls allowed.
    Calls(&'static [&'static str], &'static [Seen]),
    /// With these sections of the default policy replaced (JSON).
    Policy(&'static str, &'static [Seen]),
    /// With another argument: one unit below the limit, or aimed at something of its own.
    Query(&'static str, &'static [Seen]),
    /// With other `--set` values.
    Settings(&'static [&'static str], &'static [Seen]),
    /// Outside of any sandbox; only `At`-like expectations on the value apply.
    Plain(&'static [Seen]),
    /// Outside of the sandbox, in user and mount namespaces of its own.
    Apart(&'static [Seen]),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Technique {
    name: &'static str,
    probe: Probe,
    query: &'static str,
    settings: &'static [&'static str],
    policy: Option<&'static str>,
    lifted: &'static [&'static str],
    needs: &'static [Need],
    attack: &'static [Seen],
    substitute: Option<(Need, &'static [Seen])>,
    control: Control,
}

impl Technique {
    /// A row without argument, settings or needs.
    #[must_use]
    pub const fn new(name: &'static str, probe: Probe, attack: &'static [Seen], control: Control) -> Self {
        Self { name, probe, query: "null", settings: &[], policy: None, lifted: &[], needs: &[], attack, substitute: None, control }
    }

    /// The attack's argument (JSON); the control's too, unless it says otherwise.
    #[must_use]
    pub const fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    /// `--set` values of both; times in `ms` grow with REMAND_TEST_SCALE.
    #[must_use]
    pub const fn set(mut self, settings: &'static [&'static str]) -> Self {
        self.settings = settings;
        self
    }

    /// Sections of the default policy that are replaced for the attack, and for the control unless it says otherwise (JSON).
    #[must_use]
    pub const fn policy(mut self, sections: &'static str) -> Self {
        self.policy = Some(sections);
        self
    }

    /// System calls that the attack is allowed, so that it meets the wall behind the filter.
    #[must_use]
    pub const fn lifted(mut self, calls: &'static [&'static str]) -> Self {
        self.lifted = calls;
        self
    }

    /// What the host must give.
    #[must_use]
    pub const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    /// What must be seen where this is not met and a substitute holds instead.
    #[must_use]
    pub const fn without(mut self, need: Need, seen: &'static [Seen]) -> Self {
        self.substitute = Some((need, seen));
        self
    }

    fn expected(&self) -> &'static [Seen] {
        match self.substitute {
            Some((need, seen)) if !(need.met)() => seen,
            _ => self.attack,
        }
    }

    fn check(&self) -> Check {
        need(self.needs)?;
        let lifted = (!self.lifted.is_empty()).then(|| policy_text::lifting(self.lifted));
        let policy = self.policy.map(parse).or(lifted);
        self.run("attack", self.query, self.settings, policy.as_ref(), self.expected())?;
        match self.control {
            Control::Calls(calls, seen) => self.run("control", self.query, self.settings, Some(&policy_text::lifting(calls)), seen),
            Control::Policy(sections, seen) => self.run("control", self.query, self.settings, Some(&parse(sections)), seen),
            Control::Query(query, seen) => self.run("control", query, self.settings, policy.as_ref(), seen),
            Control::Settings(settings, seen) => self.run("control", self.query, settings, policy.as_ref(), seen),
            Control::Plain(seen) => self.unsandboxed(Apart::Nothing, seen),
            Control::Apart(seen) => self.unsandboxed(Apart::Namespaces, seen),
        }
    }

    fn run(&self, role: &str, query: &str, settings: &[&str], policy: Option<&Value>, seen: &[Seen]) -> Check {
        let scratch = Scratch::new();
        let mut args = settings_of(settings);
        if let Some(policy) = policy {
            args.extend(["--policy".to_owned(), policy_text::write(&scratch, policy).display().to_string()]);
        }
        args.extend(["--query".to_owned(), query.to_owned()]);
        let outcome = Call::run(&self.probe.code(), &args).end()?.outcome()?;
        compare(&outcome, seen).map_err(|difference| End::Fail(format!("{role}: {difference}")))
    }

    fn unsandboxed(&self, apart: Apart, seen: &[Seen]) -> Check {
        let value = plain::value(&self.probe, &parse(self.query), apart)?;
        let outcome = json!({ "verdict": { "kind": "finished" }, "value": value });
        compare(&outcome, seen).map_err(|difference| End::Fail(format!("control outside of the sandbox: {difference}")))
    }
}

/// `--set` arguments; values in `ms` grow with REMAND_TEST_SCALE.
#[must_use]
pub fn settings_of(settings: &[&str]) -> Vec<String> {
    let scaled = |setting: &str| match setting.split_once('=') {
        Some((key, value)) => match value.strip_suffix("ms").and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => format!("{key}={}ms", number * scale()),
            None => setting.to_owned(),
        },
        None => setting.to_owned(),
    };
    settings.iter().flat_map(|setting| ["--set".to_owned(), scaled(setting)]).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("a table holds no JSON: {text}: {error}"))
}

/// A trial per row, named `module::row [ids]`.
#[must_use]
pub fn trials(module: &str, table: &'static [Technique]) -> Vec<Trial> {
    table.iter().map(|row| trial(format!("{module}::{} [{}]", row.name, row.probe.ids().join(" ")), || row.check())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_arguments() {
        assert_eq!(settings_of(&["limits.memory=64MiB"]), ["--set", "limits.memory=64MiB"]);
        assert_eq!(settings_of(&["limits.wall_time=200ms"]), ["--set".to_owned(), format!("limits.wall_time={}ms", 200 * scale())]);
    }
}
