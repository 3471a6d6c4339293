//! What an interpreter is asked, and when it is not: nothing of the host's but remand runs outside of a sandbox to find out what to mount.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
use remand_tests::installation::Installation;
use remand_tests::observe::Seen::Value;
use remand_tests::observe::compare;
use remand_tests::plain::python;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, program, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("asking::what_others_can_change_is_not_asked [9.4]", what_others_can_change_is_not_asked),
        trial("asking::who_may_write_by_an_access_list [9.42]", who_may_write_by_an_access_list),
        trial("asking::what_cannot_be_reached_is_no_hindrance [9.44 9.45]", what_cannot_be_reached_is_no_hindrance),
        trial("asking::another_users_environment_is_not_asked [9.4]", another_users_environment_is_not_asked),
        trial("asking::what_its_owner_names_is_shown_wherever_it_lies", what_its_owner_names_is_shown),
        trial("asking::an_interpreter_is_asked_in_a_sandbox [9.4 9.5]", asked_in_a_sandbox),
        trial("asking::a_program_called_python3_is_not_executed_outside [9.4]", a_program_called_python3),
        trial("asking::packages_do_not_run_when_it_is_asked [9.4]", packages_do_not_run),
        trial("asking::a_shim_is_read [9.4]", a_shim_is_read),
    ]
}

/// Another user; nobody has this number.
const ANOTHER: u32 = 412_345;

fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A run of an interpreter by its path.
fn run(python: &str) -> Result<serde_json::Value, End> {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "python": { "interpreter": python } })).display().to_string();
    Call::run("return 7", &["--policy".to_owned(), policy]).end()?.outcome()
}

fn works(python: &str) -> Check {
    compare(&run(python)?, &[Value("7")]).map_err(End::Fail)
}

/// Nothing starts, and the reason names `place`.
fn refused(python: &str, place: &str) -> Check {
    let verdict = &run(python)?["verdict"];
    let hint = verdict["hint"].as_str().unwrap_or_default();
    let told = verdict["step"] == "interpreter" && hint.contains("is not asked") && hint.contains(&format!("{place} "));
    ensure(told && (hint.contains("chmod go-w") || hint.contains("chown it")), &format!("{place} is refused, with the remedy"), verdict)
}

fn what_others_can_change_is_not_asked() -> Check {
    let made = Installation::new()?;
    symlink(made.path("base"), made.path("alias"))?;
    made.environment("venv2", "alias")?;
    let library = |name: &str| made.library(name).trim_end_matches('/').to_owned();
    works(&made.path("venv/bin/python3"))?;
    works(&made.path("venv2/bin/python3"))?;
    let parts = ["venv/pyvenv.cfg", "venv", "venv/bin", "base", "base/bin", "base/lib"].map(|name| made.path(name));
    let parts = parts.into_iter().chain(["", "lib-dynload", "encodings", "os.py", "json/decoder.py"].map(library));
    for part in parts {
        let mode = fs::metadata(&part)?.mode();
        fs::set_permissions(&part, PermissionsExt::from_mode(mode | 0o002))?;
        refused(&made.path("venv/bin/python3"), &part)?;
        // The group of another, and who may write as such.
        if root() {
            fs::set_permissions(&part, PermissionsExt::from_mode(mode | 0o020))?;
            lchown(&part, None, Some(ANOTHER))?;
            refused(&made.path("venv/bin/python3"), &part)?;
            fs::set_permissions(&part, PermissionsExt::from_mode(mode))?;
            lchown(&part, Some(ANOTHER), Some(0))?;
            refused(&made.path("venv/bin/python3"), &part)?;
            lchown(&part, Some(0), None)?;
        }
        fs::set_permissions(&part, PermissionsExt::from_mode(mode))?;
    }
    if root() {
        for link in [made.path("alias"), made.path("venv2/bin/python3")] {
            lchown(&link, Some(ANOTHER), None)?;
            refused(&made.path("venv2/bin/python3"), &link)?;
            lchown(&link, Some(0), None)?;
        }
    }
    works(&made.path("venv/bin/python3"))?;
    works(&made.path("venv2/bin/python3"))
}

