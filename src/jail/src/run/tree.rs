//! The processes of a run as `/proc` shows them: the substitute for cgroup counters where a run has none.
//!
//! Always holds: a sample can miss what lives shorter than the time between two; whoever uses it names it as the substitute that it is. A sample takes no
//! lock of a process's memory; the exact look does, and is for a thread of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use crate::sys::process;

/// One look at all processes below an init.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Bytes of memory that belong to the run's processes, anonymous and shared, in memory and swapped out, and of their page tables, as the sum over
    /// processes.
    pub memory: u64,
    /// What of it is shared memory, as far as it is in somebody's resident memory.
    pub shared: u64,
    /// Tasks, threads counted one by one, init not counted.
    pub tasks: u64,
    /// User CPU so far, with that of ended processes that were waited for.
    pub user: Duration,
    /// System CPU so far.
    pub system: Duration,
    /// The most that one process has resident of files, which is in its peak and not in `memory`.
    pub files: u64,
}

/// More tasks than this are not looked at: a run without a pids limit must not keep the supervisor busy.
const MOST: u64 = 8192;

/// A process of a run.
struct Process {
    pid: u32,
    tasks: Vec<u32>,
    /// A task through which its memory can be seen, with its status. Nothing of one that is ending, nor of one whose memory is its parent's too, which it
    /// counts for (`vfork` and `posix_spawn`, until the new program begins).
    memory: Option<(u32, String)>,
}

/// Goes through everything below `init`, until told not to go on.
fn below(init: u32, mut each: impl FnMut(Process) -> Option<()>) -> Option<()> {
    let mut waiting: Vec<(u32, Option<u32>)> = children(init).into_iter().map(|child| (child, None)).collect();
    while let Some((pid, parent)) = waiting.pop() {
        let tasks = tasks(pid);
        let memory = living(&tasks);
        let task = memory.as_ref().map(|(task, _)| *task);
        waiting.extend(tasks.iter().flat_map(|task| children_of(pid, *task)).map(|child| (child, task)));
        let memory = memory.filter(|(task, _)| !parent.is_some_and(|parent| share_memory(parent, *task)));
        each(Process { pid, tasks, memory })?;
    }
    Some(())
}

/// Whether two tasks have one memory. That of a task that is ending is none, so two such would be the same: this one still has its own afterwards.
fn share_memory(parent: u32, task: u32) -> bool {
    process::same_memory(parent, task) == Ok(true) && living(&[task]).is_some()
}

/// Looks at everything below `init`.
pub fn sample(init: u32) -> Sample {
    let mut found = Sample::default();
    add_cpu(&mut found, init);
    let _ = below(init, |process| {
        found.tasks += process.tasks.len() as u64;
        add_cpu(&mut found, process.pid);
        if let Some((_, status)) = process.memory {
            // Page tables too: reading one byte in each 2 MiB of a mapping costs a page of them, and no resident memory. What a process has the kernel
            // swap out (MADV_PAGEOUT) is no longer resident.
            found.memory += own_memory(&status, &["RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:"]);
            found.shared += own_memory(&status, &["RssShmem:"]);
            found.files = found.files.max(own_memory(&status, &["RssFile:"]));
        }
        (found.tasks <= MOST).then_some(())
    });
    found
}

/// Memory as the kernel divides shared pages among processes, anonymous and shared: exact, and slower. `None` where it may not be read.
pub fn proportional(init: u32) -> Option<(u64, u64)> {
    let (mut own, mut resident) = (0, 0);
    let mut shared = BTreeMap::new();
    let swapped = swap_in_use();
    below(init, |process| {
        let Some((task, status)) = process.memory else { return Some(()) };
        let read = |what: &str| match fs::read_to_string(format!("/proc/{task}/{what}")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            read => Some(read.unwrap_or_default()),
        };
        let rollup = read("smaps_rollup")?;
        own += own_memory(&rollup, &["Pss_Anon:", "SwapPss:"]) + own_memory(&status, &["VmPTE:"]);
        resident += own_memory(&rollup, &["Pss_Shmem:"]);
        if swapped {
            shared_swap(&read("smaps")?, &mut shared);
        }
        Some(())
    })?;
    Some((own, shared.values().fold(resident, |all, bytes| all + bytes)))
}

/// Whether the host has anything swapped out; where nothing is, nothing of a run's is. Shared memory that is swapped out only the exact look sees.
pub fn swap_in_use() -> bool {
    any_used(&fs::read_to_string("/proc/swaps").unwrap_or_default())
}

/// Whether the host has anywhere to swap to.
pub fn can_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

fn any_used(swaps: &str) -> bool {
    swaps.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().rev().nth(1)).any(|used| used != "0")
}

/// Which part of which object a mapping shows: device and inode, offset, length.
type Part = (String, String, u64);

