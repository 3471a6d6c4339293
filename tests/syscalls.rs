//! System calls: the filter, its edges, and the parts of the kernel that it keeps out of reach.

use remand_tests::facts::{UNSHARE, X86_64};
use remand_tests::observe::Seen::{Any, At, Denied, Granted, NotAt, OneOf, Value, Verdict};
use remand_tests::probe;
use remand_tests::technique::{Control, Technique};

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new("i386_getpid", probe!("call_i386"), &[Verdict("violated")], Control::Plain(&[At("", "true")])).needs(&[X86_64]),
    // Not every processor and kernel runs one; where it is run, its first call is the end of the run.
    Technique::new(
        "program_of_32_bits",
        probe!("run_32_bit_program"),
        &[Any(&[Verdict("violated"), Value("\"ENOEXEC\"")])],
        Control::Plain(&[OneOf("", &["\"ran\"", "\"ENOEXEC\""])]),
    )
    .policy(r#"{"filesystem": {"tmp": {"exec": true}}}"#),
    // Most kernels have no x32 and answer the same; that ours did is told by the record.
    Technique::new(
        "x32_getpid",
        probe!("call_x32"),
        &[Value("\"ENOSYS\""), Denied("syscall_1073741863", "ENOSYS")],
        Control::Plain(&[OneOf("", &["\"ok\"", "\"ENOSYS\""])]),
    )
    .needs(&[X86_64]),
    Technique::new(
        "high_argument_bits",
        probe!("call_with_high_bits"),
        &[
            At("/socket", r#"["EPERM","EPERM","EPERM","EPERM"]"#),
            At("/personality", r#"["EPERM","EPERM","EPERM","EPERM"]"#),
            At("/tiocsti", r#"["EPERM","EPERM","EPERM","EPERM"]"#),
            Denied("socket", "EPERM"),
            Denied("personality", "EPERM"),
            Denied("ioctl", "EPERM"),
        ],
        Control::Calls(
            &["socket", "personality", "ioctl"],
            &[
                At("/personality", r#"["ok","ok","ok","ok"]"#),
                At("/tiocsti/1", "\"ENOTTY\""),
                Granted("socket"),
                Granted("personality"),
                Granted("ioctl"),
            ],
        ),
    ),
    Technique::new(
        "clone3_falls_back",
        probe!("clone3_pointer"),
        &[Value(r#"{"clone3":"ENOSYS","thread":["ran"]}"#)],
        Control::Plain(&[At("/clone3", "\"EINVAL\"")]),
    ),
    Technique::new(
        "calls_newer_than_the_table",
        probe!("new_calls"),
        &[
            At("/unknown", r#"["ENOSYS"]"#),
            At("/known/fsopen", "\"EPERM\""),
            At("/known/mount_setattr", "\"EPERM\""),
            At("/known/open_tree", "\"EPERM\""),
            At("/known/open_tree_attr", "\"EPERM\""),
            Denied("fsopen", "EPERM"),
            Denied("mount_setattr", "EPERM"),
        ],
        Control::Apart(&[
            At("/known/fsopen", "\"ok\""),
            NotAt("/known/open_tree", "\"EPERM\""),
            NotAt("/known/mount_setattr", "\"EPERM\""),
        ]),
    )
    .needs(&[UNSHARE]),
    Technique::new(
        "io_uring",
        probe!("io_uring"),
        &[Value(r#"["ENOSYS","ENOSYS","ENOSYS"]"#)],
        Control::Calls(&["io_uring_setup", "io_uring_enter", "io_uring_register"], &[NotAt("/1", "\"ENOSYS\""), Granted("io_uring_enter")]),
    ),
    Technique::new(
        "blinded_notifier",
        probe!("blind_the_notifier"),
        &[At("/ptrace", "\"EPERM\""), Denied("ptrace", "EPERM"), Denied("prctl", "EPERM")],
        Control::Calls(&["ptrace", "prctl"], &[At("/dumpable", "\"ok\""), At("/ptrace", "\"ok\"")]),
    ),
    Technique::new(
        "filter_of_its_own",
        probe!("own_filter"),
        &[Value("\"EPERM\""), Denied("seccomp", "EPERM")],
        Control::Plain(&[At("", "\"ok\"")]),
    ),
    Technique::new(
        "trace_and_inject",
        probe!("trace_and_inject"),
        &[
            Value(r#"{"ptrace":"EPERM","process_vm_readv":"EPERM","process_vm_writev":"EPERM","process_madvise":"EPERM","kcmp":"EPERM"}"#),
            Denied("ptrace", "EPERM"),
            Denied("process_vm_readv", "EPERM"),
            Denied("process_vm_writev", "EPERM"),
            Denied("process_madvise", "EPERM"),
            Denied("kcmp", "EPERM"),
        ],
        Control::Calls(
            &["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"],
            &[At("/ptrace", "\"ok\""), At("/process_vm_readv", "\"ok\""), At("/process_madvise", "\"EBADF\""), Granted("kcmp")],
        ),
    ),
    Technique::new(
        "weakened_personality",
        probe!("weaken_personality"),
        &[Value(r#"["EPERM","EPERM"]"#), Denied("personality", "EPERM")],
        Control::Calls(&["personality"], &[Value(r#"["ok","ok"]"#)]),
    ),
    Technique::new(
        "forged_process_state",
        probe!("forge_process_state"),
        &[Value(r#"{"pdeathsig":"EPERM","subreaper":"EPERM","mm":"EPERM"}"#), Denied("prctl", "EPERM")],
        Control::Calls(&["prctl"], &[At("/pdeathsig", "\"ok\""), At("/subreaper", "\"ok\""), Granted("prctl")]),
    ),
    Technique::new(
        "nested_user_namespace",
        probe!("nested_user_namespace"),
        &[Value(r#"{"clone":"EPERM","unshare":"EPERM"}"#), Denied("clone", "EPERM"), Denied("unshare", "EPERM")],
        Control::Plain(&[At("/clone", "\"ok\""), At("/unshare", "\"ok\"")]),
    )
    .needs(&[UNSHARE]),
    Technique::new(
        "odd_socket_families",
        probe!("odd_sockets"),
        &[
            Value(r#"{"alg":"EPERM","rxrpc":"EPERM","xfrm":"EPERM","route":"EPERM","packet":"EPERM","raw":"EPERM","vsock":"EPERM"}"#),
            Denied("socket", "EPERM"),
        ],
        Control::Calls(&["socket"], &[At("/route", "\"ok\""), NotAt("/alg", "\"EPERM\""), NotAt("/vsock", "\"EPERM\""), Granted("socket")]),
    ),
    Technique::new(
        "sockets_of_any_kind",
        probe!("socket_of_any_kind"),
        &[Value(r#"{"unix":"ok","inet":"EPERM","inet6":"EPERM","udp":"EPERM"}"#), Denied("socket", "EPERM")],
        Control::Calls(&["socket"], &[At("/unix", "\"ok\""), At("/inet", "\"ok\""), Granted("socket")]),
    ),
    Technique::new(
        "exploit_primitives",
        probe!("exploit_primitives"),
        &[
            Value(r#"{"bpf":"EPERM","perf_event_open":"EPERM","userfaultfd":"EPERM"}"#),
            Denied("bpf", "EPERM"),
            Denied("perf_event_open", "EPERM"),
            Denied("userfaultfd", "EPERM"),
        ],
        Control::Calls(
            &["bpf", "perf_event_open", "userfaultfd"],
            &[NotAt("/userfaultfd", "\"EPERM\""), NotAt("/perf_event_open", "\"EPERM\""), Granted("bpf"), Granted("perf_event_open")],
        ),
    ),
    Technique::new(
        "keyrings",
        probe!("keyrings"),
        &[
            Value(r#"{"add_key":"EPERM","request_key":"EPERM","keyctl":"EPERM"}"#),
            Denied("add_key", "EPERM"),
            Denied("request_key", "EPERM"),
            Denied("keyctl", "EPERM"),
        ],
        Control::Calls(&["add_key", "request_key", "keyctl"], &[NotAt("/add_key", "\"EPERM\""), Granted("add_key"), Granted("keyctl")]),
    ),
    Technique::new(
        "direct_host_effects",
        probe!("direct_host_effects"),
        &[
            At("/init_module", "\"EPERM\""),
            At("/reboot", "\"EPERM\""),
            At("/acct", "\"EPERM\""),
            At("/syslog", "\"EPERM\""),
            Denied("init_module", "EPERM"),
            Denied("kexec_load", "EPERM"),
            Denied("reboot", "EPERM"),
            Denied("swapon", "EPERM"),
            Denied("acct", "EPERM"),
            Denied("quotactl", "EPERM"),
            Denied("syslog", "EPERM"),
            Denied("clock_settime", "EPERM"),
            Denied("settimeofday", "EPERM"),
            Denied("sethostname", "EPERM"),
            Denied("open_by_handle_at", "EPERM"),
            Denied("fanotify_init", "EPERM"),
        ],
        Control::Calls(
            &["acct", "reboot", "clock_settime"],
            &[Granted("acct"), Granted("reboot"), Granted("clock_settime"), Denied("swapon", "EPERM")],
        ),
    ),
    Technique::new(
        "terminal_injection",
        probe!("terminal_injection"),
        &[At("/tiocsti", "\"EPERM\""), At("/tioclinux", "\"EPERM\""), At("/tty", "\"ENOENT\""), Denied("ioctl", "EPERM")],
        Control::Calls(&["ioctl"], &[At("/tiocsti", "\"ENOTTY\""), Granted("ioctl")]),
    ),
    Technique::new(
        "machine_code",
        probe!("machine_code"),
        &[Value("\"EPERM\""), Denied("ptrace", "EPERM")],
        Control::Calls(&["ptrace"], &[Value("\"ok\"")]),
    ),
    Technique::new(
        "overwritten_builtins",
        probe!("overwrite_builtins"),
        &[Denied("ptrace", "EPERM")],
        Control::Calls(&["ptrace"], &[Granted("ptrace")]),
    ),
];