/// Gives a file a list by which user `argv[2]` may write it, and whose mask has every right of the mode's group bits. Or takes it away.
const LIST: &str = r#"
import errno, os, struct, sys
path, name, mode = sys.argv[1], "system.posix_acl_access", os.stat(sys.argv[1]).st_mode
none, owner, group, others = 0xffffffff, mode >> 6 & 7, mode >> 3 & 7, mode & 7
try:
    if len(sys.argv) == 2:
        os.removexattr(path, name)
    else:
        entries = (1, owner, none), (2, group, int(sys.argv[2])), (4, group & 5, none), (16, group, none), (32, others, none)
        os.setxattr(path, name, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
except OSError as error:
    sys.exit(9 if error.errno == errno.EOPNOTSUPP else str(error))
assert os.stat(path).st_mode == mode
"#;

fn list(part: &str, user: Option<u32>) -> Check {
    let user = user.map(|user| user.to_string());
    let ended = Call::program(&python(), &[&["-c", LIST, part], user.as_deref().as_slice()].concat()).end()?;
    match ended.code {
        Some(0) => Ok(()),
        Some(9) => Err(End::Skip("a file system with access control lists".to_owned())),
        _ => Err(End::Fail(ended.err())),
    }
}

/// The mode says what may be done by somebody in the list, and looks as if that were a group which has no other member.
fn who_may_write_by_an_access_list() -> Check {
    let made = Installation::new()?;
    let interpreter = made.path("venv/bin/python3");
    // A place on the way comes last: what was found before is kept until something there changes.
    for (part, kept) in [(made.library("os.py"), false), (made.path("base/bin"), false), (made.path("venv/bin"), true)] {
        let mode = fs::metadata(&part)?.mode();
        fs::set_permissions(&part, PermissionsExt::from_mode(mode | 0o020))?;
        if root() && kept {
            works(&interpreter)?;
        }
        list(&part, Some(ANOTHER))?;
        refused(&interpreter, &part)?;
        list(&part, None)?;
        list(&part, Some(0))?;
        if root() && kept {
            works(&interpreter).map_err(|why| End::Fail(format!("control: root itself is in the list: {why:?}")))?;
        }
        list(&part, None)?;
        fs::set_permissions(&part, PermissionsExt::from_mode(mode))?;
    }
    works(&interpreter)
}

/// Makes directories one in the other, until the last has no path that the kernel takes.
const DEEP: &str = "import os, sys\nos.chdir(sys.argv[1])\nfor _ in range(30):\n    os.mkdir('x' * 200)\n    os.chdir('x' * 200)\n";

fn what_cannot_be_reached_is_no_hindrance() -> Check {
    let made = Installation::new()?;
    let (packages, cache) = (made.path(&format!("venv/lib/{}/site-packages", made.version)), made.library("json/__pycache__"));
    let closed = format!("{packages}/closed");
    for directory in [&closed, &cache] {
        fs::create_dir_all(directory)?;
    }
    fs::write(format!("{packages}/mine.py"), "word = 'mine'")?;
    fs::write(format!("{cache}/x.pyc"), "")?;
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": made.path("venv/bin/python3"), "external_allow": ["mine"] } });
    let policy = policy_text::write(&scratch, &sections).display().to_string();
    let run = || Call::run("import json, mine\nreturn mine.word", &["--policy".to_owned(), policy.clone()]).end()?.outcome();
    let mode = |directory: &str, mode| fs::set_permissions(directory, PermissionsExt::from_mode(mode));
    if !root() {
        mode(&cache, 0o300)?;
        let refused = run()?;
        mode(&cache, 0o700)?;
        let hint = refused["verdict"]["hint"].as_str().unwrap_or_default().to_owned();
        ensure(hint.contains(&format!("cannot list {cache}")), "control: what can be passed and not listed could hold anything", &refused)?;
    }
    let deep = Call::program(&python(), &["-c", DEEP, &packages]).end()?;
    ensure(deep.code == Some(0), "directories beyond the longest path", &deep)?;
    mode(&closed, 0)?;
    mode(&cache, 0)?;
    let seen = run()?;
    mode(&closed, 0o700)?;
    mode(&cache, 0o700)?;
    compare(&seen, &[Value("\"mine\"")]).map_err(End::Fail)
}

fn another_users_environment_is_not_asked() -> Check {
    if !root() {
        return Err(End::Skip("a privileged start".to_owned()));
    }
    let made = Installation::new()?;
    let python = made.path("venv/bin/python3");
    works(&python)?;
    // Root's own environment over an installation of another user's, and the other way round.
    for tree in ["base", "venv"] {
        let owner = |user: u32| Call::program(Path::new("chown"), &["-hR", &user.to_string(), &made.path(tree)]).end().map(drop);
        owner(ANOTHER)?;
        refused(&python, &made.path(tree))?;
        owner(0)?;
    }
    works(&python)
}

/// The directory around both is only this user's to enter.
fn what_its_owner_names_is_shown() -> Check {
    let made = Installation::new()?;
    let package = made.path(&format!("venv/lib/{}/site-packages", made.version));
    fs::create_dir_all(&package)?;
    fs::write(format!("{package}/mine.py"), "word = 'mine'")?;
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": made.path("venv/bin/python3"), "external_allow": ["mine"] } });
    let policy = policy_text::write(&scratch, &sections).display().to_string();
    let outcome = Call::run("import mine\nreturn mine.word", &["--policy".to_owned(), policy]).end()?.outcome()?;
    compare(&outcome, &[Value("\"mine\"")])?;
    let ended = Call::new(&["exec", "--", &made.path("base/bin/python3"), "-I", "-S", "-c", "print(7)"]).end()?;
    ensure(ended.code == Some(0) && ended.out() == "7\n", "and by exec", &ended)
}

/// Deeds at the import of `json`, which asking needs and a bare start does not: any that succeeds ends the interpreter with its name.
fn deeds(marker: &str, secret: &str) -> String {
    format!(
        r#"
def _deeds():
    import mmap, posix, _socket
    def write(): posix.close(posix.open({marker:?}, posix.O_WRONLY | posix.O_CREAT))
    def read(): posix.close(posix.open({secret:?}, posix.O_RDONLY))
    def fork():
        if posix.fork() == 0: posix._exit(0)
    def socket(): _socket.socket()
    def shared_memory(): mmap.mmap(-1, 768 << 20)
    def memory_file(): posix.memfd_create("x")
    def full_disk():
        for place in "/tmp/x", "/dev/shm/x":
            file = posix.open(place, posix.O_WRONLY | posix.O_CREAT)
            posix.write(file, bytes(1 << 20)) == 1 << 20 or posix.write(file, b"x")
            posix.close(file)
            posix.unlink(place)
    done = []
    for deed in write, read, fork, socket, shared_memory, memory_file, full_disk:
        try:
            deed()
            done.append(deed.__name__)
        except (OSError, MemoryError):
            pass
    if done:
        raise SystemExit(" ".join(done))
_deeds()
"#
    )
}

fn asked_in_a_sandbox() -> Check {
    let made = Installation::new()?;
    let (marker, secret, python) = (made.path("marker"), made.path("secret"), made.path("base/bin/python3"));
    fs::write(&secret, "secret")?;
    let module = made.library("json/__init__.py");
    let text = fs::read_to_string(&module)?;
    fs::write(&module, deeds(&marker, &secret) + &text)?;
    works(&python)?;
    let ended = Call::new(&["exec", "--", &python, "-I", "-S", "-c", "print(7)"]).end()?;
    ensure(ended.code == Some(0) && !Path::new(&marker).exists(), "nothing but the answer", &ended)?;
    let control = Call::program(Path::new(&python), &["-I", "-S", "-B", "-c", "import json"]).end()?;
    let all = "write read fork socket shared_memory memory_file full_disk";
    ensure(control.code == Some(1) && control.err().trim() == all && Path::new(&marker).exists(), "without a sandbox, all deeds", &control)
}

/// What `remand exec` makes of a compiled program that tells what it can read of its user's.
fn a_program_called_python3() -> Check {
    let made = Installation::new()?;
    let (secret, source, program) = (made.path("secret"), made.path("x.c"), made.path("fake/bin/python3"));
    fs::create_dir_all(made.path("fake/bin"))?;
    fs::write(&secret, "told outside")?;
    let deed = format!("int file = open({secret:?}, O_RDONLY); char text[64]; return write(2, text, read(file, text, 64)) < 0 ? 1 : 9;");
    fs::write(&source, format!("#include <fcntl.h>\n#include <unistd.h>\nint main(void) {{ {deed} }}\n"))?;
    if !Call::program(Path::new("cc"), &[source.as_str(), "-o", &program]).end().is_ok_and(|ended| ended.code == Some(0)) {
        return Err(End::Skip("a C compiler".to_owned()));
    }
    let tried = |with: &str| {
        let ended = Call::new(&["exec", "--", &program]).end()?;
        ensure(!ended.err().contains("told"), &format!("{with} a standard library beside it, it runs in a sandbox or not at all"), &ended)
    };
    tried("without")?;
    fs::create_dir_all(made.path(&format!("fake/lib/{}", made.version)))?;
    fs::write(made.path(&format!("fake/lib/{}/os.py", made.version)), "")?;
    tried("with")?;
    let control = Call::program(Path::new(&program), &[""; 0]).end()?;
    ensure(control.code == Some(9) && control.err() == "told outside", "without a sandbox it does its deed", &control)
}

/// `.pth` files and `sitecustomize`, which anybody who can add a package can write.
fn packages_do_not_run() -> Check {
    let made = Installation::new()?;
    let mark = |name: &str| format!("import os; os.close(os.open({:?}, os.O_CREAT | os.O_WRONLY))\n", made.path(name));
    // The second is Debian's.
    for packages in ["site-packages", "dist-packages"].map(|name| made.library(name)) {
        fs::create_dir_all(&packages)?;
        for (file, marker) in [("x.pth", "by-pth"), ("sitecustomize.py", "by-sitecustomize")] {
            let file = format!("{packages}/{file}");
            fs::write(&file, mark(marker))?;
            if root() {
                lchown(&file, Some(ANOTHER), None)?;
            }
            fs::set_permissions(&file, PermissionsExt::from_mode(0o666))?;
        }
    }
    let seen = || ["by-pth", "by-sitecustomize"].map(|marker| Path::new(&made.path(marker)).exists());
    works(&made.path("base/bin/python3"))?;
    ensure(seen() == [false; 2], "no package runs", &seen())?;
    let _: Ended = Call::program(Path::new(&made.path("base/bin/python3")), &["-c", "pass"]).end()?;
    ensure(seen()[0], "a plain start runs them", &seen())
}

fn a_shim_is_read() -> Check {
    let made = Installation::new()?;
    let (marker, shim) = (made.path("marker"), made.path("shims/python3"));
    for directory in ["shims", "versions/mine/bin"] {
        fs::create_dir_all(made.path(directory))?;
    }
    let chosen = made.path("versions/mine/bin/python3");
    symlink(made.path("base/bin/python3"), &chosen)?;
    fs::write(made.path("version"), "mine\n")?;
    program::write(&shim, format!("#!/bin/sh\n: > '{marker}'\nexec \"/x/pyenv\" exec \"python3\" \"$@\"\n"))?;
    let path = format!("{}:/usr/bin:/bin", made.path("shims"));
    let found = |version: &str| {
        let code = "import sys\nreturn sys.executable";
        let call = Call::run(code, &[]).env("PATH", &path);
        if version.is_empty() { call.end()?.outcome() } else { call.env("PYENV_VERSION", version).end()?.outcome() }
    };
    let mine = found("")?;
    ensure(mine["value"] == json!(chosen), "the interpreter that pyenv would start", &mine)?;
    let other = &found("../../../tmp")?["value"];
    ensure(*other != json!(chosen) && other.as_str().is_some_and(|path| path.starts_with("/usr/")), "no place, no choice", other)?;
    ensure(!Path::new(&marker).exists(), "the shim is not executed", &marker)?;
    let control = Call::program(Path::new(&shim), &[""; 0]).end()?;
    ensure(Path::new(&marker).exists(), "control: by itself it is", &control)
}
