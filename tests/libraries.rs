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
use remand_tests::{Check, End, ensure, policy_text, program, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("libraries::replaced_while_a_run_is_started [9.3]", replaced_meanwhile),
        trial("libraries::env_looks_where_it_does_in_the_run [9.2]", env_of_the_run),
        trial("libraries::what_lies_in_the_runs_own_places_is_passed_over [9.3]", own_places),
        trial("libraries::programs_of_musl", programs_of_musl),
        trial("libraries::an_interpreter_that_was_replaced_is_looked_at_again [9.4]", replaced_interpreter),
    ]
}

/// Starts of runs while the directory is being replaced: without the check, each has one chance in four to show the wrong file.
const STARTS: usize = 25;
const PROGRAM: &str = "#include <stdio.h>\nextern const char *which(void);\nint main(void) { return puts(which()) < 0; }\n";

/// A place outside of the runs' own that everybody can reach, and a way to compile.
struct Place {
    made: Installation,
    compiler: &'static str,
}

impl Place {
    fn new(compiler: &'static str) -> Result<Self, End> {
        let made = Installation::new()?;
        fs::set_permissions(made.path(""), PermissionsExt::from_mode(0o755))?;
        let reached = |above: &Path| fs::metadata(above).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0);
        if !Path::new(&made.path("")).ancestors().all(reached) {
            return Err(End::Skip("a home that everybody can pass".to_owned()));
        }
        fs::write(made.path("program.c"), PROGRAM)?;
        Ok(Self { made, compiler })
    }

    fn path(&self, name: &str) -> String {
        self.made.path(name)
    }

    /// A library whose `which` gives this word.
    fn library(&self, name: &str, word: &str) -> Check {
        let (source, file) = (self.path(&format!("{word}.c")), self.path(name));
        fs::create_dir_all(Path::new(&file).parent().unwrap_or(Path::new("/")))?;
        fs::write(&source, format!("const char *which(void) {{ return \"{word}\"; }}\n"))?;
        self.compile(&["-shared", "-fPIC", &source, "-o", &file])
    }

    /// The program, which needs `x.so` and is linked with these options.
    fn program(&self, options: &[&str]) -> Result<String, End> {
        let (source, file, empty) = (self.path("program.c"), self.path("program"), self.path("empty.so"));
        fs::write(self.path("empty.c"), "const char *which(void) { return 0; }\n")?;
        self.compile(&["-shared", "-fPIC", &self.path("empty.c"), "-Wl,-soname,x.so", "-o", &empty])?;
        self.compile(&[&[&source, "-o", &file, &empty], options].concat())?;
        Ok(file)
    }

    fn compile(&self, arguments: &[&str]) -> Check {
        let ended = Call::program(Path::new("env"), &[&[self.compiler], arguments].concat()).end()?;
        match ended.code {
            Some(0) => Ok(()),
            // As env says that there is no such program.
            Some(127) => Err(End::Skip(self.compiler.to_owned())),
            _ => Err(End::Fail(ended.err())),
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
    let place = Place::new("cc")?;
    place.library("open/x.so", "public")?;
    place.library("private/x.so", "private")?;
    fs::set_permissions(place.path("private"), PermissionsExt::from_mode(0o700))?;
    let program = place.program(&[&format!("-Wl,-rpath,{}", place.path("open"))])?;
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
    let place = Place::new("cc")?;
    let scratch = Scratch::new();
    let tool = |directory: &str| -> Check {
        fs::create_dir_all(place.path(directory))?;
        Ok(program::write(place.path(&format!("{directory}/tool")), format!("#!/bin/sh\necho {directory}\n"))?)
    };
    tool("mine")?;
    let file = place.path("asks");
    program::write(&file, "#!/usr/bin/env tool\n")?;
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

/// In a run, `/tmp` is another one: what lies in the host's, or is reached through it, its loader will not find.
fn own_places() -> Check {
    let (place, scratch) = (Place::new("cc")?, Scratch::new());
    let own = scratch.path().display().to_string();
    ensure(own.starts_with("/tmp/"), "scratch files lie in a place of the run's own", &own)?;
    place.library("public/x.so", "public")?;
    place.library("through/x.so", "through")?;
    fs::copy(place.path("through/x.so"), format!("{own}/x.so"))?;
    let (public, up) = (place.path("public"), "../".repeat(own.matches('/').count()));
    let through = format!("{own}/{up}{}", place.path("through").trim_start_matches('/'));
    for first in [&own, &through] {
        let program = place.program(&[&format!("-Wl,-rpath,{first}:{public}")])?;
        let outside = Call::program(Path::new(&program), &[""; 0]).end()?;
        ensure(said(&outside) == "through", &format!("control: outside it loads what is in {first}"), &outside)?;
        let ended = exec(&program)?;
        ensure(said(&ended) == "public", &format!("{first} is passed over"), &ended)?;
        let program = place.program(&[&format!("-Wl,-rpath,{first}")])?;
        let refused = exec(&program)?;
        let parts = [&format!("{program} needs x.so"), "is the run's own"];
        ensure(refused.code != Some(0) && parts.iter().all(|part| refused.err().contains(part)), "who needs it is named", &refused)?;
    }
    Ok(())
}

/// Programs of another C library: with its loader's list of directories, with a place of their own, and static ones.
fn programs_of_musl() -> Check {
    let place = Place::new("musl-gcc")?;
    let name = format!("ld-musl-{}", std::env::consts::ARCH);
    place.library("listed/x.so", "listed")?;
    place.library("beside/x.so", "beside")?;
    let (loader, list) = (place.path(&format!("musl/lib/{name}.so.1")), place.path(&format!("musl/etc/{name}.path")));
    for file in [&loader, &list] {
        fs::create_dir_all(Path::new(file).parent().unwrap_or(Path::new("/")))?;
    }
    program::copy(format!("/lib/{name}.so.1"), &loader)?;
    fs::write(&list, format!("{}\n", place.path("listed")))?;
    let linker = format!("-Wl,--dynamic-linker,{loader}");
    let rpath = ["-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/beside"];
    let cases: [(&str, &[&str]); 3] = [("listed", &[&linker]), ("beside", &[&linker, rpath[0], rpath[1]]), ("beside", &rpath)];
    for (word, options) in cases {
        let program = place.program(options)?;
        let outside = Call::program(Path::new(&program), &[""; 0]).end()?;
        ensure(said(&outside) == word, "control: outside of a run", &outside)?;
        let ended = exec(&program)?;
        ensure(said(&ended) == word, &format!("{options:?}"), &ended)?;
    }
    let program = place.program(&[&linker])?;
    fs::remove_file(place.path("listed/x.so"))?;
    let refused = exec(&program)?;
    ensure(refused.code != Some(0) && refused.err().contains(&format!("{program} needs x.so")), "who needs it is named", &refused)?;
    let program = place.path("static");
    place.compile(&["-static", &place.path("program.c"), &place.path("listed.c"), "-o", &program])?;
    let ended = exec(&program)?;
    ensure(said(&ended) == "listed", "a static program needs nothing", &ended)
}

/// An answer that was kept is no answer about another file.
fn replaced_interpreter() -> Check {
    let place = Place::new("cc")?;
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": place.path("venv/bin/python3") } });
    let policy = policy_text::write(&scratch, &sections).display().to_string();
    let run = || Call::run("import json\nreturn json.loads('7')", &["--policy".to_owned(), policy.clone()]).end()?.outcome();
    compare(&run()?, &[Value("7")])?;
    for name in ["base/bin/python3", &format!("base/lib/{}", place.made.version)] {
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
