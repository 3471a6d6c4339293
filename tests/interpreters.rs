//! Interpreters as their owners set them up: packages by `.pth` files and editable installs, environments, and what a request may choose of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::facts::{PRIVILEGED, UNSHARE, need};
use remand_tests::installation::Installation;
use remand_tests::observe::Seen::{Message, Raised, Value};
use remand_tests::observe::compare;
use remand_tests::plain;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("interpreters::packages_by_pth_files_and_editable_installs", packages),
        trial("interpreters::children_have_the_same_packages", children),
        trial("interpreters::what_a_pth_file_executes_runs_inside", executed_inside),
        trial("interpreters::a_pth_file_shows_no_secret", no_secret),
        trial("interpreters::a_root_without_ids_for_runs_shows_no_secret", no_secret_of_a_root),
        trial("interpreters::what_changed_is_found_out_again", found_out_again),
        trial("interpreters::of_a_project_modules_are_shown_and_no_secrets", project),
        trial("interpreters::an_unmapped_users_interpreter_is_not_run", unmapped),
        trial("interpreters::importlib_is_held_to_the_lists", importlib),
        trial("interpreters::links_of_the_standard_library_lead_somewhere", links),
        trial("interpreters::one_that_a_request_chooses", interpreter_of_a_request),
        trial("interpreters::variables_that_a_request_sets", variables_of_a_request),
        trial("interpreters::variables_of_pythons_own", variables_of_python),
        trial("interpreters::mounts_that_a_request_chooses", mounts_of_a_request),
        trial("interpreters::the_rights_of_whoever_called_sudo", rights_of_the_caller),
    ]
}

/// An environment with a package, one beside it by a `.pth` file, an editable install, and an entry point.
struct Environment {
    made: Installation,
    scratch: Scratch,
}

impl Environment {
    fn new() -> Result<Self, End> {
        let made = Self { made: Installation::new()?, scratch: Scratch::new() };
        made.file("venv/SITE/plain_mod.py", "V = 'plain'\n")?;
        made.file("vendored/vendored_mod.py", "V = 'vendored'\n")?;
        made.file("project/src/edited/__init__.py", "V = 'edited'\n")?;
        made.file("venv/SITE/vendored.pth", &format!("# ours\n{}\n", made.made.path("vendored")))?;
        made.file("venv/SITE/__editable__.edited-1.pth", "import __editable___edited_1_finder; __editable___edited_1_finder.install()\n")?;
        let finder = "import importlib.util, sys\nMAPPING = {'edited': 'WHERE'}\nclass Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n        \
                      if name in MAPPING:\n            return importlib.util.spec_from_file_location(name, MAPPING[name] + '/__init__.py', submodule_search_locations=[MAPPING[name]])\n\
                      def install():\n    sys.meta_path.append(Finder)\n";
        made.file("venv/SITE/__editable___edited_1_finder.py", &finder.replace("WHERE", &made.made.path("project/src/edited")))?;
        made.file("venv/SITE/edited-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: edited\nVersion: 1\n")?;
        made.file("venv/SITE/edited-1.dist-info/entry_points.txt", "[ours]\nname = edited:V\n")?;
        Ok(made)
    }

    /// `SITE` stands for the environment's directory of packages.
    fn file(&self, name: &str, text: &str) -> Result<String, End> {
        let path = self.made.path(&name.replace("SITE", &format!("lib/{}/site-packages", self.made.version)));
        fs::create_dir_all(Path::new(&path).parent().unwrap_or(Path::new("/")))?;
        fs::write(&path, text)?;
        Ok(path)
    }

    fn python(&self) -> String {
        self.made.path("venv/bin/python3")
    }

    fn policy(&self, sections: &Json) -> String {
        let mut all = json!({ "python": { "interpreter": self.python(), "external_allow": ["*"] } });
        if let (Some(all), Some(more)) = (all.as_object_mut(), sections.as_object()) {
            all.extend(more.clone());
        }
        policy_text::extending("default", &self.scratch, &all).display().to_string()
    }

    /// The outcome of a function.
    fn run(&self, code: &str, sections: &Json) -> Result<Json, End> {
        Call::run(code, &["--policy".to_owned(), self.policy(sections)]).end()?.outcome()
    }

