//! Denied calls, and the grants that would allow them.
//!
//! Always holds: a call that `deny` or `kill` names is never proposed: somebody meant that.

use remand_plan::outcome::Violation;
use remand_policy::policy::Policy;
use remand_policy::write::write_grant;
use remand_syscalls::{Barrier, Grant, Remedy};
use serde_json::{Value, json};

use super::{Change, Line, Run, Standing};

/// A line for each kind of denied call. `kills`: what the policy itself ends a run for; the trial denies it.
pub(super) fn asked(run: &Run<'_>, kills: &[String]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for violation in &run.outcome.violations {
        let line = asked_by(run, violation, kills);
        // Several calls, one group.
        match lines.iter_mut().find(|known| known.change == line.change) {
            Some(known) => {
                if let (Some(first), Some(more)) = (known.needs.first_mut(), line.needs.first()) {
                    first.because = format!("{}; {}", first.because, more.because);
                }
            }
            None => lines.push(line),
        }
    }
    lines
}

fn asked_by(run: &Run<'_>, violation: &Violation, kills: &[String]) -> Line {
    let call = violation.syscall.as_str();
    let asked = shown(violation);
    let line = |value: Value, standing, risk: String| Line {
        change: Change::Add { field: "syscalls.allow", value },
        standing,
        risk,
        needs: vec![run.need(format!("{asked} was denied"))],
    };
    let Some(number) = remand_syscalls::number(run.arch, call) else {
        let because = "this build does not know the call, and no policy can allow it".to_owned();
        return line(json!(call), Standing::Refused { because }, "unknown".into());
    };
    let danger = || {
        remand_syscalls::risk(run.arch, number, &violation.args.map(Some))
            .map_or("harmless".to_owned(), |danger| format!("dangerous: {danger}"))
    };
    let refused = |because| line(json!(call), Standing::Refused { because }, danger());
    // The record knows what the plan refused besides the policy.
    match violation.remedy.clone() {
        Remedy::None(why) => refused(why.to_string()),
        Remedy::Told(change) => refused(change.clone()),
        Remedy::TakeOut { list, name, .. } => {
            let list = if kills.contains(&name) && !denies(run.policy, kills, &name) { Barrier::Kill } else { list };
            refused(format!("{} names \"{name}\", and learning does not undo what was denied by name", list.field()))
        }
        Remedy::Add(grant) if remand_syscalls::is_group(&grant.call) => {
            let purpose = remand_syscalls::purpose(&grant.call).unwrap_or_default();
            line(json!(grant.call), Standing::Proposed, format!("harmless: {purpose}"))
        }
        Remedy::Add(grant) => {
            // The same for every input: the grant is one.
            let reason = "learned: the job makes this call; write here why it may".to_owned();
            line(write_grant(&Grant { reason: Some(reason), ..grant }), Standing::Dangerous, danger())
        }
    }
}

/// Whether the name stands in the policy's own `deny`: the trial appended what kills.
fn denies(trial: &Policy, kills: &[String], name: &str) -> bool {
    let own = trial.syscalls.rules.deny.len().saturating_sub(kills.len());
    trial.syscalls.rules.deny.iter().take(own).any(|denied| denied == name)
}

/// `socket(0x2, 0x1, 0x0)`: as many arguments as the call has, in the width that the kernel looks at.
fn shown(violation: &Violation) -> String {
    let count = remand_syscalls::argument_count(&violation.syscall).unwrap_or(6);
    let argument = |(index, value): (u8, &u64)| {
        let narrow = remand_syscalls::argument_width(&violation.syscall, index) == Some(32);
        format!("{:#x}", if narrow { value & u64::from(u32::MAX) } else { *value })
    };
    let arguments: Vec<_> = (0_u8..).zip(violation.args.iter().take(count)).map(argument).collect();
    format!("{}({})", violation.syscall, arguments.join(", "))
}
