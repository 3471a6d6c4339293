//! `remand policy show`: a policy with everything filled in, and where each value was written.

use remand_authoring::show;

use crate::args::ShowPolicyArgs;
use crate::failure::Failure;
use crate::print::{self, lines};
use crate::{overrides, policies};

/// Does it; the exit status.
pub fn show(args: &ShowPolicyArgs) -> Result<u8, Failure> {
    let loaded = policies::traced(&args.which.policy)?;
    let policy = policies::narrowed(&loaded.policy, &overrides::tree(None, &args.which.set)?)?;
    if args.json {
        print::json(&show::json(&show::values(&policy, &loaded)))?;
    } else {
        let text = show::text(&policy, &loaded);
        // A name that stands for a file does not say which.
        let path = policies::path(&args.which.policy).map_or_else(String::new, |path| format!("// {}\n", path.display()));
        print::stdout(&lines(&format!("{path}{text}")))?;
    }
    Ok(0)
}