    /// A program, to its end.
    fn program(&self, code: &str, sections: &Json) -> Result<Ended, End> {
        Call::new(&["python", "--policy", &self.policy(sections), "-c", code]).end()
    }
}

const TELL: &str = "import sys, plain_mod, vendored_mod, edited\nfrom importlib import metadata\n\
                    entries = metadata.entry_points()\nentries = entries.get('ours', ()) if isinstance(entries, dict) else entries.select(group='ours')\n\
                    told = [plain_mod.V, vendored_mod.V, edited.V, metadata.version('edited'), [e.load() for e in entries], sys.prefix, sys.flags.no_site]\n";

fn packages() -> Check {
    let made = Environment::new()?;
    let all = json!(["plain", "vendored", "edited", "1", ["edited"], made.made.path("venv"), 0]);
    let outcome = made.run(&format!("{TELL}return told"), &json!({}))?;
    ensure(outcome["value"] == all, "a function finds all of it", &outcome)?;
    let ended = made.program(&format!("{TELL}import json; print(json.dumps(told))"), &json!({}))?;
    ensure(ended.out().trim() == serde_json::to_string(&all).unwrap_or_default().replace(',', ", "), "so does a program", &ended)?;
    let bare = json!({ "python": { "interpreter": made.python() } });
    let outcome = made.run("import sys\nreturn [sys.prefix, [p for p in sys.path if 'site-packages' in p]]", &bare)?;
    ensure(outcome["value"] == json!([made.made.path("venv"), []]), "without packages the prefix is the environment's too", &outcome)?;
    let control = Call::program(Path::new(&made.python()), &["-I", "-S", "-c", TELL]).end()?;
    ensure(control.code == Some(1), "a start without site finds none of it", &control)
}

fn children() -> Check {
    let made = Environment::new()?;
    // Over the interpreter where it lies: a copy may be without the shared library that it was built with.
    let real = Call::program(&plain::python(), &["-c", "import os, sys; print(os.path.realpath(sys.executable))"]).end()?.out();
    fs::remove_file(made.python())?;
    symlink(real.trim(), made.python())?;
    made.file("venv/pyvenv.cfg", &format!("home = {}\n", real.trim().rsplit_once('/').map_or("", |(directory, _)| directory)))?;
    let child = "import subprocess, sys, multiprocessing\n\
                 def f():\n    import vendored_mod\n    return vendored_mod.V\n\
                 if __name__ == '__main__':\n    \
                 out = subprocess.run([sys.executable, '-c', 'import vendored_mod, edited, sys; print(vendored_mod.V, edited.V, sys.prefix)'], capture_output=True, text=True)\n    \
                 print(out.stdout + out.stderr, end='')\n    \
                 print('-S' in subprocess._args_from_interpreter_flags())\n    \
                 with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.apply(f))\n";
    let script = made.scratch.file("children.py", child).display().to_string();
    let ended = Call::new(&["python", "--policy", &made.policy(&json!({})), &script]).end()?;
    let said = format!("vendored edited {}\nFalse\nvendored\n", made.made.path("venv"));
    ensure(ended.out() == said, "processes of the run's are set up as it is", &ended)
}

fn executed_inside() -> Check {
    let made = Environment::new()?;
    let marker = made.made.path("marker");
    made.file(
        "venv/SITE/z.pth",
        &format!("import sys, os; sys.by_pth = os.getpid(); os.path.exists({marker:?}) or open({marker:?}, 'w')\n"),
    )?;
    let outcome = made.run("import sys\nreturn sys.by_pth", &json!({}))?;
    ensure(!Path::new(&marker).exists(), "nothing of it happens outside", &outcome)?;
    let control = Call::program(Path::new(&made.python()), &["-c", "pass"]).end()?;
    ensure(Path::new(&marker).exists(), "control: started plainly, it writes", &control)?;
    let outcome = made.run("import sys\nreturn sys.by_pth > 0", &json!({}))?;
    compare(&outcome, &[Value("true")]).map_err(End::Fail)
}

