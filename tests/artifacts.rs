//! Artifacts out: what a run left is read when it is dead, whatever it made of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("artifacts::however_the_run_ends", endings),
        trial("artifacts::patterns", patterns),
        trial("artifacts::what_is_hidden_is_taken_where_its_dot_is_written_and_what_was_given_by_its_name", hidden),
        trial("artifacts::in_the_record", record),
        trial("artifacts::what_is_no_regular_file_is_left_out", shapes),
        trial("artifacts::names_are_hostile", names),
        trial("artifacts::modes_and_links", modes),
        trial("artifacts::rights_taken_from_the_owner", rights),
        trial("artifacts::bytes_and_files_are_bounded", bounds),
        trial("artifacts::a_sparse_file_costs_nothing", sparse),
        trial("artifacts::entries_and_depth_are_bounded", walk),
        trial("artifacts::a_writer_that_stays_is_dead", writer),
        trial("artifacts::nothing_is_written_over_or_through", target),
        trial("artifacts::bad_arguments", arguments),
        trial("artifacts::a_mount_over_it", mount),
    ]
}

/// `remand python ARGS -c CODE`, with what it leaves in `out` of a place.
fn run(code: &str, args: &[&str]) -> Result<(Scratch, Ended), End> {
    let scratch = Scratch::new();
    let ended = Call::new(&[&["python", "--artifacts-to", "out"], args, &["-c", code]].concat()).cwd(scratch.path()).end()?;
    Ok((scratch, ended))
}

/// The record of it.
fn outcome(code: &str, args: &[&str]) -> Result<Value, End> {
    Call::new(&[&["python", "--json"], args, &["-c", code]].concat()).end()?.outcome()
}

fn read(scratch: &Scratch, name: &str) -> String {
    fs::read_to_string(scratch.path().join("out").join(name)).unwrap_or_else(|error| error.to_string())
}

/// Every path beneath `out`, in order.
fn listed(scratch: &Scratch) -> Vec<String> {
    fn walk(place: &Path, top: &Path, all: &mut Vec<String>) {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            all.push(entry.path().strip_prefix(top).unwrap().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), top, all);
            }
        }
    }
    let (top, mut all) = (scratch.path().join("out"), Vec::new());
    walk(&top, &top, &mut all);
    all.sort();
    all
}

/// (name, why) of what was left out.
fn left_out(outcome: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    outcome["files_left_out"].as_array().into_iter().flatten().map(|left| (text(&left["name"]), text(&left["why"]))).collect()
}

fn files(outcome: &Value) -> Vec<String> {
    outcome["files"].as_array().into_iter().flatten().map(|file| file["name"].as_str().unwrap_or_default().to_owned()).collect()
}

fn endings() -> Check {
    for (end, args, code) in [
        ("pass", vec![], 0),
        ("1 / 0", vec![], 1),
        ("import os; os._exit(7)", vec![], 7),
        ("import os; os.kill(os.getpid(), 9)", vec![], 137),
        ("while True: pass", vec!["--set", "limits.wall_time=700ms"], 5),
        (
            "x = bytearray(1 << 30)",
            vec!["--set", "limits.memory=64MiB", "--set", "limits.job_size=1MiB", "--set", "limits.result_size=1MiB"],
            5,
        ),
    ] {
        let code_of = format!("open('log.txt', 'w').write('so far')\n{end}");
        let (scratch, ended) = run(&code_of, &[&["--artifacts", "*.txt"], args.as_slice()].concat())?;
        // What counts memory by looking can come too late to name the limit, and the code is told that there is none.
        let as_expected = ended.code == Some(code) || end.starts_with("x =") && ended.code == Some(1);
        ensure(as_expected && read(&scratch, "log.txt") == "so far", end, &ended)?;
    }
    let scratch = Scratch::new();
    let args = ["exec", "--artifacts", "x", "--artifacts-to", "out", "--", "sh", "-c", "echo made > x; exit 3"];
    let ended = Call::new(&args).cwd(scratch.path()).end()?;
    ensure(ended.code == Some(3) && read(&scratch, "x") == "made\n", "any program", &ended)?;
    let code = scratch.file("code.py", "open('x', 'w').write('made')\nreturn 1").display().to_string();
    let ended = Call::new(&["run", "--artifacts", "x", "--artifacts-to", "out2", &code]).cwd(scratch.path()).end()?;
    let made = fs::read_to_string(scratch.path().join("out2/x")).unwrap_or_default();
    ensure(ended.code == Some(0) && ended.out() == "1\n" && made == "made", "a function", &ended)
}

