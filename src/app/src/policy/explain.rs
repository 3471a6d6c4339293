//! `remand policy explain`: a policy in sentences, as this machine would enforce it.

use remand_authoring::explain;
use remand_engine::store::Purpose;
use remand_engine::{Engine, HostFiles, narrowed};
use remand_jail::host::{self, Depth};
use remand_plan::plan::{Plan, Program};
use remand_policy::Policy;

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::overrides;
use crate::print::{self, lines};

/// Prints a policy in sentences, by threat, as this host would enforce it. Gives 0.
pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let engine = Engine::from_environment();
    let (loaded, _) = engine.store().load(&args.which.policy, Purpose::Look)?;
    let policy = narrowed(&loaded.policy, &overrides::tree(None, &args.which.set)?)?;
    let plan = resolved(&engine, &policy);
    let text = explain::text(&policy, &loaded, plan.as_ref().map_err(String::as_str));
    print::stdout(&lines(&text))?;
    Ok(0)
}

/// The plan of a run here, as `remand run` makes it but for a closer look at the host; or why there is none.
fn resolved(engine: &Engine, policy: &Policy) -> Result<Plan, String> {
    let host = host::observe(Depth::Full);
    let found = engine.python(policy, &host, None).map_err(|error| error.to_string())?;
    remand_plan::plan_to_start(policy, &Program::Python(&found.interpreter), &host, &HostFiles)
        .map_err(|lacks| lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}
