//! Which policy files are trusted: by whoever owns and may write the file and every directory on the way to it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid};
use remand_engine::trust::{objections_for, open_for};
use remand_trial::{Check, End, need};

remand_trial::tests!(
    links_fifos_devices_and_directories_are_no_policies,
    for_root_every_component_must_be_out_of_others_reach,
    everything_that_others_can_write_is_named_at_once,
    a_group_that_is_the_users_own_may_write,
    whoever_an_access_list_lets_write_is_another
);

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-trust-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let scratch = Self(path);
        scratch.mode("", 0o755);
        scratch
    }

    /// With a policy two directories down.
    fn nested(name: &str) -> (Self, PathBuf) {
        let scratch = Self::new(name);
        fs::create_dir_all(scratch.0.join("a/b")).unwrap();
        ["a", "a/b"].iter().for_each(|directory| scratch.mode(directory, 0o755));
        let file = scratch.file("a/b/good.jsonc", 0o644);
        (scratch, file)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, "{}").unwrap();
        self.mode(name, mode);
        path
    }

    /// What a user of this group is told of a file.
    fn told(&self, path: &Path, user: u32, group: u32) -> Vec<String> {
        let objections = objections_for(path, user, group);
        let told = objections.iter().map(|d| format!("{} {}", d.component.strip_prefix(&self.0).unwrap().display(), d.objection));
        told.collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn need_root() -> Check {
    need(Uid::effective().is_root(), "root")
}

fn objection(path: &Path, user: u32) -> String {
    open_for(path, user).unwrap_err().objection
}

fn shared(what: &str, mode: &str) -> String {
    format!("{what} can be written by others than root (mode {mode}); chmod go-w")
}

fn links_fifos_devices_and_directories_are_no_policies() {
    let scratch = Scratch::new("kinds");
    let me = Uid::effective().as_raw();
    let file = scratch.file("good.jsonc", 0o644);
    let mut text = String::new();
    open_for(&file, me).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "{}", "control");
    let link = scratch.0.join("link.jsonc");
    symlink(&file, &link).unwrap();
    assert_eq!(objection(&link, me), "is a symbolic link; name the file itself");
    let fifo = scratch.0.join("fifo.jsonc");
    nix::unistd::mkfifo(&fifo, Mode::S_IRUSR).unwrap();
    assert_eq!(objection(&fifo, me), "is not a regular file");
    assert_eq!(objection(Path::new("/dev/null"), me), "is not a regular file");
    assert_eq!(objection(Path::new("/"), 1), "is not a regular file");
    assert_eq!(objection(Path::new("/proc/version"), me), "is made by the kernel as it is read");
    assert!(open_for(&scratch.0.join("absent"), me).unwrap_err().missing);
}

fn for_root_every_component_must_be_out_of_others_reach() -> Check {
    need_root()?;
    let scratch = Scratch::new("owner");
    let file = scratch.file("good.jsonc", 0o644);
    open_for(&file, 0).unwrap();
    open_for(&scratch.0.join("../").join(scratch.0.file_name().unwrap()).join("good.jsonc"), 0).unwrap();
    assert_eq!(objection(&scratch.file("group.jsonc", 0o664), 0), "can be written by others than root (mode 0664); chmod go-w");
    let link = scratch.0.join("directory");
    symlink(&scratch.0, &link).unwrap();
    let found = open_for(&link.join("good.jsonc"), 0).unwrap_err();
    assert_eq!((found.component, found.missing), (link, false), "a linked directory is refused by name");
    scratch.mode("", 0o777);
    assert_eq!(open_for(&file, 0).unwrap_err().component, scratch.0, "a directory that others can write");
    scratch.mode("", 0o1777);
    open_for(&file, 0).unwrap();
    chown(&file, Some(12345), None)?;
    assert_eq!(objection(&file, 0), "belongs to user 12345, who could change it; it must belong to root");
    open_for(&file, 12345).unwrap();
    assert_eq!(objection(&file, 54321), "belongs to user 12345, who could change it; it must belong to root or to user 54321");
    Ok(())
}

fn everything_that_others_can_write_is_named_at_once() {
    let (scratch, file) = Scratch::nested("objections");
    let (me, group) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    assert_eq!(scratch.told(&file, me, group), [""; 0]);
    scratch.mode("a", 0o777);
    scratch.mode("a/b/good.jsonc", 0o666);
    assert_eq!(scratch.told(&file, me, group), [shared("a", "0777"), shared("a/b/good.jsonc", "0666")]);
}

/// Only root can give a file to another user's group.
fn a_group_that_is_the_users_own_may_write() -> Check {
    need_root()?;
    let (scratch, file) = Scratch::nested("group");
    scratch.mode("a/b/good.jsonc", 0o664);
    chown(&file, Some(12345), Some(12345))?;
    assert_eq!(scratch.told(&file, 12345, 12345), [""; 0], "a group that is the user's own");
    assert_eq!(scratch.told(&file, 12345, 100), [shared("a/b/good.jsonc", "0664")]);
    assert_eq!(scratch.told(&file, 54321, 54321).len(), 1, "another user's");
    Ok(())
}

fn whoever_an_access_list_lets_write_is_another() -> Check {
    need_root()?;
    let (scratch, file) = Scratch::nested("list");
    // The mode stays, and is the mask of a list by which user 7 may write too.
    let list = [(1, 6, u32::MAX), (2, 6, 7), (4, 4, u32::MAX), (16, 6, u32::MAX), (32, 4, u32::MAX)]
        .iter()
        .flat_map(|(tag, rights, id): &(u16, u16, u32)| [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat());
    let list: Vec<u8> = [2, 0, 0, 0].into_iter().chain(list).collect();
    for name in ["a/b/good.jsonc", "a"] {
        let place = scratch.0.join(name);
        chown(&place, Some(12345), Some(12345))?;
        scratch.mode(name, 0o664);
        match xattr::set(&place, "system.posix_acl_access", &list) {
            Err(error) if error.kind() == ErrorKind::Unsupported => return Err(End::Skip("a file system with access lists".to_owned())),
            set => set?,
        }
        assert!(scratch.told(&file, 12345, 12345).contains(&shared(name, "0664")), "{name}");
    }
    Ok(())
}
