//! What a run can read and write.

use remand_plan::Protection;
use remand_policy::policy::{Filesystem, Mount, Policy, Tmp, Word};

use super::page::{Page, some};

/// Paths of the program that are named.
const NAMED: usize = 8;

pub(super) fn read(page: &mut Page<'_>) {
    let Policy { filesystem: Filesystem { mounts, proc, devices, tmp: _ }, landlock, environment, .. } = page.policy;
    page.title("What a run can read");
    page.say(
        "Its root is built from nothing in a mount namespace of its own. A file of the host that is not named here does not exist for it.",
    );
    program(page);
    for (index, mount) in mounts.iter().enumerate() {
        page.of(&format!("filesystem.mounts[{index}]"), shown(mount));
    }
    if mounts.is_empty() {
        page.of("filesystem.mounts", "No other file of the host.");
    }
    let proc_told = match (proc, page.plan) {
        (_, Some(_)) => format!("/proc{}.", page.how(&Protection::Proc, None)),
        (true, None) => "/proc, which shows the run's own processes only.".to_owned(),
        (false, None) => "No /proc.".to_owned(),
    };
    page.of("filesystem.proc", proc_told);
    let paths = devices.iter().map(|device| format!("/dev/{}", device.word()));
    let devices = if devices.is_empty() { "no device".to_owned() } else { some(paths, usize::MAX) };
    page.of("filesystem.devices", format!("Below /dev: {devices}."));
    page.say("A few small files made for it: /etc/passwd, /etc/group, /etc/hosts, /etc/nsswitch.conf, and of /sys the count of CPUs. Nothing of the host's /etc.");
    for (name, value) in environment {
        page.of(&format!("environment.{name}"), format!("The variable {name}={value:?}."));
    }
    page.say(if environment.iter().any(|(name, _)| name == "PATH") {
        "No other environment variable: none of the caller's."
    } else {
        "No other environment variable but PATH, the interpreter's directory: none of the caller's."
    });
    if !page.policy.python.external_allow.is_empty() {
        page.say("Besides, variables such as OMP_NUM_THREADS size the native thread pools of packages to limits.cpus.");
    }
    let holds = page.how(&Protection::LandlockFiles, Some(landlock.enforce));
    page.of("landlock.enforce", format!("Landlock, a second lock on all of these files{holds}."));
    page.of("landlock.minimum_abi", format!("Of Landlock, ABI {} or later will do.", landlock.minimum_abi));
}

/// What the interpreter needs of the host.
fn program(page: &mut Page<'_>) {
    let Some(plan) = page.plan else {
        return page.say("The files of its interpreter, at their own paths, read-only.");
    };
    let asked = |target: &String| page.policy.filesystem.mounts.iter().any(|mount| mount.target == *target);
    let own: Vec<_> = plan.root.binds.iter().map(|bind| &bind.target).filter(|target| !asked(target)).collect();
    let hidden = if plan.root.hidden.is_empty() {
        String::new()
    } else {
        format!(" Of these, hidden behind an empty directory: {}.", some(&plan.root.hidden, NAMED))
    };
    let count = own.len();
    page.say(format!("The files of its interpreter, at their own paths, read-only, {count} mounts: {}.{hidden}", some(own, NAMED)));
}

fn shown(mount: &Mount) -> String {
    let Mount { source, target, writable, exec, optional, reason } = mount;
    let access = if *writable { "to read and WRITE" } else { "read-only" };
    let exec = if *exec { "programs on it can be executed" } else { "nothing on it can be executed or mapped as code" };
    let missing = if *optional { "where the host lacks it, it is left out" } else { "where the host lacks it, nothing runs" };
    let reason = reason.as_ref().map_or(String::new(), |reason| format!(" Why: {reason}."));
    format!("The host's {source} at {target}, {access}; {exec}; {missing}.{reason}")
}

pub(super) fn write(page: &mut Page<'_>) {
    let Policy { filesystem: Filesystem { tmp: Tmp { size, inodes, exec }, mounts, .. }, limits, .. } = page.policy;
    page.title("What a run can write");
    page.of(
        "filesystem.tmp.size",
        format!("/tmp (also /var/tmp and /dev/shm) and /workspace, in a tmpfs of its own that ends with it: {size} of content, in memory."),
    );
    page.of("filesystem.tmp.inodes", format!("There, {inodes} files, directories and links."));
    let code =
        if *exec { "Files there can be EXECUTED and mapped as code." } else { "No file there can be executed or mapped as code (noexec)." };
    page.of("filesystem.tmp.exec", code);
    for (index, mount) in mounts.iter().enumerate().filter(|(_, mount)| mount.writable) {
        let sentence =
            format!("{} of the host, by {}. What is written there stays, for everybody who reads it.", mount.source, mount.target);
        page.of(&format!("filesystem.mounts[{index}]"), sentence);
    }
    if !mounts.iter().any(|mount| mount.writable) {
        page.say("No file of the host.");
    }
    let holds = page.how(&Protection::FileSize, None);
    page.of("limits.file_size", format!("A file of at most {}{holds}.", limits.file_size));
    let dumps = page.how(&Protection::CoreDumps, None);
    page.say(format!("No core dump{dumps}."));
}
