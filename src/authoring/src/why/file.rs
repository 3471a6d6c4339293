//! Files: where a path leads in the run's own root, and what mount, mode, Landlock and filter say to it.
//!
//! Always holds: refusals are told in the order in which the kernel finds them, with the error that it answers; access lists are not looked at, and an answer
//! about a file that nobody has seen says so.

use remand_plan::files::{Inode, Kind};
use remand_plan::landlock::fs;
use remand_plan::plan::{Bind, Plan};
use remand_plan::view::{At, EXECUTE, READ, Stop, View, WRITE};
use remand_policy::places::{WRITABLE, behind, beneath};
use remand_policy::policy::Word;
use remand_policy::question::{Call, Use, Which};
use serde_json::json;

use super::asked::Asked;
use super::compiled::Compiled;
use super::edit::Edit;
use super::finding::{Finding, Line, Ruling};
use super::show::{self, show};
use super::{call, needs};

/// Whether a run may do this to a file.
pub(super) fn find(using: Use, path: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let (name, args) = match using {
        Use::Exec => ("execve", [None; 6]),
        Use::Read => ("openat", [Some(0xffff_ff9c), None, Some(0o200_0000), None, None, None]),
        Use::Write => ("openat", [Some(0xffff_ff9c), None, Some(0o200_0101), Some(0o666), None, None]),
    };
    let filter = call::find(&Call { which: Which::Name(name), args }, compiled);
    if filter.ruling != Ruling::Allowed {
        return Finding { because: format!("{name}: {}", filter.because), ..filter };
    }
    let view = View { plan, host: compiled.machine.host, files: compiled.machine.files };
    // O_CREAT refuses a slash at the end before it looks at what is there.
    let slash = using == Use::Write && path.ends_with('/');
    let walk = view.walk(if slash { path.trim_end_matches('/') } else { path });
    let slash = slash && matches!(walk.end, Ok(_) | Err(Stop::Missing { last: true, .. }));
    let asked = Asked { using, path: walk.path, compiled, view };
    let mut found = match walk.end {
        _ if slash => finding(
            Ruling::Denied("EISDIR"),
            "a slash at the end means a directory, which nobody opens to write",
            own_root(),
            Err("write the path without it"),
        ),
        Ok(at) => asked.there(at),
        Err(stop) => asked.stopped(stop),
    };
    if found.ruling == Ruling::Allowed && using == Use::Exec && found.cure.is_err() {
        // Nothing of the root can be taken away, but the call can.
        found.cure = filter.cure;
    }
    if asked.path != path {
        found.because = format!("it leads to {}: {}", asked.path, found.because);
    }
    found
}

/// Links in /proc that the kernel follows to whatever a process holds.
const MAGIC: &[&str] = &["cwd", "root", "exe", "fd", "map_files"];

fn finding(ruling: Ruling, because: impl Into<String>, line: Line, cure: Result<Vec<Edit>, &str>) -> Finding {
    Finding { ruling, because: because.into(), line, cure: cure.map_err(str::to_owned) }
}

fn own_root() -> Line {
    Line::none("each run's root, made for it")
}

impl Asked<'_, '_> {
    /// What is said to a path that leads somewhere.
    fn there(&self, at: At<'_>) -> Finding {
        let fixed = Err("every run has it as it is");
        let made = || if self.view.owns_root() { Ruling::ReadOnly("EROFS") } else { Ruling::ReadOnly("EACCES") };
        match (at, self.using) {
            (At::Tmp | At::Proc, Use::Write) if WRITABLE.iter().chain(&["/proc"]).any(|place| self.path == *place) => {
                finding(Ruling::Denied("EISDIR"), "a directory, which nobody opens to write", own_root(), fixed)
            }
            (At::Tmp, Use::Exec) if WRITABLE.contains(&self.path.as_str()) => {
                finding(Ruling::Denied("EACCES"), "a directory is no program", own_root(), fixed)
            }
            (At::Tmp, using) => self.tmp(using),
            (At::Proc, using) => self.proc(using),
            (At::Device(_), Use::Exec) => {
                finding(Ruling::Denied("EACCES"), "a device is no program", own_root(), Err("no policy changes it"))
            }
            (At::Device(device), _) => self.device(device),
            (At::Generated, Use::Read) => {
                finding(Ruling::Allowed, "a small file made for the run, not the host's", own_root(), Err("every run has it"))
            }
            (At::Generated, Use::Write) => finding(made(), "a small file of the run's root, which is read-only", own_root(), fixed),
            (At::Directory | At::Hidden, Use::Read) => {
                finding(Ruling::Allowed, "a directory of the run's root, made for it", own_root(), Err("every run has it"))
            }
            (At::Directory | At::Hidden, Use::Write) => {
                finding(Ruling::Denied("EISDIR"), "a directory, which nobody opens to write", own_root(), fixed)
            }
            (At::Generated | At::Directory | At::Hidden, Use::Exec) => {
                finding(Ruling::Denied("EACCES"), "not a program", own_root(), fixed)
            }
            (At::Bind(bind, inode), _) => self.bound(bind, inode),
        }
    }