fn no_secret() -> Check {
    let made = Environment::new()?;
    let secret = made.file("secret/key.py", "V = 'secret'\n")?;
    made.file("venv/SITE/secret.pth", &format!("{}\n/\n/etc\n", made.made.path("secret")))?;
    let look = format!(
        "import os, sys\nreturn [os.path.exists({secret:?}), os.path.exists('/etc/hostname'), {:?} in sys.path]",
        made.made.path("secret")
    );
    compare(&made.run(&look, &json!({}))?, &[Value("[true,false,true]")]).map_err(End::Fail)?;
    // What was looked at is looked at again, since it changed.
    fs::set_permissions(made.made.path("secret"), PermissionsExt::from_mode(0o700))?;
    let outcome = made.run(&look, &json!({}))?;
    compare(&outcome, &[Value("[false,false,false]")]).map_err(End::Fail)?;
    let told = outcome["enforcement"].to_string();
    ensure(told.contains("chmod -R o+rX"), "the outcome says what to do", &told)
}

/// Root without CAP_SYS_ADMIN, as in a container of Docker's defaults; of an ordinary user, the root of a user namespace with one id. Either's runs have their
/// caller's own id.
fn no_secret_of_a_root() -> Check {
    let root = nix::unistd::geteuid().is_root();
    need(if root { &[] } else { &[UNSHARE] })?;
    let less: &[&str] = if root { &["setpriv", "--bounding-set=-sys_admin"] } else { &["unshare", "-U", "-r"] };
    let made = Environment::new()?;
    made.file("vendored/pack/__init__.py", "")?;
    let key = made.file("vendored/pack/sub/key", "secret")?;
    // Named by PATH: to the root of a user namespace, a policy's file is someone's whom it does not know.
    let path = format!("{}:/usr/bin:/bin", made.made.path("venv/bin"));
    let code = format!("try: return open({key:?}).read()\nexcept OSError as why: return why.strerror");
    let run = || -> Result<Json, End> {
        let remand = binary().display().to_string();
        let (tool, args) = less.split_first().unwrap_or((&"", &[]));
        let args = [args, &[&remand, "run", "--json", "--policy", "numeric", "-"]].concat();
        Call::program(Path::new(tool), &args).env("PATH", &path).input(code.as_bytes()).end()?.outcome()
    };
    compare(&run()?, &[Value("\"secret\"")]).map_err(End::Fail)?;
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600))?;
    // Where root has ids to give, its runs are shown the file, and cannot read it: that is no answer for the other.
    let outcome = made.run(&code, &json!({}))?;
    ensure(outcome["value"] != "secret", "a run of this user's does not read it", &outcome)?;
    let outcome = run()?;
    compare(&outcome, &[Value("\"No such file or directory\"")]).map_err(End::Fail)?;
    ensure(outcome["enforcement"].to_string().contains("chmod -R o+rX"), "the outcome says what to do", &outcome["enforcement"])
}

/// What is found out about an interpreter is kept, as long as nothing that it rests on is another: a directory, a mode, that something is not there.
fn found_out_again() -> Check {
    let made = Environment::new()?;
    made.file("vendored/pack/__init__.py", "")?;
    let (key, config) = (made.file("vendored/pack/sub/other", "open")?.replace("other", "key"), made.made.path("venv/pyvenv.cfg"));
    let look = format!("import sys\ntry: found = open({key:?}).read()\nexcept OSError: found = None\nreturn [sys.prefix, found]");
    let (venv, base) = (made.made.path("venv"), made.made.path("base"));
    let seen = |prefix: &str| -> Check {
        let outcome = made.run(&look, &json!({}))?;
        ensure(outcome["value"] == json!([prefix, null]), "what is there now", &outcome)
    };
    seen(&venv)?;
    // Whoever makes a file below, for himself alone, shows it to nobody.
    fs::write(&key, "secret")?;
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600))?;
    seen(&venv)?;
    let text = fs::read(&config)?;
    fs::remove_file(&config)?;
    seen(&base)?;
    fs::write(&config, text)?;
    seen(&venv)?;
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644))?;
    let outcome = made.run(&look, &json!({}))?;
    ensure(outcome["value"] == json!([venv, "secret"]), "control: what everybody can read is shown", &outcome)
}

