//! `remand policy edit`, `set`, `allow`, `deny`, `fmt`: with editors that are scripts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use remand_trial::{Check, need, program};

remand_trial::tests!(
    accepted_and_refused,
    a_grant_that_is_written_anew_keeps_its_comment,
    extended_attributes_are_kept,
    owner_group_and_mode_are_kept,
    broken_then_repaired_at_its_line,
    changed_underneath,
    a_new_policy_starts_from_the_default_one,
    edits_at_once_all_come_through,
    allow_set_and_deny_make_a_file_when_asked,
    allow_keeps_a_mount_as_open_as_it_was,
    a_second_editor_is_locked_out,
    killed_in_the_middle,
    links_shared_files_and_closed_directories_are_refused,
    fields_are_set_all_or_none,
    grants_come_and_go,
    files_are_laid_out,
    an_edit_made_twice_is_the_edit_made_once,
    no_edit_writes_a_file_that_has_another_policys_name
);

const REMAND: &str = env!("CARGO_BIN_EXE_remand");
const POLICY: &str = "// mine\n{\n  \"version\": 1,\n  \"extends\": \"default\",\n  \"limits\": { \"memory\": \"64MiB\" } // small\n}\n";
/// A user and a group who are nobody's.
const OTHER: u32 = 54321;

