//! What a hostile library, program or script can name into a run: nothing that not everybody can read, and nothing of it runs to find out.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
use remand_tests::installation::Installation;
use remand_tests::observe::Seen::Value;
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, program, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("reading::hostile_packages [9.1]", hostile_packages),
        trial("reading::hostile_programs [9.3]", hostile_programs),
        trial("reading::hostile_scripts [9.2]", hostile_scripts),
        trial("reading::names_that_no_file_can_have [9.41]", names_that_no_file_can_have),
        trial("reading::a_path_of_the_scripts_own_names_no_private_python [9.40]", path_of_the_scripts_own),
        trial("reading::scripts_of_ones_own_environment", scripts_of_ones_own_environment),
    ]
}

/// Tells whether the file that is its argument is there; as an audit library, leaves a marker behind.
const SOURCE: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
unsigned la_version(unsigned v) { close(open(MARK, O_CREAT | O_WRONLY, 0600)); return v; }
int main(int count, char **words) { return puts(count > 1 && access(words[1], F_OK) == 0 ? "visible" : "hidden") < 0; }
"#;

/// A place with a key that only its owner can reach, and a way to compile.
struct Place {
    made: Installation,
    key: String,
    marker: String,
}

impl Place {
    fn new() -> Result<Self, End> {
        let made = Installation::new()?;
        for directory in ["private", "open", "open/lib"] {
            fs::create_dir_all(made.path(directory))?;
        }
        fs::set_permissions(made.path("private"), PermissionsExt::from_mode(0o700))?;
        let (key, marker) = (made.path("private/key"), made.path("marker"));
        fs::write(made.path("x.c"), SOURCE)?;
        let place = Self { made, key, marker };
        place.compile(&place.key, &["-shared", &format!("-Wl,-soname,{}", place.key)])?;
        Ok(place)
    }

    fn compile(&self, to: &str, arguments: &[&str]) -> Check {
        let (mark, source) = (format!("-DMARK=\"{}\"", self.marker), self.made.path("x.c"));
        let first = [mark.as_str(), "-fPIC", "-Wl,--no-as-needed", source.as_str(), "-o", to];
        match Call::program(Path::new("cc"), &[&first, arguments].concat()).end() {
            Ok(ended) if ended.code == Some(0) => Ok(()),
            Ok(ended) if ended.code.is_some() => Err(End::Fail(ended.err())),
            _ => Err(End::Skip("a C compiler".to_owned())),
        }
    }

    fn script(&self, name: &str, text: &str) -> Result<String, End> {
        let path = self.made.path(name);
        program::write(&path, text)?;
        Ok(path)
    }

    fn marked(&self) -> bool {
        Path::new(&self.marker).exists()
    }

    /// It starts and sees no key, or it is refused because of the key. Nothing runs outside.
    fn sees_no_key(&self, what: &str, ended: &Ended) -> Check {
        let refused = ended.code != Some(0) && ended.err().contains("everybody can");
        ensure((ended.out().trim() == "hidden" || refused) && !self.marked(), what, ended)
    }
}

fn exec(program: &str, arguments: &[&str]) -> Result<Ended, End> {
    Call::new(&[&["exec", "--", program], arguments].concat()).end()
}

fn loader() -> Option<&'static str> {
    ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].into_iter().find(|path| Path::new(path).exists())
}

