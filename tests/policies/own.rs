//! A user's own policies: found by name behind all others, and bases beside the files that extend them.
//!
//! Always holds: the user is an ordinary one, whoever runs the trials; its directories are the trial's own.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, chown, geteuid};
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure};

const NOBODY: u32 = 65534;

/// A configuration directory, and the policies of a user in it.
struct Config {
    scratch: Scratch,
    policies: PathBuf,
}

impl Config {
    fn new() -> Result<Self, End> {
        let scratch = Scratch::new();
        let policies = scratch.path().join("remand/policies");
        fs::create_dir_all(&policies)?;
        let config = Self { scratch, policies };
        config.own(&config.policies)?;
        for (name, text) in [
            ("base", r#"{"version": 1, "extends": "default", "limits": {"pids": 7}}"#),
            ("mine", r#"{"version": 1, "extends": "./base.jsonc"}"#),
            ("strict", r#"{"version": 1, "extends": "default"}"#),
        ] {
            let path = config.policies.join(format!("{name}.jsonc"));
            fs::write(&path, text)?;
            config.own(&path)?;
        }
        Ok(config)
    }

    /// Gives a file to the user.
    fn own(&self, path: &Path) -> Check {
        if geteuid().is_root() {
            chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY)))
                .map_err(|errno| End::Fail(format!("{}: {errno}", path.display())))?;
        }
        Ok(())
    }

    fn call(&self, call: Call) -> Result<Ended, End> {
        call.env("XDG_CONFIG_HOME", &self.scratch.path().display().to_string()).end()
    }

    fn file(&self, name: &str) -> String {
        self.policies.join(name).display().to_string()
    }
}

/// `remand ARGS...` as an ordinary user.
fn ordinary(args: &[&str]) -> Call {
    let binary = binary().display().to_string();
    let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", &binary];
    if geteuid().is_root() { Call::program(Path::new("/usr/bin/setpriv"), &[&user[..], args].concat()) } else { Call::new(args) }
}

const RUN: [&str; 5] = ["run", "--json", "--policy", "mine", "-"];

pub fn found_behind_the_others() -> Check {
    let config = Config::new()?;
    let ran = config.call(ordinary(&RUN).input(b"return 1"))?;
    let outcome = ran.outcome()?;
    ensure(outcome["value"] == 1 && outcome["policy"]["name"] == "mine", "a user's own policy is found by its name", &ran)?;
    let shown = config.call(ordinary(&["policy", "show", "mine"]))?;
    let whole = shown.out().starts_with(&format!("// {}", config.file("mine.jsonc"))) && shown.out().contains("\"pids\": 7,");
    ensure(whole, "show names the file, and has what the base beside it says", &shown)?;
    let strict = config.call(ordinary(&["policy", "show", "strict"]))?;
    let told = strict.err().split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    ensure(strict.code == Some(2) && told.contains("strict is the name of built-in strict"), "a built-in name is nobody's to take", &told)?;
    let ran = config.call(ordinary(&["run", "--policy", "strict", "-"]).input(b"return 1"))?;
    ensure(ran.code == Some(2) && ran.err().contains("strict.jsonc"), "nor is a file passed over that takes it", &ran)?;
    fs::remove_file(config.file("strict.jsonc"))?;
    let strict = config.call(ordinary(&["policy", "show", "strict"]))?;
    ensure(strict.code == Some(0) && !strict.out().starts_with("//"), "the control", &strict)?;
    let set = config.call(ordinary(&["policy", "set", "mine", "limits.pids=6"]))?;
    ensure(set.code == Some(0) && fs::read_to_string(config.file("mine.jsonc"))?.contains("\"pids\": 6"), "set writes it", &set)?;
    let made = config.call(ordinary(&["policy", "set", "--create", "new", "limits.pids=5"]))?;
    ensure(made.code == Some(0) && Path::new(&config.file("new.jsonc")).exists(), "a new one is made there", &made)?;
    for (name, value) in [("XDG_CONFIG_HOME", "/nonexistent"), ("XDG_CONFIG_HOME", "relative"), ("XDG_CONFIG_HOME", "")] {
        let ran = ordinary(&RUN).env("HOME", "/nonexistent").env(name, value).input(b"return 1").end()?;
        ensure(ran.code == Some(2) && ran.err().contains("no policy mine"), "the control: not found elsewhere", &ran)?;
    }
    Ok(())
}

pub fn not_for_root() -> Check {
    if !geteuid().is_root() {
        return Err(End::Skip("a privileged start".to_owned()));
    }
    let config = Config::new()?;
    let ran = config.call(Call::new(&RUN).input(b"return 1"))?;
    let told = ran.err();
    ensure(ran.code == Some(2) && told.contains("no policy mine") && !told.contains("remand-test"), "root has none there", &ran)?;
    // By its path, root's file and a base of somebody else's.
    let mine = config.file("mine.jsonc");
    for path in [config.scratch.path().join("remand"), config.policies.clone(), mine.clone().into()] {
        chown(&path, Some(Uid::from_raw(0)), None).map_err(|errno| End::Fail(errno.to_string()))?;
    }
    let run = |path: &str| Call::new(&["run", "--json", "--policy", path, "-"]).input(b"return 1").end();
    let ran = run(&mine)?;
    ensure(ran.code == Some(2) && ran.err().contains("belongs to user 65534"), "a base is judged as the file is", &ran)?;
    chown(Path::new(&config.file("base.jsonc")), Some(Uid::from_raw(0)), None).map_err(|errno| End::Fail(errno.to_string()))?;
    let ran = run(&mine)?;
    ensure(ran.outcome()?["value"] == 1, "the control: root's own base", &ran)
}
