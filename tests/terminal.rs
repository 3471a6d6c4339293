//! What the command does at a terminal: a line that says how a run goes, and colours.

use libtest_mimic::Trial;
use remand_tests::terminal::Terminal;
use remand_tests::{Check, ensure, trial};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("terminal::a_line_says_how_a_long_run_goes", progress),
        trial("terminal::the_line_gives_way", gives_way),
        trial("terminal::colours_are_for_who_wants_them", colours),
    ]
}

/// How a line is taken back.
const ERASED: &str = "\r\x1b[K";

fn progress() -> Check {
    let code = "import time\nprint('said')\nwhile True: time.sleep(0.01)";
    let slow = ["run", "-t", "4", "-c", code];
    let (_, shown) = Terminal::start("exec \"$@\"", &slow, &[])?.end()?;
    ensure(shown.contains(" s, CPU ") && shown.contains(", 5 bytes printed"), "time, CPU, prints", &shown)?;
    let after = shown.rsplit(" s, CPU ").next().and_then(|rest| rest.split_once(ERASED)).map(|(_, rest)| rest);
    ensure(after.is_some_and(|rest| rest.contains("limits.wall_time")), "taken back before the answer", &shown)?;
    for (shell, args, env) in [
        ("exec \"$@\"", &["run", "-q", "-t", "3", "-c", code][..], &[][..]),
        ("exec \"$@\"", &slow, &[("TERM", "dumb")]),
        ("\"$@\" 2>&1 | cat", &slow, &[]),
        ("exec \"$@\"", &["run", "-c", "return 1"], &[]),
    ] {
        let (_, shown) = Terminal::start(shell, args, env)?.end()?;
        ensure(!shown.contains("CPU") && !shown.contains(ERASED), "no line where nobody wants one, nor for a short run", &(args, shown))?;
    }
    Ok(())
}

/// What the program writes stands where it would stand without the line.
fn gives_way() -> Check {
    let code = "import sys, time\nfor n in range(5):\n  print('line', n, flush=True)\n  time.sleep(0.7)\nprint('half', end='', flush=True)\ntime.sleep(1.5)\nprint(' done')";
    let (status, shown) = Terminal::start("exec \"$@\"", &["python", "-c", code], &[])?.end()?;
    ensure(status == 0 && shown.contains(" s, CPU "), "it was shown", &shown)?;
    ensure(shown.contains("half done\r\n"), "but not into a line of the program's", &shown)?;
    for number in 0..5 {
        let line = format!("line {number}\r\n");
        let at = shown.find(&line).unwrap_or(usize::MAX);
        let before = shown.get(..at).unwrap_or("");
        ensure(before.is_empty() || before.ends_with(['\n', 'K']), "nothing stands before the program's lines", &(number, shown.clone()))?;
    }
    let asks = "import time\ntime.sleep(2)\nprint('got', input())\ntime.sleep(2.5)";
    let mut terminal = Terminal::start("exec \"$@\"", &["python", "-c", asks], &[])?;
    terminal.shows(" s, CPU ")?;
    terminal.types("word\n")?;
    let (_, shown) = terminal.end()?;
    let rest = shown.rsplit("got word").next().unwrap_or("");
    ensure(shown.contains("got word") && !rest.contains("CPU"), "who types has the terminal", &shown)
}

fn colours() -> Check {
    const RED: &str = "\x1b[1;31mremand:\x1b[0m";
    let shown = |shell: &str, args: &[&str], env: &[(&str, &str)]| Terminal::start(shell, args, env)?.end().map(|(_, shown)| shown);
    let bad = ["run", "-c", "print('\\nremand: all is well')\nraise ValueError('x')"];
    let at_terminal = shown("exec \"$@\"", &bad, &[])?;
    ensure(at_terminal.contains(RED) && at_terminal.matches("\x1b[1;31m").count() == 1, "ours, and only ours", &at_terminal)?;
    for (shell, env) in [
        ("exec \"$@\"", &[("NO_COLOR", "1")][..]),
        ("exec \"$@\"", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
        ("exec \"$@\"", &[("TERM", "dumb")]),
        ("\"$@\" 2>&1 | cat", &[]),
    ] {
        let shown = shown(shell, &bad, env)?;
        ensure(shown.contains("remand: the code raised") && !shown.contains('\x1b'), "none", &(env, shown))?;
    }
    let forced = shown("\"$@\" 2>&1 | cat", &bad, &[("CLICOLOR_FORCE", "1")])?;
    ensure(forced.contains(RED), "wanted all the same", &forced)?;
    let help = shown("exec \"$@\"", &["run", "--help"], &[])?;
    let plain = shown("\"$@\" | cat", &["run", "--help"], &[])?;
    ensure(help.contains('\x1b') && !plain.contains('\x1b') && plain.contains("Examples:"), "help too", &help)
}