const TREE: &str = "import os
os.makedirs('out/deep')
for name in ('a.png', 'b.txt', 'out/c.png', 'out/deep/d.png'):
    open(name, 'w').write(name)
";

fn patterns() -> Check {
    for (wanted, found) in [
        (vec!["*.png"], vec!["a.png"]),
        (vec!["**/*.png"], vec!["a.png", "out/c.png", "out/deep/d.png"]),
        (vec!["out"], vec!["out/c.png", "out/deep/d.png"]),
        (vec!["out/*"], vec!["out/c.png"]),
        (vec!["/workspace/b.txt", "./a.png"], vec!["a.png", "b.txt"]),
        (vec!["{a,b}.*"], vec!["a.png", "b.txt"]),
    ] {
        let args: Vec<&str> = wanted.iter().flat_map(|glob| ["--artifacts", glob]).collect();
        let outcome = outcome(TREE, &args)?;
        ensure(files(&outcome) == found && left_out(&outcome).is_empty(), wanted[0], &outcome["files"])?;
    }
    let (scratch, ended) = run(TREE, &["--artifacts", "*.gif", "--artifacts", "out/"])?;
    let told = ended.err().contains("remand: no file matches --artifacts *.gif\n");
    ensure(told && listed(&scratch) == ["out", "out/c.png", "out/deep", "out/deep/d.png"], "what matches nothing is told", &ended)
}

/// What acts on whoever works in the directory that files go to, and what the caller has anyway.
fn hidden() -> Check {
    let code = "import os\nos.makedirs('.git/hooks'); os.makedirs('d/.e')\nfor name in ('.git/hooks/x', '.envrc', 'd/.e/x', 'd/.f', 'd/y'):\n    open(name, 'w').write('1')\nopen('changed', 'a').write('2')";
    for (glob, found) in [
        ("**", vec!["changed", "d/y"]),
        ("d", vec!["d/y"]),
        ("*", vec!["changed"]),
        ("{.envrc,given,s.py}", vec![".envrc"]),
        ("**/.?/x", vec!["d/.e/x"]),
        ("given", vec!["given"]),
        (".git/**", vec![".git/hooks/x"]),
    ] {
        let scratch = Scratch::new();
        for (name, text) in [("s.py", code), ("given", "1"), ("changed", "1")] {
            fs::write(scratch.path().join(name), text)?;
        }
        fs::create_dir_all(scratch.path().join("out/.git"))?;
        let args = ["python", "--file", "given", "--file", "changed", "--artifacts", glob, "--artifacts-to", "out", "s.py"];
        let ended = Call::new(&args).cwd(scratch.path()).end()?;
        let files: Vec<_> = listed(&scratch).into_iter().filter(|name| scratch.path().join("out").join(name).is_file()).collect();
        ensure(ended.code == Some(0) && files == found, glob, &(&files, &ended))?;
        if glob == "**" {
            let ended = Call::new(&[&args[..6], &[".*/**", "--artifacts-to", "out", "s.py"]].concat()).cwd(scratch.path()).end()?;
            let kept = ended.code == Some(11) && ended.err().contains("cannot write out/.git/hooks/x: something stands there already");
            ensure(kept && !scratch.path().join("out/.git/hooks").exists(), "a hidden directory of the caller's is left alone", &ended)?;
        }
    }
    Ok(())
}

fn record() -> Check {
    let code = "open('a.csv', 'w').write('abc')\nopen('z.bin', 'wb').write(b'\\0' * (1 << 20))";
    let seen = outcome(code, &["--artifacts", "*"])?;
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let wanted = json!({ "name": "a.csv", "size": 3, "sha256": sha256, "mime": "text/csv", "content": "YWJj" });
    ensure(seen["files"][0] == wanted, "a small file is in the record", &seen["files"][0])?;
    let large = &seen["files"][1];
    ensure(large["size"] == 1 << 20 && large.get("content").is_none(), "a large one is told by its size", large)?;
    ensure(left_out(&seen) == [("z.bin".into(), "record".into())], "and why", &seen["files_left_out"])?;
    let none = outcome("open('a', 'w')", &[])?;
    ensure(none["files"] == json!([]), "nothing is given that was not asked for", &none["files"])?;
    let scratch = Scratch::new();
    let args = ["python", "--json", "--artifacts", "*", "--artifacts-to", "out", "-c", code];
    let seen = Call::new(&args).cwd(scratch.path()).end()?.outcome()?;
    let contents = seen["files"].as_array().into_iter().flatten().filter(|file| file.get("content").is_some()).count();
    ensure(
        files(&seen) == ["a.csv", "z.bin"] && contents == 0 && read(&scratch, "a.csv") == "abc",
        "in a directory, not twice",
        &seen["files"],
    )
}

