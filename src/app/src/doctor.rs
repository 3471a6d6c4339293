//! `remand doctor`: what this machine can enforce, for each shipped policy, and what to do where it cannot.
//!
//! Always holds: a policy of which it says that it can be enforced has just had a run, which came to its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::{env, fs};

use remand_engine::{Caller, Engine, HostFiles, Outcome, PrepareError, Program, Request, interpreter};
use remand_jail::host::{self, Depth};
use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::host::{CgroupVersion, Fact, HostFacts};
use remand_plan::interpreter::Tree;
use remand_plan::outcome::exit_code;
use remand_plan::plan::{self, Refused};
use remand_plan::step::Step;
use remand_plan::verdict::Verdict;
use remand_policy::shipped::SHIPPED;
use serde::Serialize;
use serde_json::Value;

use crate::account;
use crate::args::DoctorArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::{self, plain};

/// Exit status where a shipped policy cannot be enforced, or no interpreter is found.
const UNFIT: u8 = 1;

/// All findings.
#[derive(Serialize)]
struct Findings {
    version: &'static str,
    host: HostFacts,
    interpreters: Vec<Python>,
    policies: Vec<Shipped>,
}

/// An interpreter that was found, or a candidate that cannot be used.
#[derive(Serialize)]
struct Python {
    asked: String,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Usable { executable: String, version: String, notes: Vec<String> },
    Unusable(String),
}

/// Whether a shipped policy, or the machine's own of that name, can be enforced here.
#[derive(Serialize)]
struct Shipped {
    name: String,
    enforceable: bool,
    /// Why `remand run` starts nothing under it, though `remand exec` does.
    no_interpreter: Option<String>,
    refused: Vec<Lack>,
    /// Protections that the policy calls optional and this host does not give for real.
    weaker: Vec<String>,
}

#[derive(Serialize)]
struct Lack {
    protection: String,
    blocker: String,
    remedy: String,
}

impl From<Refused> for Lack {
    fn from(Refused { protection, blocker, remedy }: Refused) -> Self {
        Self { protection: protection.to_string(), blocker, remedy }
    }
}

/// Tells what this machine can enforce. Gives 1 where it cannot enforce a shipped policy or has no interpreter.
pub fn doctor(args: &DoctorArgs) -> Result<u8, Failure> {
    let findings = findings()?;
    if args.json {
        print::json(&serde_json::to_string(&findings).map_err(|error| Failure::internal(error.to_string()))?)?;
    } else {
        print::stdout(&text(&findings))?;
    }
    let fit = findings.policies.iter().all(|policy| policy.enforceable) && findings.interpreters.iter().any(usable);
    Ok(if fit { 0 } else { UNFIT })
}

fn usable(python: &Python) -> bool {
    matches!(python.answer, Answer::Usable { .. })
}

fn findings() -> Result<Findings, Failure> {
    let engine = Engine::from_environment();
    let host = host::observe(Depth::Full);
    let policies = SHIPPED.iter().map(|(name, _)| judged(&engine, name, &host)).collect::<Result<_, _>>()?;
    Ok(Findings { version: env!("CARGO_PKG_VERSION"), host, interpreters: interpreters(&engine), policies })
}

/// What a policy means here: what becomes of one empty run under it, made as `remand run` and `remand exec` make theirs.
fn judged(engine: &Engine, name: &str, host: &HostFacts) -> Result<Shipped, Failure> {
    let mut shipped = Shipped { name: name.to_owned(), enforceable: false, no_interpreter: None, refused: Vec::new(), weaker: Vec::new() };
    match tried(engine, name, host)? {
        Ok((enforcement, no_interpreter)) => {
            shipped.enforceable = true;
            shipped.no_interpreter = no_interpreter;
            shipped.weaker = enforcement.iter().filter_map(|(name, how)| weaker(name, how)).collect();
        }
        Err(lacks) => shipped.refused = lacks,
    }
    Ok(shipped)
}

/// What each protection of an empty run rested on, and why it was none of Python.
type Finished = (BTreeMap<Protection, Enforcement>, Option<String>);

