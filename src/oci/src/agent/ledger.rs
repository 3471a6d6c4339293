//! What an agent was asked to refuse: one entry for each distinct container, call and arguments, with a count.
//!
//! Always holds: no input, no output; what a container can make it hold is bounded: beyond [`MOST`] distinct refusals, one entry counts the rest.

use std::collections::BTreeMap;

use remand_syscalls::{Arch, Remedy, Rules, answer, argument_count, argument_width, audit_arch, name, remedy};
use serde_json::json;

/// Most entries of one container.
const MOST: usize = 256;
/// Digits of a count, so that a line has room for the last one.
const DIGITS: usize = 10;
/// What counts the rest.
const REST: &str = "others";

/// A call that is to be refused.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Instruction set (`AUDIT_ARCH_*`).
    pub arch: u32,
    /// Its number.
    pub number: u32,
    /// Its registers.
    pub args: [u64; 6],
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    call: String,
    args: Vec<u64>,
    answer: &'static str,
    remedy: String,
    count: u64,
    /// Where its line begins in the log, once it has one.
    pub at: Option<u64>,
}

/// The refusals of one container.
#[derive(Debug)]
pub struct Ledger {
    container: String,
    policy: String,
    rules: Option<Rules>,
    arch: Arch,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Of a container under a policy; `None`: its rules are not known any more.
    #[must_use]
    pub fn new(container: String, policy: String, rules: Option<Rules>, arch: Arch) -> Self {
        Self { container, policy, rules, arch, entries: Vec::new() }
    }

    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Counts a call: the index of its entry, and the error number that it is answered.
    pub fn count(&mut self, seen: &Seen) -> (usize, i32) {
        let native = seen.arch == audit_arch(self.arch);
        let denial = answer(self.arch, seen.number);
        let known = name(self.arch, seen.number).filter(|_| native);
        let call = known.map_or_else(|| format!("{}syscall_{}", if native { "" } else { "foreign_" }, seen.number), str::to_owned);
        let args = known.map_or_else(Vec::new, |call| arguments(call, &seen.args));
        let same = |entry: &Entry| entry.call == call && entry.args == args;
        let index = self.entries.iter().position(same).unwrap_or_else(|| {
            let full = self.entries.len() >= MOST;
            let answered = if denial.errno() == 1 { "EPERM" } else { "ENOSYS" };
            let entry = if full {
                Entry { call: REST.to_owned(), args: Vec::new(), answer: "", remedy: String::new(), count: 0, at: None }
            } else {
                Entry { remedy: self.remedy(seen, native), call, args, answer: answered, count: 0, at: None }
            };
            if self.entries.len() <= MOST {
                self.entries.push(entry);
            }
            self.entries.len() - 1
        });
        if let Some(entry) = self.entries.get_mut(index) {
            entry.count = entry.count.saturating_add(1);
        }
        (index, denial.errno())
    }

    fn remedy(&self, seen: &Seen, native: bool) -> String {
        let Some(rules) = &self.rules else { return format!("policy {} cannot be read any more", self.policy) };
        let change = if native {
            remedy(rules, self.arch, seen.number, &seen.args.map(Some))
        } else {
            Remedy::None(remand_syscalls::NoRemedy::Foreign)
        };
        change.to_string()
    }

    /// An entry.
    pub fn entry(&mut self, index: usize) -> Option<&mut Entry> {
        self.entries.get_mut(index)
    }

    /// The lines of the log are elsewhere from now on.
    pub fn forget_places(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.at = None);
    }

    /// The line of an entry, with its newline.
    #[must_use]
    pub fn line(&self, index: usize) -> Option<String> {
        let entry = self.entries.get(index)?;
        let rest = json!({
            "container": self.container, "call": entry.call, "args": entry.args, "answer": entry.answer, "policy": self.policy, "remedy": entry.remedy,
        })
        .to_string();
        Some(format!("{{\"count\":{},{}\n", entry.counted(), rest.trim_start_matches('{')))
    }

    /// Adds its counts to a total by call and policy.
    pub fn add_to(&self, total: &mut BTreeMap<(String, String), u64>, index: usize) {
        if let Some(entry) = self.entries.get(index) {
            *total.entry((entry.call.clone(), self.policy.clone())).or_default() += 1;
        }
    }
}

