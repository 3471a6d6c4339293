//! `--tty`: a terminal of the run's own in the place of the caller's.

use std::fs;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios};
use remand_tests::command::{Call, until};
use remand_tests::policy_text;
use remand_tests::scratch::Scratch;
use remand_tests::terminal::Terminal;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("tty::the_program_has_a_terminal_and_it_is_its_own", own),
        trial("tty::keys_do_what_they_do_at_a_terminal", keys),
        trial("tty::its_size_is_the_callers", size),
        trial("tty::the_callers_is_as_it_was_however_it_ends", restored),
        trial("tty::the_callers_is_as_it_was_while_it_is_stopped", stopped),
        trial("tty::only_where_there_is_one_and_the_policy_lets_it", refused),
        trial("tty::the_record_says_so_and_limits_hold", recorded),
        trial("tty::whoever_holds_it_open_keeps_nothing_alive", held),
        trial("tty::it_can_be_closed_and_opened_again", reopened),
        trial("tty::nothing_of_a_long_output_is_lost", long),
        trial("tty::what_talks_to_people_works", programs),
        trial("tty::a_shell_has_job_control", jobs),
        trial("tty::every_shipped_policy_lets_it", shipped),
        trial("tty::nothing_reaches_the_callers_terminal", injected),
    ]
}

const EXEC: &str = "exec \"$@\"";

fn at_terminal(args: &[&str]) -> Result<Terminal, End> {
    Terminal::start(EXEC, args, &[])
}

fn python(code: &str) -> Result<Terminal, End> {
    at_terminal(&["python", "--tty", "-c", code])
}

fn own() -> Check {
    let code = "import os, sys\nprint([os.isatty(n) for n in range(3)], os.ctermid(), os.ttyname(0), os.listdir('/dev/pts'))\n\
                with open('/dev/tty', 'r+b', 0) as tty: tty.write(b'by name\\n'); print(os.isatty(tty.fileno()))\n\
                print(os.tcgetpgrp(0) == os.getpgrp(), os.getsid(0) == os.getpid(), os.environ['TERM'], os.readlink('/proc/self/fd/0'))\n\
                try: os.open('/dev/pts/ptmx', os.O_RDWR)\nexcept OSError as error: print(error.strerror)\n\
                print('\\x1b[1mas it is\\x1b[0m')";
    let (status, shown) = python(code)?.end()?;
    let all = [
        "[True, True, True] /dev/tty /dev/pts/0 [",
        "by name\r\n",
        "True\r\n",
        "True True xterm /dev/pts/0\r\n",
        "Permission denied\r\n",
        "\x1b[1mas it is\x1b[0m\r\n",
    ];
    let missing: Vec<_> = all.iter().filter(|text| !shown.contains(**text)).collect();
    ensure(status == 0 && missing.is_empty(), "a terminal, its own, and nothing is escaped", &(status, missing, shown))?;
    let (_, shown) = at_terminal(&["python", "-c", "import sys\nprint(sys.stdout.isatty(), '\\x1b[1m')"])?.end()?;
    ensure(shown.contains("False \\u{1b}[1m"), "control: none without it", &shown)
}

fn keys() -> Check {
    let code = "import signal\nprint('got', repr(input('say: ')))\ntry:\n  print('wait')\n  signal.pause()\nexcept KeyboardInterrupt:\n  print('interrupted')\n\
                try: input('more: ')\nexcept EOFError: print('the end')\nsignal.signal(signal.SIGTSTP, lambda *a: print('not stopped'))\nprint('stop'); signal.pause()\n\
                print('quit')\nwhile True: signal.pause()";
    let mut terminal = python(code)?;
    for (shown, keys) in
        [("say: ", "wrodd\x7f\x7f\x7f\x7fordé\x7f\n"), ("wait", "\x03"), ("more: ", "\x04"), ("stop", "\x1a"), ("quit", "\x1c")]
    {
        terminal.shows(shown)?;
        terminal.types(keys)?;
    }
    let (status, shown) = terminal.end()?;
    let all = ["got 'word'", "^Cinterrupted", "the end", "^Znot stopped", "^\\"];
    let missing: Vec<_> = all.iter().filter(|text| !shown.contains(**text)).collect();
    ensure(status == 131 && missing.is_empty(), "erase, Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\\", &(status, missing, shown))
}

