//! Settings of the host that weaken every sandbox on it, as sentences.
//!
//! Always holds: pure over the texts that were read; what could not be read gives no sentence.

use super::holes;
use super::look::read;
use crate::sys::probe;

pub(super) fn look(version: (u32, u32, u32)) -> Vec<String> {
    let mut warnings = holes::of(version);
    warnings.extend(SETTINGS.iter().filter_map(|setting| setting.judge(&read(setting.path))));
    if read("/proc/self/maps").lines().any(|line| line.ends_with("[vsyscall]") && line.contains("r-xp")) {
        warnings.push("Every process has readable code at a fixed address (vsyscall=emulate); boot with vsyscall=none.".into());
    }
    if let Ok(entries) = std::fs::read_dir("/sys/devices/system/cpu/vulnerabilities") {
        let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        warnings.extend(names.iter().filter_map(|name| processor(name, &read(&format!("/sys/devices/system/cpu/vulnerabilities/{name}")))));
    }
    if !probe::seccomp_waits_through_signals() {
        warnings
            .push("Signals can interrupt a denied call while it is recorded, so that it is recorded again; Linux 5.19 ends that.".into());
    }
    warnings
}

struct Setting {
    path: &'static str,
    weak: fn(&str) -> bool,
    sentence: &'static str,
}

const SETTINGS: [Setting; 5] = [
    Setting {
        path: "/proc/sys/kernel/core_pattern",
        weak: |text| text.starts_with('|'),
        sentence: "Crashes are handed to a host program that runs as root (kernel.core_pattern is a pipe); runs are kept from it by RLIMIT_CORE = 1 only.",
    },
    Setting {
        path: "/proc/sys/kernel/unprivileged_bpf_disabled",
        weak: |text| text == "0",
        sentence: "Ordinary users may load BPF programs (kernel.unprivileged_bpf_disabled = 0); set it to 1 or 2.",
    },
    Setting {
        path: "/proc/sys/kernel/yama/ptrace_scope",
        weak: |text| text == "0",
        sentence: "A process may trace any other of its user (kernel.yama.ptrace_scope = 0); set it to 1.",
    },
    Setting {
        path: "/sys/devices/system/cpu/smt/active",
        weak: |text| text == "1",
        sentence: "Two threads share each processor core (SMT), so runs can watch their neighbour's timing; boot with nosmt where that matters.",
    },
    Setting {
        path: "/sys/kernel/mm/ksm/run",
        weak: |text| text == "1",
        sentence: "Equal memory pages of different processes are merged (KSM), which can be seen by timing; echo 0 >/sys/kernel/mm/ksm/run.",
    },
];

impl Setting {
    fn judge(&self, text: &str) -> Option<String> {
        (self.weak)(text.trim()).then(|| self.sentence.to_owned())
    }
}

fn processor(name: &str, text: &str) -> Option<String> {
    let state = text.trim();
    state
        .starts_with("Vulnerable")
        .then(|| format!("The processor leaks data between programs and nothing is done about it: {name}: {state}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_judged() {
        for (setting, weak, strong) in SETTINGS
            .iter()
            .zip(["|/usr/lib/crash %p\n", "0\n", "0\n", "1\n", "1\n"])
            .map(|(setting, weak)| (setting, weak, if weak.starts_with('1') { "0\n" } else { "2\n" }))
        {
            assert!(setting.judge(weak).is_some(), "{}", setting.path);
            assert_eq!(setting.judge(strong), None, "{}", setting.path);
            assert_eq!(setting.judge(""), None, "{}", setting.path);
        }
    }

    #[test]
    fn processors_are_judged() {
        assert!(
            processor("mds", "Vulnerable: Clear CPU buffers attempted, no microcode\n")
                .is_some_and(|text| text.contains("mds: Vulnerable: Clear"))
        );
        assert_eq!(processor("mds", "Mitigation: Clear CPU buffers; SMT vulnerable\n"), None);
        assert_eq!(processor("l1tf", "Not affected\n"), None);
        assert_eq!(processor("l1tf", ""), None);
    }
}
