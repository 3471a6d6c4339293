//! Variables by which CPython is told how to work (`PYTHON...`). The interpreter of a run is started with `-I` and reads none of them, so that nothing of a
//! policy's or a request's runs before the executor: what one means is said by a flag instead, or by the executor, or it is refused.
//!
//! Always holds: by no variable anything but the standard library runs before the executor (a category of `-W` can name a module of it); none is taken and then
//! has no effect.

use remand_policy::places::WORKSPACE;

/// What becomes of a variable.
enum How {
    /// A flag, unless it is 0.
    Flag(&'static str),
    /// A flag, whatever it is.
    Given(&'static str),
    /// `-O`, as often.
    Optimize,
    /// `-W`, for each of a list.
    Warnings,
    /// `-X`: 0, or a number within these.
    Number(&'static str, u64, u64),
    /// There is no flag: the interpreter has to read its variables.
    Seed,
    /// The executor's: nothing is to be found there before it has begun.
    Path,
    /// It is so in any case.
    Always,
    /// What it would do is the supervisor's, the executor's or nobody's; and what to do instead.
    Never(&'static str),
}

use How::{Always, Flag, Given, Never, Number, Optimize, Path, Seed, Warnings};

const NOWHERE: &str = "the run's interpreter is started without it";
const VARIABLES: &[(&str, How)] = &[
    ("PYTHONASYNCIODEBUG", Never("write asyncio.run(main(), debug=True), or set PYTHONDEVMODE=1")),
    ("PYTHONBREAKPOINT", Never("set sys.breakpointhook")),
    ("PYTHONCASEOK", Never(NOWHERE)),
    ("PYTHONCOERCECLOCALE", Never("set LC_ALL")),
    ("PYTHONDEBUG", Never(NOWHERE)),
    ("PYTHONDEVMODE", Flag("-Xdev")),
    ("PYTHONDONTWRITEBYTECODE", Always),
    ("PYTHONDUMPREFS", Never(NOWHERE)),
    ("PYTHONDUMPREFSFILE", Never(NOWHERE)),
    ("PYTHONEXECUTABLE", Never("choose the interpreter by --python")),
    ("PYTHONFAULTHANDLER", Always),
    ("PYTHONHASHSEED", Seed),
    ("PYTHONHOME", Never("choose the interpreter by --python")),
    ("PYTHONINSPECT", Never(NOWHERE)),
    ("PYTHONINTMAXSTRDIGITS", Number("int_max_str_digits", 640, i32::MAX as u64)),
    ("PYTHONIOENCODING", Never("write sys.stdout.reconfigure(encoding=...), or set PYTHONUTF8")),
    ("PYTHONMALLOC", Never("set PYTHONDEVMODE=1 for its checks")),
    ("PYTHONMALLOCSTATS", Never(NOWHERE)),
    ("PYTHONNODEBUGRANGES", Given("-Xno_debug_ranges")),
    ("PYTHONNOUSERSITE", Always),
    ("PYTHONOPTIMIZE", Optimize),
    ("PYTHONPATH", Path),
    ("PYTHONPERFSUPPORT", Never(NOWHERE)),
    ("PYTHONPLATLIBDIR", Never("choose the interpreter by --python")),
    ("PYTHONPROFILEIMPORTTIME", Never(NOWHERE)),
    ("PYTHONPYCACHEPREFIX", Never("no bytecode is written")),
    ("PYTHONSAFEPATH", Never("take sys.path[0] out")),
    ("PYTHONSTARTUP", Never(NOWHERE)),
    ("PYTHONTRACEMALLOC", Number("tracemalloc", 1, 65_535)),
    ("PYTHONUNBUFFERED", Flag("-u")),
    ("PYTHONUSERBASE", Never("packages are found by --python and PYTHONPATH")),
    ("PYTHONUTF8", Number("utf8", 1, 1)),
    ("PYTHONVERBOSE", Never(NOWHERE)),
    ("PYTHONWARNDEFAULTENCODING", Given("-Xwarn_default_encoding")),
    ("PYTHONWARNINGS", Warnings),
    ("PYTHON_CPU_COUNT", Never("limits.cpus is what os.cpu_count() tells")),
    ("PYTHON_FROZEN_MODULES", Never(NOWHERE)),
    ("PYTHON_GIL", Never("choose the interpreter by --python")),
    ("PYTHON_JIT", Never(NOWHERE)),
    ("PYTHON_PERF_JIT_SUPPORT", Never(NOWHERE)),
    ("PYTHON_PRESITE", Never(NOWHERE)),
];

fn how(name: &str) -> Option<&'static How> {
    VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, how)| how)
}

/// Why the run's Python cannot have this variable, and what to do. Never shows the value.
#[must_use]
pub fn refused(name: &str, value: &str) -> Option<String> {
    let expected = match how(name)? {
        Never(instead) => return Some(format!("it would have no effect in the run's Python: {instead}")),
        _ if value.is_empty() => return None,
        Number(_, least, most) if !value.parse().is_ok_and(|number: u64| number == 0 || (*least..=*most).contains(&number)) => {
            format!("0, or a number from {least} to {most}")
        }
        Seed if value != "random" && value.parse::<u32>().is_err() => format!("\"random\", or a number from 0 to {}", u32::MAX),
        _ => return None,
    };
    Some(format!("Python takes {expected} for it"))
}

/// The interpreter's arguments and environment, with what its variables mean: what stands before `-I` is replaced. Doing it again changes nothing.
pub fn settle(argv: &mut Vec<String>, env: &mut Vec<String>) {
    let Some(isolated) = argv.iter().position(|argument| argument == "-I" || argument == "-s") else { return };
    let variables = || env.iter().filter_map(|line| line.split_once('=')).filter(|(_, value)| !value.is_empty());
    let flags: Vec<String> = variables().flat_map(|(name, value)| how(name).map_or_else(Vec::new, |how| flags(how, value))).collect();
    let reads = variables().any(|(name, value)| matches!(how(name), Some(Seed)) && value != "random");
    let flags = flags.into_iter().chain([if reads { "-s" } else { "-I" }.to_owned()]);
    argv.splice(1..=isolated, flags);
    env.retain(|line| !matches!(line.split_once('=').and_then(|(name, _)| how(name)), Some(Path)));
}

fn flags(how: &How, value: &str) -> Vec<String> {
    // What is no number counts as 1.
    let level = value.parse().ok().filter(|level| *level >= 0).unwrap_or(1_i64);
    match how {
        Flag(flag) if level > 0 => vec![(*flag).to_owned()],
        Given(flag) => vec![(*flag).to_owned()],
        Optimize if level > 0 => vec![if level > 1 { "-OO" } else { "-O" }.to_owned()],
        Warnings => value.split(',').map(|filter| format!("-W{filter}")).collect(),
        Number(name, ..) => vec![format!("-X{name}={value}")],
        _ => Vec::new(),
    }
}

/// What the executor sets: the variables that the interpreter is not to see.
pub(crate) fn by_executor<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    variables.filter(|(name, _)| matches!(how(name), Some(Path))).collect()
}