/// A flat project that a `.pth` file names: its packages and modules are shown, its secrets not, and it is told what is.
fn project() -> Check {
    let made = Environment::new()?;
    let top = made.made.path("flat");
    for file in [".env", ".git/config", "README.md", "flat_mod.py", "flat_pack/__init__.py", "flat_pack/data.txt"] {
        made.file(&format!("flat/{file}"), "V = 'flat'\n")?;
    }
    made.file("venv/SITE/__editable__.flat.pth", &top)?;
    let code = format!(
        "import os, flat_mod, flat_pack\nreturn [flat_mod.V, flat_pack.V, sorted(os.listdir({top:?})), os.path.exists({top:?} + '/flat_pack/data.txt')]"
    );
    let outcome = made.run(&code, &json!({}))?;
    ensure(outcome["value"] == json!(["flat", "flat", ["flat_mod.py", "flat_pack"], true]), "modules, and nothing else", &outcome)?;
    let told = outcome["enforcement"][format!("files of {top}")].to_string();
    ensure(
        told.contains("flat_mod.py, flat_pack, read-only, and nothing else of it"),
        "the record says what is shown",
        &outcome["enforcement"],
    )?;
    let said = Call::new(&["run", "-v", "--policy", &made.policy(&json!({})), "-"]).input(b"return 1").end()?;
    ensure(said.err().contains(&format!("files of {top}: ")), "so does the account", &said)?;
    made.file("flat/flat_pack/.token", "secret")?;
    let code = format!("import os, flat_pack\nreturn [flat_pack.V, sorted(os.listdir({top:?} + '/flat_pack'))]");
    let outcome = made.run(&code, &json!({}))?;
    ensure(outcome["value"] == json!(["flat", ["__init__.py", "data.txt"]]), "nor what is made in a package later", &outcome)
}

/// In a user namespace the host's root is someone unnamed, and so is everybody else whom it does not map: an environment of theirs is not run.
fn unmapped() -> Check {
    need(&[PRIVILEGED])?;
    let Some(beside) = binary().parent().map(Path::to_owned) else { return Err(End::Skip("a directory of its own".to_owned())) };
    let scratch = Scratch::below(&beside);
    fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755))?;
    let venv = scratch.path().join("venv");
    fs::create_dir_all(venv.join("bin"))?;
    symlink("/usr/bin/python3", venv.join("bin/python3"))?;
    fs::write(venv.join("pyvenv.cfg"), "home = /usr/bin\n")?;
    let prefix = |owner: u32| -> Result<String, End> {
        for path in [&venv, &venv.join("bin"), &venv.join("bin/python3"), &venv.join("pyvenv.cfg")] {
            lchown(path, Some(owner), Some(owner))?;
        }
        let drop = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare", "-U", "-r"];
        let remand = binary().display().to_string();
        let args = [&drop[..], &[&remand, "python", "-c", "import sys; print(sys.prefix)"]].concat();
        let path = format!("{}/bin:/usr/bin:/bin", venv.display());
        let ended = Call::program(Path::new("/usr/bin/setpriv"), &args).env("PATH", &path).end()?;
        ensure(ended.code == Some(0), "it runs", &ended)?;
        Ok(ended.out().trim().to_owned())
    };
    let own = prefix(65534)?;
    ensure(own == venv.display().to_string(), "control: one's own is taken, below directories of the host's root", &own)?;
    let foreign = prefix(1234)?;
    ensure(foreign == "/usr", "another user's is not", &foreign)
}

fn importlib() -> Check {
    let code = "import importlib\nreturn importlib.import_module('numpy').__name__";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    let message = "import of external package 'numpy' is not allowed by python.external_allow of the policy";
    compare(&outcome, &[Raised("ImportError"), Message(message)]).map_err(End::Fail)
}

fn links() -> Check {
    let made = Environment::new()?;
    let target = made.file("base/lib/elsewhere/sitecustomize.py", "V = 7\n")?;
    let link = made.made.library("sitecustomize.py");
    if fs::symlink_metadata(&link).is_ok() {
        fs::remove_file(&link)?;
    }
    symlink(&target, link)?;
    let code = "import sys\nreturn [sys.modules['sitecustomize'].V, len([p for p in sys.path if 'elsewhere' in p])]";
    compare(&made.run(code, &json!({}))?, &[Value("[7,0]")]).map_err(End::Fail)?;
    let bare = json!({ "python": { "interpreter": made.python() } });
    compare(&made.run("import sys\nreturn 'sitecustomize' in sys.modules", &bare)?, &[Value("false")]).map_err(End::Fail)
}