    fn tmp(&self, using: Use) -> Finding {
        let exec = |on: bool| Ok(vec![Edit::set("filesystem.tmp.exec", json!(on))]);
        let line = |field| Line::field(self.compiled, field);
        match using {
            Use::Exec if !self.view.plan.tmp.exec => {
                finding(Ruling::Denied("EACCES"), "/tmp is mounted noexec", line("filesystem.tmp.exec"), exec(true))
            }
            Use::Exec => finding(Ruling::Allowed, "the run's own /tmp, mounted without noexec", line("filesystem.tmp.exec"), exec(false)),
            _ => finding(
                Ruling::Allowed,
                "the run's own tmpfs, empty at the start and gone with it",
                line("filesystem.tmp.size"),
                Err("every run has its /tmp; filesystem.tmp.size bounds it"),
            ),
        }
    }

    fn proc(&self, using: Use) -> Finding {
        let line = Line::field(self.compiled, "filesystem.proc");
        let off = Ok(vec![Edit::set("filesystem.proc", json!(false))]);
        if self.path.split('/').any(|part| MAGIC.contains(&part) || part.starts_with(|c: char| c.is_ascii_digit())) {
            let because = "it is a process's own, or a link to what a process holds: other processes of the run are hidden, and links lead into its root";
            return finding(Ruling::Depends, because, line, off);
        }
        match using {
            Use::Read => finding(Ruling::Allowed, "a /proc of the run's own processes only", line, off),
            _ => finding(
                Ruling::Denied("EACCES"),
                "the run's /proc has nothing that it may write or execute",
                own_root(),
                Err("no policy changes it"),
            ),
        }
    }

    fn device(&self, path: &str) -> Finding {
        let field = "filesystem.devices";
        let word = path.trim_start_matches("/dev/");
        let index = self.compiled.policy.filesystem.devices.iter().position(|known| known.word() == word);
        let line = index.map_or_else(|| Line::field(self.compiled, field), |index| Line::entry(self.compiled, field, index));
        let cure = Ok(vec![Edit::Remove(field, word.to_owned())]);
        finding(Ruling::Allowed, "a device node that the policy gives", line, cure)
    }

