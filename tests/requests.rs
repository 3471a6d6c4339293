//! Requests and manners: what a caller may ask for and how, and how the command answers beside its outcome.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use libtest_mimic::Trial;
use nix::unistd::geteuid;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::observe::Seen::{Exceeded, Raised, Verdict};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("requests::one_bad_item_of_ten_thousand", one_bad_item),
        trial("requests::an_items_error_is_no_end_of_a_limit", errors_and_limits),
        trial("requests::code_items_and_query_in_every_way", inputs),
        trial("requests::outcome_beside_what_people_read", outcome_beside),
        trial("requests::all_of_a_run_as_one_request", as_json),
        trial("requests::the_helper_answers_with_one_line", helper),
        trial("requests::the_helper_serves_what_it_is_told", helper_refuses),
        trial("requests::short_options", short_options),
        trial("requests::what_was_meant_is_told", meant),
        trial("requests::shells_complete_policies_and_fields", completion),
        trial("requests::a_new_policy_of_ones_own", new_policy),
    ]
}

/// A run of code for each item, where an item's error is its own.
fn each(code: &str, items: &Json, args: &[&str]) -> Result<Json, End> {
    let scratch = Scratch::new();
    let items = scratch.file("items.json", &items.to_string()).display().to_string();
    let args = [&["--mode", "per_item", "--on-error", "item", "--items", &items], args].concat().into_iter().map(str::to_owned);
    Call::run(code, &args.collect::<Vec<_>>()).end()?.outcome()
}

