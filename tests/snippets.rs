//! Function bodies as people and models write them, which take for granted what a module in plain Python has: each does what it means to do, or ends with words
//! that say what to write instead. On the system's interpreter and on that of a virtual environment.

use libtest_mimic::Trial;
use remand_tests::command::{Call, scale};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// Which interpreters it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Each,
    /// That with numpy and pandas.
    Numeric,
}

/// Name, interpreters, code, and what the record has where: a JSON pointer with JSON, or `~` before a text that is part of it.
type Row = (&'static str, On, &'static str, &'static [(&'static str, &'static str)]);

const TABLE: &[Row] = &[
    (
        "times_of_any_unit",
        On::Numeric,
        "import numpy as np\nseen = np.array(['1999-12-31T23:59:59'], dtype='datetime64[ns]')\n\
         return [seen[0], seen, np.datetime64('1999-12-31'), np.timedelta64(7, 'ns'), np.timedelta64(7, 's')]",
        &[("/value", r#"["1999-12-31T23:59:59.000000000",["1999-12-31T23:59:59.000000000"],"1999-12-31","PT0.000000007S","PT7S"]"#)],
    ),
    (
        "a_package_by_importlib_first",
        On::Numeric,
        "from importlib import import_module\nreturn import_module('numpy').__name__",
        &[("/value", r#""numpy""#)],
    ),
    (
        "a_module_by_importlib_first",
        On::Each,
        "import importlib\nreturn importlib.import_module('colorsys').__name__",
        &[("/value", r#""colorsys""#)],
    ),
    (
        "a_frame_is_its_rows",
        On::Numeric,
        "import pandas\nreturn pandas.DataFrame({'n': range(3)})",
        &[("/value", r#"[{"n":0},{"n":1},{"n":2}]"#)],
    ),
    (
        "input_is_patched",
        On::Each,
        "from unittest import mock\ndef age():\n    return int(input('age? '))\nwith mock.patch('builtins.input', lambda prompt: '41'):\n    return age() + 1",
        &[("/value", "42"), ("/output", "[]")],
    ),
    (
        "open_is_patched",
        On::Each,
        "from unittest.mock import mock_open, patch\nwith patch('builtins.open', mock_open(read_data='kept')):\n    return open('/not/there').read()",
        &[("/value", r#""kept""#)],
    ),
    (
        "a_pool_by_spawn",
        On::Each,
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n    return pool.map(len, ['a', 'bc'])",
        &[("/value", "[1,2]")],
    ),
    (
        "a_pool_by_forkserver",
        On::Each,
        "import multiprocessing\nwith multiprocessing.get_context('forkserver').Pool(1) as pool:\n    return pool.map(len, ['a', 'bc'])",
        &[("/value", "[1,2]")],
    ),
    (
        "a_pool_calls_a_function_of_the_code",
        On::Each,
        "import multiprocessing\ndef twice(n):\n    return 2 * n\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n    return pool.map(twice, [1, 2, 3])",
        &[("/value", "[2,4,6]")],
    ),
    ("many_short_prints", On::Each, "for n in range(70000):\n    print('.')\nreturn n", &[("/value", "69999")]),
    (
        "the_main_module",
        On::Each,
        "import __main__\ndef here(): pass\nreturn [__main__.__name__, here.__module__, __main__.here is here]",
        &[("/value", r#"["__main__","__main__",true]"#)],
    ),
    (
        "unittest_finds_the_tests",
        On::Each,
        "import unittest\nclass Sums(unittest.TestCase):\n    def test_wrong(self):\n        self.assertEqual(1 + 1, 3)\nunittest.main(argv=['here'], exit=False)",
        &[("/stderr/text", "~Ran 1 test"), ("/stderr/text", "~FAILED (failures=1)")],
    ),
    (
        "a_global_of_the_code",
        On::Each,
        "seen = 0\ndef count():\n    global seen\n    seen += 1\ncount()",
        &[("/error/type", r#""NameError""#), ("/error/description", "~nonlocal seen")],
    ),
    (
        "all_names_of_a_module",
        On::Each,
        "from math import *\nreturn floor(2.5)",
        &[("/error/type", r#""SyntaxError""#), ("/error/description", "~remand python")],
    ),
    (
        "exit_with_nothing_wrong",
        On::Each,
        "import sys\nprint('all done')\nsys.exit(0)",
        &[
            ("/verdict/kind", r#""raised""#),
            ("/error/type", r#""SystemExit""#),
            ("/error/description", "~return"),
            ("/prints", r#"["all done\n"]"#),
        ],
    ),
    (
        "a_stream_by_its_path",
        On::Each,
        "with open('/dev/stdout', 'w') as stream:\n    stream.write('by its path\\n')\nreturn True",
        &[("/value", "true"), ("/stdout/text", r#""by its path\n""#)],
    ),
    (
        "what_waits_in_a_buffer_of_c",
        On::Each,
        "import ctypes\nctypes.CDLL(None).puts(b'from C')\nreturn 1",
        &[("/value", "1"), ("/stdout/text", r#""from C\n""#)],
    ),
    (
        "the_locale_of_the_environment",
        On::Each,
        "import locale, os\nreturn locale.setlocale(locale.LC_ALL, '') == os.environ['LANG']",
        &[("/value", "true")],
    ),
    (
        "the_result_descriptor_closed",
        On::Each,
        "import os\nos.closerange(3, 64)\nreturn 1",
        &[("/verdict/kind", r#""malformed_result""#), ("/verdict/reason", "~the code closed descriptor 4")],
    ),
    (
        "prints_and_streams_in_one_order",
        On::Each,
        "import sys\nprint('a')\nsys.stdout.write('b\\n')\nprint('c', file=sys.stderr)\nprint('d', file=sys.stdout)\nprint('e')",
        &[
            ("/output/0/text", r#""a\n""#),
            ("/output/1/text", r#""b\n""#),
            ("/output/2/text", r#""c\n""#),
            ("/output/3/text", r#""d\n""#),
            ("/output/4/text", r#""e\n""#),
            ("/output_order", r#""exact""#),
        ],
    ),
    (
        "lines_in_a_traceback_of_the_codes_own",
        On::Each,
        "import traceback\ndef quotient(n):\n    return 10 // n\ntry:\n    quotient(0)\nexcept ArithmeticError:\n    return traceback.format_exc()",
        &[("/value", "~    return 10 // n"), ("/value", "~    quotient(0)")],
    ),
    (
        "a_group_of_exceptions",
        On::Each,
        "import sys\nif sys.version_info < (3, 11):\n    ExceptionGroup = lambda text, all: exec('raise all[0]', {'all': all})\nraise ExceptionGroup('both', [ValueError('one'), KeyError('two')])",
        &[("/error", "~one")],
    ),
    (
        "as_many_cpus_as_the_policy_gives",
        On::Each,
        "import os\nreturn [os.cpu_count(), len(os.sched_getaffinity(0)) >= 1]",
        &[("/value", "[1,true]")],
    ),
];

/// Until a time limit ends it.
const ENDLESS: Row = (
    "what_waits_in_a_buffer_at_a_time_limit",
    On::Each,
    "import sys\nsys.stdout.write('half a line')\nprint('a line')\nsys.stderr.write('a warning')\nwhile True: pass",
    &[
        ("/verdict/limit", r#""wall_time""#),
        ("/stdout/text", r#""half a line""#),
        ("/prints", r#"["a line\n"]"#),
        ("/stderr/text", r#""a warning""#),
    ],
);

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut all: Vec<Trial> = TABLE.iter().map(|row| trial(format!("snippets::{}", row.0), move || each(row, "limits.cpus=1"))).collect();
    all.push(trial(format!("snippets::{}", ENDLESS.0), || each(&ENDLESS, &format!("limits.wall_time={}s", scale()))));
    all.push(trial("snippets::items_with_half_a_pair_and_deep_ones", items));
    all
}

/// Options for the system's interpreter, and for that of a virtual environment, if there is one.
fn interpreters(scratch: &Scratch, limits: &Value) -> Vec<(On, [String; 2])> {
    let options = |base: &str, name: &str, sections: Value| {
        let mut sections = sections;
        sections["limits"] = limits.clone();
        let policy = policy_text::extending(base, scratch, &sections);
        let own = policy.with_file_name(name);
        std::fs::rename(policy, &own).map(|()| ["--policy".to_owned(), own.display().to_string()])
    };
    let numeric = std::env::var("REMAND_TEST_NUMERIC_PYTHON").ok();
    let numeric = numeric.and_then(|python| options("numeric", "numeric-own.jsonc", json!({ "python": { "interpreter": python } })).ok());
    let system = options("default", "default-own.jsonc", json!({})).ok();
    system.map(|options| (On::Each, options)).into_iter().chain(numeric.map(|options| (On::Numeric, options))).collect()
}

fn each(&(_, on, code, wanted): &Row, limit: &str) -> Check {
    let scratch = Scratch::new();
    let all = interpreters(&scratch, &json!({ "wall_time": "60s", "cpu_time": "60s" }));
    for (_, options) in all.iter().filter(|(which, _)| on == On::Each || *which == On::Numeric) {
        let outcome = Call::run(code, &[&options[..], &["--set".to_owned(), limit.to_owned()]].concat()).end()?.outcome()?;
        for (pointer, wanted) in wanted {
            let seen = outcome.pointer(pointer).unwrap_or(&Value::Null);
            let fits = match wanted.strip_prefix('~') {
                Some(part) => seen.as_str().map_or_else(|| seen.to_string().contains(part), |text| text.contains(part)),
                None => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *seen),
            };
            ensure(fits, &format!("{pointer} is {wanted}"), &(seen, &outcome["verdict"], &outcome["error"], &outcome["stderr"]))?;
        }
    }
    has_both(&all)
}

fn has_both(all: &[(On, [String; 2])]) -> Check {
    if all.len() == 2 { Ok(()) } else { Err(End::Skip("REMAND_TEST_NUMERIC_PYTHON (an interpreter with numpy and pandas)".to_owned())) }
}

/// What one run's output may hold, another's input may.
fn items() -> Check {
    let scratch = Scratch::new();
    let half = scratch.file("half.json", r#"[{"t":"x\ud83d"}]"#).display().to_string();
    let deep = scratch.file("deep.json", &format!("{}{}", "[".repeat(200), "]".repeat(200))).display().to_string();
    let all = interpreters(&scratch, &json!({ "result_depth": 512 }));
    for (_, options) in &all {
        for (file, code, value) in [
            (&half, "return len(_items[0]['t'])", json!(2)),
            (&deep, "n, at = 0, _items\nwhile at:\n    n, at = n + 1, at[0]\nreturn n", json!(199)),
        ] {
            let given = [&options[..], &["--items".to_owned(), file.clone()]].concat();
            let outcome = Call::run(code, &given).end()?.outcome()?;
            ensure(outcome["value"] == value, code, &(&outcome["verdict"], &outcome["error"], &outcome["value"]))?;
        }
    }
    has_both(&all)
}