/// A directory with a policy, a place for private copies and an editor; gone with this value.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let base = fs::canonicalize(std::env::temp_dir()).unwrap();
        let place = Self(base.join(format!("remand-edit-test-{}-{name}", std::process::id())));
        fs::create_dir(&place.0).unwrap();
        fs::create_dir(place.0.join("copies")).unwrap();
        fs::create_dir(place.0.join("policies")).unwrap();
        for directory in ["", "copies", "policies"] {
            fs::set_permissions(place.0.join(directory), fs::Permissions::from_mode(0o755)).unwrap();
        }
        place.write(POLICY);
        place
    }

    fn file(&self) -> PathBuf {
        self.0.join("policies/mine.jsonc")
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o640)).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(REMAND);
        command.arg("policy").args(args).env_remove("VISUAL").env("EDITOR", "true").env("TMPDIR", self.0.join("copies"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        said(self.command(args).output().unwrap())
    }

    /// Starts `remand policy edit` with an editor that is this shell script; `$1` is what it is to edit. It has to say that it began.
    fn start(&self, script: &str) -> Child {
        self.start_as(script, None)
    }

    fn start_as(&self, script: &str, user: Option<u32>) -> Child {
        let editor = self.0.join("editor");
        let script = format!("#!/bin/sh\necho \"$@\" >>{}/calls\nfor file; do :; done\n{script}\n", self.0.display());
        program::write(&editor, script).unwrap();
        let mut command = self.command(&["edit", self.file().to_str().unwrap()]);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.env("EDITOR", editor).spawn().unwrap()
    }

    fn edit(&self, script: &str, answers: &str) -> (Option<i32>, String) {
        finish(self.start(script), answers)
    }

    /// What every end leaves: no copy, no temporary file.
    fn nothing_left(&self) {
        assert_eq!(fs::read_dir(self.0.join("copies")).unwrap().count(), 0);
        let names: Vec<_> = fs::read_dir(self.0.join("policies")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "mine.jsonc"), "{names:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::set_permissions(self.0.join("policies"), fs::Permissions::from_mode(0o755));
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn said(output: Output) -> (Option<i32>, String) {
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

fn finish(mut child: Child, answers: &str) -> (Option<i32>, String) {
    let _ = child.stdin.take().unwrap().write_all(answers.as_bytes()); // it may end without a question
    said(child.wait_with_output().unwrap())
}

const BIGGER: &str = "sed -i s/64MiB/512MiB/ \"$file\"";

fn root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

fn accepted_and_refused() {
    let place = Place::new("accepted");
    let before = fs::metadata(place.file()).unwrap();
    let (code, text) = place.edit("true", "");
    assert!(code == Some(0) && text.ends_with("mine.jsonc: not changed\n"), "{text}");
    let (code, text) = place.edit(BIGGER, "n\n");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("widens") && text.contains("limits.memory: 64MiB -> 512MiB") && text.contains("nothing was written"), "{text}");
    let (code, text) = place.edit(BIGGER, "");
    assert!(code == Some(1) && text.contains("write it? [y/N/e] \n"), "no answer is no: {text}");
    assert_eq!(place.text(), POLICY);
    let (code, text) = place.edit(
        "test $(stat -c %a \"$file\") = 600 && test $(stat -c %a \"${file%/*}\") = 700 || exit 9\n sed -i s/64MiB/512MiB/ \"$file\"",
        "y\n",
    );
    assert!(code == Some(0) && text.ends_with("mine.jsonc: written\n"), "{text}");
    assert_eq!(place.text(), POLICY.replace("64MiB", "512MiB"));
    let after = fs::metadata(place.file()).unwrap();
    assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
    assert_ne!(before.ino(), after.ino(), "replaced, not written into");
    place.nothing_left();
}

fn a_grant_that_is_written_anew_keeps_its_comment() {
    let place = Place::new("comment");
    let file = place.file();
    let text = |reason: &str| {
        format!(
            "{{\n  \"version\": 1,\n  \"extends\": \"default\",\n  \"syscalls\": {{\n    \"allow\": {{\n      \"add\": [\n        \
             {{ \"call\": \"chown\", \"reason\": \"{reason}\" }} // asked for by Ann\n      ]\n    }}\n  }}\n}}\n"
        )
    };
    place.write(&text("x"));
    let (code, said) = place.run(&["allow", file.to_str().unwrap(), "chown", "--reason", "y"]);
    assert_eq!((code, place.text()), (Some(0), text("y")), "{said}");
    let (code, said) = place.run(&["set", file.to_str().unwrap(), "environment.HOME=null"]);
    assert!(code == Some(0) && place.text().contains("\"environment\": { \"HOME\": null }"), "{said}{}", place.text());
}

fn extended_attributes_are_kept() -> Check {
    let place = Place::new("attributes");
    need(xattr::set(place.file(), "user.note", b"reviewed").is_ok(), "a temporary directory with extended attributes")?;
    let (code, text) = place.run(&["set", place.file().to_str().unwrap(), "limits.memory=128MiB"]);
    assert_eq!((code, place.text()), (Some(0), POLICY.replace("64MiB", "128MiB")), "{text}");
    assert_eq!(xattr::get(place.file(), "user.note").unwrap().unwrap(), b"reviewed");
    Ok(())
}

fn owner_group_and_mode_are_kept() -> Check {
    need(root(), "root")?; // to give files away; the mode is looked at above
    let place = Place::new("owner");
    chown(place.file(), None, Some(OTHER)).unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o604)).unwrap();
    assert_eq!(place.edit(BIGGER, "y\n").0, Some(0));
    let after = fs::metadata(place.file()).unwrap();
    assert_eq!((after.mode() & 0o7777, after.uid(), after.gid()), (0o604, 0, OTHER));
    chown(place.file(), Some(OTHER), None).unwrap();
    let (code, text) = place.edit(BIGGER, "y\n");
    assert!(code == Some(2) && text.contains("belongs to user 54321"), "{text}");
    chown(place.file(), Some(0), None).unwrap();
    chown(place.0.join("policies"), Some(OTHER), None).unwrap();
    assert!(place.edit(BIGGER, "y\n").1.contains("belongs to user 54321"), "a directory of somebody else's");
    Ok(())
}

