//! `remand warm`: what an image brings along about its interpreters, so that no run in a container has to ask them.
//!
//! Always holds: an interpreter is asked as for a run, in a sandbox; what is kept is believed by its owner and mode, as policies are.

use remand_engine::{Engine, interpreter};

use crate::args::WarmArgs;
use crate::failure::{self, Failure};
use crate::print::{self, plain};

/// Asks each interpreter and keeps its answers. Gives 0.
pub fn warm(args: &WarmArgs) -> Result<u8, Failure> {
    let engine = Engine::from_environment();
    let into = std::path::absolute(&args.into)
        .map_err(|error| Failure::usage(format!("--into {}: {error}", plain(&args.into.to_string_lossy()))))?;
    for name in &args.interpreters {
        let kept = interpreter::warm(name, engine.path(), &into)
            .map_err(|error| Failure { code: failure::NOT_STARTED, ..Failure::usage(plain(&error.to_string()).into_owned()) })?;
        print::stdout(&format!("{} is known in {}\n", plain(&kept.interpreter), plain(&into.to_string_lossy())))?;
        kept.notes.iter().for_each(|note| print::stderr(&format!("- {}\n", plain(note))));
    }
    Ok(0)
}
