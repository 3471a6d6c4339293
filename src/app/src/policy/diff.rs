//! `remand policy diff`: what a change of a policy widens and narrows, by meaning.

use remand_authoring::diff;
use remand_engine::store::{Purpose, Store};
use remand_policy::narrow::{Change, compare};
use serde_json::{Value, json};

use crate::args::{DiffArgs, FailOn};
use crate::failure::Failure;
use crate::print::{self, lines};

/// Exit status for a difference that `--fail-on` asks about.
const DIFFERENT: u8 = 1;

/// Prints what a change of a policy widens and narrows. Gives 1 where it is what `--fail-on` names.
pub fn diff(args: &DiffArgs) -> Result<u8, Failure> {
    let load = |typed: &str| Store::system().load(typed, Purpose::Look).map(|(loaded, _)| loaded);
    let (from, to) = (load(&args.from)?, load(&args.to)?);
    // The name is the file's, not the text's.
    let changes: Vec<_> = compare(&from.policy, &to.policy).into_iter().filter(|change| change.field != "name").collect();
    if args.json {
        print::json(&Value::from_iter(changes.iter().map(record)).to_string())?;
    } else if changes.is_empty() {
        print::stdout("no difference in meaning\n")?;
    } else {
        print::stdout(&lines(&diff::placed(&changes, &from, &to)))?;
    }
    let counts = |change: &Change| match args.fail_on {
        None => false,
        Some(FailOn::Widen) => change.may_widen(),
        Some(FailOn::Change) => true,
    };
    Ok(if changes.iter().any(counts) { DIFFERENT } else { 0 })
}

fn record(change: &Change) -> Value {
    json!({
        "field": change.field,
        "mechanism": change.mechanism(),
        "direction": change.direction.word(),
        "from": change.from_value(),
        "to": change.to_value(),
    })
}
