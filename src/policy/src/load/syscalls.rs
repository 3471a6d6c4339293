//! The `syscalls` section: grants with conditions, `deny`, `kill`.
//!
//! Always holds: every name is in the syscall table; a condition can hold for some argument.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use remand_syscalls::{Comparison, Condition, Grant, Rules};

use super::meant;
use super::read::{Fault, Listed, Readable, Reader, Section};
use crate::question::constants;
use crate::ranges;
use crate::text::{did_you_mean, quote};

/// Whether a grant may stand in a policy; a request restates what has its reason there.
pub(super) fn check(grant: &Grant, request: bool) -> Result<(), Fault> {
    if !request {
        reasoned(grant)?;
    }
    sensible(grant)
}

pub(super) fn known(name: &str) -> Result<(), Fault> {
    if remand_syscalls::is_call(name) || remand_syscalls::is_group(name) {
        return Ok(());
    }
    let what = if name.starts_with('@') { "group" } else { "system call" };
    let grouped = format!("@{name}");
    let help = if remand_syscalls::is_group(&grouped) { Some(format!("write \"{grouped}\"")) } else { None };
    let turned = name.starts_with(['~', '!', '-']);
    let turned = turned.then(|| {
        "no sign turns an entry round: what syscalls.allow does not grant is refused, and syscalls.deny takes away what it grants"
            .to_owned()
    });
    let help = help.or(turned).or_else(|| meant::set(name).map(str::to_owned));
    let help = help.or_else(|| meant::call(name).map(|meant| format!("did you mean \"{meant}\"?")));
    let help = help.or_else(|| did_you_mean(name, remand_syscalls::names()));
    Err(Fault { message: format!("unknown {what} {}", quote(name)), help })
}

fn reasoned(grant: &Grant) -> Result<(), Fault> {
    match remand_syscalls::danger(&grant.call) {
        Some(danger) if grant.reason.is_none() => {
            let help = format!("write {{\"call\": \"{}\", \"reason\": \"why runs need it\"}}", grant.call);
            Err(Fault::new(format!("\"{}\" is dangerous and has no reason: {danger}", grant.call), help))
        }
        _ => Ok(()),
    }
}

/// Whether the grant means anything: the call can be granted, has the arguments, and these have the bits.
fn sensible(grant: &Grant) -> Result<(), Fault> {
    if grant.when.is_empty() && !remand_syscalls::is_dangerous(&grant.call) {
        return Ok(());
    }
    let alone = Rules { allow: vec![grant.clone()], deny: Vec::new(), kill: Vec::new() };
    remand_syscalls::granted(&alone).map_err(|error| Fault { message: error.to_string(), help: None })?;
    let wide = |condition: &&Condition| {
        remand_syscalls::argument_width(&grant.call, condition.arg) == Some(32) && highest(&condition.op) > u32::MAX.into()
    };
    grant.when.iter().find(wide).map_or(Ok(()), |condition| {
        let help = "the kernel looks at its lower 32 bits only; -1 is \"0xffffffff\"";
        Err(Fault::new(format!("argument {} of {} has 32 bits", condition.arg, grant.call), help))
    })
}

/// The highest value or mask that a comparison writes.
fn highest(op: &Comparison) -> u64 {
    match op {
        Comparison::Equals(value) | Comparison::AtMost(value) => *value,
        Comparison::OneOf(values) => values.iter().copied().max().unwrap_or(0),
        Comparison::Masked { mask, value } => *mask.max(value),
    }
}

impl Readable for Grant {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        let mut grant = Self { call: String::new(), when: Vec::new(), reason: None };
        let mut fault = None;
        if let Value::StringLit(_) = value {
            grant.call = String::read(reader, field, value)?;
            fault = known(&grant.call).err();
        } else if let Value::Object(_) = value {
            reader.object(field, value, |section| {
                // Asked for all keys before it gives up, so that none is called unknown.
                let call = section.need("call");
                section.list("when", &mut grant.when, |_| Ok(()));
                grant.reason = reason(section);
                grant.call = call?;
                let group = remand_syscalls::is_group(&grant.call) && !grant.when.is_empty();
                let refused = Fault::new("conditions need a single call: a group's calls have different arguments", "name the call");
                fault = known(&grant.call).err().or(group.then_some(refused));
                Some(())
            })??;
        } else {
            reader.wrong_type(field, value, "a name, or an object with \"call\"", None);
            return None;
        }
        let at = value.range();
        fault.map_or(Some(grant), |fault| {
            reader.report(at, field, fault);
            None
        })
    }
}

