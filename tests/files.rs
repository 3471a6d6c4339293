//! Files in: what a run is given by content, and what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::stat::Mode;
use remand_tests::command::{Call, Ended};
use remand_tests::facts::{CGROUP_MEMORY, PRIVILEGED, need};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("files::each_way_to_name_them", names),
        trial("files::modules_are_imported", modules),
        trial("files::a_directory_is_copied_and_links_out_of_it_are_not", directory),
        trial("files::a_run_has_a_copy", copy),
        trial("files::bad_ones_are_refused_before_anything_runs", refused),
        trial("files::standard_input_can_be_one", standard_input),
        trial("files::they_count_as_the_runs_memory", memory),
        trial("files::what_is_missing_is_told_with_what_to_type", beside),
        trial("files::under_sudo_with_the_callers_rights", sudo),
    ]
}

fn remand(place: &Path, args: &[&str]) -> Result<Ended, End> {
    Call::new(args).cwd(place).end()
}

fn said(ended: &Ended, code: i32, out: &str, what: &str) -> Check {
    ensure(ended.code == Some(code) && ended.out() == out, what, ended)
}

/// A directory with a file, an executable one, and modules.
fn place() -> Scratch {
    let scratch = Scratch::new();
    for name in ["lib/deep", "pack"] {
        fs::create_dir_all(scratch.path().join(name)).unwrap();
    }
    for (name, text) in [
        ("data.csv", "a,b\n"),
        ("helper.py", "value = 'helper'"),
        ("lib/util.py", "value = 'util'"),
        ("lib/deep/x", "x"),
        ("pack/__init__.py", "value = 'pack'"),
        ("tool", "#!/bin/sh\n"),
    ] {
        let _ = scratch.file(name, text);
    }
    fs::set_permissions(scratch.path().join("tool"), Permissions::from_mode(0o700)).unwrap();
    scratch
}

fn names() -> Check {
    let scratch = place();
    let code = "import os\nfor top, dirs, names in sorted(os.walk('/workspace')):\n    for name in sorted(names):\n        path = os.path.join(top, name)\n        found = os.stat(path)\n        print(path[11:], oct(found.st_mode & 0o7777), found.st_uid == os.getuid(), open(path).read().strip())";
    let _ = scratch.file("script.py", code);
    let given =
        ["python", "--file", "data.csv", "--file", "in/side/renamed=data.csv", "--file", "./dot=tool", "--dir", "in=lib", "script.py"];
    let ended = remand(scratch.path(), &given)?;
    let out = "data.csv 0o644 True a,b\ndot 0o755 True #!/bin/sh\n";
    ensure(ended.code == Some(0) && ended.out().starts_with(out), "by their own names and by others", &ended)?;
    for line in ["in/deep/x 0o644 True x\n", "in/side/renamed 0o644 True a,b\n", "in/util.py 0o644 True value = 'util'\n"] {
        ensure(ended.out().contains(line), line, &ended)?;
    }
    let ended = remand(scratch.path(), &["exec", "--file", "x/y=data.csv", "--", "cat", "x/y"])?;
    said(&ended, 0, "a,b\n", "a program of the host has them too")?;
    let absolute = scratch.path().join("data.csv").display().to_string();
    let ended = remand(Path::new("/"), &["python", "--file", &absolute, "-c", "print(open('data.csv').read(), end='')"])?;
    said(&ended, 0, "a,b\n", "by an absolute path")
}