fn hostile_packages() -> Check {
    let place = Place::new()?;
    let site = place.made.path(&format!("venv/lib/{}/site-packages", place.made.version));
    fs::create_dir_all(&site)?;
    fs::write(
        format!("{site}/mine.py"),
        "import posix\ndef there(path):\n    try:\n        posix.stat(path)\n        return True\n    except OSError:\n        return False\n",
    )?;
    let audit = place.made.path("open/audit.so");
    place.compile(&audit, &["-shared"])?;
    for name in ["a b.so", "c:d.so", "e\nf.so", "g.so"] {
        let own = format!("{site}/{name}");
        place.compile(&own, &["-shared", &place.key, &format!("-Wl,--audit,{audit}"), &format!("-Wl,--depaudit,{audit}")])?;
    }
    fs::write(format!("{site}/broken.so"), b"\x7fELF\x02\x01\x01broken")?;
    fs::write(format!("{site}/text.so"), "text")?;
    symlink(&place.key, format!("{site}/link.so"))?;
    let _: Ended = Call::program(Path::new("mkfifo"), &[format!("{site}/fifo.so")]).end()?;
    let scratch = Scratch::new();
    let there = |path: &str| {
        let sections = json!({ "python": { "interpreter": place.made.path("venv/bin/python3"), "external_allow": ["mine"] } });
        let policy = policy_text::write(&scratch, &sections).display().to_string();
        Call::run(&format!("import mine\nreturn mine.there({path:?})"), &["--policy".to_owned(), policy]).end()?.outcome()
    };
    compare(&there(&place.key)?, &[Value("false")])?;
    ensure(!place.marked(), "no package runs outside", &place.marker)?;
    let named = place.made.path("venv/lib/key");
    fs::copy(&place.key, &named)?;
    place.compile(&place.key, &["-shared", &format!("-Wl,-soname,{named}")])?;
    place.compile(&format!("{site}/g.so"), &["-shared", &place.key])?;
    compare(&there(&named)?, &[Value("true")]).map_err(|why| End::Fail(format!("control, in a tree that was named: {why}")))?;
    if let Some(loader) = loader() {
        let control = Call::program(Path::new(loader), &["--list".to_owned(), format!("{site}/a b.so")]).end()?;
        ensure(place.marked(), "control: a loader that is asked runs the package", &control)?;
    }
    Ok(())
}

fn hostile_programs() -> Check {
    let place = Place::new()?;
    let program = place.made.path("open/program");
    let audit = place.made.path("open/lib/audit.so");
    place.compile(&audit, &["-shared"])?;
    symlink(&place.key, place.made.path("open/lib/link.so"))?;
    let library = place.made.path("private/short.so");
    place.compile(&library, &["-shared"])?;
    place.compile(&place.made.path("open/lib/named.so"), &["-shared", "-Wl,-soname,link.so"])?;
    let private = format!("-Wl,-rpath,{}", place.made.path("private"));
    let linked = format!("-Wl,-rpath,{}", place.made.path("open/lib"));
    let audited = format!("-Wl,--audit,{audit}");
    let loader = format!("-Wl,--dynamic-linker,{}", place.key);
    let named = place.made.path("open/lib/named.so");
    let cases: [(&str, &[&str]); 5] = [
        ("by its path", &[&place.key]),
        ("by a search path", &[&library, &private]),
        ("by a link", &[&named, &linked]),
        ("by an audit library", &[&audited]),
        ("as its loader", &[&loader]),
    ];
    for (how, arguments) in cases {
        place.compile(&program, arguments)?;
        place.sees_no_key(&format!("a program names a private file {how}"), &exec(&program, &[&place.key])?)?;
    }
    place.compile(&program, &[&audited])?;
    let control = Call::program(Path::new(&program), &[&place.key]).end()?;
    ensure(control.out().trim() == "visible" && place.marked(), "control: outside it sees the key, and its audit library runs", &control)
}

fn hostile_scripts() -> Check {
    let place = Place::new()?;
    let key = place.script("private/deploy.sh", "#!/bin/sh\necho visible\n")?;
    let body = format!("read -r line < '{key}' && echo visible || echo hidden\n");
    let inner = place.script("open/inner", &format!("#!{key}\n{body}"))?;
    let link = place.made.path("open/link");
    symlink(&key, &link)?;
    let lines = [
        format!("/usr/bin/env -S -u {key} /bin/sh"),
        format!("/usr/bin/env -S -u{key} /bin/sh"),
        format!("/usr/bin/env -S --unset {key} /bin/sh"),
        format!("/usr/bin/env -S -C {key} /bin/sh"),
        format!("/usr/bin/env -S A={key} /bin/sh"),
        format!("/usr/bin/env -S -- {key}"),
        format!("/usr/bin/env {key}"),
        format!("/usr/bin/env -S PATH={} deploy.sh", place.made.path("private")),
        format!("/bin/sh {key}"),
        key.clone(),
        inner,
        link,
    ];
    for line in lines {
        let script = place.script("open/script", &format!("#!{line}\n{body}"))?;
        let ended = exec(&script, &[])?;
        ensure(!ended.out().contains("visible"), &format!("#!{line} names no private file"), &ended)?;
    }
    let script = place.script("open/script", &format!("#!/bin/sh\n{body}"))?;
    let ended = exec(&script, &[])?;
    ensure(ended.code == Some(0) && ended.out().trim() == "hidden", "the script itself is shown", &ended)?;
    let control = Call::program(Path::new(&script), &[""; 0]).end()?;
    ensure(control.out().trim() == "visible", "control: outside it reads the file", &control)
}

