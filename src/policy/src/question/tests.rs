#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn call(name: &'static str, args: &[Option<u64>]) -> Question {
    let mut all = [None; 6];
    all[..args.len()].copy_from_slice(args);
    Question::Call(Call { which: Which::Name(name), args: all })
}

#[test]
fn words_are_understood() {
    for (words, question) in [
        ("ptrace", call("ptrace", &[])),
        ("socket AF_INET SOCK_STREAM", call("socket", &[Some(2), Some(1)])),
        ("socket ? SOCK_STREAM|SOCK_CLOEXEC", call("socket", &[None, Some(0o2000001)])),
        ("socket SOCK_RAW 0", call("socket", &[None, Some(3), Some(0)])),
        ("clone CLONE_NEWUSER|SIGCHLD", call("clone", &[Some(0x1000_0011)])),
        ("ioctl 0 TIOCSTI", call("ioctl", &[Some(0), Some(0x5412)])),
        ("ioctl TIOCSTI", call("ioctl", &[None, Some(0x5412)])),
        ("prctl PR_SET_DUMPABLE 1", call("prctl", &[Some(4), Some(1)])),
        ("kill -1 SIGKILL", call("kill", &[Some(u64::MAX), Some(9)])),
        ("kill SIGKILL", call("kill", &[None, Some(9)])),
        ("fchmod 3 0o4755", call("fchmod", &[Some(3), Some(0o4755)])),
        ("read 0", call("read", &[Some(0)])),
        ("write", call("write", &[])),
        ("openat AT_FDCWD 0 O_RDWR", call("openat", &[Some(0u64.wrapping_sub(100)), Some(0), Some(2)])),
        ("connect 3 0 16", call("connect", &[Some(3), Some(0), Some(16)])),
        ("syscall 0x3e7 1", Question::Call(Call { which: Which::Number(999), args: [Some(1), None, None, None, None, None] })),
        ("open /etc/passwd", Question::File(Use::Read, "/etc/passwd".into())),
        ("open /etc/passwd O_RDWR|O_CLOEXEC", Question::File(Use::Write, "/etc/passwd".into())),
        ("openat AT_FDCWD /a O_CREAT", Question::File(Use::Write, "/a".into())),
        ("write ./a", Question::File(Use::Write, "./a".into())),
        ("execve /bin/sh", Question::File(Use::Exec, "/bin/sh".into())),
        ("import numpy.linalg", Question::Import("numpy.linalg".into())),
        ("builtin eval", Question::Builtin("eval".into())),
        ("env HOME", Question::Env("HOME".into())),
        ("connect localhost:80", Question::Connect("127.0.0.1:80".parse().unwrap())),
        ("connect [::1]:80", Question::Connect("[::1]:80".parse().unwrap())),
    ] {
        assert_eq!(Question::parse(words), Ok(question), "{words}");
    }
    for (words, field, amount) in [
        ("memory 2GiB", "limits.memory", Some(2 << 30)),
        ("limits.memory=2GiB", "limits.memory", Some(2 << 30)),
        ("wall_time 20s", "limits.wall_time", Some(20_000_000)),
        ("cpus 0.5", "limits.cpus", Some(500)),
        ("pids 10", "limits.pids", Some(10)),
        ("tmp 1GiB", "filesystem.tmp.size", Some(1 << 30)),
        ("tmp.inodes 5", "filesystem.tmp.inodes", Some(5)),
        ("memory unlimited", "limits.memory", None),
    ] {
        let Ok(Question::Limit(measure, found)) = Question::parse(words) else { unreachable!("{words}") };
        assert_eq!((measure.field, found), (field, Amount(amount)), "{words}");
    }
}

#[test]
fn what_is_no_question_says_what_was_meant() {
    for (words, message, help) in [
        ("", "there is no question", "ask for example"),
        ("scoket AF_INET", "\"scoket\" is no system call", "did you mean \"socket\"?"),
        ("memry 2GiB", "\"memry\" is no system call", "did you mean \"memory\"?"),
        ("imports json", "\"imports\" is no system call", "did you mean \"import\"?"),
        ("socket AF_INT", "\"AF_INT\" is no value that socket takes", "did you mean \"AF_INET\"?"),
        ("socket AF_INET|SOCK_STREAM", "is no value that socket takes", "numbers are always understood"),
        ("getpid 1", "getpid has 0 arguments", "leave it out"),
        ("@io", "\"@io\" is a group", "one call of it"),
        ("memory 2GB", "has the unknown unit", "GiB"),
        ("memory 2", "has no unit", "2"),
        ("memory", "takes one value", "memory 256MiB"),
        ("pids many", "is no count", "pids 100"),
        ("import num-py", "is not a Python name", "imported"),
        ("import a b", "takes one word", "import numpy"),
        ("connect example.org:80", "no address", "10.0.0.1:443"),
        ("open etc/passwd", "is no path", "/path"),
        ("open /a O_WRONGLY", "is no flag", "open /a"),
        ("syscall x", "takes a number", "999"),
        ("syscall 1 2 3 4 5 6 7 8", "takes a number", "999"),
    ] {
        let error = Question::parse(words).unwrap_err();
        assert!(error.message.contains(message), "{words}: {}", error.message);
        assert!(error.help.as_deref().unwrap_or("").contains(help), "{words}: {:?}", error.help);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_words_panic(
        free in "\\PC{0,40}",
        first in prop::sample::select(vec!["socket", "open", "memory", "cpus", "import", "connect", "syscall", "exec", "clone", "pids", "env"]),
        rest in prop::collection::vec("[-0-9a-zA-Z_|./:=?@\\[\\]x]{0,24}", 0..8),
    ) {
        let _ = Question::parse(&free);
        if let Err(error) = Question::parse(&format!("{first} {}", rest.join(" "))) {
            prop_assert!(!error.message.is_empty());
        }
    }
}

#[test]
fn a_path_with_blanks_is_one_word_of_several() {
    let open = |path: &str| Ok(Question::File(Use::Read, path.to_owned()));
    assert_eq!(Question::of(&["open", "/dir with space/f"]), open("/dir with space/f"));
    assert_eq!(Question::of(&["open", "/a b", "O_RDWR"]), Ok(Question::File(Use::Write, "/a b".into())));
    assert_eq!(Question::about_file("read", "/a O_RDWR"), Some(open("/a O_RDWR")));
    assert!(Question::about_file("socket", "/a").is_none() && Question::of(&["open", "/a\nb"]).is_err());
    let told = Question::parse("open /dir with space/f").unwrap_err().help.unwrap();
    assert!(told.contains("quotes around a path with blanks"), "{told}");
}

#[test]
fn modules_have_names_of_whole_words() {
    for wrong in ["json.", ".json", "json..tool", "os.path;x", "os.path,x", "1a", "a.1", "a-b", ""] {
        assert!(Question::of(&["import", wrong]).is_err(), "{wrong}");
    }
    assert!(Question::of(&["builtin", "eval.x"]).is_err());
    assert_eq!(Question::parse("import é._a1"), Ok(Question::Import("é._a1".into())));
}
