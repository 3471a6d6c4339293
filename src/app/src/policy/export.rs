//! `remand policy export`: a policy's compiled system call filter, for other tools and for reading.
//!
//! Always holds: what is written is compiled as for a run; what the form cannot say goes to standard error.

use remand_authoring::foreign::{disassembly, export_profile, listing, raw};
use remand_engine::store::{Purpose, Store};
use remand_syscalls::{Arch, compile};

use crate::args::{ArchArg, ExportArgs, FormArg};
use crate::failure::Failure;
use crate::print::{self, plain};

/// Prints the compiled filter of a policy in the form asked for. Gives 0.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let arch = match args.arch {
        Some(ArchArg::X86_64) => Arch::X86_64,
        Some(ArchArg::Aarch64) => Arch::Aarch64,
        None => host()?,
    };
    let policy = Store::system().load(&args.policy, Purpose::Run)?.0.policy;
    let refused =
        |error: &dyn std::error::Error| Failure::usage(format!("cannot export {}: {}", plain(&args.policy), plain(&error.to_string())));
    let rules = &policy.syscalls.rules;
    let program = compile(rules, arch).map_err(|error| refused(&error))?;
    match args.form {
        FormArg::Oci => {
            let (profile, notes) = export_profile(rules, arch).map_err(|error| refused(&error))?;
            let text = serde_json::to_string_pretty(&profile).map_err(|error| Failure::internal(error.to_string()))?;
            print::content(format!("{text}\n").as_bytes())?;
            notes.iter().for_each(|note| print::stderr(&format!("{}: {note}\n", plain(&args.policy))));
        }
        FormArg::Text => print::stdout(&listing(rules, arch).map_err(|error| refused(&error))?)?,
        FormArg::Bpf => print::stdout(&disassembly(&program, arch))?,
        FormArg::BpfRaw => print::content(&raw(&program))?,
    }
    Ok(0)
}

fn host() -> Result<Arch, Failure> {
    if cfg!(target_arch = "x86_64") {
        Ok(Arch::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Ok(Arch::Aarch64)
    } else {
        Err(Failure::usage("filters exist for x86_64 and aarch64: name one with --arch".into()))
    }
}
