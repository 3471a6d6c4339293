//! Values: what code gives becomes JSON that means the same, or an error that names the place; and one run's output is another's input.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// Expressions, what goes before them, and the value.
const TABLE: &[(&str, &str, &str)] = &[
    (
        "import datetime as d",
        "[d.date(2024, 1, 2), d.datetime(2024, 1, 2, 3), d.time(4), d.timedelta(1, 2, 3)]",
        r#"["2024-01-02","2024-01-02T03:00:00","04:00:00","P1DT2.000003S"]"#,
    ),
    ("", "[b'\\x00\\xff', bytearray(b'x'), memoryview(b'')]", r#"[{"$bytes":"AP8="},{"$bytes":"eA=="},{"$bytes":""}]"#),
    ("from decimal import Decimal\nfrom fractions import Fraction", "[Decimal('1.10'), Fraction(1, 3)]", r#"["1.10","1/3"]"#),
    ("import enum\nE = enum.Enum('E', 'A B')", "[E.B, {E.A: 1}]", r#"[2,{"1":1}]"#),
    ("import dataclasses\nP = dataclasses.make_dataclass('P', ['x', 'y'])", "P(1, [P(2, None)])", r#"{"x":1,"y":[{"x":2,"y":null}]}"#),
    ("", "[{3, 1, 2}, frozenset('a'), range(3), {'a': 1}.items()]", r#"[[1,2,3],["a"],[0,1,2],[["a",1]]]"#),
];

/// Programs of numpy and pandas, as functions return them.
const NUMERIC: &[(&str, &str)] = &[
    (
        "[np.array(['2024-01-02T03:04:05'], dtype='datetime64[ns]')[0], np.datetime64('2024-01-02'), np.datetime64('NaT'), np.timedelta64(5, 'ns')]",
        r#"["2024-01-02T03:04:05.000000000","2024-01-02",null,"PT0.000000005S"]"#,
    ),
    ("[pd.Timestamp('2024-01-02'), pd.NaT, pd.NA, pd.Timedelta('1h')]", r#"["2024-01-02T00:00:00",null,null,"PT1H"]"#),
    ("[np.int8(1), np.float32(0.5), np.bool_(True), np.array([[1, 2]]), np.longdouble(1)]", "[1,0.5,true,[[1,2]],1.0]"),
    ("pd.DataFrame({'a': [1, 2], 't': pd.to_datetime(['2024-01-02', None])})", r#"[{"a":1,"t":"2024-01-02T00:00:00"},{"a":2,"t":null}]"#),
    ("{'s': pd.Series([1, 2]), 'rows': len(pd.DataFrame({'a': range(100)}))}", r#"{"s":[1,2],"rows":100}"#),
    ("pd.Series([7, 7, 9]).value_counts()", r#"[{"index":7,"count":2},{"index":9,"count":1}]"#),
    ("pd.DataFrame({'v': [1, 2]}, index=[2019, 2020])", r#"[{"index":2019,"v":1},{"index":2020,"v":2}]"#),
    ("pd.DataFrame({'k': ['x', 'y', 'x'], 'n': [1, 2, 3]}).groupby('k').sum()", r#"[{"k":"x","n":4},{"k":"y","n":2}]"#),
];

/// What has no form, and the call that gives it one.
const REFUSED: &[(&str, &str, &str)] = &[
    ("(n for n in [])", "generator", "list(x)"),
    ("map(str, [])", "map", "list(x)"),
    ("1j", "complex", "[x.real, x.imag]"),
    ("__import__('io').BytesIO()", "_io.BytesIO", "x.getvalue()"),
    ("type('Image', (), {'save': 0, 'tobytes': 0, '__module__': 'PIL.Image'})()", "PIL.Image.Image", r#"x.save(b, "PNG"); b.getvalue()"#),
    ("type('Figure', (), {'savefig': 0, '__module__': 'matplotlib.figure'})()", "matplotlib.figure.Figure", "x.savefig(b"),
    ("ValueError('v')", "ValueError", "str(x)"),
];

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("values::each_kind_in_each_mode", each_kind),
        trial("values::of_numpy_and_pandas", numeric),
        trial("values::what_has_no_form_says_what_to_call", refused),
        trial("values::numbers_that_are_not_finite", not_finite),
        trial("values::half_surrogate_pairs", halves),
        trial("values::one_runs_output_is_anothers_input", round_trip),
        trial("values::depth_of_input_is_that_of_output", depth),
        trial("values::a_request_chooses_the_form", chosen),
    ]
}

/// The outcome in each way that gives a value: of a function, of one for each item, of a program's last line.
fn ways(before: &str, expression: &str, args: &[&str]) -> Result<[Value; 3], End> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let scratch = Scratch::new();
    let items = scratch.file("items.json", "[0]").display().to_string();
    let function = format!("{before}\nreturn {expression}");
    let per_item = [&args[..], &["--mode", "per_item", "--items", &items].map(str::to_owned)].concat();
    let program =
        [&["python", "--json", "--value", "last"].map(str::to_owned), &args[..], &["-c".to_owned(), format!("{before}\n{expression}")]]
            .concat();
    Ok([
        Call::run(&function, &args).end()?.outcome()?,
        Call::run(&function, &per_item).end()?.outcome()?,
        Call::new(&program).end()?.outcome()?,
    ])
}

/// The value in each way.
fn values(before: &str, expression: &str, args: &[&str]) -> Result<[Value; 3], End> {
    let [function, item, program] = ways(before, expression, args)?;
    for outcome in [&function, &item, &program] {
        ensure(outcome["verdict"]["kind"] == "finished", expression, &(&outcome["verdict"], &outcome["error"]))?;
    }
    Ok([function["value"].clone(), item["value"][0]["json"].clone(), program["value"].clone()])
}

fn all(before: &str, expression: &str, args: &[&str], wanted: &str) -> Check {
    let wanted: Value = serde_json::from_str(wanted).map_err(|error| End::Fail(error.to_string()))?;
    for (way, value) in ["a function", "a function of an item", "a program"].iter().zip(values(before, expression, args)?) {
        // A dict of `per_item` with a key `json` would be another thing; none here has one.
        ensure(value == wanted, &format!("{expression} as the value of {way}"), &value)?;
    }
    Ok(())
}

fn each_kind() -> Check {
    TABLE.iter().try_for_each(|(before, expression, wanted)| all(before, expression, &[], wanted))
}

fn numeric() -> Check {
    let Some(python) = std::env::var_os("REMAND_TEST_NUMERIC_PYTHON") else {
        return Err(End::Skip("REMAND_TEST_NUMERIC_PYTHON (an interpreter with numpy and pandas)".to_owned()));
    };
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": python.to_string_lossy() } });
    let policy = policy_text::extending("numeric", &scratch, &sections).display().to_string();
    let before = "import numpy as np, pandas as pd";
    for (expression, wanted) in NUMERIC {
        all(before, expression, &["--policy", &policy], wanted)?;
    }
    for (expression, told) in [
        ("{'a': [np.array([1, np.nan])]}", "1 number that JSON has no word for: NaN at $.a[0][1]"),
        ("np.longdouble(1) / 3", r#"numpy.longdouble has no form in JSON: use x.astype("float64")"#),
        ("np.ma.array([1], mask=[1])", "numpy.ma.MaskedArray has no form in JSON: use x.tolist()"),
        ("pd.DataFrame([[1, 2]], columns=['a', 'a'])", "2 columns of the DataFrame have one name: 'a'"),
    ] {
        let outcome = Call::run(&format!("{before}\nreturn {expression}"), &["--policy".to_owned(), policy.clone()]).end()?.outcome()?;
        ensure(outcome["error"]["message"].as_str().is_some_and(|said| said.contains(told)), told, &outcome["error"])?;
    }
    let asked = ["--policy", &policy, "--set", "result.pandas=error"].map(str::to_owned);
    let outcome = Call::run(&format!("{before}\nreturn pd.DataFrame()"), &asked).end()?.outcome()?;
    ensure(
        outcome["error"]["message"].as_str().is_some_and(|said| said.contains(r#"x.to_dict("records")"#)),
        "the call is named",
        &outcome["error"],
    )
}

fn refused() -> Check {
    for (expression, kind, call) in REFUSED {
        for outcome in ways("", expression, &[])? {
            let message = outcome["error"]["message"].as_str().unwrap_or_default();
            let seen = (&outcome["verdict"]["kind"], &outcome["error"]["type"]);
            ensure(seen == (&json!("raised"), &json!("TypeError")), expression, &outcome)?;
            ensure(message.contains(&format!("type {kind} has no form in JSON")) && message.contains(call), expression, &message)?;
        }
    }
    Ok(())
}

fn not_finite() -> Check {
    let (before, expression) = ("nan = float('nan')", "{'a': [1.5, nan], 'b c': -1e999}");
    for outcome in ways(before, expression, &[])? {
        let message = outcome["error"]["message"].as_str().unwrap_or_default();
        let told = message.starts_with("2 numbers that JSON has no word for: NaN at $") && message.contains("-Infinity at $");
        ensure(told && outcome["error"]["type"] == "ValueError", "an error names their places", &outcome["error"])?;
    }
    for (word, wanted) in [("null", json!([null, null])), ("string", json!(["NaN", "-Infinity"]))] {
        let [function, item, program] = ways(before, expression, &["--set", &format!("result.nan={word}")])?;
        for (outcome, value, root) in
            [(&function, &function["value"], "$"), (&item, &item["value"][0]["json"], "$[0].json"), (&program, &program["value"], "$")]
        {
            ensure(json!([value["a"][1], value["b c"]]) == wanted, word, value)?;
            let spots = json!({ "count": 2, "first": [{ "at": format!("{root}.a[1]"), "was": "NaN" }, { "at": format!("{root}['b c']"), "was": "-Infinity" }] });
            ensure(outcome["replaced"] == spots, "they are counted and named", &outcome["replaced"])?;
        }
    }
    Ok(())
}

fn halves() -> Check {
    let scratch = Scratch::new();
    let items = scratch.file("items.json", r#"[{"t": "x\ud83d"}]"#).display().to_string();
    let run = |code: &str, args: &[&str]| {
        let args = [&["--items", &items], args].concat().iter().map(ToString::to_string).collect::<Vec<_>>();
        Call::run(code, &args).end()?.outcome()
    };
    let read = run("return [len(_items[0]['t']), ord(_items[0]['t'][1])]", &[])?;
    ensure(read["value"] == json!([2, 0xd83d]), "the code has it as Python reads it", &read)?;
    let told = run("return _items", &[])?;
    let message = told["error"]["message"].as_str().unwrap_or_default();
    ensure(message.starts_with("$[0].t: a string with half a surrogate pair"), "giving it names the place", &told["error"])?;
    let kept = run("return _items", &["--set", "result.surrogates=replace"])?;
    let spots = json!({ "count": 1, "first": [{ "at": "$[0].t", "was": "surrogate" }] });
    ensure(kept["value"] == json!([{ "t": "x\u{fffd}" }]) && kept["replaced"] == spots, "or it is replaced, and named", &kept)
}

/// The value of a run, given to another as its query and, where it is an array, as its items.
fn round_trip() -> Check {
    let scratch = Scratch::new();
    let deep = "x = 1\nfor _ in range(128): x = [x]\nreturn x";
    let items = scratch.file("three.json", "[[1], {\"json\": {\"a\": 1e300}}, null]").display().to_string();
    let codes: [(&str, &[&str]); 7] = [
        ("return [10**4299, -10**4299, 2**63, -2**63 - 1, 1.5, 5e-324, -0.0, 'é\\0\\U0001f600', {'': [None, True]}]", &[]),
        (deep, &[]),
        ("return [b'\\xff', {1, 2}]", &[]),
        ("return [float('nan'), float('inf')]", &["--set", "result.nan=string"]),
        ("return ['\\ud800', {'\\udfff': 1}]", &["--set", "result.surrogates=replace"]),
        ("return _item", &["--mode", "per_item", "--items", &items]),
        ("x = 1\nfor _ in range(126): x = [x]\nreturn x", &["--mode", "per_item", "--items", &items]),
    ];
    for (code, args) in codes {
        let args: Vec<_> = args.iter().map(ToString::to_string).collect();
        let call = Call::new(&[&["run".to_owned()], &args[..], &["-".to_owned()]].concat()).input(code.as_bytes());
        let first = call.end()?;
        ensure(first.code == Some(0), code, &first)?;
        let file = scratch.file("value.json", &first.out()).display().to_string();
        for (code, name) in [("return _items", "--items"), ("return _query", "--query")] {
            let given = if name == "--items" { file.clone() } else { first.out().trim().to_owned() };
            let second = Call::new(&["run", name, &given, "-"]).input(code.as_bytes()).end()?;
            ensure(second.code == Some(0) && second.out() == first.out(), &format!("{code} of what was given"), &second)?;
        }
    }
    Ok(())
}

/// One level is in, one more is out, on either side, by the same field.
fn depth() -> Check {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for limit in [128_usize, 512, 1000] {
        let set = format!("limits.result_depth={limit}");
        let scratch = Scratch::new();
        let policy = policy_text::write(&scratch, &json!({ "limits": { "result_depth": limit } })).display().to_string();
        let run = |depth: usize| {
            let items = scratch.file("items.json", &nested(depth)).display().to_string();
            Call::new(&["run", "--policy", &policy, "--items", &items, "-"]).input(b"return _items").end()
        };
        let fits = run(limit)?;
        ensure(fits.code == Some(0) && fits.out().trim() == nested(limit), "as deep as allowed", &(&set, fits.err()))?;
        let over = run(limit + 1)?;
        ensure(
            over.code == Some(2) && over.err().contains(&format!("nested deeper than limits.result_depth = {limit}")),
            "and no deeper",
            &over,
        )?;
        let code = format!("x = []\nfor _ in range({limit}): x = [x]\nreturn x");
        let given = Call::run(&code, &["--policy".to_owned(), policy.clone()]).end()?.outcome()?;
        let seen = (&given["verdict"]["kind"], &given["verdict"]["seen"], &given["verdict"]["unit"]);
        ensure(seen == (&json!("exceeded"), &json!(limit + 1), &json!("levels")), "as output", &given["verdict"])?;
    }
    Ok(())
}

/// A form is no right: what the policy says, a request may change in either direction; what is no form, it may not.
fn chosen() -> Check {
    let scratch = Scratch::new();
    for (file, asked, wanted) in [("error", "null", "[null]"), ("null", "string", "[\"NaN\"]"), ("string", "null", "[null]")] {
        let policy = policy_text::write(&scratch, &json!({ "result": { "nan": file } })).display().to_string();
        let ended =
            Call::new(&["run", "--policy", &policy, "--set", &format!("result.nan={asked}"), "-"]).input(b"return [float('nan')]").end()?;
        ensure(ended.code == Some(0) && ended.out().trim() == wanted, asked, &ended)?;
    }
    let wrong = Call::new(&["run", "--set", "result.nan=nil", "-"]).input(b"return 1").end()?;
    ensure(wrong.code == Some(2) && wrong.err().contains("unknown word \"nil\""), "a word of the list", &wrong)?;
    let wider = Call::new(&["run", "--set", "limits.memory=2GiB", "-"]).input(b"return 1").end()?;
    ensure(wider.code == Some(2) && wider.err().contains("limits.memory"), "control: a limit only narrows", &wider)
}
