//! The seccomp profile that a container comes with, as far as it is to stay in force beside a policy's.
//!
//! Always holds: what is not understood is an error; where a profile can be read in two ways (runtimes take several comparisons of one argument for
//! alternatives), what it allows is taken in the narrower one and what it denies in the wider.

use serde_json::{Map, Value};

use super::cubes::{Cube, product};

/// A profile that is no profile: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct Foreign {
    /// Below the profile, such as `syscalls[3].action`.
    pub place: String,
    /// What is wrong.
    pub fault: String,
}

/// What a profile says.
#[derive(Clone, Debug)]
pub(super) struct Theirs {
    default: bool,
    /// What the default answers.
    pub errno: u64,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    names: Vec<String>,
    allows: bool,
    args: Vec<(usize, Vec<(u64, u64)>)>,
}

const KEYS: &[&str] = &["defaultAction", "defaultErrnoRet", "architectures", "flags", "listenerPath", "listenerMetadata", "syscalls"];

impl Theirs {
    /// Everything allowed.
    pub fn none() -> Self {
        Self { default: true, errno: 1, rules: Vec::new() }
    }

    /// Reads `linux.seccomp`.
    pub fn read(profile: &Value) -> Result<Self, Foreign> {
        let object = object("", profile, KEYS)?;
        let default = allows("defaultAction", object.get("defaultAction").unwrap_or(&Value::Null))?;
        let errno = object.get("defaultErrnoRet").and_then(Value::as_u64).unwrap_or(1);
        let empty = Vec::new();
        let entries = list("syscalls", object.get("syscalls"), &empty)?;
        let rules = entries.iter().enumerate().map(|(at, entry)| rule(&format!("syscalls[{at}]"), entry)).collect::<Result<_, _>>()?;
        Ok(Self { default, errno, rules })
    }

    /// What it allows and what it denies of one call. What both name is denied.
    pub fn of(&self, call: &str) -> Option<(Vec<Cube>, Vec<Cube>)> {
        let (mut allowed, mut denied) = (if self.default { vec![Cube::default()] } else { Vec::new() }, Vec::new());
        for rule in self.rules.iter().filter(|rule| rule.names.iter().any(|name| name == call)) {
            if rule.allows {
                let all = rule.args.iter().try_fold(vec![Cube::default()], |cubes, (arg, masks)| product(&cubes, *arg, masks))?;
                allowed.extend(all);
            } else {
                denied.extend(rule.denied()?);
            }
        }
        Some((allowed, denied))
    }
}

impl Rule {
    fn denied(&self) -> Option<Vec<Cube>> {
        let repeated = self.args.iter().enumerate().any(|(at, (arg, _))| self.args.iter().skip(at + 1).any(|(other, _)| arg == other));
        let of = |cubes: &[Cube], (arg, masks): &(usize, Vec<(u64, u64)>)| product(cubes, *arg, masks);
        if repeated {
            let each = self.args.iter().map(|test| of(&[Cube::default()], test)).collect::<Option<Vec<_>>>()?;
            return Some(each.into_iter().flatten().collect());
        }
        self.args.iter().try_fold(vec![Cube::default()], |cubes, test| of(&cubes, test))
    }
}

fn rule(place: &str, entry: &Value) -> Result<Rule, Foreign> {
    let object = object(place, entry, &["names", "action", "errnoRet", "args"])?;
    let empty = Vec::new();
    let names = list(&format!("{place}.names"), object.get("names"), &empty)?;
    let name = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(&format!("{place}.names"), "a name is a text"));
    let args = list(&format!("{place}.args"), object.get("args"), &empty)?;
    Ok(Rule {
        names: names.iter().map(name).collect::<Result<_, _>>()?,
        allows: allows(&format!("{place}.action"), object.get("action").unwrap_or(&Value::Null))?,
        args: args.iter().enumerate().map(|(at, arg)| test(&format!("{place}.args[{at}]"), arg)).collect::<Result<_, _>>()?,
    })
}

/// A comparison: the argument, and masks with values of which one fits exactly where it holds.
fn test(place: &str, arg: &Value) -> Result<(usize, Vec<(u64, u64)>), Foreign> {
    let object = object(place, arg, &["index", "value", "valueTwo", "op"])?;
    let number = |key: &str| match object.get(key) {
        None => Ok(0),
        Some(value) => value.as_u64().ok_or_else(|| wrong(&format!("{place}.{key}"), "no number from 0 to 18446744073709551615")),
    };
    let (value, two) = (number("value")?, number("valueTwo")?);
    let index = usize::try_from(number("index")?).ok().filter(|index| *index < 6);
    let index = index.ok_or_else(|| wrong(&format!("{place}.index"), "calls have six arguments"))?;
    let masks = match object.get("op").and_then(Value::as_str) {
        Some("SCMP_CMP_EQ") => vec![(u64::MAX, value)],
        Some("SCMP_CMP_MASKED_EQ") => vec![(value, two & value)].into_iter().filter(|_| two & !value == 0).collect(),
        Some("SCMP_CMP_NE") => [below(value), above(value)].concat(),
        Some("SCMP_CMP_LT") => below(value),
        Some("SCMP_CMP_LE") => [below(value), vec![(u64::MAX, value)]].concat(),
        Some("SCMP_CMP_GT") => above(value),
        Some("SCMP_CMP_GE") => [above(value), vec![(u64::MAX, value)]].concat(),
        _ => return Err(wrong(&format!("{place}.op"), "no comparison that is known")),
    };
    Ok((index, masks))
}

/// Lower values agree with `value` down to a bit that it has and they have not; and the other way round.
fn below(value: u64) -> Vec<(u64, u64)> {
    (0..64).map(|bit| 1 << bit).filter(|bit| value & bit != 0).map(|bit: u64| (!(bit - 1), value & !(bit - 1) & !bit)).collect()
}

fn above(value: u64) -> Vec<(u64, u64)> {
    (0..64).map(|bit| 1 << bit).filter(|bit| value & bit == 0).map(|bit: u64| (!(bit - 1), value & !(bit - 1) | bit)).collect()
}

fn allows(place: &str, action: &Value) -> Result<bool, Foreign> {
    match action.as_str() {
        Some("SCMP_ACT_ALLOW" | "SCMP_ACT_LOG") => Ok(true),
        Some(word) if word.starts_with("SCMP_ACT_") => Ok(false),
        _ => Err(wrong(place, "no action that is known")),
    }
}

fn object<'v>(place: &str, value: &'v Value, keys: &[&str]) -> Result<&'v Map<String, Value>, Foreign> {
    let object = value.as_object().ok_or_else(|| wrong(place, "no object"))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(wrong(&format!("{place}.{key}"), "a field that is not known")),
        None => Ok(object),
    }
}

fn list<'v>(place: &str, value: Option<&'v Value>, empty: &'v Vec<Value>) -> Result<&'v Vec<Value>, Foreign> {
    match value {
        None | Some(Value::Null) => Ok(empty),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(wrong(place, "no list")),
    }
}

fn wrong(place: &str, fault: &str) -> Foreign {
    Foreign { place: place.trim_start_matches('.').to_owned(), fault: fault.to_owned() }
}
