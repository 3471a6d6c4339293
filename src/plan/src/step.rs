//! Every step on the way to a run's end, from the policy to the teardown: where a start failed, and what each step cost.
//!
//! Always holds: the list is closed. The steps of the child are in it under the child's names.

use crate::words::words;

words! {
    /// One step.
    Step {
        // Of whoever asks for a run.
        Policy "policy", Request "request", Host "host", FindInterpreter "find_interpreter", Interpreter "interpreter", FindProgram "find_program", Program "program",
        Plan "plan", Job "job",
        // Of the supervisor.
        Setup "setup", Ids "ids", CloneForkserver "clone_forkserver", Cgroup "cgroup", Pipes "pipes",
        // Between clone and exec.
        Forkserver "forkserver", OomScore "oom_score", UserNamespace "user_namespace", IdMap "id_map", MountNamespace "mount_namespace", IpcNamespace "ipc_namespace",
        UtsNamespace "uts_namespace", NetworkNamespace "network_namespace", Loopback "loopback", Root "root", Pivot "pivot",
        CloneInit "clone_init", InitSignals "init_signals", RunMounts "run_mounts", Files "files", Terminal "terminal", CloneExecutor "clone_executor", Init "init",
        CgroupJoin "cgroup_join", CgroupNamespace "cgroup_namespace", Signals "signals", Session "session", Keyring "keyring", Fd "fd", Rlimit "rlimit",
        Groups "groups", Gid "gid", Uid "uid", Capabilities "capabilities", Dumpable "dumpable", NoNewPrivs "no_new_privs", Confine "confine",
        Landlock "landlock", Seccomp "seccomp", Listener "listener", LandlockSeccomp "landlock_seccomp", Chdir "chdir", Execve "execve",
        // Of the program.
        Exec "exec", Ready "ready", Code "code", Exit "exit",
        // Of the supervisor again.
        Namespaces "namespaces", Artifacts "artifacts", Teardown "teardown",
    }
}

impl Step {
    /// Makes a namespace of a kind that the host may lack or refuse.
    #[must_use]
    pub const fn makes_namespace(self) -> bool {
        matches!(
            self,
            Self::UserNamespace
                | Self::MountNamespace
                | Self::IpcNamespace
                | Self::UtsNamespace
                | Self::NetworkNamespace
                | Self::CgroupNamespace
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_steps_alone() {
        let words: std::collections::BTreeSet<_> = Step::ALL.iter().map(|step| step.word()).collect();
        assert_eq!(words.len(), Step::ALL.len());
    }

    #[test]
    fn steps_that_make_namespaces_are_called_so() {
        for step in Step::ALL {
            assert_eq!(step.makes_namespace(), step.word().ends_with("_namespace"), "{step}");
        }
    }
}
