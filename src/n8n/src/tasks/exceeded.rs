//! What an author is told where a limit ended a task: which, how much it is, and who can raise it.
//!
//! Always holds: a pure function; each limit has words of its own.

use std::time::Duration;

use remand_plan::limit::{LimitKind, Unit};
use remand_plan::verdict::Level;

const MICROSECONDS: u64 = 1_000_000;
/// How long the end of a task may take, and its answer to the broker.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The microseconds that a task has. The broker's timer is as long as the runner's where n8n starts it, and begins before; when it fires, n8n kills the runner with
/// all of its tasks, or cancels the one: then nobody hears at which line it was.
pub(super) fn time(timeout: Duration) -> u64 {
    u64::try_from((timeout - LAST_WORDS.min(timeout / 20)).as_micros()).unwrap_or(u64::MAX)
}

/// The message, and which line of the policy it is.
pub(super) fn exceeded(
    (limit, unit, level): (LimitKind, Unit, Level),
    allowed: u64,
    seen: u64,
    policy: &str,
    timeout: Duration,
) -> (String, String) {
    let room = || amount(allowed, unit);
    let message = match (limit, level) {
        (LimitKind::WallTime, _) => {
            let set = if allowed == time(timeout) { u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX) } else { allowed };
            return (format!("Task execution timed out after {}", seconds(set)), String::new());
        }
        (LimitKind::Memory, Level::Container) => format!("Task ran out of memory: all that its container may use, {}, was in use", room()),
        (LimitKind::Memory, Level::Host) => "Task ran out of memory: the host had none left".to_owned(),
        (LimitKind::Memory, Level::Run) => format!("Task ran out of memory: it may use {}", room()),
        (LimitKind::CpuTime, _) => format!("Task used more than {} of CPU time", seconds(allowed)),
        (LimitKind::Pids, _) => format!("Task had more than {} at once", room()),
        (LimitKind::ResultSize, _) => format!("Result of {} is larger than the {} that it may be", amount(seen, unit), room()),
        (LimitKind::ResultShape, _) => format!("Result of {} has more than the {} that it may have", amount(seen, unit), room()),
        (LimitKind::FileSize, _) => format!("Task wrote a file larger than {}", room()),
        (LimitKind::TmpSize | LimitKind::TmpInodes, _) => format!("Task filled /tmp, which has room for {}", room()),
        (LimitKind::Prints, _) => format!("Task printed more than {}", room()),
        (LimitKind::Stdout | LimitKind::Stderr | LimitKind::Stdin, _) => format!("Task wrote more than {} to {limit}", room()),
    };
    let field = limit.field(unit).filter(|_| level == Level::Run);
    (message, field.map(|field| format!("{field} of policy {policy}")).unwrap_or_default())
}

/// As n8n's runner says it, where it is whole.
fn seconds(us: u64) -> String {
    let (whole, rest) = (us / MICROSECONDS, us % MICROSECONDS);
    match (whole, rest) {
        (1, 0) => "1 second".to_owned(),
        (_, 0) => format!("{whole} seconds"),
        _ => format!("{whole}.{} seconds", format!("{rest:06}").trim_end_matches('0')),
    }
}

fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(number),
        Unit::Us => seconds(number),
        Unit::Tasks => format!("{number} processes and threads"),
        Unit::Inodes => format!("{number} files"),
        Unit::Levels => format!("{number} levels"),
        Unit::Values => format!("{number} values"),
        Unit::Digits => format!("{number} digits"),
    }
}

pub(super) fn bytes(number: u64) -> String {
    let (mut whole, mut tenths, mut units) = (number, 0, ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter());
    let mut unit = units.next().unwrap_or_default();
    while whole >= 1024 {
        let Some(next) = units.next() else { break };
        (tenths, whole, unit) = (whole % 1024 * 10 / 1024, whole / 1024, next);
    }
    if tenths == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenths} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_amounts() {
        let minute = Duration::from_secs(60);
        let timed_out = |us| exceeded((LimitKind::WallTime, Unit::Us, Level::Run), us, us, "n8n", minute).0;
        assert_eq!(timed_out(1_000_000), "Task execution timed out after 1 second");
        assert_eq!((time(minute), time(Duration::from_secs(1))), (59_500_000, 950_000));
        assert_eq!(timed_out(time(minute)), "Task execution timed out after 60 seconds");
        assert_eq!(timed_out(60_000_000), "Task execution timed out after 60 seconds");
        assert_eq!(timed_out(1_500_000), "Task execution timed out after 1.5 seconds");
        let memory = exceeded((LimitKind::Memory, Unit::Bytes, Level::Run), 512 << 20, 0, "n8n", minute);
        assert_eq!(memory, ("Task ran out of memory: it may use 512 MiB".into(), "limits.memory of policy n8n".into()));
        assert_eq!(exceeded((LimitKind::Memory, Unit::Bytes, Level::Container), 3 << 29, 0, "n8n", minute).1, "");
        assert_eq!((bytes(1023), bytes(1536), bytes(3 << 30)), ("1023 bytes".into(), "1.5 KiB".into(), "3 GiB".into()));
    }
}
