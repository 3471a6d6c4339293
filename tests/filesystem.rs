//! Files: the root, its mounts, `/proc`, descriptors, and the private directory.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::facts::UNSHARE;
use remand_tests::observe::Seen::{At, Denied, Granted, NotAt, OneOf, Value};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::json;

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new(
        "files_of_the_interpreter_are_unwritable",
        probe!("write_read_only_files"),
        &[Value(r#"["EACCES","ENOENT"]"#)], // ENOENT: /proc/1 is hidden
        Control::Query("\"/tmp/own\"", &[Value(r#"["ok"]"#)]),
    ),
    Technique::new(
        "no_inherited_descriptors",
        probe!("inherited_descriptors"),
        &[Value(r#"{"kinds":{"0":"pipe","1":"pipe","2":"pipe","4":"pipe","5":"pipe"},"cwd":"/workspace"}"#)],
        Control::Query("true", &[At("/kinds/3", "\"directory\"")]),
    ),
    Technique::new(
        "masked_path_stays",
        probe!("replace_masked_path"),
        &[Value(r#"{"answer":"EROFS","null":[true,1,3]}"#)],
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
            At("/open/~1proc~1sys~1kernel~1core_pattern", "\"ENOENT\""),
            At("/open/~1proc~1sysrq-trigger", "\"ENOENT\""),
            At("/open/~1proc~1kcore", "\"ENOENT\""),
            At("/open/~1proc~1kallsyms", "\"ENOENT\""),
            At("/open/~1proc~1kmsg", "\"ENOENT\""),
            At("/open/~1sys~1kernel", "\"ENOENT\""),
            At("/write", "\"ENOENT\""),
        ],
        Control::Plain(&[At("/open/~1proc~1sys~1kernel~1core_pattern", "\"ok\""), At("/open/~1sys~1kernel", "\"ok\"")]),
    ),
    Technique::new(
        "cgroup_files",
        probe!("cgroup_files"),
        &[Value(r#"{"mounts":0,"sys":"ENOENT","own":["/"]}"#)],
        Control::Plain(&[NotAt("/mounts", "0"), At("/sys", "\"ok\"")]),
    ),
    Technique::new(
        "processes_of_others",
        probe!("other_processes"),
        &[Value(
            r#"{"open":{"root/.":"ENOENT","cwd/.":"ENOENT","fd":"ENOENT","mem":"ENOENT","environ":"ENOENT","maps":"ENOENT"},"pids":1}"#,
        )],
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
        &[
            At("/character", "\"EPERM\""),
            At("/block", "\"EPERM\""),
            At("/setuid", "\"EPERM\""),
            At("/suid_mounts", "[]"),
            At("/dev_mounts", "[]"),
            At("/writable_mounts", r#"["/tmp","/tmp","/workspace"]"#),
            Denied("mknodat", "EPERM"),
        ],
        Control::Plain(&[At("/setuid", "\"ok\""), NotAt("/suid_mounts", "[]"), NotAt("/writable_mounts", r#"["/tmp","/tmp","/workspace"]"#)]),
    ),
    Technique::new(
        "set_id_files_by_opening",
        probe!("make_set_id"),
        &[
            At("/openat", "\"EPERM\""),
            At("/tmpfile", "\"EPERM\""),
            At("/openat2", "\"ENOSYS\""),
            At("/clean", "\"ok\""),
            At("/plain", "\"ok\""),
            OneOf("/open", &["\"EPERM\"", "null"]),
            OneOf("/creat", &["\"EPERM\"", "null"]),
            At("/set", "[]"),
            Denied("openat", "EPERM"),
            Denied("openat2", "ENOSYS"),
        ],
        Control::Calls(
            &["open", "openat", "creat", "openat2"],
            &[At("/openat", "\"ok\""), At("/tmpfile", "\"ok\""), At("/openat2", "\"ok\""), NotAt("/set", "[]")],
        ),
    ),
    Technique::new(
        "times_of_devices",
        probe!("touch_devices"),
        &[Value(r#"{"utime":["EROFS"],"futime":["EROFS"],"chmod":["EROFS"],"open_devices":[],"stdin":""}"#)],
        Control::Query("\"/tmp/own\"", &[At("/utime", r#"["ok"]"#), At("/futime", r#"["ok"]"#), At("/chmod", r#"["ok"]"#)]),
    ),
    Technique::new(
        "page_cache_of_shared_files",
        probe!("page_cache"),
        &[
            Value(r#"{"plain":"ok","nowait":"EPERM","willneed":"ok","dontneed":"EPERM"}"#),
            Denied("preadv2", "EPERM"),
            Denied("fadvise64", "EPERM"),
        ],
        Control::Calls(&["preadv2", "fadvise64"], &[At("/dontneed", "\"ok\""), NotAt("/nowait", "\"EPERM\""), Granted("preadv2")]),
    ),
    Technique::new(
        "flushes_of_the_hosts_disk",
        probe!("flush"),
        &[Value(r#"{"fsync":"ok","fdatasync":"ok","sync_file_range":"ok","msync":"ok","syncfs":"ok"}"#)],
        Control::Plain(&[
            Value(r#"{"fsync":"EINVAL","fdatasync":"EINVAL","sync_file_range":"ESPIPE","msync":"ENOMEM","syncfs":"EBADF"}"#),
        ]),
    ),
];

/// What takes more than one run.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("filesystem::private_directories [F14]", two_runs_share_nothing),
        trial("filesystem::flushes_are_real_where_a_mount_is_writable [9.10]", flushes_with_a_writable_mount),
    ]
}

fn flushes_with_a_writable_mount() -> Check {
    let scratch = Scratch::new();
    let mount = json!({ "source": scratch.path(), "target": "/srv/out", "writable": true, "reason": "a test of flushes" });
    let policy = policy_text::write(&scratch, &json!({ "filesystem": { "mounts": [mount] } }));
    let outcome = Call::run(&probe!("flush").code(), &["--policy".to_owned(), policy.display().to_string()]).end()?.outcome()?;
    // syncfs never is: it flushes what others wrote too.
    let expected = r#"{"fsync":"EINVAL","fdatasync":"EINVAL","sync_file_range":"ESPIPE","msync":"ENOMEM","syncfs":"ok"}"#;
    compare(&outcome, &[Value(expected)]).map_err(End::Fail)
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