    /// What is said to a file or directory of the host, in the kernel's order: kind, noexec, mode, read-only mount, Landlock.
    fn bound(&self, bind: &Bind, inode: Option<Inode>) -> Finding {
        let shown = format!("{} is shown at {}", bind.source, bind.target);
        let line = || self.bind_line(bind);
        let no = |errno, because: &str| finding(Ruling::Denied(errno), because, line(), Err("no policy changes it"));
        let kind = inode.map(|inode| inode.kind);
        match (kind, self.using) {
            (Some(Kind::Directory), Use::Write) => return no("EISDIR", "a directory, which nobody opens to write"),
            (Some(Kind::Directory), Use::Exec) => return no("EACCES", "a directory is no program"),
            (Some(Kind::Device), _) => return no("EACCES", "a device of the host, and mounts are nodev"),
            (Some(Kind::Fifo | Kind::Socket), Use::Exec) => return no("EACCES", "not a program"),
            _ => {}
        }
        if self.using == Use::Exec && !bind.exec {
            return finding(Ruling::Denied("EACCES"), format!("{shown}, noexec"), line(), self.turned(bind, "exec", true));
        }
        let (right, what) = match self.using {
            Use::Read => (READ, "read"),
            Use::Write => (WRITE, "write"),
            Use::Exec => (EXECUTE, "execute"),
        };
        let read_only = self.using == Use::Write && !bind.writable && kind.is_none_or(|kind| kind == Kind::Regular);
        if let Some(inode) = inode.filter(|inode| !self.view.may(bind, *inode, right)) {
            let because = format!("{shown}; {}", self.mode(what, inode));
            let ruling = if read_only { Ruling::ReadOnly("EACCES") } else { Ruling::Denied("EACCES") };
            let cure = if read_only { self.turned(bind, "writable", true) } else { Err(self.allow_by_mode(inode)) };
            return finding(ruling, because, line(), cure);
        }
        if read_only {
            return finding(Ruling::ReadOnly("EROFS"), format!("{shown}, read-only"), line(), self.turned(bind, "writable", true));
        }
        if let Some(refused) = self.landlock(kind == Some(Kind::Directory)) {
            return refused;
        }
        if kind == Some(Kind::Socket) {
            return no("ENXIO", "a socket, which nobody opens");
        }
        let decides = if inode.is_none() { "; the file's own mode decides further" } else { "" };
        match self.using {
            Use::Read => {
                let mount = self.compiled.policy.filesystem.mounts.iter().find(|mount| mount.target == bind.target);
                let remove = mount.map(|mount| vec![Edit::Remove("filesystem.mounts", mount.target.clone())]);
                finding(Ruling::Allowed, format!("{shown}{decides}"), line(), remove.ok_or("the program needs it"))
            }
            Use::Write => finding(Ruling::Allowed, format!("{shown}, writable{decides}"), line(), self.turned(bind, "writable", false)),
            Use::Exec => match self.starts(bind) {
                Some(refused) => refused,
                None => finding(Ruling::Allowed, format!("{shown}{decides}"), line(), self.turned(bind, "exec", false)),
            },
        }
    }

    /// Why a program that may be executed does not start.
    fn starts(&self, bind: &Bind) -> Option<Finding> {
        let source = format!("{}{}", bind.source, behind(&self.path, &bind.target)?);
        match needs::lacking(&source, &self.view)? {
            Err(needs::Never::Format(why)) => {
                Some(finding(Ruling::Denied("ENOEXEC"), why, self.bind_line(bind), Err("no policy makes a program of it")))
            }
            Err(needs::Never::Unknown(why)) => {
                let because = format!("it is executed, and does not start: {why}");
                Some(finding(Ruling::NotVisible, because, self.bind_line(bind), Err("its own needs are not met on the host either")))
            }
            Ok(missing) => {
                let first = missing.first()?;
                let because = format!("it is executed, and does not start: it needs {first}, which is not there");
                Some(Finding {
                    ruling: Ruling::NotVisible,
                    because,
                    line: Line::lacking(self.compiled, "filesystem.mounts"),
                    cure: self.shown(&missing),
                })
            }
        }
    }

    /// Mounts that show all of these names, which may lead to one place.
    fn shown(&self, names: &[String]) -> Result<Vec<Edit>, String> {
        let mut edits = Vec::new();
        for name in names {
            let edit = show(self, name, Use::Exec)?;
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        Ok(edits)
    }

    fn mode(&self, what: &str, inode: Inode) -> String {
        let Inode { mode, uid, gid, .. } = inode;
        let who = if self.view.owns_root() { "the caller" } else { "the run, which has an id of its own," };
        format!("{who} may not {what} it: mode {mode:04o}, owner {uid}, group {gid}")
    }

    fn allow_by_mode(&self, inode: Inode) -> &'static str {
        if inode.kind == Kind::Directory { "its mode on the host decides: chmod o+rx it there" } else { "its mode on the host decides" }
    }

    /// The line that shows a bind: a mount of the policy, or the interpreter that needs it.
    fn bind_line(&self, bind: &Bind) -> Line {
        let index = self.compiled.policy.filesystem.mounts.iter().position(|mount| mount.target == bind.target);
        index.map_or_else(
            || Line { text: "python.interpreter, which needs it".to_owned(), ..Line::field(self.compiled, "python.interpreter") },
            |index| Line::entry(self.compiled, "filesystem.mounts", index),
        )
    }