/// Links, FIFOs and sockets, where a file is wanted; what they lead to is there.
const SHAPES: &str = "import os, socket
os.symlink('/etc/passwd', 'link')
os.symlink('/', 'root')
os.symlink('..', 'up')
os.symlink('loop', 'loop')
os.mkfifo('fifo')
socket.socket(socket.AF_UNIX).bind('socket')
os.mkdir('dir')
os.mkdir('dir.d')
open('honest', 'w').write('honest')
print(open('link').readline()[:4], os.stat('root/etc').st_ino > 0)
";

fn shapes() -> Check {
    let (scratch, ended) = run(SHAPES, &["--artifacts", "**"])?;
    ensure(ended.code == Some(0) && ended.out() == "root True\n", "control: in the run they lead somewhere", &ended)?;
    ensure(listed(&scratch) == ["honest"], "files alone come back", &listed(&scratch))?;
    for (name, why) in
        [("fifo", "a FIFO"), ("link", "a symbolic link"), ("loop", "a symbolic link"), ("root", "a symbolic link"), ("socket", "a socket")]
    {
        ensure(ended.err().contains(&format!("left out {name}: it is {why}\n")), name, &ended)?;
    }
    // Control: a link beside them, followed by who reads by name.
    symlink("/etc/passwd", scratch.path().join("out/link"))?;
    ensure(read(&scratch, "link").starts_with("root"), "control: by its name it is read", &listed(&scratch))
}

fn names() -> Check {
    let code = r"import os
for name in (b'line\nbreak', b'\x1b[2J', b'\xff\xfe', 'right\u202eleft'.encode(), 'zero\u200bwidth'.encode()):
    open(name, 'w').write('x')
for name in ('..x', '...', ' ', '-rf', 'gr\u00fc\u00df', 'a b', '$(id)', '`id`', '*', 'a=b'):
    open(name, 'w').write('x')
os.mkdir('d\nd')
open('d\nd/in', 'w')
";
    let (scratch, ended) = run(code, &["--artifacts", "**", "--artifacts", ".*"])?;
    let plain = [" ", "$(id)", "*", "-rf", "...", "..x", "`id`", "a b", "a=b", "grüß"];
    let mut wanted: Vec<String> = plain.iter().map(ToString::to_string).collect();
    wanted.sort();
    ensure(ended.code == Some(0) && listed(&scratch) == wanted, "names that are shown as they are", &(listed(&scratch), &ended))?;
    let err = ended.stderr.clone();
    let hostile = err.contains(&0x1b) || ended.err().contains(['\u{202e}', '\u{200b}']);
    let lines = ended.err().lines().filter(|line| line.ends_with("or is not UTF-8")).count();
    ensure(!hostile && lines == 6, "the others are told, each on a harmless line", &ended)
}

fn modes() -> Check {
    let code = "import os
for mode in (0o600, 0o400, 0o777, 0o100, 0o010, 0o001, 0o666, 0o000):
    open('f%03o' % mode, 'w').write('x')
    os.chmod('f%03o' % mode, mode)
open('one', 'w').write('linked')
os.link('one', 'two')
";
    let (scratch, ended) = run(code, &["--artifacts", "*"])?;
    let found: Vec<(String, u32)> = listed(&scratch)
        .into_iter()
        .map(|name| (name.clone(), fs::metadata(scratch.path().join("out").join(name)).unwrap().permissions().mode() & 0o7777))
        .collect();
    let executable = ["f777", "f100", "f010", "f001"];
    let right = found.iter().all(|(name, mode)| *mode == if executable.contains(&name.as_str()) { 0o755 } else { 0o644 });
    ensure(ended.code == Some(0) && found.len() == 10 && right, "0644 or 0755, whatever the run made of it", &(found, ended))?;
    ensure(read(&scratch, "one") == "linked" && read(&scratch, "two") == "linked", "a file of two names is two files", &listed(&scratch))
}

