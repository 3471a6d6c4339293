//! `--value display`: what a notebook would show, as MIME bundles.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("display::a_program_shows_what_a_notebook_would", shown),
        trial("display::what_is_shown_comes_as_an_event", events),
        trial("display::for_people_it_is_a_line_of_json", for_people),
        trial("display::it_is_there_however_the_program_ends", ends),
        trial("display::it_counts_as_a_result", bounded),
        trial("display::a_forged_bundle_is_malformed", forged),
        trial("display::nothing_of_it_is_there_unasked", unasked),
        trial("display::figures_of_matplotlib", figures),
        trial("display::show_says_that_there_is_no_screen", no_screen),
        trial("display::lines_of_notebooks_say_what_to_write", notebooks),
    ]
}

const A: &str = "class A:\n  def __repr__(self): return 'an A'\n  def _repr_html_(self): return '<b>A</b>'\n  def _repr_png_(self): return b'\\x89PNG'\n";

fn python(args: &[&str], code: &str) -> Result<Value, End> {
    Call::new(&[&["python", "--json", "--value", "display"], args, &["-c", code]].concat()).end()?.outcome()
}

/// Of each: as what, and its forms.
fn bundles(outcome: &Value) -> Vec<(&str, &Value)> {
    let all = outcome["displays"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|shown| (shown["output_type"].as_str().unwrap_or_default(), &shown["data"])).collect()
}

fn shown() -> Check {
    let outcome = python(
        &[],
        &format!("{A}display(A(), metadata={{'a': 1}})\nprint('x')\ndisplay({{'application/json': [1, {{'b': None}}]}}, raw=True)\nA()"),
    )?;
    let forms = json!({ "text/plain": "an A", "text/html": "<b>A</b>", "image/png": "iVBORw==" });
    let json = json!({ "application/json": [1, { "b": null }] });
    let expected = [("display_data", &forms), ("display_data", &json), ("execute_result", &forms)];
    ensure(bundles(&outcome) == expected && outcome["stdout"]["text"] == "x\n", "in order, beside the output", &outcome)?;
    let first = &outcome["displays"][0];
    ensure(first["metadata"] == json!({ "a": 1 }) && first["us"].is_u64() && outcome["value"].is_null(), "with what is to be known", first)
}

fn events() -> Check {
    let ended = Call::new(&["python", "--stream", "--value", "display", "-c", "print('a', flush=True)\ndisplay(1)\n2"]).end()?;
    let events: Vec<Value> = ended.out().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let shown: Vec<_> = events.iter().filter(|event| event["event"] == "display").collect();
    ensure(shown.len() == 2 && shown[0]["data"]["text/plain"] == "1" && shown[1]["output_type"] == "execute_result", "each", &ended)?;
    ensure(events.last().is_some_and(|last| last["outcome"]["displays"][1]["data"] == shown[1]["data"]), "and in the record", &ended)
}

fn for_people() -> Check {
    let ended = Call::new(&["python", "--value", "display", "-c", "print('own')\n'\\x1b[2J'"]).end()?;
    let line: Value = ended.out().lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    ensure(
        ended.out().starts_with("own\n") && line[0]["data"]["text/plain"] == "'\\x1b[2J'" && ended.code == Some(0),
        "after its own",
        &ended,
    )
}

fn ends() -> Check {
    for (code, kind) in [
        ("display(1)\n1 / 0", "raised"),
        ("display(1)\nimport sys; sys.exit(3)", "exited"),
        ("display(1)\nimport os; os.abort()", "signaled"),
        ("display(1)\nimport os; os._exit(0)", "finished"),
        ("display(1)\nwhile True: pass", "exceeded"),
    ] {
        let outcome = python(&["-t", "2"], code)?;
        ensure(outcome["verdict"]["kind"] == kind && bundles(&outcome).len() == 1, kind, &outcome)?;
    }
    Ok(())
}