fn size() -> Check {
    let code = "import os, signal\nsay = lambda *a: print(os.get_terminal_size())\nsignal.signal(signal.SIGWINCH, say)\nsay()\nwhile True: signal.pause()";
    let mut terminal = python(code)?;
    terminal.shows("columns=80, lines=24")?;
    terminal.resize(50, 132)?;
    terminal.shows("columns=132, lines=50")?;
    terminal.types("\x1c")?;
    terminal.end().map(drop)
}

fn is_raw(settings: &Termios) -> bool {
    !settings.local_flags.intersects(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
}

fn restored() -> Check {
    let ends: [(&str, &[&str], Option<Signal>); 4] = [
        ("print('there', flush=True)\ninput()", &[], None),
        ("print('there', flush=True)\nwhile True: pass", &["-t", "2"], None),
        ("print('there', flush=True)\nwhile True: pass", &[], Some(Signal::SIGTERM)),
        ("import os\nprint('there', flush=True)\ninput()\nos.abort()", &[], None),
    ];
    for (code, more, signal) in ends {
        let mut terminal = at_terminal(&[&["python", "--tty"], more, &["-c", code]].concat())?;
        let before = terminal.settings()?;
        terminal.shows("there")?;
        let raw = until(|| terminal.settings().ok().filter(is_raw));
        ensure(raw.is_some(), "keys go on as they are", &terminal.settings()?)?;
        match signal {
            Some(signal) => kill(terminal.pid(), signal).map_err(|errno| End::Fail(errno.to_string()))?,
            None => terminal.types("\n")?,
        }
        let (_, shown) = terminal.end()?;
        ensure(terminal.settings()? == before, "as it was", &(code, more, shown))?;
    }
    Ok(())
}

fn stopped() -> Check {
    // A shell in between, since the leader of a session is no job of anybody's.
    let mut terminal = Terminal::start(
        "exec 3<&0; \"$@\" <&3 3<&- & pid=$!; echo pid=$pid.; wait $pid",
        &["python", "--tty", "-c", "print('there')\nprint(input())"],
        &[],
    )?;
    let before = terminal.settings()?;
    terminal.shows("there")?;
    until(|| terminal.settings().ok().filter(is_raw)).ok_or_else(|| End::Fail("never raw".into()))?;
    let shown = terminal.screen();
    let pid = shown.split("pid=").nth(1).and_then(|rest| rest.split('.').next()).and_then(|pid| pid.parse().ok());
    let pid = nix::unistd::Pid::from_raw(pid.ok_or_else(|| End::Fail(format!("no pid: {shown}")))?);
    let send = |signal| kill(pid, signal).map_err(|errno| End::Fail(errno.to_string()));
    send(Signal::SIGTSTP)?;
    let back = until(|| terminal.settings().ok().filter(|now| *now == before));
    ensure(back.is_some(), "given back", &terminal.settings()?)?;
    // It gives it back and then stops; one that goes on before that has nothing to go on from.
    let is_stopped = || fs::read_to_string(format!("/proc/{pid}/stat")).ok().filter(|stat| stat.contains(") T "));
    ensure(until(is_stopped).is_some(), "stopped", &pid)?;
    send(Signal::SIGCONT)?;
    until(|| terminal.settings().ok().filter(is_raw)).ok_or_else(|| End::Fail("not taken again".into()))?;
    terminal.types("word\n")?;
    terminal.shows("word\r\nword")?;
    terminal.end()?;
    ensure(terminal.settings()? == before, "as it was", &terminal.settings()?)
}

fn refused() -> Check {
    for (args, why) in [
        (&["python", "--tty", "-c", "pass"][..], "--tty: standard input is no terminal"),
        (&["exec", "--tty", "--", "true"], "--tty: standard input is no terminal"),
        (&["python", "--tty", "-"], "--tty: the program cannot be standard input too"),
        (&["python", "--tty", "--file", "a=-", "-c", "pass"], "--tty: --file cannot be standard input too"),
        (&["python", "--tty", "--json", "-c", "pass"], "cannot be used with"),
    ] {
        let ended = Call::new(args).end()?;
        ensure(ended.code == Some(2) && ended.err().contains(why) && ended.stdout.is_empty(), why, &ended)?;
    }
    let scratch = Scratch::new();
    let policy = policy_text::extending("default", &scratch, &json!({ "request": { "tty": false } })).display().to_string();
    let (status, shown) = at_terminal(&["python", "--policy", &policy, "--tty", "-c", "print('ran')"])?.end()?;
    ensure(status != 0 && shown.contains("\"request\": { \"tty\": true }") && !shown.contains("ran"), "what to change", &shown)
}

/// Its outcome, with what was shown.
fn recording(args: &[&str], code: &str, keys: &str) -> Result<(Value, String), End> {
    let scratch = Scratch::new();
    let file = scratch.path().join("outcome").display().to_string();
    let mut terminal = at_terminal(&[&["python", "--tty", "--outcome", &file], args, &["-c", code]].concat())?;
    if !keys.is_empty() {
        terminal.shows("say: ")?;
        terminal.types(keys)?;
    }
    let (_, shown) = terminal.end()?;
    let outcome = serde_json::from_slice(&fs::read(&file)?).map_err(|error| End::Fail(error.to_string()))?;
    Ok((outcome, shown))
}

fn recorded() -> Check {
    let code = "import sys\nfor n in range(3): print(n); print('e', n, file=sys.stderr)\ninput('say: ')";
    let (outcome, _) = recording(&[], code, "word\n")?;
    let text = "0\r\ne 0\r\n1\r\ne 1\r\n2\r\ne 2\r\nsay: word\r\n";
    ensure(outcome["tty"] == true && outcome["stdout"]["text"] == text && outcome["stderr"]["text"] == "", "one stream", &outcome)?;
    ensure(
        outcome["output_order"] == "exact" && outcome["stdin"]["bytes"] == 5 && outcome["verdict"]["kind"] == "finished",
        "in one order",
        &outcome,
    )?;
    let (over, _) = recording(&["--set", "limits.stdout=100B"], "print('x' * 200)", "")?;
    ensure(over["verdict"]["limit"] == "stdout" && over["verdict"]["allowed"] == 100, "output", &over["verdict"])?;
    let (over, _) = recording(&["--set", "limits.stdin=10B"], "while True: input('say: ')", "twelve keys\n")?;
    ensure(over["verdict"]["limit"] == "stdin" && over["verdict"]["seen"] == 12, "keys", &over["verdict"])?;
    let plain = Call::new(&["python", "--json", "-c", "pass"]).end()?.outcome()?;
    ensure(plain.get("tty").is_none(), "control: none", &plain)
}

fn held() -> Check {
    let code = "import os, signal, time\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nif os.fork() == 0:\n  os.setsid()\n  print('child', flush=True)\n  time.sleep(1000)\ntime.sleep(0.5)\nprint('parent')";
    let (status, shown) = python(code)?.end()?;
    ensure(status == 0 && shown.contains("child") && shown.contains("parent"), "over with its first process", &(status, shown))
}

fn reopened() -> Check {
    let code = "import os, time\nfor n in range(3): os.close(n)\ntime.sleep(0.5)\ntty = os.open('/dev/tty', os.O_RDWR)\nos.write(tty, b'again: ')\nos.write(tty, os.read(tty, 100))\nos._exit(0)";
    let mut terminal = python(code)?;
    terminal.shows("again: ")?;
    terminal.types("word\n")?;
    let (status, shown) = terminal.end()?;
    ensure(status == 0 && shown.contains("again: word\r\nword\r\n"), "neither way is closed by it", &(status, shown))
}

fn long() -> Check {
    for _ in 0..5 {
        let (outcome, _) = recording(
            &[],
            "import os\nos.write(1, b'x' * 300_000 + b'end\\n')\nfor n in range(20000): print('%08d' % n)\nprint('last', end='')",
            "",
        )?;
        let text = outcome["stdout"]["text"].as_str().unwrap_or_default();
        ensure(text.len() == 300_005 + 200_000 + 4 && text.ends_with("00019999\r\nlast"), "to the last byte", &text.len())?;
    }
    Ok(())
}

/// What is shown, and the keys that answer it.
type Dialogue<'a> = &'a [(&'a str, &'a str)];

fn programs() -> Check {
    let steps: [(&[&str], Dialogue<'_>, &str); 4] = [
        (&["-c", "import getpass\nprint('got', getpass.getpass('secret: '))"], &[("secret: ", "hidden\n")], "secret: \r\ngot hidden"),
        (&["-c", "import readline\nprint('got', input('say: '))"], &[("say: ", "wordx\x01a \x05\x08\n")], "got a word"),
        (&["-c", "n = 41\nbreakpoint()\nprint('after')"], &[("(Pdb) ", "p n + 1\n"), ("42\r\n", "c\n")], "after"),
        (&["-m", "code"], &[(">>> ", "6 * 7\n"), ("42\r\n>>> ", "\x04")], "42\r\n"),
    ];
    for (program, dialogue, last) in steps {
        let mut terminal = at_terminal(&[&["python", "--tty"], program].concat())?;
        for (shown, keys) in dialogue {
            terminal.shows(shown)?;
            terminal.types(keys)?;
        }
        let (status, shown) = terminal.end()?;
        ensure(status == 0 && shown.contains(last), "as at a terminal", &(program, status, shown))?;
    }
    Ok(())
}

fn jobs() -> Check {
    if !std::path::Path::new("/usr/bin/bash").exists() {
        return Err(End::Skip("no bash".into()));
    }
    let mut terminal = at_terminal(&["exec", "-p", "compile", "--env", "PS1=ready> ", "--tty", "--", "bash", "--norc", "--noprofile"])?;
    for (shown, keys) in [
        // What says that it goes on has the terminal by then; the shell's echo says nothing of that.
        ("ready> ", "sh -c 'echo go''ing; exec sleep 1000'\n"),
        ("going", "\x1a"),
        ("Stopped", "jobs -p %1 >/dev/null && kill %1; fg; echo status $?\n"),
        ("status 143", "sh -c 'echo there''upon; exec sleep 1000'\n"),
        ("thereupon", "\x03"),
        ("^C", "echo after $?\n"),
        ("after 130", "exit 7\n"),
    ] {
        terminal.shows(shown)?;
        terminal.types(keys)?;
    }
    let (status, shown) = terminal.end()?;
    ensure(status == 7 && !shown.contains("no job control"), "stopped, in the foreground, interrupted", &(status, shown))
}

fn shipped() -> Check {
    for policy in ["default", "strict", "numeric", "compile", "judge"] {
        let code = "import termios, tty\nold = termios.tcgetattr(0)\ntty.setraw(0)\ntermios.tcsetattr(0, termios.TCSADRAIN, old)\ntermios.tcflush(0, termios.TCIFLUSH)\nprint('said', input('say: '))";
        let mut terminal = at_terminal(&["python", "-p", policy, "--tty", "-c", code])?;
        terminal.shows("say: ")?;
        terminal.types("word\n")?;
        let (status, shown) = terminal.end()?;
        ensure(status == 0 && shown.contains("said word"), policy, &(status, shown))?;
    }
    Ok(())
}

/// P15 at a terminal: it types into none, changes no discipline, takes no console and no other terminal; without `--tty` it sets none either.
fn injected() -> Check {
    let code = "import fcntl, struct\nfor name, call, given in [('TIOCSTI', 0x5412, b'x'), ('TIOCLINUX', 0x541c, b'\\2'), ('TIOCSETD', 0x5423, struct.pack('i', 2)), ('TIOCCONS', 0x541d, b''), ('TIOCSCTTY', 0x540e, b'')]:\n  try: fcntl.ioctl(0, call, given); print(name, 'done')\n  except OSError as error: print(name, error.errno)\nimport os\nprint(sorted({os.readlink('/proc/self/fd/%d' % n) for n in range(3)}))";
    let (_, shown) = python(code)?.end()?;
    for name in ["TIOCSTI", "TIOCLINUX", "TIOCSETD", "TIOCCONS", "TIOCSCTTY"] {
        ensure(shown.contains(&format!("{name} 1\r\n")), "denied", &(name, shown.clone()))?;
    }
    ensure(shown.contains("['/dev/pts/0']"), "one terminal, and that is its own", &shown)?;
    let sets = "import fcntl\ntry: fcntl.ioctl(0, 0x5402, b'x' * 60)\nexcept OSError as error: print(error.errno)";
    let (_, shown) = at_terminal(&["python", "-c", sets])?.end()?;
    ensure(shown.contains("1\r\n"), "control: nobody sets modes without --tty", &shown)?;
    // Control: where the filter lets it, the run types into its own terminal, and not into the caller's.
    let scratch = Scratch::new();
    let grant = json!({ "syscalls": { "allow": { "add": [{ "call": "ioctl", "reason": "a control" }] } } });
    let policy = policy_text::extending("default", &scratch, &grant).display().to_string();
    let types = "import fcntl\ntry:\n  for c in b'typed\\n': fcntl.ioctl(0, 0x5412, bytes([c]))\nexcept OSError as error: print('got', error.errno)\nelse: print('got', input())";
    let shell = "\"$@\"; read -t 1 line; echo \"the caller has: $line.\"";
    let (_, shown) = Terminal::start(shell, &["python", "-p", &policy, "--tty", "-c", types], &[])?.end()?;
    let own = shown.contains("got typed") || shown.contains("got 5"); // dev.tty.legacy_tiocsti is 0
    ensure(own && shown.contains("the caller has: ."), "its own at most", &shown)
}