/// An empty run, or what kept the run from its end.
fn tried(engine: &Engine, name: &str, host: &HostFacts) -> Result<Result<Finished, Vec<Lack>>, Failure> {
    let policy = match engine.policy(name, &Value::Null) {
        Ok(policy) => policy,
        Err(refusal) => {
            let Failure { message, hint, .. } = refusal.into();
            return Ok(Err(vec![Lack { protection: "no run is under it".into(), blocker: message, remedy: hint.unwrap_or_default() }]));
        }
    };
    let cancel = Cancel::hold()?;
    let caller = || Caller { cancel: Some(cancel.fd()), ..Caller::default() };
    let (prepared, no_interpreter) = match engine.prepare(&policy, Program::Python, host, &caller()) {
        Err(PrepareError::NoInterpreter(why)) => {
            (engine.prepare(&policy, Program::Command(&["true".to_owned()]), host, &caller()), Some(why.to_string()))
        }
        prepared => (prepared, None),
    };
    let lacks = |lacks: Vec<Refused>| Ok(Err(lacks.into_iter().map(Lack::from).collect()));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(PrepareError::Refused(refused)) => return lacks(refused),
        Err(PrepareError::Cancelled) => return Err(Failure::told(exit_code(&Verdict::Cancelled))),
        // Neither a Python nor a program to start.
        Err(why) => {
            let anything = plan::Program::Host { argv: &["/program".to_owned()], tree: &Tree::default() };
            return match remand_plan::resolve(policy.policy(), &anything, host, &HostFiles) {
                Ok(plan) => Ok(Ok((plan.enforcement, no_interpreter.or_else(|| Some(why.to_string()))))),
                Err(refused) => lacks(refused),
            };
        }
    };
    if let Some(stopped) = prepared.blocked_start() {
        return lacks(vec![stopped]);
    }
    let outcome = prepared.run(&Request::default(), caller()).map_err(|error| Failure::internal(error.to_string()))?;
    match outcome.verdict {
        Verdict::Finished => Ok(Ok((outcome.enforcement, no_interpreter))),
        Verdict::Cancelled => Err(Failure::told(exit_code(&outcome.verdict))),
        _ => Ok(Err(vec![failed(&outcome)])),
    }
}

/// An empty run that did not finish, in the words of its account.
fn failed(outcome: &Outcome) -> Lack {
    let (blocker, remedy) = match &outcome.verdict {
        Verdict::NotStarted { hint, .. } => (hint.clone(), String::new()),
        // Nothing of a caller's is in it: an interpreter that has too little room may begin, and end in any way.
        _ => {
            let room = host::explain(&remand_jail::failure::Failure::new(Step::Ready, String::new()));
            (account::account(outcome).trim_end().to_owned(), room.unwrap_or_default())
        }
    };
    Lack { protection: "a run without code".into(), blocker, remedy }
}

fn weaker(name: &Protection, how: &Enforcement) -> Option<String> {
    match how {
        Enforcement::By(_) => None,
        Enforcement::Substitute { by, because } => Some(format!("{name}: {by}, because {because}")),
        Enforcement::Absent(because) => Some(format!("{name}: absent, because {because}")),
    }
}

/// `python3` as a policy finds it, then every `/usr/bin/python3.N`.
fn interpreters(engine: &Engine) -> Vec<Python> {
    let names = fs::read_dir("/usr/bin").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let minor = |name: &String| name.strip_prefix("python3.").is_some_and(|minor| minor.bytes().all(|digit| digit.is_ascii_digit()));
    let mut found: Vec<_> = names.filter(minor).map(|name| format!("/usr/bin/{name}")).collect();
    found.sort();
    let asked = std::iter::once("python3".to_owned()).chain(found);
    asked.map(|asked| Python { answer: answer(engine, &asked), asked }).collect()
}

fn answer(engine: &Engine, asked: &str) -> Answer {
    match interpreter::find(asked, engine.path(), false) {
        Ok(found) => {
            let (major, minor, micro) = found.interpreter.version;
            Answer::Usable { executable: found.interpreter.executable, version: format!("{major}.{minor}.{micro}"), notes: found.notes }
        }
        Err(error) => Answer::Unusable(error.to_string()),
    }
}

/// The findings for people.
fn text(findings: &Findings) -> String {
    let Findings { version, host, interpreters, policies } = findings;
    let mut text = format!("remand {version}, Linux {}, {}, user {}", plain(&host.kernel), env::consts::ARCH, host.uid);
    text.push_str(if host.privileged { ", privileged\n" } else { ", not privileged\n" });
    let mut told = Vec::new();
    for (name, fact) in facts(host) {
        tell(&mut text, &name, fact, &mut told);
    }
    for warning in &host.warnings {
        let _ = writeln!(text, "warning: {}", plain(warning));
    }
    for python in interpreters {
        tell_python(&mut text, python, &told);
    }
    for policy in policies {
        tell_policy(&mut text, policy, &mut told);
    }
    text
}

/// A reason that was told, and under which name.
type Told<'a> = (String, &'a str, &'a str);