fn one_bad_item() -> Check {
    let items: Vec<_> = (0..10_000).map(|number| json!({ "json": { "n": number } })).collect();
    let code = "import sys\nn = _item['json']['n']\nif n == 4711: return 1 / 0\nif n == 4712: return None\nreturn {'n': n}";
    let outcome = each(code, &json!(items), &[])?;
    compare(&outcome, &[Verdict("finished")])?;
    let value = outcome["value"].as_array().cloned().unwrap_or_default();
    ensure(value.len() == 9_999 && outcome["error"].is_null(), "all but the one that gave nothing", &(value.len(), &outcome["error"]))?;
    let bad = json!({ "error": { "type": "ZeroDivisionError", "message": "division by zero", "line": 3 }, "pairedItem": { "item": 4711 } });
    ensure(value[4711] == bad, "in its place, with its number", &value[4711])?;
    ensure(value[4710]["json"]["n"] == 4710 && value[4712]["json"]["n"] == 4713, "beside the others", &value[4712])?;
    let counts = &outcome["items"];
    ensure(counts["given"] == 10_000 && counts["returned"] == 9_998 && counts["failed"] == 1, "counted", counts)?;
    let stack = counts["error"]["stack"].as_str().unwrap_or("");
    ensure(stack.contains("return 1 / 0") && counts["error"]["item"] == 4711, "the first with its stack", counts)?;
    let scratch = Scratch::new();
    let file = scratch.file("items.json", "[1, 0]").display().to_string();
    let for_people =
        Call::new(&["run", "--mode", "per_item", "--on-error", "item", "--items", &file, "-"]).input(b"return 1 // _item").end()?;
    ensure(for_people.code == Some(0) && for_people.out().contains(r#"{"json":1"#), "the value", &for_people)?;
    ensure(for_people.err().contains("\nremand: 1 of 2 items failed; the first: ZeroDivisionError:"), "and what failed", &for_people)?;
    let useless = Call::new(&["run", "--on-error", "item", "-"]).input(b"return 1").end()?;
    ensure(useless.code == Some(2) && useless.err().contains("--mode per_item"), "not for all items at once", &useless)
}

fn errors_and_limits() -> Check {
    let items = json!([0, 1, 2]);
    let outcome = each("if _item == 1:\n while True: pass\nreturn 1 / _item", &items, &["--set", "limits.wall_time=500ms"])?;
    compare(&outcome, &[Exceeded("wall_time")])?;
    ensure(outcome["items"]["failed"] == 1 && outcome["value"][0]["pairedItem"]["item"] == 0, "what was done is kept", &outcome)?;
    let outcome = each("raise ValueError('x' * 3000)", &json!(vec![0; 400]), &["--set", "limits.result_size=1MiB"])?;
    compare(&outcome, &[Exceeded("result_size")])?;
    let outcome = each("import os\nif _item == 1: os._exit(3)\nreturn 1 / _item", &items, &[])?;
    compare(&outcome, &[Verdict("exited")])?;
    let outcome = each("return (", &items, &[])?;
    compare(&outcome, &[Raised("SyntaxError")]).map_err(End::Fail)
}

fn inputs() -> Check {
    let scratch = Scratch::new();
    let put = |name: &str, text: &str| scratch.file(name, text).display().to_string();
    let lines = put("rows.ndjson", "{\"a\": 1}\r\n\n[2]\n3");
    let query = put("query.json", "{\"q\": \"\u{e9}\"}");
    let code = "return [_items, _query]";
    let ended = Call::new(&["run", "-c", code, "--items", &lines, "--query-file", &query]).end()?;
    ensure(ended.out() == "[[{\"a\":1},[2],3],{\"q\":\"\u{e9}\"}]\n", "a value on each line", &ended)?;
    let ended = Call::new(&["run", "-c", code, "--items", &put("one", "{\"a\": 1}\n"), "--query-file", "-"]).input(b"7").end()?;
    ensure(ended.out() == "[[{\"a\":1}],7]\n", "one line is one item", &ended)?;
    let wrong = [
        (vec!["--items", "wrong"], "{\"a\": 1}\n{\"b\": \n[3]", "line 2 column"),
        (vec!["--items", "wrong"], "{\n \"a\": 1\n}", "neither an array nor a value on each line"),
        (vec!["--items", "wrong"], "[1,\n 2,,\n 3]", "line 2 column"),
        (vec!["--items", "wrong"], "", "EOF"),
        (vec!["--query-file", "wrong"], "1 2", "--query-file"),
        (vec!["--query-file", "-", "--items", "-"], "", "standard input"),
        (vec!["--query", "1", "--query-file", "wrong"], "1", "cannot be used with"),
    ];
    for (args, text, told) in wrong {
        let _ = scratch.file("wrong", text);
        let ended = Call::new(&[&["run", "-c", code][..], &args].concat()).cwd(scratch.path()).end()?;
        ensure(ended.code == Some(2) && ended.stdout.is_empty() && ended.err().contains(told), "refused, and why", &(args, ended))?;
    }
    Ok(())
}

fn outcome_beside() -> Check {
    let scratch = Scratch::new();
    let file = scratch.path().join("run.json");
    let text = |file: &Path| fs::read_to_string(file).unwrap_or_default();
    let record = |file: &Path| serde_json::from_str::<Json>(&text(file)).unwrap_or_default();
    let name = file.display().to_string();
    for args in [&["run", "-c", "print('said')\nreturn 5"][..], &["python", "-c", "print('said')"], &["exec", "--", "/bin/echo", "said"]] {
        fs::write(&file, "x".repeat(1 << 20))?;
        let args = [&args[..1], &["--outcome", &name], &args[1..]].concat();
        let ended = Call::new(&args).end()?;
        let said = if args[0] == "run" { ended.out() == "5\n" && ended.err() == "said\n" } else { ended.out() == "said\n" };
        ensure(said && ended.code == Some(0), "for people as ever", &ended)?;
        ensure(record(&file)["verdict"]["kind"] == "finished" && text(&file).lines().count() == 1, "and the record, alone", &text(&file))?;
    }
    fs::write(&file, "kept")?;
    let ended = Call::new(&["run", "--outcome", &name, "--policy", "no-such", "-c", "return 1"]).end()?;
    ensure(ended.code == Some(2) && text(&file) == "kept", "what is not run takes nothing", &ended)?;
    let shell = |script: &str| {
        Call::program(Path::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), binary().as_os_str()]).cwd(scratch.path()).end()
    };
    let ended = shell("\"$0\" run --outcome 3 -c 'return 1' 3>third.json")?;
    ensure(ended.out() == "1\n" && record(&scratch.path().join("third.json"))["value"] == 1, "a descriptor", &ended)?;
    for bad in ["--outcome 3", "--outcome 3 3</dev/null", "--outcome 9", "--outcome none/x", "--outcome /"] {
        let ended = shell(&format!("\"$0\" run -c 'import os; os.getppid()' {bad}"))?;
        ensure(ended.code == Some(2) && ended.err().contains("nothing was run"), bad, &ended)?;
    }
    let ended = shell("\"$0\" run --outcome /dev/full -c 'return 1'")?;
    ensure(ended.code == Some(11) && ended.err().contains("/dev/full"), "one that is lost is told", &ended)
}