/// Swapped pages of memory that is shared. The kernel gives them whole to each mapping ("SwapPss" leaves them out), so each part of an object counts once.
fn shared_swap(smaps: &str, shared: &mut BTreeMap<Part, u64>) {
    let mut part = None;
    let mut whole = 0;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("Swap:"), Some(kib)) => whole = kib.parse::<u64>().unwrap_or(0),
            (Some("SwapPss:"), Some(kib)) => {
                let rest = whole.saturating_sub(kib.parse().unwrap_or(0)) * 1024;
                if let Some(part) = part.take().filter(|_| rest > 0) {
                    let known = shared.entry(part).or_default();
                    *known = rest.max(*known);
                }
            }
            (Some(range), Some(_)) if !range.ends_with(':') => part = mapping(line),
            _ => {}
        }
    }
}

/// The first line of a mapping's account; `None` where no object is behind it.
fn mapping(line: &str) -> Option<Part> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let length = u64::from_str_radix(end, 16).ok()?.checked_sub(u64::from_str_radix(start, 16).ok()?)?;
    let (offset, device, inode) = (words.nth(1)?, words.next()?, words.next()?);
    (inode != "0").then(|| (format!("{device} {inode}"), offset.to_owned(), length))
}

/// Whether the first process of a run, its init's first child, is there and has not begun to end. What ends says so before it closes anything (`do_exit`).
pub fn first_goes_on(init: u32) -> bool {
    goes_on(&first(init))
}

/// Whether it has one thread.
pub fn first_is_alone(init: u32) -> bool {
    field(&first(init), THREADS) == Some(1)
}

/// Its `stat`, if it is there.
fn first(init: u32) -> String {
    let read = |pid: u32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let first = children(init).into_iter().find(|&pid| number_inside(&read(pid, "status")) == Some(FIRST));
    first.map(|pid| read(pid, "stat")).unwrap_or_default()
}

/// The number of an init's first child in its PID namespace. Numbers that come round again begin at 300.
const FIRST: u32 = 2;

/// The number of a process in the innermost PID namespace that it is in.
fn number_inside(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_ascii_whitespace().last()?.parse().ok()
}

/// `PF_EXITING` in the flags of a process.
const EXITING: u32 = 0x4;

fn goes_on(stat: &str) -> bool {
    field(stat, FLAGS).is_some_and(|flags| flags & EXITING == 0)
}

/// Fields after the name, which may hold anything.
const FLAGS: usize = 6;
const THREADS: usize = 17;

fn field(stat: &str, number: usize) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(number)?.parse().ok()
}

fn tasks(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn children_of(pid: u32, task: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{task}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect()
}

fn children(pid: u32) -> Vec<u32> {
    tasks(pid).into_iter().flat_map(|task| children_of(pid, task)).collect()
}

/// A task through which the memory of its process can be seen, with its status. The first thread of a process can have ended before the others: its entry, which
/// is the process's, shows none.
fn living(tasks: &[u32]) -> Option<(u32, String)> {
    let statuses = tasks.iter().filter_map(|task| Some((*task, fs::read_to_string(format!("/proc/{task}/status")).ok()?)));
    statuses.into_iter().find(|(_, status)| status.contains("\nVmRSS:"))
}

/// Sockets in init's network namespace, those in flight included.
pub fn sockets(init: u32) -> u64 {
    fs::read_to_string(format!("/proc/{init}/net/sockstat")).ok().and_then(|text| sockets_used(&text)).unwrap_or(0)
}

fn sockets_used(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("sockets: used ")?.trim().parse().ok())
}

/// Bytes of shared memory and of swap in use on the host.
pub fn host_shared() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    own_memory(&text, &["Shmem:", "SwapTotal:"]).saturating_sub(own_memory(&text, &["SwapFree:"]))
}

/// Bytes of memory and swap of the host.
pub fn host_memory() -> u64 {
    own_memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), &["MemTotal:", "SwapTotal:"])
}