/// The same text with reasons that were told before replaced by where.
fn short(text: &str, told: &[Told<'_>]) -> String {
    told.iter().fold(text.to_owned(), |text, (name, blocker, remedy)| {
        let place = format!("(see {name})");
        text.replace(&format!("{blocker}: {remedy}"), &place).replace(blocker, &place)
    })
}

/// Facts in the order of the start, each under its name.
fn facts(host: &HostFacts) -> Vec<(String, &Fact)> {
    let (spaces, cgroup) = (&host.namespaces, &host.cgroup);
    let version = match cgroup.version {
        CgroupVersion::V1 => "v1 ",
        CgroupVersion::V2 => "v2 ",
        CgroupVersion::None => "",
    };
    let mut facts: Vec<(String, &Fact)> = [
        ("user", &spaces.user),
        ("mount", &spaces.mount),
        ("pid", &spaces.pid),
        ("ipc", &spaces.ipc),
        ("uts", &spaces.uts),
        ("network", &spaces.network),
        ("cgroup", &spaces.cgroup),
    ]
    .map(|(name, fact)| (format!("{name} namespace"), fact))
    .into();
    facts.push(("mounting /proc".into(), &host.proc_mount));
    for (name, fact) in [("memory", &cgroup.memory), ("swap", &cgroup.swap), ("pids", &cgroup.pids), ("cpu", &cgroup.cpu)] {
        facts.push((format!("cgroup {version}{name}"), fact));
    }
    facts.push((format!("Landlock ABI {}", host.landlock_abi), &host.landlock));
    facts.push(("seccomp notification".into(), &host.seccomp));
    facts
}

fn tell<'a>(text: &mut String, name: &str, fact: &'a Fact, told: &mut Vec<Told<'a>>) {
    let Fact::Missing { blocker, remedy } = fact else {
        let _ = writeln!(text, "{name:<22} yes");
        return;
    };
    if let Some((before, ..)) = told.iter().find(|(_, known, _)| known == blocker) {
        let _ = writeln!(text, "{name:<22} no (see {before})");
        return;
    }
    let same = told.iter().find(|(.., known)| known == remedy).map(|(before, ..)| format!("as for {before}"));
    let _ = writeln!(text, "{name:<22} no: {}\n{:<22} -> {}", plain(blocker), "", plain(same.as_deref().unwrap_or(remedy)));
    told.push((name.to_owned(), blocker, remedy));
}

fn tell_python(text: &mut String, Python { asked, answer }: &Python, told: &[Told<'_>]) {
    let asked = plain(asked);
    match answer {
        Answer::Usable { executable, version, notes } => {
            let _ = writeln!(text, "{asked:<22} Python {version} at {}", plain(executable));
            for note in notes {
                let _ = writeln!(text, "{:<22} - {}", "", plain(note));
            }
        }
        Answer::Unusable(why) => {
            let _ = writeln!(text, "{asked:<22} unusable: {}", plain(&short(why, told)));
        }
    }
}

fn tell_policy<'a>(
    text: &mut String,
    Shipped { name, enforceable, no_interpreter, refused, weaker }: &'a Shipped,
    told: &mut Vec<Told<'a>>,
) {
    let name = format!("policy {name}");
    let verdict = match (*enforceable, weaker.is_empty()) {
        (true, _) if no_interpreter.is_some() => "can be enforced for programs; `remand run` has no interpreter (see above)",
        (true, true) => "can be enforced in full",
        (true, false) => "can be enforced, with substitutes where it allows them",
        (false, _) => "cannot be enforced",
    };
    let _ = writeln!(text, "{name:<22} {verdict}");
    for line in weaker {
        let _ = writeln!(text, "{:<22} - {}", "", plain(&short(line, told)));
    }
    for Lack { protection, blocker, remedy } in refused {
        let known = told.iter().any(|(_, known, _)| known == blocker);
        let told_as = short(blocker, told);
        let mut rows = told_as.lines();
        let _ = writeln!(text, "{:<22} - {}: {}", "", plain(protection), plain(rows.next().unwrap_or_default()));
        for row in rows {
            let _ = writeln!(text, "{:<22}   {}", "", plain(row));
        }
        if remedy.is_empty() {
            told.push((name.clone(), blocker, blocker));
        } else if !known {
            let same = told.iter().find(|(.., known)| known == remedy).map(|(before, ..)| format!("as for {before}"));
            let _ = writeln!(text, "{:<22}   -> {}", "", plain(same.as_deref().unwrap_or(remedy)));
            told.push((name.clone(), blocker, remedy));
        }
    }
}
