//! `remand policy explain`: a policy in sentences, as this machine would enforce it.

use std::env;

use remand_authoring::explain;
use remand_engine::{HostFiles, interpreter};
use remand_jail::host::{self, Depth};
use remand_plan::plan::{Plan, Program};
use remand_policy::Policy;

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::print::{self, lines};
use crate::run::DEFAULT_PATH;
use crate::{overrides, policies};

/// Does it; the exit status.
pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let loaded = policies::traced(&args.which.policy)?;
    let policy = policies::narrowed(&loaded.policy, &overrides::tree(None, &args.which.set)?)?;
    let plan = resolved(&policy);
    let text = explain::text(&policy, &loaded, plan.as_ref().map_err(String::as_str));
    print::stdout(&lines(&text))?;
    Ok(0)
}

/// The plan of a run here, as `remand run` makes it but for a closer look at the host; or why there is none.
fn resolved(policy: &Policy) -> Result<Plan, String> {
    let host = host::observe(Depth::Full);
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
    let python = &policy.python;
    let found = interpreter::find(&python.interpreter, &path, !python.external_allow.is_empty()).map_err(|error| error.to_string())?;
    remand_plan::start(policy, &Program::Python(&found.interpreter), &host, &HostFiles)
        .map_err(|lacks| lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}
