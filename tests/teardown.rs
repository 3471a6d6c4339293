//! Between the end of a run and its answer: what the supervisor still does then with files that the run was shown, while their owner exchanges them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use remand_tests::command::Call;
use remand_tests::facts::{CGROUP_MEMORY, need};
use remand_tests::observe::Seen::Value;
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("teardown::no_link_that_a_mounts_owner_puts_there_is_followed [9.51]", exchanged)]
}

/// Files of a private directory, and of the one that its name is exchanged with.
const FILES: u32 = 300;

fn exchanged() -> Check {
    need(&[CGROUP_MEMORY])?;
    let scratch = Scratch::new();
    let (mount, private) = (scratch.path().join("mount"), scratch.path().join("private"));
    for directory in [&mount.join("x"), &private] {
        fs::create_dir_all(directory)?;
        (0..FILES).try_for_each(|number| fs::write(directory.join(number.to_string()), "text"))?;
    }
    symlink(&private, mount.join("y"))?;
    let failed = |errno: Errno| End::Fail(errno.to_string());
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).map_err(failed)?;
    watch.add_watch(&private, AddWatchFlags::IN_OPEN).map_err(failed)?;
    let mounts = json!({ "filesystem": { "mounts": { "add": [{ "source": mount, "target": "/shared" }] } } });
    let policy = policy_text::write(&scratch, &mounts).display().to_string();
    let over = AtomicBool::new(false);
    let runs = std::thread::scope(|scope| {
        scope.spawn(|| exchange(&mount, &over));
        let runs = (0..5).try_for_each(|_| {
            // Emptied and grown, so that the kernel has to read it again.
            File::create(mount.join("large"))?.set_len(8 << 20)?;
            let call = Call::run("return len(open('/shared/large', 'rb').read())", &["--policy".to_owned(), policy.clone()]);
            compare(&call.end()?.outcome()?, &[Value("8388608")]).map_err(End::Fail)
        });
        over.store(true, Ordering::Relaxed);
        runs
    });
    runs?;
    let opened = || match watch.read_events() {
        Err(Errno::EAGAIN) => Ok(0),
        events => events.map(|events| events.len()).map_err(failed),
    };
    let seen = opened()?;
    ensure(seen == 0, "nothing of the private directory was opened", &seen)?;
    File::open(private.join("1"))?;
    let control = opened()?;
    ensure(control > 0, "the control: an opened file is seen", &control)
}

fn exchange(mount: &Path, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let _ = renameat2(AT_FDCWD, &mount.join("x"), AT_FDCWD, &mount.join("y"), RenameFlags::RENAME_EXCHANGE);
    }
}
