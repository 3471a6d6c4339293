//! The search for interpreters, against the real ones of this machine. Completeness is shown by a root that holds nothing but what was found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use remand_jail::interpreter::{Found, find, program};
use remand_policy::interpreter::Tree;

const NOBODY: u32 = 65534;
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A directory that everybody may enter, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("remand-interpreter-{name}-{unique}"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn skip(what: &str, why: &str) {
    println!("SKIP {what}: {why}");
}

/// Supported interpreters of this machine: the distribution's and pyenv's.
fn interpreters() -> Vec<String> {
    let pyenv = std::env::var("PYENV_ROOT").map(|root| format!("{root}/versions")).unwrap_or_default();
    let versions = std::fs::read_dir(&pyenv).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let all =
        versions.chain([PathBuf::from("/usr/bin/python3")]).filter(|file| file.exists()).map(|file| file.to_str().unwrap().to_owned());
    let mut all: Vec<String> =
        all.filter(|python| said(&host(python, "import sys; assert sys.version_info >= (3, 9)")).is_some()).collect();
    all.sort();
    if all.len() < 2 {
        skip("interpreters besides the distribution's", "none below PYENV_ROOT can be reached");
    }
    assert!(!all.is_empty());
    all
}

fn host(python: &str, code: &str) -> Output {
    Command::new(python).args(["-I", "-S", "-B", "-c", code]).env_clear().current_dir("/").stdin(Stdio::null()).output().unwrap()
}

/// What a successful program said.
fn said(output: &Output) -> Option<String> {
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A shell script that makes a root of the trees and runs the arguments in it.
fn root_script(trees: &[&Tree]) -> String {
    let mut script = "set -e\nmount -t tmpfs -o mode=755 none \"$1\"\ncd \"$1\"\nshift\n".to_owned();
    let parent = |path: &str| Path::new(path).parent().unwrap().to_str().unwrap().to_owned();
    for (link, target) in trees.iter().flat_map(|tree| &tree.links) {
        writeln!(script, "mkdir -p '.{}'\nln -s '{target}' '.{link}'", parent(link)).unwrap();
    }
    for bind in trees.iter().flat_map(|tree| &tree.binds) {
        let make = if Path::new(bind).is_dir() { "mkdir -p" } else { ": >" };
        writeln!(script, "mkdir -p '.{}'\n{make} '.{bind}'\nmount --bind '{bind}' '.{bind}'", parent(bind)).unwrap();
    }
    for hidden in trees.iter().flat_map(|tree| &tree.hidden) {
        writeln!(script, "mount -t tmpfs none '.{hidden}'").unwrap();
    }
    script + "exec chroot . \"$@\"\n"
}

/// Runs `argv` in a root of nothing but the trees. `None` where no namespaces are to be had.
fn inside(trees: &[&Tree], argv: &[&str]) -> Option<Output> {
    let flags: &[&str] = if is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    if !Command::new("unshare").args(flags).arg("true").status().unwrap().success() {
        skip("a root of only what was found", "unshare is refused here");
        return None;
    }
    let scratch = Scratch::new("root");
    let root = scratch.join("");
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", &root_script(trees), "sh", &root]).args(argv);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    Some(command.env_clear().env("PATH", path).current_dir("/").stdin(Stdio::null()).output().unwrap())
}

fn python_inside(trees: &[&Tree], python: &str, code: &str) -> Option<String> {
    let output = inside(trees, &[python, "-I", "-S", "-B", "-c", code])?;
    Some(said(&output).unwrap_or_else(|| panic!("{python}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// Prints the modules of the standard library that cannot be imported.
const IMPORT_ALL: &str = r"
import os, sys, warnings
warnings.simplefilter('ignore')
stdlib = os.path.dirname(os.__file__)
names = {n.split('.')[0] for d in (stdlib, stdlib + '/lib-dynload') for n in os.listdir(d) if n.endswith(('.py', '.so'))}
names |= {n for n in os.listdir(stdlib) if os.path.exists(f'{stdlib}/{n}/__init__.py')} | set(sys.builtin_module_names)
out = {'antigravity', 'this', 'test', 'idlelib', 'tkinter', '_tkinter', 'turtle', 'turtledemo', 'nis', 'sitecustomize'}
failed = []
for name in sorted(names - out):
    if 'test' in name or name.startswith('_sysconfigdata'):
        continue
    try:
        __import__(name)
    except Exception as error:
        failed.append(f'{name}: {error}')
print(len(names) > 150, failed)
";

fn assert_well_formed(found: &Found) {
    let interpreter = &found.interpreter;
    let mut all: Vec<&String> = interpreter.core.binds.iter().chain(&interpreter.site.binds).collect();
    for path in &all {
        assert_eq!(Path::new(path).canonicalize().unwrap(), Path::new(path), "a real path");
    }
    all.sort();
    for pair in all.windows(2) {
        assert!(!Path::new(pair[1]).starts_with(pair[0]), "{pair:?}");
    }
    for (link, target) in interpreter.core.links.iter().chain(&interpreter.site.links) {
        assert_eq!(std::fs::read_link(link).unwrap(), Path::new(target));
    }
    for whole in ["/usr", "/usr/lib", "/usr/bin", "/lib", "/etc", "/tmp", "/home"] {
        assert!(!all.iter().any(|bind| *bind == whole), "{all:?}");
    }
    assert!(!interpreter.executor.is_empty());
}

#[test]
fn every_standard_module_works_in_a_root_of_only_what_was_found() {
    for python in interpreters() {
        let found = find(&python, "", false).unwrap();
        assert_well_formed(&found);
        let interpreter = &found.interpreter;
        println!(
            "{python} {:?}: {} binds, {} links, hidden {:?}",
            interpreter.version,
            interpreter.core.binds.len(),
            interpreter.core.links.len(),
            interpreter.core.hidden
        );
        assert!(interpreter.core.binds.len() < 40, "{:?}", interpreter.core.binds);
        let Some(failed) = python_inside(&[&interpreter.core], &interpreter.executable, IMPORT_ALL) else { return };
        assert_eq!(failed, said(&host(&python, IMPORT_ALL)).unwrap(), "{python}: no other modules than on the host fail");
        let works = "import zoneinfo, ssl, sqlite3, threading, os, sys
sqlite3.connect(':memory:').execute('select 1')
ssl.create_default_context()
threading.Thread(target=lambda: None).start()
print(zoneinfo.ZoneInfo('Europe/Berlin').key, sorted(os.listdir('/')), sys.prefix)
hidden = os.path.dirname(os.__file__) + '/site-packages'
assert not os.path.isdir(hidden) or not os.listdir(hidden)";
        let text = python_inside(&[&interpreter.core], &interpreter.executable, works).unwrap();
        assert!(text.starts_with("Europe/Berlin") && !text.contains("'tmp'"), "{text}");
    }
}

#[test]
fn without_a_library_the_same_root_fails() {
    let found = find("/usr/bin/python3", "", false).unwrap();
    let mut core = found.interpreter.core.clone();
    core.binds.retain(|bind| !bind.contains("/libffi"));
    assert_ne!(core, found.interpreter.core);
    let Some(output) = inside(&[&core], &["/usr/bin/python3", "-I", "-S", "-c", "import ctypes"]) else { return };
    assert!(String::from_utf8_lossy(&output.stderr).contains("libffi"));
}

#[test]
fn the_executor_is_this_interpreters_own() {
    for python in interpreters() {
        let found = find(&python, "", false).unwrap();
        let bytes: Vec<String> = found.interpreter.executor.iter().map(u8::to_string).collect();
        let scratch = Scratch::new("executor");
        let file = scratch.join("bytes");
        std::fs::write(&file, bytes.join(",")).unwrap();
        let code = format!("import marshal; print(marshal.loads(bytes(map(int, open({file:?}).read().split(',')))).co_filename)");
        assert_eq!(said(&host(&python, &code)).as_deref(), Some("<remand>"), "{python}");
    }
}

#[test]
fn a_venv_keeps_its_prefix_and_its_site_packages() {
    for python in interpreters() {
        let scratch = Scratch::new("venv");
        let venv = scratch.join("v e");
        if !Command::new(&python).args(["-m", "venv", "--without-pip", &venv]).status().unwrap().success() {
            skip(&format!("venv of {python}"), "the venv module does not work");
            continue;
        }
        let executable = format!("{venv}/bin/python");
        let found = find(&executable, "", true).unwrap();
        assert_well_formed(&found);
        let interpreter = &found.interpreter;
        assert_eq!((interpreter.executable.as_str(), interpreter.prefix.as_str()), (executable.as_str(), venv.as_str()));
        let [site] = interpreter.site_paths.as_slice() else { panic!("{:?}", interpreter.site_paths) };
        assert!(site.starts_with(&venv) && site.ends_with("site-packages"), "{site}");
        std::fs::write(format!("{site}/mine.py"), "word = 'found'").unwrap();
        let code = format!("import sys; sys.path.append({site:?}); import mine; print(mine.word, sys.executable)");
        let Some(text) = python_inside(&[&interpreter.core, &interpreter.site], &executable, &code) else { return };
        assert_eq!(text, format!("found {executable}"));
        let bare = find(&executable, "", false).unwrap().interpreter;
        assert!(bare.site == Tree::default() && bare.site_paths.is_empty());
        let code = format!("import os; print(os.path.exists({site:?}))");
        assert_eq!(python_inside(&[&bare.core], &executable, &code).unwrap(), "False");
    }
}

#[test]
fn libraries_outside_of_site_packages_come_with_them() {
    let scratch = Scratch::new("site");
    let venv = scratch.join("venv");
    if !Command::new("/usr/bin/python3").args(["-m", "venv", "--without-pip", &venv]).status().unwrap().success() {
        return skip("a venv of /usr/bin/python3", "the venv module does not work");
    }
    let site = find(&format!("{venv}/bin/python"), "", true).unwrap().interpreter.site_paths.remove(0);
    let source = scratch.join("x.c");
    std::fs::write(&source, "int x(void) { return 7; }").unwrap();
    let outside = scratch.join("libremandx.so");
    let extension = format!("{site}/package/_ext.so");
    std::fs::create_dir_all(format!("{site}/package")).unwrap();
    let compile = |args: &[&str]| Command::new("cc").args(["-shared", "-fPIC", &source, "-o"]).args(args).status();
    if !compile(&[&outside]).is_ok_and(|status| status.success()) {
        return skip("an extension module", "no C compiler");
    }
    let rpath = format!("-Wl,-rpath,{}", scratch.0.display());
    assert!(compile(&[&extension, "-Wl,--no-as-needed", &outside, &rpath]).unwrap().success());
    // The directory of site packages is the same, but changed.
    let found = find(&format!("{venv}/bin/python"), "", true).unwrap();
    assert!(found.interpreter.site.binds.contains(&outside), "{:?}", found.interpreter.site);
    let code = format!("import ctypes; print(ctypes.CDLL({extension:?}).x())");
    let trees = [&found.interpreter.core, &found.interpreter.site];
    let Some(text) = python_inside(&trees, &found.interpreter.executable, &code) else { return };
    assert_eq!(text, "7");
}

#[test]
fn behind_a_shim_is_the_real_interpreter() {
    let scratch = Scratch::new("shims");
    let shims = scratch.join("shims");
    std::fs::create_dir(&shims).unwrap();
    let shim = format!("{shims}/python3");
    std::fs::write(&shim, "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n").unwrap();
    std::fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).unwrap();
    for _ in 0..2 {
        let found = find("python3", &format!("/nonexistent:{shims}:{SYSTEM_PATH}"), false).unwrap();
        assert_eq!(found.interpreter.executable, "/usr/bin/python3");
        assert!(!found.notes.iter().any(|note| note.contains(&shim)), "{:?}", found.notes);
    }
    let hosts = find("python3", &std::env::var("PATH").unwrap(), false).unwrap();
    let real = said(&Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap()).unwrap();
    assert_eq!(Path::new(&hosts.interpreter.executable).canonicalize().unwrap(), Path::new(&real).canonicalize().unwrap());
}

#[test]
fn what_is_passed_over_is_named_with_the_reason() {
    let scratch = Scratch::new("passed");
    let put = |directory: &str, text: &str, mode: u32| {
        let directory = scratch.join(directory);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(format!("{directory}/python3"), text).unwrap();
        std::fs::set_permissions(format!("{directory}/python3"), PermissionsExt::from_mode(mode)).unwrap();
        directory
    };
    let directories = [
        put("plain", "text", 0o644),
        put("crash", "#!/bin/sh\necho no such luck >&2\nexit 7\n", 0o755),
        put("odd", "#!/bin/sh\necho relative/python\n", 0o755),
        put("flood", "#!/bin/sh\nexec cat /dev/zero\n", 0o755),
    ];
    let found = find("python3", &format!("{}:{SYSTEM_PATH}", directories.join(":")), false).unwrap();
    assert_eq!(found.interpreter.executable, "/usr/bin/python3");
    let notes = found.notes.join("\n");
    for part in [
        "plain/python3 cannot be executed",
        "crash/python3 asked",
        "exit status: 7 (no such luck)",
        "\"relative/python\"",
        "said more than",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let error = find("python3", &directories.join(":"), false).unwrap_err();
    assert!(error.reasons.len() >= directories.len(), "{error}");
    assert!(find("python3", "/nonexistent", false).unwrap_err().to_string().contains("PATH"));
    assert!(find("./python3", SYSTEM_PATH, false).unwrap_err().to_string().contains("absolute"));
}

#[test]
fn old_versions_are_refused() {
    let root = std::env::var("PYENV_ROOT").unwrap_or_default();
    let old = std::fs::read_dir(format!("{root}/versions")).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let old = old.filter(|python| python.to_str().is_some_and(|path| path.contains("/3.8.") || path.contains("/3.7."))).collect::<Vec<_>>();
    if old.is_empty() {
        skip("Python before 3.9", "none below PYENV_ROOT can be reached");
    }
    for python in old {
        for _ in 0..2 {
            let error = find(python.to_str().unwrap(), "", false).unwrap_err().to_string();
            assert!(error.contains("older than 3.9"), "{error}");
        }
    }
}

#[test]
fn root_asks_no_interpreter_that_somebody_else_can_write() {
    if !is_root() {
        return skip("candidates of others", "only root is careful about them");
    }
    let scratch = Scratch::new("others");
    let marker = scratch.join("ran");
    let directory = scratch.join("bin");
    std::fs::create_dir(&directory).unwrap();
    let candidate = format!("{directory}/python3");
    std::fs::write(&candidate, format!("#!/bin/sh\n: > '{marker}'\nexec /usr/bin/python3 \"$@\"\n")).unwrap();
    std::fs::set_permissions(&candidate, PermissionsExt::from_mode(0o755)).unwrap();
    let chosen = || {
        let _ = std::fs::remove_file(&marker);
        let found = find("python3", &format!("{directory}:{SYSTEM_PATH}"), false).unwrap();
        (Path::new(&marker).exists(), found.notes.join("\n"))
    };
    for mode in [0o777, 0o757] {
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).unwrap();
        let (ran, notes) = chosen();
        assert!(!ran && notes.contains("can be written by others"), "{notes}");
    }
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
    chown(&candidate, Some(NOBODY), None).unwrap();
    let (ran, notes) = chosen();
    assert!(!ran && notes.contains(&format!("belongs to user {NOBODY}")), "{notes}");
    chown(&candidate, Some(0), None).unwrap();
    assert!(chosen().0, "control: root's own is asked");
}

#[test]
fn programs_run_in_a_root_of_only_what_was_found() {
    let ls = program("ls", SYSTEM_PATH).unwrap();
    let Some(output) = inside(&[&ls.tree], &[&ls.path, "/"]) else { return };
    assert!(said(&output).unwrap().contains("usr"));
    let scratch = Scratch::new("programs");
    let script = scratch.join("s");
    std::fs::write(&script, "#!/usr/bin/env -S sh -e\necho from a script\n").unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let found = program(&script, SYSTEM_PATH).unwrap();
    assert_eq!(said(&inside(&[&found.tree], &[&found.path]).unwrap()).unwrap(), "from a script");
    let python = program("python3", &format!("{}:{SYSTEM_PATH}", scratch.0.display())).unwrap();
    assert_eq!(said(&inside(&[&python.tree], &[&python.path, "-c", "import json; print(json.dumps(1))"]).unwrap()).unwrap(), "1");
    let link = scratch.join("link");
    symlink("/bin/ls", &link).unwrap();
    assert!(program(&link, "").unwrap().tree.links.iter().any(|(path, _)| *path == link));
    for missing in ["no-such-program", "/nonexistent", "/etc/passwd", "/etc"] {
        assert!(program(missing, SYSTEM_PATH).is_err(), "{missing}");
    }
}

#[test]
fn listing_libraries_executes_nothing_of_the_program() {
    let scratch = Scratch::new("audit");
    let (source, main, marker) = (scratch.join("a.c"), scratch.join("m.c"), scratch.join("ran"));
    let code = "#include <fcntl.h>\nunsigned la_version(unsigned v) { open(MARK, O_CREAT | O_WRONLY, 0600); return v; }";
    std::fs::write(&source, code).unwrap();
    std::fs::write(&main, "int main(void) { return 0; }").unwrap();
    let (audit, evil) = (scratch.join("audit.so"), scratch.join("evil"));
    let mark = format!("-DMARK=\"{marker}\"");
    let built = Command::new("cc").args(["-shared", "-fPIC", &mark, &source, "-o", &audit]).status();
    if !built.is_ok_and(|status| status.success()) {
        return skip("a program with an audit library", "no C compiler");
    }
    assert!(Command::new("cc").args([&main, "-o", &evil, &format!("-Wl,--audit,{audit}")]).status().unwrap().success());
    let loader = find("/usr/bin/python3", "", false).unwrap().interpreter;
    let loader = loader.core.binds.iter().find(|bind| bind.contains("/ld-")).unwrap();
    Command::new(loader).args(["--list", &evil]).output().unwrap();
    assert!(Path::new(&marker).exists(), "control: asked unconfined, the loader runs the program's code");
    std::fs::remove_file(&marker).unwrap();
    let _ = program(&evil, "");
    assert!(!Path::new(&marker).exists());
}

#[test]
fn libraries_known_by_the_loaders_cache_alone_bring_the_cache() {
    let Ok(output) = Command::new("/sbin/ldconfig").arg("-p").output() else { return skip("ld.so.cache", "no ldconfig") };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let system = |path: &str| {
        Path::new(path).parent().is_some_and(|dir| dir.ends_with("x86_64-linux-gnu") || dir.ends_with("lib64") || dir == Path::new("/lib"))
    };
    let Some(library) = listed.lines().filter_map(|line| line.rsplit_once(" => ")).map(|(_, path)| path).find(|path| !system(path)) else {
        return skip("ld.so.cache", "it knows no library outside of the default directories");
    };
    let scratch = Scratch::new("cached");
    let (source, main) = (scratch.join("m.c"), scratch.join("main"));
    std::fs::write(&source, "int main(void) { return 0; }").unwrap();
    let built = Command::new("cc").args([&source, "-o", &main, "-Wl,--no-as-needed", library]).status();
    if !built.is_ok_and(|status| status.success()) {
        return skip("ld.so.cache", "no C compiler");
    }
    let found = program(&main, "").unwrap();
    assert!(found.tree.binds.iter().any(|bind| bind == "/etc/ld.so.cache"), "{:?}", found.tree);
    if let Some(output) = inside(&[&found.tree], &[&main]) {
        assert!(output.status.success(), "{output:?}");
    }
    assert!(!program("/bin/ls", "").unwrap().tree.binds.iter().any(|bind| bind == "/etc/ld.so.cache"));
}

/// The same tests as an ordinary user, who cannot enter what is root's alone.
#[test]
fn all_of_it_as_nobody() {
    if !is_root() {
        return skip("the tests as nobody", "already an ordinary user");
    }
    let scratch = Scratch::new("nobody");
    let home = scratch.join("home");
    std::fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let copy = scratch.join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", &copy, "--nocapture", "--test-threads=2"]);
    let output = command.env("HOME", &home).current_dir("/").output().expect("setpriv of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("test result: ok"));
    assert!(Path::new(&home).join(".cache/remand").is_dir(), "answers were kept");
}
