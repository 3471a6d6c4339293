//! The search for interpreters, against the real ones of this machine. Completeness is shown by a root that holds nothing but what was found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod bare_root;

use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bare_root::{NOBODY, SYSTEM_PATH, Scratch, again_as_nobody, inside, is_root, said};
use remand_engine::interpreter::{Found, find};
use remand_plan::interpreter::Tree;
use remand_trial::{Check, End, need, program};

remand_trial::tests!(
    every_standard_module_works_in_a_root_of_only_what_was_found,
    without_a_library_the_same_root_fails,
    the_executor_is_this_interpreters_own,
    a_venv_keeps_its_prefix_and_its_site_packages,
    libraries_outside_of_site_packages_come_with_them,
    behind_a_shim_is_the_real_interpreter,
    what_is_passed_over_is_named_with_the_reason,
    old_versions_are_refused,
    no_interpreter_is_asked_that_somebody_else_can_write,
    all_of_it_as_nobody
);

/// Supported interpreters of this machine: the distribution's and pyenv's.
fn interpreters() -> Vec<String> {
    let pyenv = std::env::var("PYENV_ROOT").map(|root| format!("{root}/versions")).unwrap_or_default();
    let versions = std::fs::read_dir(&pyenv).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let all =
        versions.chain([PathBuf::from("/usr/bin/python3")]).filter(|file| file.exists()).map(|file| file.to_str().unwrap().to_owned());
    let mut all: Vec<String> =
        all.filter(|python| said(&host(python, "import sys; assert sys.version_info >= (3, 9)")).is_some()).collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

fn host(python: &str, code: &str) -> Output {
    Command::new(python).args(["-I", "-S", "-B", "-c", code]).env_clear().current_dir("/").stdin(Stdio::null()).output().unwrap()
}

fn python_inside(trees: &[&Tree], python: &str, code: &str) -> Result<String, End> {
    let output = inside(trees, &[python, "-I", "-S", "-B", "-c", code])?;
    Ok(said(&output).unwrap_or_else(|| panic!("{python}: {}", String::from_utf8_lossy(&output.stderr))))
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
    let mut all: Vec<&String> = interpreter.core.binds.keys().chain(interpreter.site.binds.keys()).collect();
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

fn every_standard_module_works_in_a_root_of_only_what_was_found() -> Check {
    for python in interpreters() {
        let found = find(&python, "", false).unwrap();
        assert_well_formed(&found);
        let interpreter = &found.interpreter;
        assert!(interpreter.core.binds.len() < 40, "{:?}", interpreter.core.binds);
        let failed = python_inside(&[&interpreter.core], &interpreter.executable, IMPORT_ALL)?;
        assert_eq!(failed, said(&host(&python, IMPORT_ALL)).unwrap(), "{python}: no other modules than on the host fail");
        let works = "import zoneinfo, ssl, sqlite3, threading, os, sys
sqlite3.connect(':memory:').execute('select 1')
ssl.create_default_context()
threading.Thread(target=lambda: None).start()
print(zoneinfo.ZoneInfo('Europe/Berlin').key, sorted(os.listdir('/')), sys.prefix)
hidden = os.path.dirname(os.__file__) + '/site-packages'
assert not os.path.isdir(hidden) or not os.listdir(hidden)";
        let text = python_inside(&[&interpreter.core], &interpreter.executable, works)?;
        assert!(text.starts_with("Europe/Berlin") && !text.contains("'tmp'"), "{text}");
    }
    Ok(())
}

fn without_a_library_the_same_root_fails() -> Check {
    let found = find("/usr/bin/python3", "", false).unwrap();
    let mut core = found.interpreter.core.clone();
    core.binds.retain(|bind, _| !bind.contains("/libffi"));
    assert_ne!(core, found.interpreter.core);
    let output = inside(&[&core], &["/usr/bin/python3", "-I", "-S", "-c", "import ctypes"])?;
    assert!(String::from_utf8_lossy(&output.stderr).contains("libffi"));
    Ok(())
}

fn the_executor_is_this_interpreters_own() {
    for python in interpreters() {
        let found = find(&python, "", false).unwrap();
        let bytes: Vec<String> = found.interpreter.executor.iter().map(u8::to_string).collect();
        let scratch = Scratch::new("executor");
        let file = scratch.join("bytes");
        std::fs::write(&file, bytes.join(",")).unwrap();
        let code = format!("import marshal; print(marshal.loads(bytes(map(int, open({file:?}).read().split(','))))[0].co_filename)");
        assert_eq!(said(&host(&python, &code)).as_deref(), Some("<remand>"), "{python}");
    }
}

fn a_venv_keeps_its_prefix_and_its_site_packages() -> Check {
    for python in interpreters() {
        let scratch = Scratch::new("venv");
        let venv = scratch.join("v e");
        assert!(Command::new(&python).args(["-m", "venv", "--without-pip", &venv]).status().unwrap().success());
        let executable = format!("{venv}/bin/python");
        let found = find(&executable, "", true).unwrap();
        assert_well_formed(&found);
        let interpreter = &found.interpreter;
        assert_eq!((interpreter.executable.as_str(), interpreter.prefix.as_str()), (executable.as_str(), venv.as_str()));
        let [site] = interpreter.site_paths.as_slice() else { panic!("{:?}", interpreter.site_paths) };
        assert!(site.starts_with(&venv) && site.ends_with("site-packages"), "{site}");
        std::fs::write(format!("{site}/mine.py"), "word = 'found'").unwrap();
        let code = format!("import sys; sys.path.append({site:?}); import mine; print(mine.word, sys.executable)");
        let text = python_inside(&[&interpreter.core, &interpreter.site], &executable, &code)?;
        assert_eq!(text, format!("found {executable}"));
        let bare = find(&executable, "", false).unwrap().interpreter;
        assert!(bare.site == Tree::default() && bare.site_paths.is_empty());
        let code = format!("import os; print(os.path.exists({site:?}))");
        assert_eq!(python_inside(&[&bare.core], &executable, &code)?, "False");
    }
    Ok(())
}

fn libraries_outside_of_site_packages_come_with_them() -> Check {
    let scratch = Scratch::new("site");
    let venv = scratch.join("venv");
    assert!(Command::new("/usr/bin/python3").args(["-m", "venv", "--without-pip", &venv]).status().unwrap().success());
    let lib = std::fs::read_dir(format!("{venv}/lib")).unwrap().next().unwrap().unwrap().path();
    std::fs::create_dir(lib.join("site-packages/package")).unwrap();
    let site = find(&format!("{venv}/bin/python"), "", true).unwrap().interpreter.site_paths.remove(0);
    let source = scratch.join("x.c");
    std::fs::write(&source, "int x(void) { return 7; }").unwrap();
    let outside = scratch.join("libremandx.so");
    let extension = format!("{site}/package/_ext.so");
    let compile = |args: &[&str]| Command::new("cc").args(["-shared", "-fPIC", &source, "-o"]).args(args).status().unwrap().success();
    let rpath = format!("-Wl,-rpath,{}", scratch.0.display());
    assert!(compile(&[&outside]) && compile(&[&extension, "-Wl,--no-as-needed", &outside, &rpath]));
    // The directory of site packages is the same; one below it has changed.
    let found = find(&format!("{venv}/bin/python"), "", true).unwrap();
    assert!(found.interpreter.site.binds.contains_key(&outside), "{:?}", found.interpreter.site);
    let code = format!("import ctypes; print(ctypes.CDLL({extension:?}).x())");
    let trees = [&found.interpreter.core, &found.interpreter.site];
    let text = python_inside(&trees, &found.interpreter.executable, &code)?;
    assert_eq!(text, "7");
    Ok(())
}

fn behind_a_shim_is_the_real_interpreter() -> Check {
    let scratch = Scratch::new("shims");
    let marker = scratch.join("ran");
    let shim = scratch.join("shims/python3");
    // Whoever starts the tests may have chosen one, as what pyenv starts has.
    let version = std::env::var("PYENV_VERSION").ok().and_then(|chosen| chosen.split(':').next().map(str::to_owned));
    let version = version.unwrap_or_else(|| "mine".to_owned());
    let directory = format!("versions/{version}/bin");
    for directory in ["shims", &directory] {
        std::fs::create_dir_all(scratch.join(directory)).unwrap();
    }
    let python = scratch.join(&format!("{directory}/python3"));
    symlink("/usr/bin/python3", &python).unwrap();
    std::fs::write(scratch.join("version"), format!("{version}\n")).unwrap();
    let executes = format!("#!/bin/sh\n: > '{marker}'\nexec /x/pyenv exec python3 \"$@\"\n");
    program::write(&shim, executes)?;
    for _ in 0..2 {
        let found = find("python3", format!("/proc/none:{}:{SYSTEM_PATH}", scratch.join("shims")).as_str(), false).unwrap();
        assert_eq!(found.interpreter.executable, python);
    }
    assert!(!Path::new(&marker).exists(), "a shim is not executed");
    let _ = Command::new(&shim).output().unwrap();
    assert!(Path::new(&marker).exists(), "control");
    let hosts = find("python3", std::env::var("PATH").unwrap().as_str(), false).unwrap();
    let real = said(&Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap()).unwrap();
    assert_eq!(Path::new(&hosts.interpreter.executable).canonicalize().unwrap(), Path::new(&real).canonicalize().unwrap());
    Ok(())
}

/// A program (a text, or the path of one to copy) and a standard library of no worth beside it, so that it is asked; gives the program's directory.
fn put(scratch: &Scratch, name: &str, content: &str, mode: u32) -> String {
    std::fs::create_dir_all(scratch.join(&format!("{name}/lib/python3.11"))).unwrap();
    std::fs::create_dir(scratch.join(&format!("{name}/bin"))).unwrap();
    std::fs::write(scratch.join(&format!("{name}/lib/python3.11/os.py")), "").unwrap();
    let file = scratch.join(&format!("{name}/bin/python3"));
    if content.starts_with('/') {
        program::copy(content, &file).unwrap()
    } else {
        program::write(&file, content).unwrap()
    }
    std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    scratch.join(&format!("{name}/bin"))
}

fn what_is_passed_over_is_named_with_the_reason() {
    let scratch = Scratch::new("passed");
    let directories = [
        put(&scratch, "plain", "text", 0o644),
        put(&scratch, "script", "#!/bin/sh\n", 0o755),
        put(&scratch, "crash", "/bin/false", 0o755),
        put(&scratch, "odd", "/bin/echo", 0o755),
        put(&scratch, "flood", "/usr/bin/yes", 0o755),
    ];
    let found = find("python3", format!("{}:{SYSTEM_PATH}", directories.join(":")).as_str(), false).unwrap();
    assert_eq!(found.interpreter.executable, "/usr/bin/python3");
    let notes = found.notes.join("\n");
    for part in [
        "plain/bin/python3 cannot be executed",
        "script/bin/python3 is a script",
        "crash/bin/python3 cannot be asked what it needs: it failed with status 1 (it said nothing)",
        "odd/bin/python3 its answer makes no sense",
        "flood/bin/python3 cannot be asked what it needs: it",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let error = find("python3", directories.join(":").as_str(), false).unwrap_err();
    assert!(error.reasons.len() >= directories.len(), "{error}");
    assert!(find("python3", "/proc/none", false).unwrap_err().to_string().contains("PATH"));
    assert!(find("./python3", SYSTEM_PATH, false).unwrap_err().to_string().contains("absolute"));
}

fn old_versions_are_refused() -> Check {
    let root = std::env::var("PYENV_ROOT").unwrap_or_default();
    let old = std::fs::read_dir(format!("{root}/versions")).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let old = old.filter(|python| python.to_str().is_some_and(|path| path.contains("/3.8.") || path.contains("/3.7."))).collect::<Vec<_>>();
    need(!old.is_empty(), "Python before 3.9 below PYENV_ROOT")?;
    for python in old {
        for _ in 0..2 {
            let error = find(python.to_str().unwrap(), "", false).unwrap_err().to_string();
            assert!(error.contains("older than 3.9"), "{error}");
        }
    }
    Ok(())
}

fn no_interpreter_is_asked_that_somebody_else_can_write() {
    let scratch = Scratch::new("others");
    let directory = scratch.join("bin");
    std::fs::create_dir(&directory).unwrap();
    let candidate = format!("{directory}/python3");
    symlink("/usr/bin/python3", &candidate).unwrap();
    let chosen = || {
        let found = find("python3", format!("{directory}:{SYSTEM_PATH}").as_str(), false).unwrap();
        (found.interpreter.executable == candidate, found.notes.join("\n"))
    };
    assert!(chosen().0, "control");
    for mode in [0o777, 0o757, 0o775] {
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).unwrap();
        if mode == 0o775 && is_root() {
            chown(&directory, None, Some(NOBODY)).unwrap();
        }
        let (taken, notes) = chosen();
        assert!(!taken && notes.contains("can be written by others"), "{mode:o}: {notes}");
    }
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
    assert!(chosen().0, "control");
    if is_root() {
        lchown(&candidate, Some(NOBODY), None).unwrap();
        let (taken, notes) = chosen();
        assert!(!taken && notes.contains(&format!("belongs to user {NOBODY}")), "{notes}");
    }
}

fn all_of_it_as_nobody() -> Check {
    again_as_nobody(|home| assert!(home.join(".cache/remand").is_dir(), "answers were kept"))
}