    /// The same mount with one switch turned.
    fn turned(&self, bind: &Bind, key: &str, on: bool) -> Result<Vec<Edit>, &'static str> {
        let mount = self.compiled.policy.filesystem.mounts.iter().find(|mount| mount.target == bind.target);
        let mut wanted = remand_policy::write::write_mount(mount.ok_or("the program needs it as it is")?);
        wanted[key] = json!(on);
        if on && key == "writable" {
            wanted["reason"] = json!("why runs need it");
        }
        Ok(vec![Edit::Remove("filesystem.mounts", bind.target.clone()), Edit::Add("filesystem.mounts", wanted)])
    }

    /// What is said to a path that leads nowhere.
    fn stopped(&self, stop: Stop<'_>) -> Finding {
        match stop {
            Stop::Loop => finding(Ruling::Denied("ELOOP"), "its links go in a circle", own_root(), Err("no policy changes it")),
            Stop::NotDirectory(what) => {
                finding(Ruling::Denied("ENOTDIR"), format!("{what} is no directory"), own_root(), Err("no policy makes it one"))
            }
            Stop::NoSearch(what, inode) => {
                let because = format!("it is below {what}, and {}", self.mode("go through", inode));
                finding(
                    Ruling::Denied("EACCES"),
                    because,
                    Line::none("the mode of a directory on the host"),
                    Err("chmod o+x that directory"),
                )
            }
            Stop::Missing { parent: At::Bind(bind, inode), last, .. } => self.missing(bind, inode, last),
            Stop::Missing { parent, directory, last } => self.nothing(parent, &directory, last),
        }
    }

    /// Nothing there, in a directory of the host.
    fn missing(&self, bind: &Bind, parent: Option<Inode>, last: bool) -> Finding {
        let line = self.bind_line(bind);
        let shown = format!("{}, which is shown at {}", bind.source, bind.target);
        if self.using != Use::Write || !last {
            let because = format!("there is no such file in {shown}");
            return finding(Ruling::NotVisible, because, line, Err("make the file on the host"));
        }
        if !bind.writable {
            let because = format!("it would be made in {shown}, read-only");
            return finding(Ruling::ReadOnly("EROFS"), because, line, self.turned(bind, "writable", true));
        }
        match parent.filter(|parent| !self.view.may(bind, *parent, WRITE)) {
            Some(parent) => {
                let because = format!("it would be made in a directory of {shown}, and {}", self.mode("write", parent));
                finding(Ruling::Denied("EACCES"), because, line, Err("no policy changes the modes of the host's directories"))
            }
            None => finding(Ruling::Allowed, format!("it is made in {shown}, writable"), line, self.turned(bind, "writable", false)),
        }
    }

    /// Nothing there: a mount would show it, or the switch of what is the run's own.
    fn nothing(&self, parent: At<'_>, directory: &str, last: bool) -> Finding {
        let read_only = self.using == Use::Write && last && matches!(parent, At::Directory | At::Hidden);
        let ruling = if read_only { Ruling::ReadOnly("EROFS") } else { Ruling::NotVisible };
        let because = if last {
            "nothing is mounted there in the run's root".to_owned()
        } else {
            format!("nothing of that name is in {directory} of the run's root")
        };
        let cure = show::cure(self);
        Finding { ruling, because, line: Line::lacking(self.compiled, "filesystem.mounts"), cure }
    }

    /// What Landlock refuses although the mounts would not.
    fn landlock(&self, directory: bool) -> Option<Finding> {
        let landlock = self.view.plan.landlock.as_ref()?;
        let right = match self.using {
            Use::Read if directory => fs::READ_DIR,
            Use::Read => fs::READ_FILE,
            Use::Write => fs::WRITE_FILE,
            Use::Exec => fs::EXECUTE,
        };
        let path = &self.path;
        let granted = landlock.rules.iter().filter(|(rule, _)| beneath(path, rule)).fold(0, |all, (_, rights)| all | rights);
        (landlock.handled_fs & right != 0 && granted & right == 0).then(|| {
            finding(
                Ruling::Denied("EACCES"),
                format!("no Landlock rule grants it beneath {path} (ABI {})", landlock.abi),
                Line::field(self.compiled, "landlock.enforce"),
                Err("Landlock's rules follow the mounts; this place has none"),
            )
        })
    }
}
