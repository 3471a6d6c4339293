//! Interpreters as their owners set them up: packages by `.pth` files and editable installs, environments, and what a request may choose of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
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
        trial("interpreters::importlib_is_held_to_the_lists", importlib),
        trial("interpreters::links_of_the_standard_library_lead_somewhere", links),
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
    std::os::unix::fs::symlink(real.trim(), made.python())?;
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
    std::os::unix::fs::symlink(&target, link)?;
    let code = "import sys\nreturn [sys.modules['sitecustomize'].V, len([p for p in sys.path if 'elsewhere' in p])]";
    compare(&made.run(code, &json!({}))?, &[Value("[7,0]")]).map_err(End::Fail)?;
    let bare = json!({ "python": { "interpreter": made.python() } });
    compare(&made.run("import sys\nreturn 'sitecustomize' in sys.modules", &bare)?, &[Value("false")]).map_err(End::Fail)
}