impl Entry {
    /// Its count, as wide as any.
    #[must_use]
    pub fn counted(&self) -> String {
        format!("{:>DIGITS$}", self.count.min(9_999_999_999))
    }
}

/// Bytes before the count on a line.
pub const BEFORE_COUNT: u64 = "{\"count\":".len() as u64;

/// The arguments that the call has, as far as the kernel looks at them.
fn arguments(call: &str, args: &[u64; 6]) -> Vec<u64> {
    let mask = |arg: u8| if argument_width(call, arg) == Some(32) { u32::MAX.into() } else { u64::MAX };
    args.iter().zip(0..).take(argument_count(call).unwrap_or(0)).map(|(value, arg)| value & mask(arg)).collect()
}

/// Totals in the text format of Prometheus.
#[must_use]
pub fn metrics(total: &BTreeMap<(String, String), u64>, containers: usize) -> String {
    let mut text = "# HELP remand_oci_refused_calls_total System calls of containers that their policy refused.\n\
                    # TYPE remand_oci_refused_calls_total counter\n"
        .to_owned();
    for ((call, policy), count) in total {
        text += &format!("remand_oci_refused_calls_total{{call=\"{call}\",policy=\"{policy}\"}} {count}\n");
    }
    text + &format!(
        "# HELP remand_oci_containers Containers that are answered for.\n# TYPE remand_oci_containers gauge\nremand_oci_containers {containers}\n"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use remand_syscalls::number;

    const X86: Arch = Arch::X86_64;

    fn call(name: &str, args: [u64; 6]) -> Seen {
        Seen { arch: audit_arch(X86), number: number(X86, name).unwrap(), args }
    }

    fn ledger() -> Ledger {
        Ledger::new("c1".into(), "default".into(), Some(Rules::default()), X86)
    }

    #[test]
    fn one_line_for_each_distinct_call_with_a_count() {
        let mut ledger = ledger();
        let socket = call("socket", [2, 0xffff_ffff_0008_0001, 0, 9, 9, 9]);
        assert_eq!(ledger.count(&socket), (0, 1));
        assert_eq!(ledger.count(&call("socket", [2, 0x8_0001, 0, 7, 7, 7])), (0, 1), "what the kernel does not look at is no difference");
        assert_eq!(ledger.count(&call("socket", [10, 0x8_0001, 0, 0, 0, 0])), (1, 1));
        let line = ledger.line(0).unwrap();
        assert!(line.starts_with("{\"count\":         2,\"container\":\"c1\",\"call\":\"socket\",\"args\":[2,524289,0],\"answer\":\"EPERM\",\"policy\":\"default\","));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(read["remedy"].as_str().unwrap().starts_with("syscalls.allow: add"), "{line}");
        assert_eq!((&read["count"], line.matches('\n').count()), (&json!(2), 1));
        let at = usize::try_from(BEFORE_COUNT).unwrap();
        assert_eq!(line.get(at..at + DIGITS), Some(ledger.entry(0).unwrap().counted().as_str()), "a count is written in its place");
    }

    #[test]
    fn what_is_not_known_is_counted_too() {
        let mut ledger = ledger();
        let (index, errno) = ledger.count(&Seen { arch: audit_arch(X86), number: 9999, args: [1; 6] });
        assert_eq!((errno, ledger.line(index).unwrap().contains("\"syscall_9999\",\"args\":[]")), (38, true));
        let (index, _) = ledger.count(&Seen { arch: 7, number: 1, args: [1; 6] });
        assert!(ledger.line(index).unwrap().contains("foreign_syscall_1"));
    }

    #[test]
    fn a_container_that_varies_its_calls_fills_nothing() {
        let mut ledger = ledger();
        for value in 0..10_000 {
            ledger.count(&call("socket", [value, 0, 0, 0, 0, 0]));
        }
        assert_eq!(ledger.entries.len(), MOST + 1);
        assert_eq!(ledger.entries[MOST].count, 10_000 - MOST as u64);
        assert!(ledger.line(MOST).unwrap().contains("\"call\":\"others\""));
        let mut total = BTreeMap::new();
        ledger.add_to(&mut total, 0);
        assert!(metrics(&total, 1).contains("remand_oci_refused_calls_total{call=\"socket\",policy=\"default\"} 1\n"));
    }
}