/// The default policy with this `request` section.
fn offering(scratch: &Scratch, request: &Json) -> String {
    policy_text::write(scratch, &json!({ "request": request })).display().to_string()
}

fn interpreter_of_a_request() -> Check {
    let made = Environment::new()?;
    let (base, venv) = (made.made.path("base/bin/python3"), made.made.path("venv"));
    let policy = offering(&made.scratch, &json!({ "interpreters": [venv] }));
    let tell = "import sys; print(sys.executable)";
    let with = |python: &str| Call::new(&["python", "--policy", &policy, "--python", python, "-c", tell]).end();
    for python in [venv.clone(), made.python()] {
        let ended = with(&python)?;
        ensure(ended.out().trim() == made.python(), "the environment, or its interpreter", &ended)?;
    }
    let ended = with(&base)?;
    let line = format!("\"request\": {{ \"interpreters\": {{ \"add\": [{}] }} }}", json!(base));
    ensure(ended.code == Some(2) && ended.err().contains(&line), "outside it is refused with the line to write", &ended)?;
    let policy = offering(&made.scratch, &json!({ "interpreters": ["*"] }));
    let ended = Call::new(&["python", "--policy", &policy, "--python", &base, "-c", tell]).end()?;
    ensure(ended.out().trim() == base, "control: with that line it is taken", &ended)?;
    // Whoever can write an interpreter has the rights of whoever asks it.
    fs::set_permissions(&base, PermissionsExt::from_mode(0o777))?;
    let real = fs::canonicalize(&base)?;
    fs::set_permissions(&real, PermissionsExt::from_mode(0o777))?;
    let ended = Call::new(&["python", "--policy", &policy, "--python", &base, "-c", tell]).end()?;
    ensure(ended.code == Some(10) && ended.err().contains("is not asked"), "the rules of ownership hold", &ended)
}

fn variables_of_a_request() -> Check {
    let scratch = Scratch::new();
    let policy = offering(&scratch, &json!({ "environment": ["KEY", "LC_*", "LANG"] }));
    let file = scratch.file("env", "# ours\n\nKEY=from the file\nLC_TIME=a=b\n").display().to_string();
    let code = "import os\nreturn [os.environ.get(n) for n in ('KEY', 'LC_TIME', 'LC_ALL', 'LANG', 'HOME')]";
    let run = |args: &[&str]| {
        let args = [&["--policy", policy.as_str()], args].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
        Call::run(code, &args).env("LC_ALL", "here").end()
    };
    let ended = run(&["--env-file", &file, "--env", "KEY=s3cr3t-value", "--env", "LC_ALL", "--env", "LANG=C"])?;
    let outcome = ended.outcome()?;
    ensure(outcome["value"] == json!(["s3cr3t-value", "a=b", "here", "C", "/tmp"]), "each by its way", &outcome)?;
    let mut record = outcome.clone();
    record["value"] = Json::Null;
    ensure(!record.to_string().contains("s3cr3t"), "no value is in the record", &record)?;
    let same = run(&["--env", "KEY=another"])?.outcome()?;
    ensure(same["policy"]["hash"] == outcome["policy"]["hash"], "nor told by its hash", &same["policy"])?;
    let ended = run(&["--env", "LD_PRELOAD=s3cr3t-value"])?;
    let line = "\"request\": { \"environment\": { \"add\": [\"LD_PRELOAD\"] } }";
    ensure(ended.code == Some(2) && ended.err().contains(line) && !ended.err().contains("s3cr3t"), "outside it is refused", &ended)?;
    let ended = run(&["--env", "s3cr3t-value"])?;
    ensure(ended.code == Some(2) && !ended.err().contains("s3cr3t"), "what has no name is not told", &ended)?;
    let strict = Call::run("return 1", &["--policy", "strict", "--env", "A=1"].map(str::to_owned)).end()?;
    ensure(strict.code == Some(2), "strict takes none", &strict)?;
    let ended = Call::new(&["exec", "--env", "A=1", "--", "env"]).end()?;
    ensure(ended.out().contains("A=1\n"), "a program has them too", &ended)
}