/// Bytes that lines of KiB add up to: what no file of a disk backs.
fn own_memory(text: &str, keys: &[&str]) -> u64 {
    let kib = |key: &&str| text.lines().find_map(|line| line.strip_prefix(*key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    keys.iter().filter_map(kib).sum::<u64>() * 1024
}

fn add_cpu(found: &mut Sample, pid: u32) {
    if let Some([user, system]) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| cpu_ticks(&stat)) {
        found.user += ticks(user);
        found.system += ticks(system);
    }
}

/// User and system ticks of the process and of the children that it waited for. The name before them may hold anything, brackets too.
fn cpu_ticks(stat: &str) -> Option<[u64; 2]> {
    let after = stat.rsplit_once(')')?.1;
    let fields: Vec<u64> = after.split_ascii_whitespace().skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    let [user, system, children_user, children_system] = fields.try_into().ok()?;
    Some([user + children_user, system + children_system])
}

/// How long so many ticks are.
fn ticks(count: u64) -> Duration {
    let second = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok()).filter(|&ticks| ticks > 0);
    Duration::from_micros(count.saturating_mul(1_000_000 / second.unwrap_or(100)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use super::*;

    #[test]
    fn a_process_name_cannot_shift_the_fields() {
        let stat = "7 (a) R 1 (b)) S 1 7 7 0 -1 4194560 100 0 0 0 3 4 5 6 20 0 1 0 99 1000 10";
        assert_eq!(cpu_ticks(stat), Some([8, 10]));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn what_ends_is_told_from_what_goes_on() {
        let stat = |name: &str, flags: u32| format!("7 ({name}) S 1 7 7 0 -1 {flags} 100 0 0 0 3 4");
        assert!(goes_on(&stat("a) Z 4 4 4 4 4 4", 0x40_0100)) && !goes_on(&stat("a", 0x40_0104)));
        assert!(!goes_on("7 (a) S 1") && !goes_on(""));
        let threads = field("7 (a) R 1 (b)) S 1 7 7 0 -1 4194560 100 0 0 0 3 4 5 6 20 0 12 0 99 1000 10", THREADS);
        assert_eq!(threads, Some(12));
        assert_eq!(number_inside("Pid:\t70\nNSpid:\t70\t9\t2\nNSsid:\t1\n"), Some(2));
        assert_eq!(number_inside("Pid:\t70\n"), None);
    }

    #[test]
    fn memory_is_what_no_file_backs() {
        let status = "VmRSS:\t  900 kB\nRssAnon:\t     100 kB\nRssFile:\t     780 kB\nRssShmem:\t      20 kB\nVmPTE:\t      3 kB\nVmSwap:\t     40 kB\n";
        assert_eq!(own_memory(status, &["RssAnon:", "RssShmem:", "VmPTE:", "VmSwap:"]), 163 << 10);
        assert_eq!(own_memory("nothing", &["RssAnon:", "RssShmem:"]), 0);
    }

    #[test]
    fn swapped_memory_counts() {
        let swaps =
            |used: &str| format!("Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/zram0 (deleted) partition\t524284\t{used}\t-2\n");
        assert_eq!([swaps("0"), swaps("12")].map(|text| any_used(&text)), [false, true]);
        assert!(!any_used("Filename Type Size Used Priority\n") && !any_used(""));
        let smaps = "\
7f0000000000-7f0000a00000 rw-s 00000000 00:01 77 /dev/zero (deleted)\nSize: 10240 kB\nSwap:   8000 kB\nSwapPss:   0 kB\nVmFlags: rd wr sh\n\
7f0001000000-7f0001a00000 rw-p 00000000 00:00 0 \nSwap:   900 kB\nSwapPss:   300 kB\n\
7f0002000000-7f0002a00000 rw-p 00001000 00:01 78 /tmp/a b: c\nSwap:   70 kB\nSwapPss:   70 kB\n";
        let mut shared = BTreeMap::new();
        shared_swap(smaps, &mut shared);
        shared_swap(smaps, &mut shared); // of a forked process
        assert_eq!(shared.into_iter().collect::<Vec<_>>(), [(("00:01 77".into(), "00000000".into(), 0xa0_0000), 8000 << 10)]);
    }

    #[test]
    fn sockets_are_counted_by_their_namespace() {
        assert_eq!(sockets_used("sockets: used 17\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n"), Some(17));
        assert_eq!(sockets_used(""), None);
        let before = sockets(std::process::id());
        let pairs: Vec<_> = (0..50).filter_map(|_| std::os::unix::net::UnixStream::pair().ok()).collect();
        assert!(pairs.len() == 50 && sockets(std::process::id()) >= before.min(1) + 50, "other processes come and go meanwhile");
    }

    #[test]
    fn what_lies_below_is_counted_and_what_stands_at_the_top_is_not() {
        // The shell is the top; its child announces itself before it waits.
        let mut top = std::process::Command::new("sh")
            .args(["-c", "(echo; exec sleep 60) & exec sleep 60"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(top.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let found = sample(top.id());
        assert_eq!(found.tasks, 1);
        assert!(found.memory > 0);
        let children = children(top.id());
        for pid in children.into_iter().chain([top.id()]) {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::SIGKILL).unwrap();
        }
        top.wait().unwrap();
    }

    /// A run without a memory cgroup that started a program while it held more than half of its limit was told to be over it.
    #[test]
    fn memory_that_a_child_has_from_its_parent_counts_once() {
        const HELD: u64 = 64 << 20;
        let directory = std::env::temp_dir().join(format!("remand-tree-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let fifo = directory.join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // The child waits for a writer, in its parent's memory.
        let code = format!(
            "import os\nheld = b'x' * {HELD}\nos.posix_spawn('/bin/true', ['true'], {{}}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, {fifo:?}, 0, 0)])"
        );
        let mut top = std::process::Command::new("sh").args(["-c", "python3 -I -S -c \"$0\" & wait", &code]).spawn().unwrap();
        let id = top.id();
        let spawned = || children(id).first().is_some_and(|python| children(*python).len() == 1);
        let blocked = || spawned() && fs::read_to_string(format!("/proc/{}/stat", children(id)[0])).is_ok_and(|stat| stat.contains(") D "));
        while !blocked() && top.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let (found, exact) = (sample(id), proportional(id).unwrap());
        fs::write(&fifo, "").unwrap();
        top.wait().unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(found.tasks, 2);
        assert!((HELD..HELD * 3 / 2).contains(&found.memory), "{found:?}");
        assert!((HELD..HELD * 3 / 2).contains(&exact.0), "{exact:?}");
    }
}