fn rights() -> Check {
    let code = "import os\nos.makedirs('a/b')\nopen('a/b/x', 'w').write('x')\nos.chmod('a/b', 0)\nos.chmod('a', 0)\nos.chmod('.', 0)";
    let (scratch, ended) = run(code, &["--artifacts", "**"])?;
    ensure(ended.code == Some(0) && read(&scratch, "a/b/x") == "x", "a directory that its owner may not enter is read", &ended)
}

fn bounds() -> Check {
    let code = "for name, size in (('a', 100), ('b', 1000), ('c', 24), ('d', 1)):\n    open(name, 'wb').write(b'x' * size)";
    let limited = |bytes: &str, count: &str| {
        let (bytes, count) = (format!("limits.artifacts={bytes}"), format!("limits.artifact_files={count}"));
        outcome(code, &["--artifacts", "*", "--set", &bytes, "--set", &count])
    };
    let at = limited("1125B", "4")?;
    ensure(files(&at) == ["a", "b", "c", "d"] && left_out(&at).is_empty(), "exactly the limits", &at["files"])?;
    let over = limited("1124B", "4")?;
    ensure(files(&over) == ["a", "b", "c"] && left_out(&over) == [("d".into(), "size".into())], "one byte more", &over["files_left_out"])?;
    let large = limited("125B", "4")?;
    ensure(files(&large) == ["a", "c", "d"] && left_out(&large) == [("b".into(), "size".into())], "what fits is taken", &large["files"])?;
    let many = limited("1125B", "3")?;
    ensure(files(&many) == ["a", "b", "c"] && left_out(&many) == [("d".into(), "count".into())], "one file more", &many["files_left_out"])?;
    ensure(over["verdict"]["kind"] == "finished", "and the run is no worse for it", &over["verdict"])
}

fn sparse() -> Check {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "limits": { "file_size": "unlimited" } })).display().to_string();
    let code = "import os\nfor name in ('a', 'b'):\n    f = os.open(name, os.O_CREAT | os.O_RDWR)\n    os.ftruncate(f, 1 << 40)\n    os.pwrite(f, b'x', 1 << 39)\nopen('c', 'w').write('c')\nprint(os.stat('a').st_size)";
    let seen = outcome(code, &["--policy", &policy, "--artifacts", "*"])?;
    let left = [("a".into(), "size".into()), ("b".into(), "size".into())];
    ensure(seen["stdout"]["text"] == "1099511627776\n", "control: a TiB each", &seen["stdout"])?;
    ensure(files(&seen) == ["c"] && left_out(&seen) == left, "they are left out, and the other comes back", &seen["files_left_out"])
}

fn walk() -> Check {
    let scratch = Scratch::new();
    let tmp = json!({ "filesystem": { "tmp": { "size": "64MiB", "inodes": 1_100_000 } }, "limits": { "memory": "2GiB", "wall_time": "60s", "cpu_time": "60s" } });
    let policy = policy_text::write(&scratch, &tmp).display().to_string();
    // The second name of a file costs less than the first.
    let many = "import os\nopen('f', 'w')\nfor n in range(1000000):\n    os.link('f', 'n%d' % n)";
    let seen = outcome(many, &["--policy", &policy, "--artifacts", "f"])?;
    ensure(seen["verdict"]["kind"] == "finished", "control: a million names", &seen["verdict"])?;
    ensure(left_out(&seen) == [(".".into(), "entries".into())], "a directory is looked at so far and no further", &seen["files_left_out"])?;
    let deep = "import os\nfor n in range(200):\n    os.mkdir('d')\n    open('f', 'w').write(str(n))\n    os.chdir('d')";
    let seen = outcome(deep, &["--artifacts", "**"])?;
    let names = files(&seen);
    let left = left_out(&seen);
    ensure(names.len() == 33 && names.contains(&format!("{}f", "d/".repeat(32))), "so deep", &names)?;
    ensure(left.len() == 1 && left[0].1 == "depth", "and no deeper, which is told", &left)
}