/// The directories that PYTHONPATH names, by their whole names.
pub(crate) fn directories(value: &str) -> impl Iterator<Item = String> {
    let whole = |place: &str| if place.starts_with('/') { place.to_owned() } else { format!("{WORKSPACE}/{place}") };
    value.split(':').filter(|_| !value.is_empty()).map(move |place| whole(place).trim_end_matches('/').to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settled(env: &[&str]) -> (String, String) {
        let mut argv = ["/python3", "-I", "-B", "-c", "x"].map(str::to_owned).to_vec();
        let mut env = env.iter().map(|line| (*line).to_owned()).collect();
        settle(&mut argv, &mut env);
        let once = (argv.clone(), env.clone());
        settle(&mut argv, &mut env);
        assert_eq!((&argv, &env), (&once.0, &once.1), "again, it stays");
        (argv.join(" "), env.join(" "))
    }

    #[test]
    fn what_has_a_flag_is_said_by_it() {
        for (variable, flags) in [
            ("A=b", "-I"),
            ("PYTHONUNBUFFERED=x", "-u -I"),
            ("PYTHONUNBUFFERED=0", "-I"),
            ("PYTHONUNBUFFERED=", "-I"),
            ("PYTHONOPTIMIZE=1", "-O -I"),
            ("PYTHONOPTIMIZE=2", "-OO -I"),
            ("PYTHONWARNINGS=error,ignore::DeprecationWarning", "-Werror -Wignore::DeprecationWarning -I"),
            ("PYTHONUTF8=0", "-Xutf8=0 -I"),
            ("PYTHONTRACEMALLOC=5", "-Xtracemalloc=5 -I"),
            ("PYTHONDEVMODE=1", "-Xdev -I"),
            ("PYTHONNODEBUGRANGES=0", "-Xno_debug_ranges -I"),
            ("PYTHONINTMAXSTRDIGITS=640", "-Xint_max_str_digits=640 -I"),
            ("PYTHONHASHSEED=0", "-s"),
            ("PYTHONHASHSEED=random", "-I"),
            ("PYTHONDONTWRITEBYTECODE=1", "-I"),
        ] {
            assert_eq!(settled(&[variable]), (format!("/python3 {flags} -B -c x"), variable.to_owned()));
        }
        assert_eq!(settled(&["PYTHONPATH=/a", "PYTHONHASHSEED=1", "B=c"]), ("/python3 -s -B -c x".into(), "PYTHONHASHSEED=1 B=c".into()));
    }

    #[test]
    fn what_has_none_is_refused_by_name() {
        for (name, value, why) in [
            ("PYTHONHOME", "secret", "no effect in the run's Python: choose the interpreter by --python"),
            ("PYTHONHASHSEED", "secret", "\"random\", or a number from 0 to 4294967295"),
            ("PYTHONUTF8", "2", "0, or a number from 1 to 1"),
            ("PYTHONINTMAXSTRDIGITS", "639", "0, or a number from 640"),
            ("PYTHONTRACEMALLOC", "-1", "0, or a number from 1 to 65535"),
        ] {
            let said = refused(name, value).unwrap();
            assert!(said.contains(why) && !said.contains("secret"), "{name}: {said}");
        }
        for (name, value) in
            [("PYTHONHASHSEED", "7"), ("PYTHONHASHSEED", "random"), ("PYTHONUTF8", ""), ("PYTHON_ENV", "x"), ("PYTHONPATH", "/a")]
        {
            assert_eq!(refused(name, value), None, "{name}");
        }
    }

    #[test]
    fn a_path_has_whole_names() {
        assert_eq!(directories("/a/:lib:").collect::<Vec<_>>(), ["/a", "/workspace/lib", "/workspace"]);
        assert_eq!(directories("").count(), 0);
    }
}