fn bounded() -> Check {
    let limits = |limits: &[&'static str]| limits.iter().flat_map(|limit| ["--set", limit]).collect::<Vec<_>>();
    let size = python(&limits(&["limits.result_size=10000B"]), "while True: display('x' * 100)")?;
    ensure(size["verdict"]["limit"] == "result_size" && size["verdict"]["allowed"] == 10000, "bytes of all", &size["verdict"])?;
    let count = bundles(&size).len();
    ensure((20..100).contains(&count), "what came before is kept", &count)?;
    let nodes = python(&limits(&["limits.result_nodes=100"]), "display({'application/json': [0] * 100}, raw=True)")?;
    ensure(nodes["verdict"]["limit"] == "result_shape", "values", &nodes["verdict"])?;
    let deep = python(&limits(&["limits.result_depth=5"]), "display({'application/json': [[[[[[]]]]]]}, raw=True)")?;
    ensure(deep["verdict"]["limit"] == "result_shape", "depth", &deep["verdict"])?;
    let both = python(&limits(&["limits.result_size=10000B"]), "display('x' * 6000)\n'y' * 6000")?;
    ensure(both["verdict"]["limit"] == "result_size" && bundles(&both).len() == 1, "together", &both["verdict"])
}

fn forged() -> Check {
    let frame = "import os\ndef frame(text): data = text.encode(); os.write(4, len(data).to_bytes(4, 'big') + data)\n";
    for bundle in [
        r#"{"kind":"show","as":"display_data","bundle":{"data":{"image/png":"<script>"},"metadata":{}}}"#,
        r#"{"kind":"show","as":"display_data","bundle":{"data":{"text/html":1},"metadata":{}}}"#,
        r#"{"kind":"show","as":"display_data","bundle":{"data":{"html":"x"},"metadata":{}}}"#,
        r#"{"kind":"show","as":"display_data","bundle":{"data":{"text/html":"a","text/html":"b"},"metadata":{}}}"#,
        r#"{"kind":"show","as":"stream","bundle":{"data":{},"metadata":{}}}"#,
        r#"{"kind":"show","as":"display_data","bundle":{"data":{},"metadata":{}},"us":1}"#,
        r#"{"kind":"show","as":"display_data"}"#,
    ] {
        let outcome = python(&[], &format!("{frame}frame('''{bundle}''')\nimport time\ntime.sleep(5)"))?;
        ensure(outcome["verdict"]["kind"] == "malformed_result" && outcome.get("displays").is_none(), bundle, &outcome)?;
    }
    let good = r#"{"kind":"show","as":"display_data","bundle":{"data":{"text/html":"x"},"metadata":{}}}"#;
    let outcome = python(&[], &format!("{frame}frame('''{good}''')"))?;
    ensure(outcome["verdict"]["kind"] == "finished" && bundles(&outcome).len() == 1, "control", &outcome)
}

fn unasked() -> Check {
    let outcome = Call::new(&["python", "--json", "--value", "last", "-c", "print('display' in dir(__builtins__))\n1"]).end()?.outcome()?;
    ensure(
        outcome["stdout"]["text"] == "False\n" && outcome["value"] == 1 && outcome.get("displays").is_none(),
        "no name, no member",
        &outcome,
    )
}

/// A policy for what the virtual environment beside the binary has, if matplotlib is in it.
fn drawing(scratch: &Scratch) -> Result<String, End> {
    let python = std::env::var("REMAND_TEST_NUMERIC_PYTHON").unwrap_or_default();
    let home = Path::new(&python).ancestors().nth(2).unwrap_or(Path::new("/nowhere"));
    let packages = fs::read_dir(home.join("lib")).into_iter().flatten().flatten();
    if !packages.map(|python| python.path().join("site-packages/matplotlib")).any(|place| place.exists()) {
        return Err(End::Skip("matplotlib beside REMAND_TEST_NUMERIC_PYTHON".into()));
    }
    let sections = json!({ "python": { "interpreter": python } });
    Ok(policy_text::extending("numeric", scratch, &sections).display().to_string())
}

fn figures() -> Check {
    let scratch = Scratch::new();
    let policy = drawing(&scratch)?;
    let code = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\nplt.show()\nprint(plt.get_fignums())\nf2 = plt.figure(); f2.show()\nplt.plot([3, 1]); plt.figure()\nfig";
    let outcome = python(&["-p", &policy], code)?;
    let all = bundles(&outcome);
    let png = |forms: &Value| forms["image/png"].as_str().is_some_and(|data| data.starts_with("iVBORw0KGgo") && data.len() > 300);
    ensure(all.iter().all(|(_, forms)| png(forms)) && outcome["stdout"]["text"] == "[]\n", "pictures, once", &outcome["stdout"])?;
    let kinds: Vec<_> = all.iter().map(|(kind, _)| *kind).collect();
    let expected = ["display_data", "display_data", "execute_result", "display_data", "display_data"];
    ensure(
        kinds == expected && outcome["stderr"]["text"] == "",
        "shown, by its own method, last, open at the end",
        &(kinds, &outcome["stderr"]),
    )?;
    let failed = python(&["-p", &policy], "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n1 / 0")?;
    ensure(failed["verdict"]["kind"] == "raised" && bundles(&failed).len() == 1, "where the code fails too", &failed["verdict"])?;
    let frame = python(&["-p", &policy], "import pandas\npandas.DataFrame({'a': [1]})")?;
    let html = bundles(&frame).first().and_then(|(_, forms)| forms["text/html"].as_str()).is_some_and(|html| html.contains("<table"));
    ensure(html, "a table", &frame["displays"])
}

fn no_screen() -> Check {
    let scratch = Scratch::new();
    let policy = drawing(&scratch)?;
    let code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.show()";
    let ended = Call::new(&["python", "-p", &policy, "-c", code]).end()?;
    ensure(ended.code == Some(0) && ended.err().matches("--value display").count() == 1, "once", &ended)
}

fn notebooks() -> Check {
    let program = Call::new(&["python", "-c", "!pip install requests"]).end()?;
    ensure(
        program.code == Some(1) && program.err().contains("!pip is a line for notebooks") && program.err().contains("--python"),
        "of a program",
        &program,
    )?;
    let outcome = Call::run("import os\n%matplotlib inline", &[]).end()?.outcome()?;
    let description = outcome["error"]["description"].as_str().unwrap_or_default();
    ensure(outcome["error"]["type"] == "SyntaxError" && description.contains("--value display"), "of a function", &outcome["error"])
}
