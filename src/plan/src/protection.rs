//! What a run is protected by and made of: each entry of an outcome's `enforcement`, and what is refused where it cannot be had.
//!
//! Always holds: the list is closed, and in the order of the words that it is told in.

use std::fmt;

use remand_syscalls::Starting;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Protection {
    /// System calls that a start needs, or that would end it.
    Start(Starting),
    Capabilities,
    CgroupNamespace,
    CoreDumps,
    Cpu,
    CpuTime,
    FileLocks,
    FileSize,
    /// What is shown of the host because files of the interpreter's packages name it.
    Files {
        source: String,
    },
    /// Nothing of the run is held by descriptors in flight.
    GivenBack,
    IpcNamespace,
    LandlockFiles,
    LandlockScopes,
    LandlockTcp,
    Memory,
    MemoryReturned,
    /// A mount that the policy calls optional and that was left out.
    LeftOut {
        source: String,
    },
    MountNamespace,
    NestedUserNamespaces,
    NetworkNamespace,
    NoNewPrivs,
    /// Runs are the first to go where memory runs out on the whole host. Entered where they are not.
    OomScore,
    OwnUid,
    PidNamespace,
    Pids,
    Proc,
    ResultPipe,
    /// Limits that this process was started with leave room for a start.
    Room,
    Seccomp,
    SupervisorCgroup,
    SupplementaryGroups,
    SurroundingLimits,
    Swap,
    /// A mount of the policy.
    Mount {
        target: String,
        /// Which of `filesystem.mounts`.
        index: usize,
    },
    /// A file of the program where a run has its own.
    ProgramFile {
        path: String,
    },
    /// The device nodes of the policy.
    Devices,
    /// No Unix socket outside of the run can be reached.
    UnixSockets,
    UserNamespace,
    UtsNamespace,
    WallTime,
    WritableMounts,
    /// What a record names that was read, and this version does not know.
    Named(String),
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start(Starting::Python(_)) => "a start of a Python",
            Self::Start(Starting::Program) => "a start of a program that is linked dynamically",
            Self::Capabilities => "capabilities",
            Self::CgroupNamespace => "cgroup_namespace",
            Self::CoreDumps => "core_dumps",
            Self::Cpu => "cpu",
            Self::CpuTime => "cpu_time",
            Self::FileLocks => "file_locks",
            Self::FileSize => "file_size",
            Self::Files { source } => return write!(f, "files of {source}"),
            Self::GivenBack => "given_back",
            Self::IpcNamespace => "ipc_namespace",
            Self::LandlockFiles => "landlock_files",
            Self::LandlockScopes => "landlock_scopes",
            Self::LandlockTcp => "landlock_tcp",
            Self::Memory => "memory",
            Self::MemoryReturned => "memory_returned",
            Self::LeftOut { source } => return write!(f, "mount of {source}"),
            Self::MountNamespace => "mount_namespace",
            Self::NestedUserNamespaces => "nested_user_namespaces",
            Self::NetworkNamespace => "network_namespace",
            Self::NoNewPrivs => "no_new_privs",
            Self::OomScore => "oom_score",
            Self::OwnUid => "own_uid",
            Self::PidNamespace => "pid_namespace",
            Self::Pids => "pids",
            Self::Proc => "proc",
            Self::ResultPipe => "result_pipe",
            Self::Room => "room for a start",
            Self::Seccomp => "seccomp",
            Self::SupervisorCgroup => "supervisor_cgroup",
            Self::SupplementaryGroups => "supplementary_groups",
            Self::SurroundingLimits => "surrounding_limits",
            Self::Swap => "swap",
            Self::Mount { target, .. } => return write!(f, "the mount at {target}"),
            Self::ProgramFile { path } => return write!(f, "the program's {path}"),
            Self::Devices => "the run's /dev",
            Self::UnixSockets => "unix_sockets",
            Self::UserNamespace => "user_namespace",
            Self::UtsNamespace => "uts_namespace",
            Self::WallTime => "wall_time",
            Self::WritableMounts => "writable_mounts",
            Self::Named(name) => name,
        })
    }
}

impl serde::Serialize for Protection {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// By its name in a record. What stands in the name of a mount or a file is all that is known of it then.
impl<'de> serde::Deserialize<'de> for Protection {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let of = |lead: &str| name.strip_prefix(lead).map(str::to_owned);
        Ok(match PLAIN.iter().find(|plain| plain.to_string() == name) {
            Some(plain) => plain.clone(),
            None => None
                .or_else(|| of("files of ").map(|source| Self::Files { source }))
                .or_else(|| of("mount of ").map(|source| Self::LeftOut { source }))
                .or_else(|| of("the mount at ").map(|target| Self::Mount { target, index: 0 }))
                .or_else(|| of("the program's ").map(|path| Self::ProgramFile { path }))
                .unwrap_or(Self::Named(name)),
        })
    }
}

/// Those that are a word.
const PLAIN: &[Protection] = {
    use Protection::*;
    &[
        Start(Starting::Python(None)),
        Start(Starting::Program),
        Capabilities,
        CgroupNamespace,
        CoreDumps,
        Cpu,
        CpuTime,
        FileLocks,
        FileSize,
        GivenBack,
        IpcNamespace,
        LandlockFiles,
        LandlockScopes,
        LandlockTcp,
        Memory,
        MemoryReturned,
        MountNamespace,
        NestedUserNamespaces,
        NetworkNamespace,
        NoNewPrivs,
        OomScore,
        OwnUid,
        PidNamespace,
        Pids,
        Proc,
        ResultPipe,
        Room,
        Seccomp,
        SupervisorCgroup,
        SupplementaryGroups,
        SurroundingLimits,
        Swap,
        Devices,
        UnixSockets,
        UserNamespace,
        UtsNamespace,
        WallTime,
        WritableMounts,
    ]
};

/// A record may name what a later version enters: for a reader the keys are any text.
impl schemars::JsonSchema for Protection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_words() {
        use Protection::*;
        let mount = |target: &str, index| Mount { target: target.into(), index };
        let mut all = vec![
            WritableMounts,
            WallTime,
            UtsNamespace,
            UserNamespace,
            UnixSockets,
            Devices,
            ProgramFile { path: "/tmp/x".into() },
            mount("/b", 0),
            mount("/a", 1),
            Swap,
            SurroundingLimits,
            SupplementaryGroups,
            SupervisorCgroup,
            Seccomp,
            Room,
            ResultPipe,
            Proc,
            Pids,
            PidNamespace,
            OwnUid,
            OomScore,
            NoNewPrivs,
            NetworkNamespace,
            NestedUserNamespaces,
            MountNamespace,
            LeftOut { source: "/srv".into() },
            MemoryReturned,
            Memory,
            LandlockTcp,
            LandlockScopes,
            LandlockFiles,
            IpcNamespace,
            GivenBack,
            Files { source: "/srv".into() },
            FileSize,
            FileLocks,
            CpuTime,
            Cpu,
            CoreDumps,
            CgroupNamespace,
            Capabilities,
            Start(Starting::Program),
            Start(Starting::Python(None)),
        ];
        all.sort();
        assert!(all.is_sorted_by_key(ToString::to_string), "{all:?}");
        let read = |one: &Protection| serde_json::from_value::<Protection>(serde_json::to_value(one).unwrap()).unwrap();
        for one in &all {
            let known = if let Mount { target, .. } = one { mount(target, 0) } else { one.clone() };
            assert_eq!(read(one), known, "it is read back");
        }
        assert_eq!(read(&Named("later".into())), Named("later".into()));
    }
}
