//! Limits: each ends in a verdict of its own, with the counter that proves it; one unit below, the same program works.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, binary};
use remand_tests::facts::{CGROUP_CPU, CGROUP_MEMORY, CGROUP_PIDS, PRIVILEGED, SWAP, need};
use remand_tests::observe::Seen::{Any, At, Denied, Exceeded, OneOf, Raised, Value, Verdict};
use remand_tests::observe::compare;
use remand_tests::technique::{Control, Technique, settings_of};
use remand_tests::{Check, ensure, probe, trial};

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new("queued_signals", probe!("queued_signals"), &[Value("256")], Control::Plain(&[Value("300")])),
    // Without a cgroup the kernel refuses forks but counts no refusal: a sample may come too late to prove the limit.
    Technique::new("fork_bomb", probe!("fork_bomb"), &[Exceeded("pids")], Control::Query("15", &[Value("15")]))
        .set(&["limits.pids=16"])
        .without(CGROUP_PIDS, &[Any(&[Exceeded("pids"), Raised("BlockingIOError")])]),
    Technique::new("one_process_too_many", probe!("fork_bomb"), &[Exceeded("pids")], Control::Query("15", &[Value("15")]))
        .query("16")
        .set(&["limits.pids=16"])
        .without(CGROUP_PIDS, &[Any(&[Exceeded("pids"), Raised("BlockingIOError")])]),
    Technique::new("thread_bomb", probe!("thread_bomb"), &[Exceeded("pids")], Control::Query("15", &[Value("15")]))
        .set(&["limits.pids=16"])
        .without(CGROUP_PIDS, &[Any(&[Exceeded("pids"), Raised("RuntimeError")])]),
    Technique::new(
        "memory_bomb",
        probe!("memory_bomb"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"shared":false}"#, &[Value("24")]),
    )
    .query(r#"{"mib":null,"shared":false}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "shared_memory_bomb",
        probe!("memory_bomb"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"shared":true}"#, &[Value("24")]),
    )
    .query(r#"{"mib":null,"shared":true}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "swapped_memory",
        probe!("memory_swapped"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"shared":false}"#, &[Value("24")]),
    )
    .query(r#"{"mib":320,"shared":false}"#)
    .set(&["limits.memory=64MiB"])
    .needs(&[SWAP]),
    Technique::new(
        "swapped_shared_memory",
        probe!("memory_swapped"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"shared":true}"#, &[Value("24")]),
    )
    .query(r#"{"mib":320,"shared":true}"#)
    .set(&["limits.memory=64MiB"])
    .needs(&[SWAP]),
    Technique::new(
        "shared_memory_hidden_by_advice",
        probe!("unseen_shared_memory"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"by":"advice"}"#, &[Value("24")]),
    )
    .query(r#"{"mib":160,"by":"advice"}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "shared_memory_hidden_by_unmapping",
        probe!("unseen_shared_memory"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24,"by":"unmapping"}"#, &[Value("24")]),
    )
    .query(r#"{"mib":160,"by":"unmapping"}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "memory_behind_an_ended_first_thread",
        probe!("hidden_memory"),
        &[Exceeded("memory")],
        Control::Query(r#"{"mib":24}"#, &[Value("24")]),
    )
    .query(r#"{"mib":160}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "memory_in_small_children",
        probe!("memory_by_children"),
        &[Exceeded("memory")],
        Control::Query(r#"{"children":4,"each":4}"#, &[Value("4")]),
    )
    .query(r#"{"children":8,"each":24}"#)
    .set(&["limits.memory=64MiB"]),
    Technique::new(
        "memory_in_files_of_memory",
        probe!("memory_by_memfd"),
        &[Exceeded("memory")],
        Control::Query(r#"{"files":4,"each":4}"#, &[Value("4")]),
    )
    .query(r#"{"files":16,"each":8}"#)
    .set(&["limits.memory=64MiB"])
    .needs(&[CGROUP_MEMORY]),
    Technique::new("files_of_memory_need_a_counter", probe!("memory_by_memfd"), &[Value("4")], Control::Plain(&[At("", "4")]))
        .query(r#"{"files":4,"each":4}"#)
        .without(CGROUP_MEMORY, &[Raised("PermissionError"), Denied("memfd_create", "EPERM")]),
    Technique::new("full_tmp", probe!("fill_tmp"), &[Exceeded("tmp_size")], Control::Query("4", &[Value("4")]))
        .query("5")
        .set(&["filesystem.tmp.size=4MiB"]),
    Technique::new("too_many_inodes", probe!("many_inodes"), &[Exceeded("tmp_inodes")], Control::Query("63", &[Value("63")]))
        .query("64")
        .set(&["filesystem.tmp.inodes=64"]),
    Technique::new(
        "sparse_terabyte",
        probe!("large_file"),
        &[Exceeded("file_size")],
        Control::Query(r#"{"bytes":1048576,"sparse":true}"#, &[Value("1048576")]),
    )
    .query(r#"{"bytes":1099511627776,"sparse":true}"#)
    .set(&["limits.file_size=1MiB"]),
    Technique::new(
        "one_byte_too_large_a_file",
        probe!("large_file"),
        &[Exceeded("file_size")],
        Control::Query(r#"{"bytes":1048576,"sparse":true}"#, &[Value("1048576")]),
    )
    .query(r#"{"bytes":1048577,"sparse":true}"#)
    .set(&["limits.file_size=1MiB"]),
    Technique::new(
        "descriptors",
        probe!("many_descriptors"),
        &[Value(r#"{"refused":"EMFILE","at":32}"#)],
        Control::Query("16", &[Value(r#"{"refused":null}"#)]),
    )
    .query("1000")
    .set(&["limits.open_files=32"]),
    Technique::new(
        "descriptors_in_flight",
        probe!("socket_of_any_kind"),
        &[Denied("socket", "EPERM")],
        Control::Calls(&["socket"], &[At("/unix", "\"ok\"")]),
    )
    .policy(r#"{"syscalls":{"allow":{"remove":["@unix_sockets"]}}}"#),
    Technique::new(
        "stdout_flood",
        probe!("flood"),
        &[Exceeded("stdout")],
        Control::Query(r#"{"to":"stdout","bytes":65536}"#, &[Value("65536")]),
    )
    .query(r#"{"to":"stdout","bytes":65537}"#)
    .set(&["limits.stdout=64KiB"]),
    Technique::new(
        "stderr_flood",
        probe!("flood"),
        &[Exceeded("stderr")],
        Control::Query(r#"{"to":"stderr","bytes":65536}"#, &[Value("65536")]),
    )
    .query(r#"{"to":"stderr","bytes":65537}"#)
    .set(&["limits.stderr=64KiB"]),
    Technique::new(
        "print_of_one_gibibyte",
        probe!("flood"),
        &[Exceeded("prints")],
        Control::Query(r#"{"to":"print","bytes":65000}"#, &[Value("65000")]),
    )
    .query(r#"{"to":"print","bytes":1073741824}"#)
    .set(&["limits.prints=64KiB"]),
    Technique::new("slow_drip", probe!("slow_drip"), &[Exceeded("wall_time")], Control::Query("3", &[Value("3")]))
        .set(&["limits.wall_time=500ms"]),
    Technique::new("endless_loop", probe!("endless_loop"), &[Exceeded("wall_time")], Control::Query("1000", &[Value("1000")]))
        .set(&["limits.wall_time=300ms"]),
    Technique::new("endless_loop_by_cpu_time", probe!("endless_loop"), &[Exceeded("cpu_time")], Control::Query("1000", &[Value("1000")]))
        .set(&["limits.cpu_time=200ms"]),
    Technique::new(
        "loop_in_eight_threads",
        probe!("cpu_in_threads"),
        &[Exceeded("cpu_time")],
        Control::Query("0.01", &[Value("\"done\"")]),
    )
    .set(&["limits.cpu_time=300ms"]),
    Technique::new("cpu_time_of_lost_children", probe!("cpu_in_children"), &[Exceeded("cpu_time")], Control::Query("1", &[Value("1")]))
        .set(&["limits.cpu_time=300ms"])
        .needs(&[CGROUP_CPU]),
    Technique::new("ignored_soft_limit", probe!("ignore_signals"), &[Exceeded("cpu_time")], Control::Query("0.05", &[Value("\"done\"")]))
        .set(&["limits.cpu_time=300ms"]),
    Technique::new(
        "sleep",
        probe!("wait_forever"),
        &[Exceeded("wall_time")],
        Control::Query(r#"{"by":"sleep","seconds":0}"#, &[Value("\"woken\"")]),
    )
    .query(r#"{"by":"sleep","seconds":100000}"#)
    .set(&["limits.wall_time=200ms"]),
    Technique::new(
        "fifo_without_writer",
        probe!("wait_forever"),
        &[Exceeded("wall_time")],
        Control::Query(r#"{"by":"fifo","writer":true}"#, &[Value("\"woken\"")]),
    )
    .query(r#"{"by":"fifo","writer":false}"#)
    .set(&["limits.wall_time=500ms"]),
    Technique::new("large_result", probe!("large_value"), &[Exceeded("result_size")], Control::Query("1048000", &[Verdict("finished")]))
        .query("1048577")
        .set(&["limits.result_size=1MiB"]),
    Technique::new("deep_result", probe!("deep_value"), &[Exceeded("result_shape")], Control::Query("15", &[Verdict("finished")]))
        .query("17")
        .set(&["limits.result_depth=16"]),
    Technique::new("wide_result", probe!("wide_value"), &[Exceeded("result_shape")], Control::Query("90", &[Verdict("finished")]))
        .query("101")
        .set(&["limits.result_nodes=100"]),
    Technique::new(
        "no_core_dump",
        probe!("core_dump"),
        &[Value(r#"{"signal":6,"core":false}"#)],
        Control::Plain(&[At("/signal", "6"), OneOf("/core", &["true", "false"])]),
    ),
];

/// What takes more than the verdict.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("limits::tmpfs_is_charged_to_the_run [R3]", tmpfs_is_charged_to_the_run),
        trial("limits::no_way_out_into_swap [R4]", no_way_out_into_swap),
        trial("limits::supervisor_stays_small [R8 O4]", supervisor_stays_small),
        trial("limits::pids_of_the_machines_own_root", pids_of_root),
    ]
}

/// The kernel holds user 0 of the machine to no RLIMIT_NPROC, and a run of a root without the rights of a privileged start is that user.
fn pids_of_root() -> Check {
    need(&[PRIVILEGED])?;
    let code = "import os, time\nn = 0\nfor _ in range(60):\n    if os.fork() == 0:\n        time.sleep(3)\n        os._exit(0)\n    n += 1\nreturn n";
    let under = |limit: &str| {
        let script = format!(
            "mount -t tmpfs -o ro none /sys/fs/cgroup && exec setpriv --bounding-set=-sys_admin,-sys_resource {} run --json --set limits.pids={limit} -",
            binary().display()
        );
        let args = ["-m", "--propagation", "private", "sh", "-c", &script];
        Call::program(Path::new("unshare"), &args).input(code.as_bytes()).end()?.outcome()
    };
    let outcome = under("10")?;
    compare(&outcome, &[Exceeded("pids")])?;
    let outcome = under("64")?;
    ensure(outcome["value"] == 60, "the control", &outcome)
}

fn peak(mebibytes: u32) -> Result<u64, remand_tests::End> {
    let outcome = Call::run(&probe!("fill_tmp").code(), &["--query".to_owned(), mebibytes.to_string()]).end()?.outcome()?;
    ensure(outcome["value"] == mebibytes, "it is written", &outcome)?;
    Ok(outcome["usage"]["memory_peak"].as_u64().unwrap_or(0))
}

fn tmpfs_is_charged_to_the_run() -> Check {
    need(&[CGROUP_MEMORY])?;
    let (without, with) = (peak(0)?, peak(24)?);
    ensure(with >= without + (20 << 20), "24 MiB on the tmpfs show in the run's own memory", &(without, with))
}

fn no_way_out_into_swap() -> Check {
    need(&[CGROUP_MEMORY])?;
    let outcome = Call::run(
        &format!("_query = {{'mib': None, 'shared': False}}\n{}", probe!("memory_bomb").code()),
        &settings_of(&["limits.memory=48MiB"]),
    )
    .end()?
    .outcome()?;
    compare(&outcome, &[Exceeded("memory")])?;
    let peak = outcome["usage"]["memory_peak"].as_u64();
    // But for a page or so of the kernel's own that it does not refuse itself.
    ensure(peak.is_some_and(|peak| peak <= (48 << 20) + (64 << 10)), "no more than the limit was ever charged", &outcome["usage"])
}

/// Address space of the supervisor, in KiB: enough for it and for a bare interpreter, far below what the floods offer.
const SMALL: u32 = 400_000;

fn supervisor_stays_small() -> Check {
    let print = "for _ in range(1024):\n    print('x' * (1 << 20))".to_owned();
    let write = "import os\nwhile True:\n    os.write(1, b'x' * (1 << 16))".to_owned();
    let prefix = "import os\nos.write(4, b'\\xff' * 4)\nwhile True:\n    os.write(4, b'x' * (1 << 16))".to_owned();
    for (code, limit) in [(print, "prints"), (write, "stdout"), (prefix, "result_size")] {
        let script = format!("ulimit -v {SMALL} && exec \"$0\" run --json -");
        let call = Call::program(Path::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), binary().as_os_str()]);
        let outcome = call.input(code.as_bytes()).end()?.outcome()?;
        let verdict = &outcome["verdict"];
        ensure(verdict["kind"] == "exceeded" && verdict["limit"] == limit, limit, verdict)?;
    }
    let script = format!("ulimit -v {SMALL} && exec python3 -c 'x = bytearray(1 << 30)'");
    let control = Call::program(Path::new("/bin/sh"), &["-c", &script]).end()?;
    ensure(control.err().contains("MemoryError"), "so little does not hold one gibibyte", &control)
}
