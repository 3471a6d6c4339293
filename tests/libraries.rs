//! Which libraries a program of the host is shown: those that its loader finds, from where everybody can read them, as they were when they were judged.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Trial;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use remand_tests::command::{Call, Ended};
use remand_tests::installation::Installation;
use remand_tests::observe::Seen::Value;
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("libraries::replaced_while_a_run_is_started [9.3]", replaced_meanwhile),
        trial("libraries::env_looks_where_it_does_in_the_run [9.2]", env_of_the_run),
        trial("libraries::an_interpreter_that_was_replaced_is_looked_at_again [9.4]", replaced_interpreter),
    ]
}

/// Starts of runs while the directory is being replaced: without the check, each has one chance in four to show the wrong file.
const STARTS: usize = 25;
const PROGRAM: &str = "#include <stdio.h>\nextern const char *which(void);\nint main(void) { return puts(which()) < 0; }\n";

/// A place outside of the runs' own that everybody can reach, and a way to compile.
struct Place(Installation);

impl Place {
    fn new() -> Result<Self, End> {
        let made = Installation::new()?;
        fs::set_permissions(made.path(""), PermissionsExt::from_mode(0o755))?;
        let reached = |above: &Path| fs::metadata(above).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0);
        if !Path::new(&made.path("")).ancestors().all(reached) {
            return Err(End::Skip("a home that everybody can pass".to_owned()));
        }
        fs::write(made.path("program.c"), PROGRAM)?;
        Ok(Self(made))
    }

    fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    /// A library whose `which` gives this word.
    fn library(&self, name: &str, word: &str) -> Check {
        let (source, file) = (self.path(&format!("{word}.c")), self.path(name));
        fs::create_dir_all(Path::new(&file).parent().unwrap_or(Path::new("/")))?;
        fs::write(&source, format!("const char *which(void) {{ return \"{word}\"; }}\n"))?;
        self.compile("cc", &["-shared", "-fPIC", &source, "-o", &file])
    }

    /// The program, which needs `needed` and looks for it in `places`.
    fn program(&self, needed: &str, places: &str) -> Result<String, End> {
        let (source, file, library) = (self.path("program.c"), self.path("program"), self.path(needed));
        let soname = self.path("short.c");
        fs::write(&soname, "const char *which(void) { return 0; }\n")?;
        let name = needed.rsplit('/').next().unwrap_or_default();
        self.compile("cc", &["-shared", "-fPIC", &soname, &format!("-Wl,-soname,{name}"), "-o", &format!("{library}.short")])?;
        self.compile("cc", &[&source, "-o", &file, &format!("{library}.short"), &format!("-Wl,-rpath,{places}")])?;
        Ok(file)
    }

    fn compile(&self, compiler: &str, arguments: &[&str]) -> Check {
        match Call::program(Path::new(compiler), arguments).cwd(Path::new(&self.path(""))).end() {
            Ok(ended) if ended.code == Some(0) => Ok(()),
            Ok(ended) if ended.code.is_some() => Err(End::Fail(ended.err())),
            _ => Err(End::Skip("a C compiler".to_owned())),
        }
    }
}

fn exec(program: &str) -> Result<Ended, End> {
    Call::new(&["exec", "--", program]).end()
}

fn said(ended: &Ended) -> String {
    ended.out().trim().to_owned()
}

/// The owner of a directory can put another one into its place, whenever they like: one of root's that they can rename but not enter.
fn replaced_meanwhile() -> Check {
    let place = Place::new()?;
    place.library("open/x.so", "public")?;
    place.library("private/x.so", "private")?;
    fs::set_permissions(place.path("private"), PermissionsExt::from_mode(0o700))?;
    let program = place.program("open/x.so", &place.path("open"))?;
    let exchange =
        || renameat2(AT_FDCWD, place.path("open").as_str(), AT_FDCWD, place.path("private").as_str(), RenameFlags::RENAME_EXCHANGE);
    ensure(said(&exec(&program)?) == "public", "control: the library is shown", &program)?;
    exchange().map_err(|errno| End::Fail(format!("exchanging directories: {errno}")))?;
    let outside = Call::program(Path::new(&program), &[""; 0]).end()?;
    ensure(said(&outside) == "private", "control: outside of a run it loads whatever is there", &outside)?;
    let done = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = exchange();
                std::thread::yield_now();
            }
        });
        let ended: Vec<_> = (0..STARTS).map(|_| exec(&program)).collect();
        done.store(true, Ordering::Relaxed);
        ended
    });
    for ended in ended {
        let ended = ended?;
        let refused = ended.code != Some(0)
            && ["everybody can", "was replaced while", "nowhere that its loader looks"].iter().any(|why| ended.err().contains(why));
        ensure(said(&ended) == "public" || refused, "a run has the library that was judged, or does not start", &ended)?;
    }
    Ok(())
}

/// `env` looks a name up on the run's PATH, whatever the caller's is.
fn env_of_the_run() -> Check {
    let place = Place::new()?;
    let scratch = Scratch::new();
    let tool = |directory: &str| -> Check {
        fs::create_dir_all(place.path(directory))?;
        script(&place.path(&format!("{directory}/tool")), &format!("#!/bin/sh\necho {directory}\n"))
    };
    tool("mine")?;
    let file = place.path("asks");
    script(&file, "#!/usr/bin/env tool\n")?;
    let (mine, theirs) = (place.path("mine"), place.path("theirs"));
    let policy = policy_text::write(&scratch, &json!({ "environment": { "PATH": theirs } })).display().to_string();
    let call = |arguments: &[&str], path: &str| Call::new(&[&["exec"], arguments, &["--", &file]].concat()).env("PATH", path).end();
    let refused = call(&[], &mine)?;
    let both = ["in the run (/bin:/usr/bin)", &format!("but on yours ({mine}/tool)"), "environment.PATH"];
    ensure(refused.code != Some(0) && both.iter().all(|part| refused.err().contains(part)), "both paths are named", &refused)?;
    tool("theirs")?;
    let found = call(&["--policy", &policy], &mine)?;
    ensure(said(&found) == "theirs", "what is shown is what env finds", &found)?;
    let outside = Call::program(Path::new(&file), &[""; 0]).env("PATH", &format!("{mine}:/usr/bin:/bin")).end()?;
    ensure(said(&outside) == "mine", "control: outside it is the caller's", &outside)
}

fn script(file: &str, text: &str) -> Check {
    fs::write(file, text)?;
    Ok(fs::set_permissions(file, PermissionsExt::from_mode(0o755))?)
}

/// An answer that was kept is no answer about another file.
fn replaced_interpreter() -> Check {
    let place = Place::new()?;
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": place.path("venv/bin/python3") } });
    let policy = policy_text::write(&scratch, &sections).display().to_string();
    let run = || Call::run("import json\nreturn json.loads('7')", &["--policy".to_owned(), policy.clone()]).end()?.outcome();
    compare(&run()?, &[Value("7")])?;
    for name in ["base/bin/python3", &format!("base/lib/{}", place.0.version)] {
        let (name, copy) = (fs::canonicalize(place.path(name))?.display().to_string(), place.path("copy"));
        let copied = Call::program(Path::new("cp"), &["-a", &name, &copy]).end()?;
        ensure(copied.code == Some(0), "copied", &copied)?;
        fs::rename(&name, place.path("aside"))?;
        fs::rename(&copy, &name)?;
        compare(&run()?, &[Value("7")]).map_err(|why| End::Fail(format!("{name} was replaced before: {why}")))?;
        let _ = Call::program(Path::new("rm"), &["-r", &place.path("aside")]).end()?;
    }
    Ok(())
}
