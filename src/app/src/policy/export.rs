//! `remand policy export`: a policy's compiled system call filter, for other tools and for reading; profiles for containers around remand.
//!
//! Always holds: what is written is compiled as for a run; what the form cannot say goes to standard error.

use std::path::Path;

use remand_authoring::foreign::{LARGEST, apparmor_profile, disassembly, export_profile, host_profile, listing, raw};
use remand_engine::store::{Purpose, Store};
use remand_syscalls::{Arch, compile};

use crate::args::{ArchArg, ExportArgs, FormArg};
use crate::failure::Failure;
use crate::print::{self, plain};
use crate::read;

/// Prints the compiled filter of a policy in the form asked for. Gives 0.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    match (args.form, &args.base) {
        (FormArg::HostProfile, Some(base)) => return for_host(base),
        (FormArg::HostProfile, None) => return Err(no_base()),
        (FormArg::Apparmor, None) => return print::stdout(&apparmor_profile()).map(|()| 0),
        (_, Some(_)) => return Err(Failure::usage("--base is the profile that --as host-profile adds to; no other form has one".into())),
        (_, None) => {}
    }
    let arch = match args.arch {
        Some(ArchArg::X86_64) => Arch::X86_64,
        Some(ArchArg::Aarch64) => Arch::Aarch64,
        None => Arch::HERE,
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
        FormArg::HostProfile | FormArg::Apparmor => {}
    }
    Ok(0)
}

/// The profile of a container that runs are to be started in.
fn for_host(base: &Path) -> Result<u8, Failure> {
    let name = plain(&base.to_string_lossy()).into_owned();
    let text = read::bytes(base, "profile", LARGEST as u64, "the most that a profile may have")?;
    let (profile, added) = host_profile(&text).map_err(|error| Failure::usage(format!("{name}: {}", plain(&error.to_string()))))?;
    print::content(profile.as_bytes())?;
    let told =
        if added.is_empty() { "it allows all that a start needs".to_owned() } else { format!("allows besides: {}", added.join(", ")) };
    print::stderr(&format!("{name}: {told}\n"));
    Ok(0)
}

fn no_base() -> Failure {
    let hint = "podman's is /usr/share/containers/seccomp.json; Docker's and containerd's is seccomp/default.json of https://github.com/moby/profiles".to_owned();
    Failure {
        hint: Some(hint),
        ..Failure::usage("--as host-profile adds to the profile of a container engine: name its file with --base".into())
    }
}