fn modules() -> Check {
    let scratch = place();
    let code = "import helper, pack, util\nfrom lib import util as same\nprint(helper.value, pack.value, util.value, same.value)";
    let _ = scratch.file("script.py", code);
    let given = ["--file", "helper.py", "--dir", "pack", "--dir", "lib"];
    let all = "helper pack util util\n";
    for way in [vec!["script.py"], vec!["-c", code]] {
        let ended = remand(scratch.path(), &[&["python"], &given[..], &way].concat())?;
        said(&ended, 0, all, "a program imports what it is given")?;
    }
    let _ = scratch.file("code.py", &code.replace("print(", "return ' '.join((").replace("same.value)", "same.value))"));
    let ended = remand(scratch.path(), &[&["run"], &given[..], &["code.py"]].concat())?;
    said(&ended, 0, "\"helper pack util util\"\n", "a function too, whatever external packages it may import")?;
    let ended = remand(scratch.path(), &["python", "--dir", ".", "script.py"])?;
    said(&ended, 1, "", "what is in the directory alone")?;
    ensure(ended.err().contains("No module named 'util'"), "is as it lies there", &ended)?;
    let ended = remand(scratch.path(), &["python", "--dir", ".", "--dir", "lib/.", "-c", "import util, helper\nprint(util.__file__)"])?;
    said(&ended, 0, "/workspace/util.py\n", "and beside the other")
}

fn directory() -> Check {
    let scratch = place();
    let lib = scratch.path().join("lib");
    symlink("/etc/passwd", lib.join("out")).unwrap();
    symlink("../data.csv", lib.join("above")).unwrap();
    symlink("deep/x", lib.join("inside")).unwrap();
    symlink(".", lib.join("again")).unwrap();
    nix::unistd::mkfifo(&lib.join("fifo"), Mode::S_IRWXU).unwrap();
    let code = "import os\nprint(sorted(os.listdir('lib')), open('lib/inside').read())";
    let ended = remand(scratch.path(), &["python", "--dir", "lib", "-c", code])?;
    said(&ended, 0, "['deep', 'inside', 'util.py'] x\n", "what lies in it, and a link to that")?;
    let left = "remand: --dir lib: left out above, again, fifo, out: links that lead out of it";
    ensure(ended.err().contains(left), "what was left out is told", &ended)?;
    let followed = fs::read(lib.join("out"))?;
    ensure(!followed.is_empty(), "control: the link leads to something", &followed)
}

fn copy() -> Check {
    let scratch = place();
    let code = "open('data.csv', 'a').write('more')\nprint(open('data.csv').read())";
    let ended = remand(scratch.path(), &["python", "--file", "data.csv", "-c", code])?;
    said(&ended, 0, "a,b\nmore\n", "the run changes its copy")?;
    ensure(fs::read_to_string(scratch.path().join("data.csv"))? == "a,b\n", "and the file stays as it is", &ended)
}

