//! What was typed after `remand judge`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueEnum, ValueHint};

/// `remand judge`.
#[derive(Debug, ArgGroup)]
#[command(after_help = HELP)]
pub struct JudgeArgs {
    /// The solution's source
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    pub program: PathBuf,
    /// Directory of tests: NAME.in, its answer in NAME.ans or NAME.out, and limits.json
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tests: PathBuf,
    /// What the solution is written in; by default what its name ends in says (.py, .c, .cc, .cpp, .cxx)
    #[arg(long, value_enum)]
    pub language: Option<LanguageArg>,
    /// Command that makes `program` of the solution's `program.c` or `program.cpp`, split at blanks, such as 'g++ -O1 -o program program.cpp'
    #[arg(long, value_name = "COMMAND")]
    pub compile: Option<String>,
    /// Program (.py, .c, .cpp) that tells whether an answer is right, called with: input output answer
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    pub checker: Option<PathBuf>,
    /// Program that talks with the solution, over each other's standard input and output, called with: input output answer
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath, conflicts_with = "checker")]
    pub interactor: Option<PathBuf>,
    /// How an answer is compared where there is neither
    #[arg(long, value_enum, default_value = "tokens", conflicts_with_all = ["checker", "interactor"])]
    pub compare: CompareArg,
    /// Compare numbers with this tolerance, absolute or relative, such as 1e-6; other words must be equal
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["checker", "interactor", "compare"])]
    pub tolerance: Option<f64>,
    /// CPU time for each test; the clock may show three times as much and 2 s
    #[arg(short, long, value_name = "TIME", default_value = "2s")]
    pub time: String,
    /// Memory for each test, the stack included
    #[arg(short, long, value_name = "SIZE", default_value = "256MiB")]
    pub memory: String,
    /// Narrow one field of the policy more, such as limits.stdout=1MiB; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Policy for solution, checker and interactor
    #[arg(long, value_name = "NAME|FILE", default_value = "judge")]
    pub policy: String,
    /// Policy for what compiles them
    #[arg(long, value_name = "NAME|FILE", default_value = "compile")]
    pub compile_policy: String,
    /// Try no more tests once one has failed
    #[arg(long)]
    pub stop: bool,
    /// Print the whole record as JSON
    #[arg(long)]
    pub json: bool,
}

/// `--language`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LanguageArg {
    /// The policy's interpreter
    Python,
    /// gcc
    C,
    /// g++
    Cpp,
}

/// `--compare`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CompareArg {
    /// Word by word
    Tokens,
    /// Line by line, without blanks at the ends of lines and empty lines at the end
    Lines,
    /// Byte by byte
    Exact,
}

const HELP: &str = "\
Verdicts: AC accepted, WA wrong answer, TLE time, MLE memory, OLE output, RE the program failed, CE it does not compile, JE the judging failed, SK not tried. Each \
stands beside the counter or the status that proves it.

Everything is a run of its own: compiler, solution (one for each test), checker, interactor. Tests and answers are shown to checker and interactor alone. \
These say what they found by their status, 0 or 42 right, 1, 2 or 43 wrong, anything else a failure of theirs, and may write why on standard error. \
limits.json narrows the policy for single tests: {\"*\": {\"limits\": {\"stdout\": \"1MiB\"}}, \"secret/3\": {\"limits\": {\"cpu_time\": \"1s\"}}}.

    remand judge --program a.py --tests tests/
    remand judge --program a.cpp --tests tests/ -t 1s -m 64MiB --tolerance 1e-6
    remand judge --program a.cpp --tests tests/ --interactor talk.py --stop --json

The exit status is 0 where every test was accepted, 1 where the solution failed, 2 for wrong usage, 11 where the judging failed.";