fn short_options() -> Check {
    let endless = "while True: pass";
    for time in ["0.3", "300ms", "1"] {
        let ended = Call::new(&["run", "-t", time, "--json", "-c", endless]).end()?;
        compare(&ended.outcome()?, &[Exceeded("wall_time")])?;
    }
    for (time, told) in [("1h", "limits.wall_time"), ("soon", "limits.wall_time"), ("0", "zero")] {
        let ended = Call::new(&["python", "-t", time, "-c", "pass"]).end()?;
        ensure(ended.code == Some(2) && ended.err().contains(told), "refused, and why", &(time, ended))?;
    }
    let quiet = Call::new(&["run", "-q", "-c", "print('said')\n1/0"]).end()?;
    ensure(quiet.code == Some(1) && quiet.err() == "said\n" && quiet.stdout.is_empty(), "the status says it", &quiet)?;
    let quiet = Call::new(&["exec", "-q", "-t", "200ms", "--", "/bin/sleep", "100"]).end()?;
    ensure(quiet.code == Some(5) && quiet.stderr.is_empty(), "of a program too", &quiet)?;
    let verbose = Call::new(&["run", "-v", "-p", "strict", "-c", "return 1"]).end()?;
    let told = verbose.err();
    ensure(
        verbose.out() == "1\n" && told.contains("remand: finished, policy strict: ") && told.contains(", CPU "),
        "what it used",
        &verbose,
    )
}

fn meant() -> Check {
    let cases = [
        (vec!["pyton", "x.py"], "python"),
        (vec!["script.py"], "remand python script.py"),
        (vec!["learn"], "remand policy learn"),
        (vec!["policy", "chek"], "check"),
        (vec!["run", "--polcy", "x"], "--policy"),
    ];
    for (args, told) in cases {
        let ended = Call::new(&args).end()?;
        ensure(ended.code == Some(2) && ended.err().contains(told), "what was meant", &(args, ended))?;
    }
    for page in ["run", "python", "exec"] {
        let help = Call::new(&[page, "--help"]).end()?.out();
        ensure(
            help.contains("~/.config/remand/policies") && help.contains("Examples:\n  remand "),
            "where policies are, and how it is used",
            &help,
        )?;
    }
    Ok(())
}

/// What a shell is offered for the last word.
fn offered(words: &[&str], home: &Path) -> Result<String, End> {
    let words = [&["--", "remand"][..], words].concat();
    let home = home.display().to_string();
    Ok(Call::new(&words).env("REMAND_COMPLETE", "fish").env("HOME", &home).env("XDG_CONFIG_HOME", "").end()?.out())
}