/// A `reason` that says something.
pub(super) fn reason(section: &mut Section<'_, '_, '_>) -> Option<String> {
    let text: String = section.get("reason")?;
    if text.trim().is_empty() {
        section.report_at("reason", Fault { message: "the reason is empty".to_owned(), help: None });
    }
    Some(text)
}

impl Listed for Grant {
    fn key(&self) -> &str {
        &self.call
    }

    fn clash(&self, earlier: &Self) -> Option<String> {
        if self.call != earlier.call {
            return None;
        }
        let call = quote(&self.call);
        match (self.when.is_empty(), earlier.when.is_empty()) {
            _ if self.when == earlier.when => Some(format!("{call} is listed twice")),
            (true, _) | (_, true) => Some(format!("{call} is granted with a condition and without: the condition has no effect")),
            _ => None,
        }
    }
}

impl Readable for Condition {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        reader.object(field, value, |section| {
            let mut arg = 0;
            if let Some(written) = section.need::<u64>("arg") {
                match u8::try_from(written) {
                    Ok(index) if ranges::ARGUMENT.contains(&written) => arg = index,
                    _ => section.report_at("arg", Fault::new(format!("{written} is no argument"), "0 to 5")),
                }
            }
            Some(Self { arg, op: comparison(section)? })
        })?
    }
}

fn comparison(section: &mut Section<'_, '_, '_>) -> Option<Comparison> {
    let equals = section.get::<Word64>("equals").map(|word| Comparison::Equals(word.0));
    let at_most = section.get::<Word64>("at_most").map(|word| Comparison::AtMost(word.0));
    let mut masked = None;
    section.section("masked", |pair| {
        if let (Some(mask), Some(value)) = (pair.need::<Word64>("mask"), pair.need::<Word64>("value")) {
            if value.0 & !mask.0 != 0 {
                pair.report_at("value", Fault::new("has bits outside the mask, so it never matches", "clear them, or widen the mask"));
            }
            masked = Some(Comparison::Masked { mask: mask.0, value: value.0 });
        }
    });
    let one_of = section.value("one_of").and_then(|list| {
        let field = format!("{}.one_of", section.field);
        let values: Vec<_> = section.reader.elements::<Word64>(&field, list, "a list")?.into_iter().map(|(word, _)| word.0).collect();
        if matches!(list, Value::Array(array) if array.elements.is_empty()) {
            section.report_at("one_of", Fault::new("an empty list never matches", "remove the grant instead"));
        }
        Some(Comparison::OneOf(values))
    });
    let written = ["equals", "one_of", "at_most", "masked"].iter().filter(|key| section.object.get(key).is_some()).count();
    if written != 1 {
        let message = if written == 0 { "compares with nothing" } else { "has several comparisons" };
        section.report_here(Fault::new(message, "write one of \"equals\", \"one_of\", \"at_most\", \"masked\""));
        return None;
    }
    equals.or(one_of).or(at_most).or(masked)
}

impl Listed for Condition {
    fn key(&self) -> &str {
        ""
    }

    fn clash(&self, earlier: &Self) -> Option<String> {
        (self == earlier).then(|| "the condition is listed twice".to_owned())
    }
}

/// An argument's value: a number, or hexadecimal as `"0x7e020000"`.
struct Word64(u64);

impl Readable for Word64 {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        match value {
            Value::NumberLit(number) if number.value.starts_with('-') => {
                let help = "arguments are unsigned: write the bits, such as \"0xffffff9c\" for -100 in 32 bits".to_owned();
                reader.wrong_type(field, value, "an unsigned number", Some(help));
                None
            }
            Value::StringLit(text) => {
                let digits = text.value.strip_prefix("0x").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let parsed = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
                if parsed.is_none() {
                    let help = match constants::anywhere(&text.value) {
                        Some(value) => format!("write {value}"),
                        None if text.value.parse::<u64>().is_ok() => format!("write {}, without quotes", text.value),
                        None => "no names of constants here; `remand policy why` knows them".to_owned(),
                    };
                    reader.wrong_type(field, value, "a number, or hexadecimal such as \"0x1f\"", Some(help));
                }
                parsed.map(Self)
            }
            _ => u64::read(reader, field, value).map(Self),
        }
    }
}