fn broken_then_repaired_at_its_line() {
    let place = Place::new("broken");
    let script = "case $1 in +*) sed -i s/memroy/memory/ \"$file\";; *) sed -i 's/memory/memroy/; s/64MiB/128MiB/' \"$file\";; esac";
    fs::create_dir(place.0.join("bin")).unwrap();
    let (code, text) = place.edit(script, "what\ne\nx\n");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("mine.jsonc:5:15: limits: unknown key \"memroy\"") && text.contains("did you mean \"memory\"?"), "{text}");
    assert_eq!(text.matches("(e)dit again").count(), 3, "asked again after a word that is no answer: {text}");
    assert_eq!(place.text(), POLICY);
    // Under the name of an editor that takes +LINE.
    let vi = place.0.join("vi");
    fs::rename(place.0.join("editor"), &vi).unwrap();
    let child = place.command(&["edit", place.file().to_str().unwrap()]).env("VISUAL", format!("{} -n", vi.display())).spawn().unwrap();
    let (code, text) = finish(child, "e\ny\n");
    assert_eq!(code, Some(1), "the script looks at its first argument, which is -n: {text}");
    let child = place.command(&["edit", place.file().to_str().unwrap()]).env("VISUAL", &vi).spawn().unwrap();
    let (code, text) = finish(child, "e\ny\n");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(place.text(), POLICY.replace("64MiB", "128MiB"));
    let calls = fs::read_to_string(place.0.join("calls")).unwrap();
    assert!(calls.lines().last().unwrap().starts_with("+5 "), "{calls}");
    place.nothing_left();
}

fn changed_underneath() {
    let place = Place::new("underneath");
    let file = place.file();
    let kept = |text: &str| {
        let kept = PathBuf::from(text.split("your text is kept in ").nth(1).unwrap().trim_end());
        assert_eq!(fs::read_to_string(&kept).unwrap(), POLICY.replace("64MiB", "512MiB"));
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);
        fs::remove_dir_all(kept.parent().unwrap()).unwrap();
    };
    let (code, text) = place.edit(&format!("{BIGGER}; echo '// theirs' >>{}", file.display()), "y\n");
    assert!(code == Some(2) && text.contains("was changed by somebody else in the meantime"), "{text}");
    assert_eq!(place.text(), format!("{POLICY}// theirs\n"));
    kept(&text);
    place.write(POLICY);
    let (code, text) = place.edit(&format!("{BIGGER}; cp {0} {0}.x; mv {0}.x {0}", file.display()), "y\n");
    assert!(code == Some(2) && text.contains("was replaced by somebody else"), "{text}");
    kept(&text);
    let (code, text) = place.edit(&format!("{BIGGER}; rm {}", file.display()), "y\n");
    assert!(code == Some(2) && text.contains("was removed in the meantime"), "{text}");
    kept(&text);
    assert!(!file.exists());
    let (code, text) = place.edit("echo mine >\"$file\"; exit 3", "");
    assert!(code == Some(2) && text.contains("ended with exit status: 3") && text.contains("your text is kept in "), "{text}");
    fs::remove_dir_all(place.0.join("copies")).unwrap();
}

fn a_new_policy_starts_from_the_default_one() {
    let place = Place::new("new");
    fs::remove_file(place.file()).unwrap();
    let (code, text) = place.edit("true", "");
    assert!(code == Some(0) && !place.file().exists(), "the template alone is no policy that anybody wants: {text}");
    let (code, text) = place.edit("sed -i 's/\"description\": \"\"/\"limits\": { \"pids\": 2 }/' \"$file\"", "y\n");
    assert!(code == Some(0) && text.contains("narrows  limits.pids: 64 -> 2"), "{text}");
    assert!(place.text().starts_with("// mine: ") && place.text().contains("\"extends\": \"default\""));
    assert_eq!(fs::metadata(place.file()).unwrap().mode() & 0o777, 0o644);
    fs::remove_file(place.file()).unwrap();
    let (code, text) = place.edit(&format!("echo >>\"$file\"; echo theirs >{}", place.file().display()), "y\n");
    assert!(code == Some(2) && text.contains("was made by somebody else"), "{text}");
    assert_eq!(place.text(), "theirs\n");
}

/// Waits until the script has written a line into this pipe.
fn began(pipe: &Path) {
    fs::File::open(pipe).unwrap().read_to_string(&mut String::new()).unwrap();
}

fn pipe(place: &Place, name: &str) -> PathBuf {
    let path = place.0.join(name);
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    path
}