/// Each has the effect that it has on `python3`, or is refused by its name.
fn variables_of_python() -> Check {
    let scratch = Scratch::new();
    let module = scratch.file("mine.py", "print('mine')\n").display().to_string();
    let site = scratch.file("sitecustomize.py", "print('before the executor')\n").display().to_string();
    let files = [format!("lib/mine.py={module}"), format!("lib/sitecustomize.py={site}")];
    let hash = "import subprocess as s, sys\nask = \"print(hash('abc'))\"\nchild = s.run([sys.executable, '-c', ask], capture_output=True)\nprint(int(child.stdout) == hash('abc'))";
    let flags = "import sys; print(sys.flags.optimize, sys.flags.utf8_mode, sys.flags.dev_mode, sys.stdout.write_through)";
    for (set, code, out) in [
        (&["PYTHONHASHSEED=5"][..], hash, "True\n"),
        (&["PYTHONHASHSEED=5", "PYTHONPATH=lib"], "import sys; print(sys.path[:2] == ['', '/workspace/lib']); import mine", "True\nmine\n"),
        (&["PYTHONPATH=/workspace/lib"], "import os, mine; print(os.environ['PYTHONPATH'])", "mine\n/workspace/lib\n"),
        (&["PYTHONOPTIMIZE=1", "PYTHONUTF8=0", "PYTHONDEVMODE=0", "PYTHONUNBUFFERED=1"], flags, "1 0 False True\n"),
        (&["PYTHONOPTIMIZE=", "PYTHONUTF8=1", "PYTHONDEVMODE=1", "PYTHONUNBUFFERED="], flags, "0 1 True False\n"),
        (&["PYTHONWARNINGS=error::UserWarning"], "import warnings\ntry: warnings.warn('w')\nexcept UserWarning as e: print(e)", "w\n"),
        (&["PYTHONTRACEMALLOC=3"], "import tracemalloc; print(tracemalloc.get_traceback_limit())", "3\n"),
        (&["PYTHONINTMAXSTRDIGITS=700"], "import sys; print(sys.get_int_max_str_digits())", "700\n"),
        (&["PYTHON_ENV=of another"], "import os; print(os.environ['PYTHON_ENV'])", "of another\n"),
    ] {
        let set = set.iter().flat_map(|one| ["--env", *one]);
        let files = files.iter().flat_map(|one| ["--file", one.as_str()]);
        let ended = Call::new(&["python"].into_iter().chain(set).chain(files).chain(["-c", code]).collect::<Vec<_>>()).end()?;
        ensure((ended.code, ended.out().as_str(), ended.err().as_str()) == (Some(0), out, ""), "as Python has it", &(code, ended))?;
    }
    for (set, why) in [
        ("PYTHONHOME=s3cr3t", "the variable PYTHONHOME: it would have no effect in the run's Python: choose the interpreter by --python"),
        ("PYTHONHASHSEED=s3cr3t", "the variable PYTHONHASHSEED: Python takes \"random\", or a number from 0 to 4294967295 for it"),
    ] {
        let ended = Call::new(&["python", "--env", set, "-c", "pass"]).end()?;
        ensure(ended.code == Some(2) && ended.err().contains(why) && !ended.err().contains("s3cr3t"), "refused by name", &ended)?;
    }
    let ended = Call::new(&["exec", "--env", "PYTHONHOME=/a", "--", "printenv", "PYTHONHOME"]).end()?;
    ensure(ended.out() == "/a\n", "a program's are its own", &ended)
}