fn refused() -> Check {
    let scratch = place();
    let _ = scratch.file("script.py", "print('ran')");
    let _ = scratch.file("large", &"x".repeat(70_000));
    nix::unistd::mkfifo(&scratch.path().join("fifo"), Mode::S_IRWXU).unwrap();
    symlink("nowhere", scratch.path().join("dangling")).unwrap();
    for (args, said) in [
        (vec!["--file", "../up=data.csv"], "../up: `..` leads out of /workspace"),
        (vec!["--file", "/etc/passwd=data.csv"], "/etc/passwd: a name relative to /workspace is expected"),
        (vec!["--file", "=data.csv"], ": a name relative to /workspace is expected"),
        (vec!["--file", "a=data.csv", "--file", "a=tool"], "a: two things are given that name"),
        (vec!["--file", "a=data.csv", "--file", "a/b=tool"], "a: two things are given that name"),
        (vec!["--file", "script.py=data.csv"], "script.py: the program's own file has this name"),
        (vec!["--file", "none.csv"], "cannot read --file none.csv: No such file or directory"),
        (vec!["--file", "dangling"], "cannot read --file dangling: No such file or directory"),
        (vec!["--file", "lib"], "cannot read --file lib: is a directory"),
        (vec!["--file", "fifo"], "cannot read --file fifo: it is a FIFO"),
        (vec!["--file", "/dev/zero"], "cannot read --file /dev/zero: it is a device"),
        (vec!["--file", "/proc/kmsg"], "it has no name; give it one: --file NAME=/proc/kmsg"),
        (vec!["--file", "-"], "it has no name; give it one: --file NAME=-"),
        (vec!["--dir", "data.csv"], "cannot read --dir data.csv: Not a directory"),
        (vec!["--dir", "/proc/self"], "cannot read --dir /proc/self/"),
        (vec!["--file", "large"], "--file large: larger than filesystem.tmp.size = 65536 bytes"),
        (
            vec!["--file", "a=data.csv", "--file", "large"],
            "larger than what the files before it leave of filesystem.tmp.size = 65532 bytes",
        ),
        (vec!["--file", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q=data.csv"], "over filesystem.tmp.inodes = 16"),
    ] {
        let small = ["python", "--set", "filesystem.tmp.size=64KiB", "--set", "filesystem.tmp.inodes=16"];
        let ended = remand(scratch.path(), &[&small, args.as_slice(), &["script.py"]].concat())?;
        ensure(ended.code == Some(2) && ended.out().is_empty() && ended.err().contains(said), said, &ended)?;
    }
    Ok(())
}

fn standard_input() -> Check {
    let scratch = place();
    let code = "import sys\nprint(open('in').read(), repr(sys.stdin.read()))";
    let ended = Call::new(&["python", "--file", "in=-", "-c", code]).input(b"given").cwd(scratch.path()).end()?;
    said(&ended, 0, "given ''\n", "standard input as a file")?;
    for args in [vec!["python", "--file", "in=-", "-"], vec!["run", "--file", "in=-", "-"]] {
        let ended = Call::new(&args).input(b"").cwd(scratch.path()).end()?;
        ensure(ended.code == Some(2) && ended.err().contains("can be standard input"), "once", &ended)?;
    }
    Ok(())
}

fn memory() -> Check {
    let scratch = Scratch::new();
    let fill = "with open('x', 'wb') as file:\n    for _ in range(80):\n        file.write(b'x' * (1 << 20))\n";
    let policy = policy_text::write(
        &scratch,
        &json!({ "limits": { "memory": "64MiB", "job_size": "1MiB", "result_size": "1MiB" },
        "filesystem": { "tmp": { "size": "64MiB", "inodes": 64 } } }),
    )
    .display()
    .to_string();
    let _ = scratch.file("large", &"x".repeat(65 << 20));
    let ended = remand(scratch.path(), &["python", "--policy", &policy, "--file", "large", "-c", "pass"])?;
    ensure(
        ended.code == Some(2) && ended.err().contains("larger than filesystem.tmp.size = 67108864 bytes"),
        "what cannot fit is refused",
        &ended,
    )?;
    need(&[CGROUP_MEMORY])?;
    let outcome = remand(scratch.path(), &["python", "--json", "--policy", &policy, "--artifacts", "x", "-c", fill])?.outcome()?;
    ensure(outcome["verdict"]["limit"] == "memory", "what is written to /workspace is memory", &outcome["verdict"])?;
    let _ = scratch.file("half", &"x".repeat(40 << 20));
    let outcome = remand(scratch.path(), &["python", "--json", "--policy", &policy, "--file", "half", "-c", "pass"])?.outcome()?;
    let peak = outcome["usage"]["memory_peak"].as_u64();
    ensure(peak.is_some_and(|peak| peak > 40 << 20), "what is given is the run's memory", &outcome["usage"])
}

fn beside() -> Check {
    let scratch = place();
    let _ = scratch.file("script.py", "import helper, pack\nprint(open('lib/util.py').read())");
    fs::create_dir(scratch.path().join("else where")).unwrap();
    let mut args: Vec<String> = vec!["python".into()];
    // Each advice is followed, until it runs.
    for advice in ["--file helper.py", "--dir pack", "--file lib/util.py=lib/util.py"] {
        let typed: Vec<&str> = args.iter().map(String::as_str).chain(["script.py"]).collect();
        let ended = remand(scratch.path(), &typed)?;
        ensure(ended.err().contains(&format!("give it: {advice}\n")), advice, &ended)?;
        args.extend(advice.split(' ').map(str::to_owned));
    }
    let typed: Vec<&str> = args.iter().map(String::as_str).chain(["script.py"]).collect();
    said(&remand(scratch.path(), &typed)?, 0, "value = 'util'\n", "and then it runs")?;
    let script = scratch.path().join("script.py").display().to_string();
    let ended = remand(&scratch.path().join("else where"), &["python", &script])?;
    let advice = format!("give it: --file {}\n", scratch.path().join("helper.py").display());
    ensure(ended.err().contains(&advice), "from another directory", &ended)?;
    let _ = scratch.file("code.py", "import helper\nreturn helper.value");
    let ended = remand(scratch.path(), &["run", "code.py"])?;
    ensure(ended.err().contains("give it: --file helper.py\n"), "a function is told too", &ended)
}

fn sudo() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = place();
    let nobody = nix::unistd::User::from_name("nobody").ok().flatten().ok_or_else(|| End::Skip("a user nobody".into()))?;
    fs::set_permissions(scratch.path().join("data.csv"), Permissions::from_mode(0o600))?;
    let open = scratch.path().join("open");
    fs::create_dir(&open)?;
    fs::set_permissions(&open, Permissions::from_mode(0o777))?;
    let call = |args: &[&str]| Call::new(args).cwd(scratch.path());
    let sudo = |args: &[&str]| {
        let ids = [("SUDO_UID", nobody.uid.to_string()), ("SUDO_GID", nobody.gid.to_string()), ("SUDO_USER", "nobody".into())];
        ids.iter().fold(call(args), |call, (name, value)| call.env(name, value)).end()
    };
    let read = ["python", "--file", "data.csv", "-c", "print(open('data.csv').read(), end='')"];
    said(&call(&read).end()?, 0, "a,b\n", "control: root reads it")?;
    let ended = sudo(&read)?;
    ensure(ended.code == Some(2) && ended.err().contains("Permission denied"), "who called root does not", &ended)?;
    // All that is named to be read is read with their rights: what only root may read here is each time what it would be.
    let secret = scratch.path().join("secret");
    fs::create_dir(&secret)?;
    for (name, text) in
        [("code.py", "return 'SECRET'"), ("env", "K=SECRET"), ("items", "[\"SECRET\"]"), ("request", "{\"code\": \"return 'SECRET'\"}")]
    {
        fs::write(secret.join(name), text)?;
    }
    fs::set_permissions(&secret, Permissions::from_mode(0o700))?;
    symlink(&secret, scratch.path().join("link"))?;
    for args in [
        &["run", "secret/code.py"][..],
        &["run", "link/code.py"],
        &["python", "secret/code.py"],
        &["run", "--env-file", "secret/env", "-c", "import os; return os.environ['K']"],
        &["run", "--items", "secret/items", "-c", "return _items"],
        &["run", "--query-file", "secret/items", "-c", "return _query"],
        &["run", "--security-config", "secret/items", "-c", "return 1"],
        &["run", "--request", "secret/request"],
        &["judge", "--tests", "secret", "--program", "secret/code.py"],
    ] {
        let ended = sudo(args)?;
        let kept = !format!("{ended:?}").contains("SECRET");
        ensure(ended.code == Some(2) && ended.err().contains("Permission denied") && kept, "nothing is read with root's", &(args, ended))?;
    }
    for name in ["link/code.py", "link/none.py"] {
        let ended = sudo(&["python", "-c", &format!("open('{name}')")])?;
        ensure(ended.code == Some(1) && !ended.err().contains("lies in"), "nor is it looked for", &ended)?;
    }
    let write = |to| ["python", "--artifacts", "x", "--artifacts-to", to, "-c", "open('x', 'w').write('y')"];
    let ended = sudo(&write("open"))?;
    let found = fs::metadata(open.join("x"))?;
    let owner = (std::os::unix::fs::MetadataExt::uid(&found), std::os::unix::fs::MetadataExt::gid(&found));
    ensure(ended.code == Some(0) && owner == (nobody.uid.as_raw(), nobody.gid.as_raw()), "what comes back is theirs", &(ended, owner))?;
    let ended = sudo(&write("lib"))?;
    ensure(ended.code == Some(11) && ended.err().contains("cannot write lib/x: Permission denied"), "and only where they may write", &ended)
}