/// `set` and its kin are over in a moment, and wait for each other.
fn edits_at_once_all_come_through() {
    let place = Place::new("at-once");
    let file = place.file();
    // Left by one that was killed, and one that is no edit's.
    let (left, other) = (file.with_file_name(".mine.jsonc.4194304.new"), file.with_file_name(".mine.jsonc.mine.new"));
    fs::write(&left, "").unwrap();
    fs::write(&other, "").unwrap();
    // So many that the last waits longer than any of them is waited for.
    let names: Vec<_> = (0..60).map(|number| format!("NAME_{number}_")).collect();
    let set = |name: &String| place.command(&["set", file.to_str().unwrap(), &format!("environment.{name}=1")]).spawn().unwrap();
    for one in names.iter().map(set).collect::<Vec<Child>>() {
        let (code, text) = said(one.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{text}");
    }
    let text = place.text();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    assert!(!left.exists() && other.exists());
    let (code, text) = place.run(&["allow", file.with_file_name("new.jsonc").to_str().unwrap(), "flock"]);
    assert!(code == Some(2) && text.contains("no such file") && text.contains("--create makes it"), "{text}");
    let (code, text) = place.run(&["fmt", file.with_file_name("new.jsonc").to_str().unwrap()]);
    assert!(code == Some(2) && text.contains("policy edit") && !text.contains("--create"), "fmt has no such option: {text}");
}

/// A file that is not there is made where that was asked for, and only then.
fn allow_set_and_deny_make_a_file_when_asked() {
    let place = Place::new("create");
    for (verb, what, written) in
        [("allow", "/srv", "{ \"source\": \"/srv\" }"), ("set", "limits.pids=7", "\"pids\": 7"), ("deny", "mkdir", "\"mkdir\"")]
    {
        let new = place.file().with_file_name(format!("{verb}.jsonc"));
        let path = new.to_str().unwrap();
        let (code, text) = place.run(&[verb, path, what]);
        assert!(code == Some(2) && text.contains("--create makes it") && !new.exists(), "{text}");
        let (code, text) = place.run(&[verb, path, what, "--create", "--dry-run"]);
        assert!(code == Some(0) && text.contains("+  \"extends\": \"default\"") && !new.exists(), "{text}");
        assert_eq!(place.run(&[verb, path, "nonsense=1", "--create"]).0, Some(2));
        assert!(!new.exists(), "nothing of what cannot be done");
        let (code, text) = place.run(&[verb, path, what, "--create"]);
        assert!(code == Some(0) && text.contains("a new policy, beside the default one"), "{text}");
        let made = fs::read_to_string(&new).unwrap();
        assert!(made.contains(written) && made.contains("\"extends\": \"default\""), "{made}");
        assert_eq!(place.run(&[verb, path, what, "--create"]).0, Some(0), "one that is there is changed as ever");
    }
}

/// What is allowed takes nothing away, and moves nothing.
fn allow_keeps_a_mount_as_open_as_it_was() {
    let place = Place::new("mount");
    let entry = "{ \"source\": \"/srv\", \"writable\": true, \"reason\": \"results\" }";
    let text = format!(
        "{{\n  \"version\": 1,\n  \"extends\": \"default\",\n  \"filesystem\": {{\n    \"mounts\": [\n      // results go here\n      {entry}, // daily\n      \
         {{ \"source\": \"/opt\" }}\n    ]\n  }}\n}}\n"
    );
    place.write(&text);
    let file = place.file();
    let (code, said) = place.run(&["allow", file.to_str().unwrap(), "/srv"]);
    assert!(code == Some(0) && place.text() == text, "{said}\n{}", place.text());
    let (code, said) = place.run(&["allow", file.to_str().unwrap(), "/srv", "--exec"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(place.text(), text.replace("\"writable\": true,", "\"writable\": true, \"exec\": true,"));
    // Another source is another mount: nobody said that it may be written to.
    let (code, said) = place.run(&["allow", file.to_str().unwrap(), "/usr:/srv"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        place.text().contains("      // results go here\n      { \"source\": \"/usr\", \"target\": \"/srv\" }, // daily\n"),
        "{}",
        place.text()
    );
}

fn a_second_editor_is_locked_out() {
    let place = Place::new("locked");
    let (up, down) = (pipe(&place, "up"), pipe(&place, "down"));
    let first = place.start(&format!("echo >{}; read _ <{}; {BIGGER}", up.display(), down.display()));
    began(&up);
    let pid = first.id();
    let file = place.file();
    for args in [&["edit", file.to_str().unwrap()][..], &["set", file.to_str().unwrap(), "limits.pids=1"], &["fmt", file.to_str().unwrap()]]
    {
        let (code, text) = place.run(args);
        assert!(code == Some(2) && text.contains("is editing it"), "{text}");
        assert!(text.contains(&format!("process {pid} (remand)")) || text.contains("somebody else"), "{text}");
    }
    fs::write(&down, "\n").unwrap();
    assert_eq!(finish(first, "y\n").0, Some(0));
    assert_eq!(place.run(&["set", file.to_str().unwrap(), "limits.pids=1"]).0, Some(0), "the lock is gone");
}

fn killed_in_the_middle() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::new("killed");
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let up = pipe(&place, signal.as_str());
        // The shell ends at once, since `wait` is interrupted.
        let child = place.start(&format!("{BIGGER}; echo >{}; exec sleep 1000", up.display()));
        began(&up);
        kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let (code, text) = finish(child, "");
        assert!(code == Some(1) && text.contains("nothing was written"), "{text}");
        assert_eq!(place.text(), POLICY);
        place.nothing_left();
    }
    // While it asks, and an interrupt that is the editor's business does not end it.
    let mut child = place.start(&format!("kill -INT $PPID; {BIGGER}"));
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("write it? ") {
        let mut byte = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(place.text(), POLICY);
    place.nothing_left();
}

fn links_shared_files_and_closed_directories_are_refused() {
    let place = Place::new("closed");
    let file = place.file();
    let link = place.0.join("link.jsonc");
    symlink(&file, &link).unwrap();
    let (code, text) = place.run(&["set", link.to_str().unwrap(), "limits.pids=1"]);
    assert!(code == Some(2) && text.contains("is a symbolic link; name the file itself"), "{text}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let (code, text) = place.edit(BIGGER, "y\n");
    assert!(code == Some(2) && text.contains("chmod go-w"), "{text}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let other_name = place.0.join("other.jsonc");
    fs::hard_link(&file, &other_name).unwrap();
    for args in [&["set", file.to_str().unwrap(), "limits.pids=1"][..], &["edit", file.to_str().unwrap()]] {
        let (code, text) = place.run(args);
        assert!(code == Some(2) && text.contains("has 2 names (hard links)") && text.contains("of its own"), "{text}");
    }
    fs::remove_file(&other_name).unwrap();
    let owner = if root() { Some(OTHER) } else { None };
    for path in [&place.0, &file, &place.0.join("policies"), &place.0.join("copies")] {
        chown(path, owner, owner).unwrap();
    }
    fs::set_permissions(place.0.join("policies"), fs::Permissions::from_mode(0o555)).unwrap();
    let (code, text) = finish(place.start_as(BIGGER, owner), "y\n");
    assert!(code == Some(2) && text.contains("the directory that holds it cannot be written: Permission denied"), "{text}");
    fs::set_permissions(place.0.join("policies"), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, text) = finish(place.start_as(&format!("{BIGGER}; chmod 555 {}", place.0.join("policies").display()), owner), "y\n");
    assert!(code == Some(2) && text.contains("cannot be replaced: ") && text.contains("your text is kept in "), "{text}");
    assert_eq!(place.text(), POLICY);
    if root() {
        // In a directory of theirs, a file of root's: it could be replaced, and would not be root's then.
        chown(&file, Some(0), None).unwrap();
        fs::set_permissions(place.0.join("policies"), fs::Permissions::from_mode(0o755)).unwrap();
        let (code, text) = finish(place.start_as(BIGGER, owner), "y\n");
        assert!(
            code == Some(2) && text.contains("it belongs to root, and a file keeps its owner") && text.contains("edit a copy"),
            "{text}"
        );
        assert_eq!(place.text(), POLICY);
    }
}

fn fields_are_set_all_or_none() {
    let place = Place::new("set");
    let file = place.file();
    let file = file.to_str().unwrap();
    let (code, text) = place.run(&["set", file, "limits.memory=128MiB", "environment.N=1", "python.stdlib_allow=[\"json\"]", "--dry-run"]);
    assert_eq!((code, place.text().as_str()), (Some(0), POLICY));
    assert!(
        text.contains("\n-  \"limits\": { \"memory\": \"64MiB\" } // small\n+  \"limits\": { \"memory\": \"128MiB\" }, // small\n"),
        "{text}"
    );
    let (code, text) = place.run(&["set", file, "limits.memory=128MiB", "environment.N=1"]);
    assert!(code == Some(0) && text.contains("widens   limits.memory: 64MiB -> 128MiB"), "{text}");
    assert!(place.text().contains("\"environment\": { \"N\": \"1\" }") && place.text().contains("}, // small\n"), "{}", place.text());
    let before = place.text();
    let (code, text) = place.run(&["set", file, "limits.pids=3", "limits.memroy=1MiB"]);
    assert!(code == Some(2) && text.contains("did you mean \"memory\"?") && text.contains("nothing was written"), "{text}");
    assert_eq!(place.text(), before);
    assert!(place.run(&["set", file, "limits.memory=128MiB"]).1.contains("nothing to change"));
    let (code, text) = place.run(&["set", "default", "limits.pids=3"]);
    assert!(code == Some(2) && text.contains("built in") && text.contains("\"extends\": \"default\""), "{text}");
    place.nothing_left();
}

fn grants_come_and_go() {
    let place = Place::new("grants");
    let file = place.file();
    let file = file.to_str().unwrap();
    let (code, text) = place.run(&["allow", file, "read"]);
    assert!(code == Some(0) && text.contains("nothing to change"), "@io grants it: {text}");
    let (code, text) = place.run(&["allow", file, "ptrace"]);
    assert!(code == Some(2) && text.contains("dangerous") && text.contains("give the reason with --reason"), "{text}");
    let (code, text) = place.run(&["allow", file, "ptrace", "/srv/data:/data", "--writable", "--reason", "a debugger's test"]);
    assert!(code == Some(0) && text.contains("widens") && text.contains("/srv/data at /data, writable"), "{text}");
    assert!(place.text().contains("{ \"add\": [{ \"call\": \"ptrace\", \"reason\": \"a debugger's test\" }] }"), "{}", place.text());
    let (code, text) = place.run(&["deny", file, "ptrace", "/data", "@exec", "read"]);
    assert!(code == Some(0) && text.contains("narrows"), "{text}");
    let now = place.text();
    assert!(now.contains("\"syscalls\": { \"allow\": { \"remove\": [\"@exec\"] }, \"deny\": { \"add\": [\"read\"] } }\n}"), "{now}");
    let (code, text) = place.run(&["allow", file, "@exec", "read"]);
    assert_eq!((code, place.text().as_str()), (Some(0), POLICY), "{text}");
    let (code, text) = place.run(&["deny", file, "/data"]);
    assert!(code == Some(0) && text.contains("nothing to change"), "{text}");
    assert!(place.run(&["deny", file, "raed"]).1.contains("unknown system call \"raed\""));
    assert!(place.run(&["allow", file, "/srv", "--writable"]).1.contains("give the reason with --reason"));
    assert!(place.run(&["allow", file, "read", "--exec"]).1.contains("none is named"));
    assert_eq!(place.text(), POLICY);
}

fn files_are_laid_out() {
    let place = Place::new("fmt");
    let file = place.file();
    let file = file.to_str().unwrap();
    assert_eq!(place.run(&["fmt", "--check", file]), (Some(0), String::new()));
    place.write("\u{feff}{\"version\":1, // one\r\n}");
    assert_eq!(place.run(&["fmt", "--check", file]), (Some(1), format!("{file}\n")));
    assert_eq!(place.run(&["fmt", file]), (Some(0), String::new()));
    assert_eq!(place.text(), "{\n  \"version\": 1 // one\n}\n");
    assert_eq!(finish(place.command(&["fmt", "-"]).spawn().unwrap(), "[1,2]"), (Some(0), "[1, 2]\n".to_owned()));
    place.write("{\"version\": 1,,}");
    let (code, text) = place.run(&["fmt", file, "-"]);
    assert!(code == Some(2) && text.contains("mine.jsonc:1:15: ") && text.contains("─"), "{text}");
    assert_eq!(place.text(), "{\"version\": 1,,}");
    place.nothing_left();
}

fn an_edit_made_twice_is_the_edit_made_once() {
    let place = Place::new("twice");
    let file = place.file();
    let file = file.to_str().unwrap();
    let grants = "\"syscalls\": {\"allow\": [\"@io\", \"@threads\", \"@exec\", {\"call\": \"clone\", \"reason\": \"x\"}, {\"call\": \"flock\", \"when\": [{\"arg\": 1, \"equals\": 1}]}, \
        {\"call\": \"flock\", \"when\": [{\"arg\": 1, \"equals\": 2}]}], \"kill\": [\"read\"]}";
    let texts =
        [POLICY.to_owned(), format!("{{\"version\": 1, \"extends\": \"default\", {grants}}}"), format!("{{\"version\": 1, {grants}}}")];
    let edits: &[&[&str]] = &[
        &["set", "limits.pids=3", "environment.LANG=C", "environment.HOME=null"],
        &["allow", "chown", "@mount", "--reason", "x"],
        &["allow", "read", "@locks", "@threads", "flock"],
        &["allow", "/srv:/data", "--writable", "--reason", "x"],
        &["allow", "/bin/true", "--exec"],
        &["deny", "@threads"],
        &["deny", "@io"],
        &["deny", "@locks"],
        &["deny", "@mount"],
        &["deny", "read", "clone", "flock", "/data"],
        &["fmt"],
    ];
    for text in &texts {
        for edit in edits {
            place.write(text);
            let (command, words) = edit.split_first().unwrap();
            let args = [&[*command, file], words].concat();
            let (code, said) = place.run(&args);
            assert_eq!(code, Some(0), "{edit:?} of {text}: {said}");
            let once = place.text();
            let (code, said) = place.run(&args);
            assert_eq!((code, place.text()), (Some(0), once), "{edit:?} of {text}: {said}");
            assert!(*command == "fmt" || said.contains("nothing to change"), "{edit:?}: {said}");
        }
    }
}

fn no_edit_writes_a_file_that_has_another_policys_name() {
    let place = Place::new("names");
    let there = |name: &str| place.0.join("policies").join(name);
    let default = there("default.jsonc");
    let default = default.to_str().unwrap();
    let profile = there("profile.json");
    fs::write(&profile, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": []}").unwrap();
    let said = "default is the name of built-in default";
    for args in [
        &["set", "--create", default, "limits.pids=3"][..],
        &["set", "--create", "--dry-run", default, "limits.pids=3"],
        &["allow", "--create", default, "chown", "--reason", "x"],
        &["deny", "--create", default, "@exec"],
        &["edit", default],
        &["import", profile.to_str().unwrap(), "--output", default],
    ] {
        let (code, text) = place.run(args);
        assert!(code == Some(2) && text.contains(said) && text.contains("another name"), "{args:?}: {text}");
        assert!(!Path::new(default).exists(), "{args:?}");
    }
    // One that is there, and that nothing runs under, is not edited either; its layout may be.
    fs::write(default, POLICY.replace(" // small", "// small")).unwrap();
    for args in [&["set", default, "limits.pids=3"][..], &["deny", default, "@exec"], &["edit", default]] {
        let (code, text) = place.run(args);
        assert!(code == Some(2) && text.contains(said), "{args:?}: {text}");
    }
    assert_eq!((place.run(&["fmt", default]).0, fs::read_to_string(default).unwrap()), (Some(0), POLICY.to_owned()));
    // One that says the same has its name by right, until it says something else.
    fs::write(default, include_str!("../../../policies/default.jsonc")).unwrap();
    assert_eq!(place.run(&["check", "--no-host", default]).0, Some(0));
    let (code, text) = place.run(&["set", default, "limits.pids=3"]);
    assert!(code == Some(2) && text.contains(said), "{text}");
    assert_eq!(fs::read_to_string(default).unwrap(), include_str!("../../../policies/default.jsonc"));
    let (code, text) = place.run(&["set", "--create", there("new.jsonc").to_str().unwrap(), "limits.pids=3"]);
    assert_eq!(code, Some(0), "{text}");
}