fn mounts_of_a_request() -> Check {
    let made = Environment::new()?;
    let (data, out) = (made.made.path("data"), made.made.path("out"));
    for place in [&data, &out] {
        fs::create_dir_all(place)?;
        fs::set_permissions(place, PermissionsExt::from_mode(0o755))?;
    }
    let file = made.file("data/in/file", "seven")?;
    made.file("other", "elsewhere")?;
    symlink(made.made.path("other"), made.made.path("data/link"))?;
    let offers = json!({ "mounts": [{ "source": data, "target": "/data" }, { "source": out, "writable": true, "reason": "a trial's" }] });
    let policy = offering(&made.scratch, &offers);
    let run = |code: &str, mounts: &[String]| {
        let mounts = mounts.iter().flat_map(|mount| ["--mount".to_owned(), mount.clone()]);
        Call::run(code, &["--policy".to_owned(), policy.clone()].into_iter().chain(mounts).collect::<Vec<_>>()).end()
    };
    let read = "import os\nreturn [[p, open(p).read()] for p in ('/data/in/file', '/x/in/file', '/x') if os.path.isfile(p)]";
    for (mount, expected) in [
        (data.clone(), json!([["/data/in/file", "seven"]])),
        (format!("{data}/in"), json!([["/data/in/file", "seven"]])),
        (format!("{data}:/x"), json!([["/x/in/file", "seven"]])),
        (format!("{file}:/x"), json!([["/x", "seven"]])),
    ] {
        let outcome = run(read, std::slice::from_ref(&mount))?.outcome()?;
        ensure(outcome["value"] == expected, "shown where it is to be", &(&mount, &outcome))?;
    }
    let write = format!("open('{out}/made', 'w').write('by a run')\nreturn 1");
    let outcome = run(&write, &[format!("{out}:rw")])?.outcome()?;
    ensure(outcome["value"] == json!(1) && Path::new(&format!("{out}/made")).is_file(), "written to where that is offered", &outcome)?;
    let outcome = run(&write, std::slice::from_ref(&out))?.outcome()?;
    compare(&outcome, &[Raised("OSError")]).map_err(End::Fail)?;
    for (mount, why) in [
        (format!("{data}:rw"), "\"request\": { \"mounts\": { \"add\": [{\"source\":"),
        ("/etc".to_owned(), "request.mounts of the policy does not allow it"),
        (format!("{data}/link"), "symbolic link"),
        (format!("{data}/../other"), "request.mounts of the policy does not allow it"),
        (format!("{data}/none"), "No such file"),
        (format!("{data}:/usr"), "needs"),
        (format!("{data}:/tmp/x"), "the run's own"),
    ] {
        let ended = run("return 1", std::slice::from_ref(&mount))?;
        ensure(ended.code != Some(0) && format!("{}{}", ended.err(), ended.out()).contains(why), "refused, and why", &(&mount, &ended))?;
    }
    let outcome = run("import os\nreturn os.path.exists('/data')", &[])?.outcome()?;
    compare(&outcome, &[Value("false")]).map_err(End::Fail)
}

/// Under sudo, what a request names is opened with the rights of who called it.
fn rights_of_the_caller() -> Check {
    if !nix::unistd::geteuid().is_root() {
        return Err(End::Skip("a privileged start".to_owned()));
    }
    let made = Environment::new()?;
    fs::set_permissions(made.made.path(""), PermissionsExt::from_mode(0o755))?;
    let data = made.made.path("data");
    made.file("data/open", "open")?;
    made.file("data/closed", "closed")?;
    fs::set_permissions(made.made.path("data/closed"), PermissionsExt::from_mode(0o600))?;
    fs::set_permissions(&data, PermissionsExt::from_mode(0o755))?;
    let policy =
        offering(&made.scratch, &json!({ "mounts": [{ "source": data, "target": "/data", "writable": true, "reason": "a trial's" }] }));
    let run = |mount: &str, sudo: bool| {
        let args = ["--policy", &policy, "--mount", mount].map(str::to_owned);
        let call = Call::run("return 1", &args);
        if sudo { call.env("SUDO_UID", "4000000").env("SUDO_GID", "4000000").end() } else { call.end() }
    };
    let open = run(&format!("{data}/open"), true)?;
    ensure(open.code == Some(0), "what the caller can read", &open)?;
    for mount in [format!("{data}/closed"), format!("{data}/open:rw"), format!("{data}:rw")] {
        let ended = run(&mount, true)?;
        ensure(ended.code == Some(2) && ended.err().contains("4000000"), "what the caller cannot", &(&mount, &ended))?;
        let control = run(&mount, false)?;
        ensure(control.code == Some(0), "control: root itself can", &(&mount, &control))?;
    }
    Ok(())
}