/// A name of 60,000 bytes to look for in 500 directories, and for each processor.
fn names_that_no_file_can_have() -> Check {
    let place = Place::new()?;
    let site = place.made.path(&format!("venv/lib/{}/site-packages", place.made.version));
    fs::create_dir_all(&site)?;
    fs::write(format!("{site}/mine.py"), "word = 'mine'")?;
    let (program, library, package) = (place.made.path("open/program"), place.made.path("open/lib/x.so"), format!("{site}/x.so"));
    let directories = format!("-Wl,-rpath,{}", vec![place.made.path("open/lib"); 500].join(":"));
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": place.made.path("venv/bin/python3"), "external_allow": ["mine"] } });
    let policy = policy_text::write(&scratch, &sections).display().to_string();
    for (name, why) in
        [("gone.so".to_owned(), "needs gone.so, which is nowhere"), ("l".repeat(60_000), "a name for a library that no file can have")]
    {
        place.compile(&library, &["-shared", &format!("-Wl,-soname,{name}")])?;
        place.compile(&program, &[&library, &directories])?;
        place.compile(&package, &["-shared", &library, &directories])?;
        let refused = exec(&program, &[])?;
        ensure(refused.code != Some(0) && refused.err().contains(why) && refused.err().len() < 2000, why, &refused)?;
        let outcome = Call::run("import mine\nreturn mine.word", &["--policy".to_owned(), policy.clone()]).end()?.outcome()?;
        compare(&outcome, &[Value("\"mine\"")])?;
    }
    Ok(())
}

/// A name is looked up by `env`, on a PATH that the script has chosen: what is found there was named by nobody else.
fn path_of_the_scripts_own() -> Check {
    let place = Place::new()?;
    let (private, marker) = (place.made.path("base/bin"), place.made.library("secret.py"));
    fs::write(&marker, "")?;
    let body = format!("import os\nprint('visible' if os.path.exists({marker:?}) else 'hidden')\n");
    let script = |line: &str| place.script("open/script", &format!("#!/usr/bin/env {line}\n{body}"));
    let path = format!("PATH={private}");
    for line in [
        format!("-S {path} python3"),
        format!("-S{path} python3"),
        format!("-S -i {path} python3"),
        format!("-S -u PATH {path} python3"),
        format!("-S A=b {path} C=d python3 -u"),
        format!("-S PATH=/sbin {path}:/bin python3"),
        format!("-S --split-string={path} python3"),
        format!("{path} python3"),
    ] {
        let ended = exec(&script(&line)?, &[])?;
        ensure(ended.code != Some(0) && !ended.out().contains("visible"), &format!("{line} shows no private Python"), &ended)?;
    }
    let own = script(&format!("-S {path} python3"))?;
    let refused = exec(&own, &[])?;
    ensure(refused.err().contains("everybody can"), "the reason is told", &refused)?;
    let control = Call::program(Path::new(&own), &[""; 0]).end()?;
    ensure(control.out().trim() == "visible", "control: outside it starts that Python", &control)?;
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "environment": { "PATH": private } })).display().to_string();
    let named = Call::new(&["exec", "--policy", &policy, "--", &script("python3")?]).end()?;
    ensure(named.out().trim() == "visible", "control: a policy's PATH names it", &named)
}

/// As installers of packages write them, in a home that only its owner can enter.
fn scripts_of_ones_own_environment() -> Check {
    let place = Place::new()?;
    let script = place.script("venv/bin/tool", &format!("#!{}\nprint('hidden')\n", place.made.path("venv/bin/python3")))?;
    place.sees_no_key("a script beside its interpreter runs", &exec(&script, &[])?)?;
    let ended = exec(&script, &[])?;
    ensure(ended.code == Some(0), "a script beside its interpreter runs", &ended)
}
