//! Names of signals, the same numbers on x86_64 and aarch64.

pub const SIGKILL: i32 = 9;
pub const SIGXCPU: i32 = 24;
pub const SIGXFSZ: i32 = 25;

const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Such as `SIGSEGV`; `SIGRT7` from 32 on; `signal 99` for what is none.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    let named = usize::try_from(signal).ok().and_then(|number| NAMES.get(number.checked_sub(1)?));
    match (named, signal) {
        (Some(name), _) => (*name).to_owned(),
        (None, 32..=64) => format!("SIGRT{}", signal - 32),
        (None, _) => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (number, name) in
            [(1, "SIGHUP"), (SIGKILL, "SIGKILL"), (11, "SIGSEGV"), (SIGXCPU, "SIGXCPU"), (SIGXFSZ, "SIGXFSZ"), (31, "SIGSYS")]
        {
            assert_eq!(signal_name(number), name);
        }
        assert_eq!([0, -1, 32, 64, 65].map(signal_name), ["signal 0", "signal -1", "SIGRT0", "SIGRT32", "signal 65"]);
    }
}