fn completion() -> Check {
    let scratch = Scratch::new();
    let own = scratch.path().join(".config/remand/policies");
    fs::create_dir_all(&own)?;
    fs::write(own.join("mine.jsonc"), "{}")?;
    let policies = offered(&["run", "--policy", ""], scratch.path())?;
    let mine = geteuid().is_root() || policies.contains("mine");
    ensure(policies.contains("strict") && policies.contains("numeric") && mine, "names of policies", &policies)?;
    let fields = offered(&["python", "--set", "limits.w"], scratch.path())?;
    ensure(fields.starts_with("limits.wall_time="), "fields", &fields)?;
    let values = offered(&["exec", "--set", "network.mode="], scratch.path())?;
    ensure(values.contains("network.mode=none") && values.contains("network.mode=host"), "their words", &values)?;
    let files = scratch.path().join("d");
    fs::create_dir(&files)?;
    for name in ["plain.jsonc", "$(touch PWNED).jsonc", "a b.jsonc", "`x`.jsonc", "a;b.jsonc", "x\n$(y).jsonc", "*.jsonc"] {
        fs::write(files.join(name), "")?;
    }
    let typed = format!("{}/", files.display());
    for shell in ["bash", "zsh", "fish"] {
        for option in ["--policy", "--artifacts-to", "--file"] {
            let call = Call::new(&["--", "remand", "run", option, &typed]).env("REMAND_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "3");
            let said = if shell == "fish" { call } else { call.env("_CLAP_IFS", "\u{b}") }.end()?.out();
            let words = said.split(['\u{b}', '\n']).all(|word| !word.contains(['$', ' ', '`', ';', '*']));
            ensure(
                words && (option != "--policy" || said.contains("plain.jsonc")),
                "no name that is more than a word",
                &(shell, option, &said),
            )?;
        }
    }
    let none = Call::new(&["run", "-c", "return 1"]).env("COMPLETE", "fish").end()?;
    ensure(none.out() == "1\n", "a variable of another's means nothing", &none)
}

fn new_policy() -> Check {
    let scratch = Scratch::new();
    let home = scratch.path().join("home");
    fs::create_dir(&home)?;
    let call = |args: &[&str]| {
        let home = home.display().to_string();
        Call::new(args)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", "")
            .env("EDITOR", "sed -i s/description/description/;s/default/strict/")
            .env("VISUAL", "")
    };
    if geteuid().is_root() {
        return Err(End::Skip("an ordinary user, who has policies of their own".to_owned()));
    }
    let ended = call(&["policy", "set", "--create", "--dry-run", "mine", "limits.pids=3"]).end()?;
    ensure(!home.join(".config").exists(), "what is only tried makes nothing", &ended)?;
    let ended = call(&["policy", "edit", "mine"]).input(b"y\n").end()?;
    let made = home.join(".config/remand/policies");
    ensure(made.join("mine.jsonc").exists(), "it is there", &ended)?;
    let mode = fs::metadata(&made)?.permissions().mode() & 0o777;
    ensure(mode == 0o700, "for nobody else", &format!("{mode:o}"))?;
    let ended = call(&["run", "-p", "mine", "-c", "return 1"]).end()?;
    ensure(ended.out() == "1\n", "and runs", &ended)
}

/// A request and what `remand run --request -` makes of it.
fn asked(request: &Json, args: &[&str]) -> Result<Ended, End> {
    Call::new(&[&["run", "--request", "-"], args].concat()).input(request.to_string().as_bytes()).end()
}

fn as_json() -> Check {
    let function = json!({"code": "print('said')\nreturn [_items, _query]", "items": [1], "query": {"q": 2}});
    let ended = asked(&function, &[])?;
    ensure(ended.out() == "[[1],{\"q\":2}]\n" && ended.err() == "said\n", "as remand run", &ended)?;
    let items: Vec<_> = (0..3).collect();
    let each = json!({"code": "return 1 / _item", "mode": "per_item", "on_error": "item", "items": items});
    ensure(asked(&each, &["--json"])?.outcome()?["items"]["failed"] == 1, "an item's error is its own", &each)?;
    let read =
        "import sys, os, helper\nprint(sys.argv, sys.stdin.buffer.read(), helper.x, open('data/a').read())\nopen('out', 'w').write('left')";
    let program = json!({
        "mode": "script", "name": "main.py", "argv": ["a b"], "stdin": {"$bytes": "AP8="}, "artifacts": ["out"], "code": read,
        "files": [{"name": "lib", "directory": true, "imports": true}, {"name": "lib/helper.py", "text": "x = 5"}, {"name": "data/a", "content": "YQ=="}],
    });
    let outcome = asked(&program, &["--json"])?.outcome()?;
    let said = outcome["stdout"]["text"].as_str().unwrap_or("");
    ensure(said == "['main.py', 'a b'] b'\\x00\\xff' 5 a\n" && outcome["stdin"]["bytes"] == 2, "all of it is there", &outcome)?;
    let again = json!({"code": "return open('out').read()", "files": outcome["files"]});
    ensure(asked(&again, &[])?.out() == "\"left\"\n", "what one left the next is given", &again)?;
    // More than a pipe holds, and more than the policy lets.
    let mut long = json!({"mode": "script", "code": "import sys\nprint(len(sys.stdin.read()))", "stdin": "x".repeat(3 << 20)});
    ensure(asked(&long, &[])?.out() == "3145728\n", "to the last byte, and then its end", &"")?;
    long["overrides"] = json!({"limits": {"stdin": "1MiB"}});
    compare(&asked(&long, &["--json"])?.outcome()?, &[Exceeded("stdin")])?;
    let to = Scratch::new();
    let directory = to.path().display().to_string();
    let ended = asked(&program, &["--artifacts-to", &directory])?;
    ensure(ended.code == Some(0) && fs::read_to_string(to.path().join("out"))? == "left", "into a directory", &ended)?;
    let ended = Call::new(&["run", "--request", "-", "--set", "limits.pids=3"]).input(b"{}").end()?;
    ensure(ended.code == Some(2) && ended.err().contains("cannot be used with"), "it says all itself", &ended)
}

/// What the helper answers.
fn helped(request: &str, args: &[&str]) -> Result<(Ended, Json), End> {
    let ended = Call::new(&[&["helper"], args].concat()).input(request.as_bytes()).end()?;
    let lines = ended.out();
    ensure(args.contains(&"--stream") || lines.lines().count() == 1, "one line", &ended)?;
    let last = lines.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok((ended, last.unwrap_or_default()))
}

fn helper() -> Check {
    let (ended, outcome) = helped(r#"{"code": "return 6 * 7"}"#, &[])?;
    ensure(ended.code == Some(0) && outcome["value"] == 42 && ended.err().is_empty(), "the outcome", &ended)?;
    let (ended, outcome) = helped(r#"{"code": "raise ValueError(1)"}"#, &[])?;
    ensure(ended.code == Some(1) && outcome["verdict"]["kind"] == "raised" && ended.err().is_empty(), "a verdict is no problem", &ended)?;
    let (ended, last) = helped(r#"{"code": "print(1)\nreturn 2"}"#, &["--stream"])?;
    ensure(
        ended.out().lines().count() >= 3 && last["event"] == "outcome" && last["outcome"]["value"] == 2,
        "events, then the outcome",
        &ended,
    )?;
    let large = json!({"mode": "script", "code": "open('f', 'wb').write(bytes(3 << 20))", "artifacts": ["f"]}).to_string();
    let (_, outcome) = helped(&large, &[])?;
    let content = outcome["files"][0]["content"].as_str().unwrap_or("").len();
    ensure(content == (3 << 20) / 3 * 4, "files are in the record, there being no other way", &(content, &outcome["files_left_out"]))
}

fn helper_refuses() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("own.jsonc", r#"{"version": 1, "extends": "default"}"#).display().to_string();
    for (request, args, told) in [
        (String::new(), &[][..], "EOF"),
        ("{\"code\": \"return 1\"".into(), &[], "line 1 column"),
        (r#"{"code": "return 1", "timeout": 3}"#.into(), &[], "unknown field `timeout`"),
        (json!({"code": "return 1", "policy": file}).to_string(), &[], "is a path"),
        (json!({"code": "return 1", "policy": "own.jsonc"}).to_string(), &[], "is a path"),
        (json!({"code": "return 1", "policy": "no-such"}).to_string(), &[], "no policy no-such"),
        (json!({"code": "return 1", "policy": "strict"}).to_string(), &["--allow-policy", "numeric"], "not served here"),
        (json!({"code": "return 1"}).to_string(), &["--allow-policy", "numeric"], "not served here"),
        (json!({"code": "return 1", "overrides": {"limits": {"memory": "1TiB"}}}).to_string(), &[], "limits.memory"),
        (json!({"code": "return 1", "mounts": [{"source": "/etc"}]}).to_string(), &[], "request.mounts"),
        (json!({"code": "return 1", "policy": "\u{1b}[2J"}).to_string(), &[], "no policy"),
    ] {
        let (ended, answer) = helped(&request, args)?;
        let detail = answer["problem"]["detail"].as_str().unwrap_or("");
        ensure(detail.contains(told) && !detail.contains('\u{1b}'), told, &answer)?;
        ensure(ended.code == Some(2) && answer["problem"]["exit_status"] == 2 && !ended.err().is_empty(), "people read it too", &ended)?;
        let (_, last) = helped(&request, &[&["--stream"], args].concat())?;
        ensure(last["event"] == "problem" && last["detail"] == answer["problem"]["detail"], "the last event", &last)?;
    }
    let (_, outcome) =
        helped(&json!({"code": "return 1", "policy": "numeric"}).to_string(), &["--allow-policy", "numeric", "--allow-policy", "default"])?;
    ensure(outcome["policy"]["name"] == "numeric", "control: what it may have", &outcome)
}
