//! Files: the root, its mounts, `/proc`, descriptors, and the private directory.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::facts::UNSHARE;
use remand_tests::observe::Seen::{At, Denied, NotAt, OneOf, Value};
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, ensure, probe, trial};

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new(
        "files_of_the_interpreter_are_unwritable",
        probe!("write_read_only_files"),
        &[OneOf("", &[r#"["EACCES"]"#, r#"["EACCES","EROFS"]"#, r#"["EACCES","ENOENT"]"#, r#"["EROFS"]"#])],
        Control::Query("\"/tmp/own\"", &[Value(r#"["ok"]"#)]),
    ),
    Technique::new(
        "no_inherited_descriptors",
        probe!("inherited_descriptors"),
        &[At("/kinds/0", "\"device\""), At("/kinds/1", "\"pipe\""), At("/kinds/2", "\"pipe\""), At("/kinds/4", "\"pipe\""), At("/cwd", "\"/tmp\"")],
        Control::Query("true", &[At("/cwd", "\"/tmp\"")]),
    ),
    Technique::new(
        "masked_path_stays",
        probe!("replace_masked_path"),
        &[OneOf("/answer", &["\"EROFS\"", "\"EACCES\""]), At("/null", "[true,1,3]")],
        Control::Query("\"/tmp/null\"", &[At("/answer", "\"replaced\"")]),
    ),
    Technique::new(
        "chroot_break_out",
        probe!("break_out_of_chroot"),
        &[Value(r#"{"chroot":"EPERM","pivot_root":"EPERM","same":true}"#), Denied("chroot", "EPERM"), Denied("pivot_root", "EPERM")],
        Control::Apart(&[At("/chroot", "\"ok\""), At("/same", "false")]),
    )
    .needs(&[UNSHARE]),
    Technique::new(
        "changed_mounts",
        probe!("change_mounts"),
        &[
            Value(
                r#"{"tmpfs":"EPERM","remount":"EPERM","bind":"EPERM","umount":"EPERM","move_mount":"EPERM","mount_setattr":"EPERM","setns":"EPERM"}"#,
            ),
            Denied("mount", "EPERM"),
            Denied("umount2", "EPERM"),
            Denied("move_mount", "EPERM"),
            Denied("mount_setattr", "EPERM"),
            Denied("setns", "EPERM"),
        ],
        Control::Apart(&[At("/tmpfs", "\"ok\""), At("/bind", "\"ok\""), At("/umount", "\"ok\""), NotAt("/mount_setattr", "\"EPERM\"")]),
    )
    .needs(&[UNSHARE]),
    Technique::new(
        "capabilities_hold_where_the_filter_does_not",
        probe!("change_mounts"),
        &[At("/tmpfs", "\"EPERM\""), At("/bind", "\"EPERM\""), At("/umount", "\"EPERM\"")],
        Control::Apart(&[At("/tmpfs", "\"ok\""), At("/bind", "\"ok\""), At("/umount", "\"ok\"")]),
    )
    .lifted(&["mount", "umount2"])
    .needs(&[UNSHARE]),
    Technique::new(
        "kernel_settings",
        probe!("kernel_settings"),
        &[
            OneOf("/open/~1proc~1sys~1kernel~1core_pattern", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/open/~1proc~1sysrq-trigger", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/open/~1proc~1kcore", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/open/~1proc~1kallsyms", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/open/~1proc~1kmsg", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/open/~1sys~1kernel", &["\"ENOENT\"", "\"EACCES\""]),
            OneOf("/write", &["\"ENOENT\"", "\"EACCES\""]),
        ],
        Control::Plain(&[At("/open/~1proc~1sys~1kernel~1core_pattern", "\"ok\""), At("/open/~1sys~1kernel", "\"ok\"")]),
    ),
    Technique::new(
        "cgroup_files",
        probe!("cgroup_files"),
        &[At("/mounts", "0"), At("/sys", "\"ENOENT\"")],
        Control::Plain(&[NotAt("/mounts", "0"), At("/sys", "\"ok\"")]),
    ),
    Technique::new(
        "processes_of_others",
        probe!("other_processes"),
        &[
            OneOf("/open/root~1.", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/open/cwd~1.", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/open/fd", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/open/mem", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/open/environ", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/open/maps", &["\"EACCES\"", "\"ENOENT\""]),
            OneOf("/pids", &["1", "2"]),
        ],
        Control::Query("\"self\"", &[At("/open/root~1.", "\"ok\""), At("/open/fd", "\"ok\""), At("/open/environ", "\"ok\""), At("/open/maps", "\"ok\"")]),
    ),
    Technique::new(
        "result_pipe_is_write_only",
        probe!("reopen_result_pipe"),
        &[Value(r#"{"read":"EACCES","both":"EACCES"}"#)],
        Control::Query("true", &[Value(r#"{"read":"ok","both":"ok"}"#)]),
    ),
    Technique::new(
        "devices_and_setuid_files",
        probe!("make_devices"),
        &[At("/character", "\"EPERM\""), At("/block", "\"EPERM\""), At("/suid_mounts", "[]"), At("/dev_mounts", "[]"), At("/writable_mounts", r#"["/tmp"]"#)],
        Control::Plain(&[At("/bit", "true"), NotAt("/suid_mounts", "[]"), NotAt("/writable_mounts", r#"["/tmp"]"#)]),
    ),
    Technique::new(
        "locks_on_shared_files",
        probe!("two_locks"),
        &[Value("\"EPERM\""), Denied("flock", "EPERM")],
        Control::Calls(&["flock"], &[Value("\"ok\"")]),
    ),
];

/// What takes more than one run.
pub fn trials() -> Vec<Trial> {
    vec![trial("filesystem::private_directories [F14]", two_runs_share_nothing)]
}

fn two_runs_share_nothing() -> Check {
    let name = format!("remand-mark-{}", std::process::id());
    for _ in 0..2 {
        let args = ["--query".to_owned(), format!("\"{name}\"")];
        let outcome = Call::run(&probe!("shared_directories").code(), &args).end()?.outcome()?;
        let expected = serde_json::json!({
            "before": { "/tmp": false, "/dev/shm": false, "/var/tmp": false }, "after": { "/tmp": true, "/dev/shm": true, "/var/tmp": true } });
        // The three are one directory: what was made in the first is seen in the others, and by no other run.
        ensure(outcome["value"] == expected, "a run finds nothing of another's", &outcome["value"])?;
    }
    for directory in ["/tmp", "/dev/shm", "/var/tmp"] {
        ensure(!std::path::Path::new(directory).join(&name).exists(), "the host sees no file of a run", &directory)?;
    }
    Ok(())
}
