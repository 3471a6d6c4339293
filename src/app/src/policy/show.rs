//! `remand policy show`: a policy with everything filled in, and where each value was written.

use remand_authoring::show;
use remand_engine::narrowed;
use remand_engine::store::{Purpose, Store};

use crate::args::ShowPolicyArgs;
use crate::failure::Failure;
use crate::overrides;
use crate::print::{self, lines};

/// Prints a policy with everything filled in. Gives 0.
pub fn show(args: &ShowPolicyArgs) -> Result<u8, Failure> {
    let store = Store::system();
    let (loaded, _) = store.load(&args.which.policy, Purpose::Look)?;
    let policy = narrowed(&loaded.policy, &overrides::tree(None, &args.which.set)?)?;
    if args.json {
        print::json(&show::json(&show::values(&policy, &loaded)))?;
    } else {
        let text = show::text(&policy, &loaded);
        // A name that stands for a file does not say which.
        let path = store.file(&args.which.policy).map_or_else(String::new, |path| format!("// {}\n", path.display()));
        print::stdout(&lines(&format!("{path}{text}")))?;
    }
    Ok(0)
}