fn writer() -> Check {
    let code = "import os
if os.fork() == 0:
    os.setsid()
    with open('log', 'a') as log:
        while True:
            log.write('line\\n')
            log.flush()
while not os.path.exists('log') or os.stat('log').st_size < 5000:
    pass
os._exit(0)";
    let seen = outcome(code, &["--artifacts", "log"])?;
    let file = &seen["files"][0];
    let content = file["content"].as_str().unwrap_or_default().len() as u64;
    let size = file["size"].as_u64().unwrap_or_default();
    ensure(size >= 5000 && content == size.div_ceil(3) * 4, "what it wrote until it died, whole", file)
}

fn target() -> Check {
    let code = "import os\nos.makedirs('in')\nopen('in/x', 'w').write('new')\nopen('y', 'w').write('new')\nopen('z', 'w').write('new')";
    let scratch = Scratch::new();
    let (out, elsewhere) = (scratch.path().join("out"), scratch.path().join("elsewhere"));
    fs::create_dir(&out)?;
    fs::create_dir(&elsewhere)?;
    symlink(&elsewhere, out.join("in"))?;
    symlink(elsewhere.join("victim"), out.join("y"))?;
    fs::write(out.join("z"), "old")?;
    let call = |more: &[&str]| {
        let args = [&["python", "--artifacts", "**", "--artifacts-to", "out"], more, &["-c", code]].concat();
        Call::new(&args).cwd(scratch.path()).end()
    };
    let ended = call(&[])?;
    let told = [
        "cannot write out/in/x: ",
        "cannot write out/y: something stands there already",
        "cannot write out/z: something stands there already",
    ];
    ensure(ended.code == Some(11) && told.iter().all(|said| ended.err().contains(said)), "what stands there stays, and is told", &ended)?;
    ensure(read(&scratch, "z") == "old" && fs::read_dir(&elsewhere)?.count() == 0, "nothing is changed", &listed(&scratch))?;
    let ended = call(&["--overwrite"])?;
    let replaced = read(&scratch, "z") == "new" && out.join("y").symlink_metadata()?.is_file() && fs::read_dir(&elsewhere)?.count() == 0;
    ensure(ended.code == Some(11) && replaced, "replaced where it was asked, and still through no link", &ended)?;
    ensure(listed(&scratch) == ["in", "y", "z"], "no half file is left", &listed(&scratch))
}

fn arguments() -> Check {
    let scratch = Scratch::new();
    for (args, said) in [
        (vec!["--artifacts", "x"], "--artifacts-to DIR puts them into a directory"),
        (vec!["--artifacts-to", "out"], "--artifacts GLOB"),
        (vec!["--artifacts", "../x", "--json"], "`..` leads out of /workspace"),
        (vec!["--artifacts", "/etc/*", "--json"], "relative to /workspace is expected"),
        (vec!["--artifacts", "[", "--json"], "artifacts \"[\": "),
        (
            vec!["--artifacts", "x", "--artifacts-to", "/nowhere/at/all"],
            "cannot use --artifacts-to /nowhere/at/all: No such file or directory",
        ),
        (vec!["--artifacts", "x", "--artifacts-to", "/etc/passwd"], "cannot use --artifacts-to /etc/passwd: Not a directory"),
    ] {
        let ended = Call::new(&[&["python"], args.as_slice(), &["-c", "print('ran')"]].concat()).cwd(scratch.path()).end()?;
        ensure(ended.code == Some(2) && ended.out().is_empty() && ended.err().contains(said), said, &ended)?;
    }
    ensure(fs::read_dir(scratch.path())?.count() == 0, "no directory is made for what is refused", &scratch.path())
}

/// Nothing can be put in the place of what is read.
fn mount() -> Check {
    let code = "import ctypes, os
open('x', 'w').write('real')
libc = ctypes.CDLL(None, use_errno=True)
for deed in (lambda: libc.mount(b'/tmp', b'/workspace', None, 4096, None), lambda: libc.umount2(b'/workspace', 2)):
    print(deed(), end=' ')
for deed in (lambda: os.rename('/workspace', '/tmp/w'), lambda: os.rmdir('/workspace'), lambda: os.rename('/tmp', '/workspace')):
    try:
        deed()
        print('done')
    except OSError as error:
        print('refused', end=' ')
";
    let seen = outcome(code, &["--artifacts", "x"])?;
    ensure(seen["stdout"]["text"] == "-1 -1 refused refused refused ", "it cannot be exchanged", &seen["stdout"])?;
    ensure(files(&seen) == ["x"], "and is what is read", &seen["files"])
}
